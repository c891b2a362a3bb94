//! A method's name → its entry in the table → its answer as a line.
//!
//! The table is jsonrpsee's. Its id type knows no negative numbers and none above 64 bits, so every call is made with a stand-in
//! and the client's own id, byte for byte, takes its place in the answer. What else the engine leaves open is closed here: absent
//! parameters, refused parameters whose reason hosts would not show, and panics.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jsonrpsee::core::server::{MethodCallback, MethodResponse, Methods};
use jsonrpsee::types::{ErrorObjectOwned, Id, Params, Response, ResponsePayload};
use jsonrpsee::{ConnectionId, Extensions};
use serde_json::value::RawValue;

use super::context::RequestContext;
use super::envelope::RequestId;
use super::error::{ProtocolError, plain_words};

const STAND_IN: Id<'static> = Id::Number(0);
const STAND_IN_PREFIX: &str = r#"{"jsonrpc":"2.0","id":0,"#;

/// A line that answers, now or later.
pub(crate) enum Answer {
    Now(String),
    Later(BoxFuture<'static, String>),
}

/// Calls a method.
pub(crate) fn dispatch(methods: &Methods, context: RequestContext, method: &str, params: Option<&RawValue>) -> Answer {
    let id = context.request_id.clone();
    let params = Params::new(Some(params.map_or("{}", RawValue::get)));
    let mut extensions = Extensions::new();
    extensions.insert(context);
    match methods.method(method) {
        Some(MethodCallback::Sync(callback)) => {
            let response = catch_unwind(AssertUnwindSafe(|| callback(STAND_IN, params, usize::MAX, extensions)));
            Answer::Now(line(&id, response))
        }
        Some(MethodCallback::Async(callback)) => {
            let response = callback(STAND_IN, params.into_owned(), ConnectionId(0), usize::MAX, extensions);
            Answer::Later(
                AssertUnwindSafe(response)
                    .catch_unwind()
                    .map(move |response| line(&id, response))
                    .boxed(),
            )
        }
        _ => Answer::Now(error_line(Some(id.get()), ProtocolError::method_not_found(method))),
    }
}

/// An answer to a message that no method saw. Without an id where none could be read.
pub(crate) fn refuse(id: Option<RequestId<'_>>, error: ProtocolError) -> String {
    error_line(id.map(RequestId::as_json), error)
}

fn line(id: &RawValue, response: Result<MethodResponse, Box<dyn Any + Send>>) -> String {
    let Ok(response) = response else {
        tracing::error!(request.id = id.get(), "a method panicked");
        return error_line(Some(id.get()), ProtocolError::internal());
    };
    if response.as_error_code() == Some(-32602)
        && let Some(error) = with_reason(response.as_json())
    {
        return error_line(Some(id.get()), error);
    }
    let json = response.into_json();
    let rest = json.get().strip_prefix(STAND_IN_PREFIX).unwrap_or_default();
    ["{\"jsonrpc\":\"2.0\",\"id\":", id.get(), ",", rest].concat()
}

fn error_line(id: Option<&str>, error: ProtocolError) -> String {
    let error = serde_json::to_string(&ErrorObjectOwned::from(error)).unwrap_or_default();
    match id {
        Some(id) => ["{\"jsonrpc\":\"2.0\",\"id\":", id, ",\"error\":", &error, "}"].concat(),
        None => ["{\"jsonrpc\":\"2.0\",\"error\":", &error, "}"].concat(),
    }
}

/// The engine puts the reason for refusing parameters into `data`; hosts show the message only.
fn with_reason(response: &RawValue) -> Option<ProtocolError> {
    let response = serde_json::from_str::<Response<'_, &RawValue>>(response.get()).ok()?;
    let ResponsePayload::Error(error) = response.payload else {
        return None;
    };
    let reason = serde_json::from_str::<String>(error.data()?.get()).ok()?;
    Some(ProtocolError::invalid_params(&plain_words(&reason)))
}
