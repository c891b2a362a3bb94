//! A method's name → its entry in the table → its answer as a line.
//!
//! The table is jsonrpsee's. Its id type allows no negative numbers and none above 64 bits, so every call uses a placeholder,
//! and the client's own id, byte for byte, replaces it in the answer. Other gaps of the engine are closed here: absent
//! parameters, refused parameters whose reason hosts would not show, and panics.
//!
//! After writing a response, the engine parses it again to be sure that it is JSON. Results that may be long are written here
//! instead, and the engine sees [`Placeholder`] in their place.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jsonrpsee::core::server::{MethodCallback, MethodResponse, Methods};
use jsonrpsee::types::{ErrorObjectOwned, Id, Params, Response, ResponsePayload};
use jsonrpsee::{ConnectionId, Extensions};
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::value::RawValue;

use super::context::RequestContext;
use super::envelope::RequestId;
use super::error::{ProtocolError, plain_words};

const STAND_IN: Id<'static> = Id::Number(0);
const STAND_IN_PREFIX: &str = r#"{"jsonrpc":"2.0","id":0,"#;

/// An answer, now or later.
pub(crate) enum Answer {
    Now(Reply),
    Later(BoxFuture<'static, Reply>),
}

/// A JSON-RPC response, ready to be written.
///
/// A result can be long, so it is not copied to get the client's id: the line is put together where it is written.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The client's id; none where it could not be read.
    id: Option<Box<RawValue>>,
    json: String,
    /// Where the members after `id` begin.
    from: usize,
}

impl Reply {
    /// The line in pieces, without its ending.
    pub(crate) fn pieces(&self) -> [&str; 4] {
        let rest = self.json.get(self.from..).unwrap_or_default();
        match &self.id {
            Some(id) => ["{\"jsonrpc\":\"2.0\",\"id\":", id.get(), ",", rest],
            None => ["{\"jsonrpc\":\"2.0\",", rest, "", ""],
        }
    }

    fn error(id: Option<Box<RawValue>>, error: ProtocolError) -> Self {
        #[derive(Serialize)]
        struct ErrorMember {
            error: ErrorObjectOwned,
        }
        let member = ErrorMember { error: error.into() };
        // An error holds texts and numbers only.
        let json = serde_json::to_string(&member).unwrap_or_default();
        Self {
            id,
            json,
            from: "{".len(),
        }
    }
}

/// A result that is written without the engine. It is among the extensions of every request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Written(Arc<Mutex<Option<String>>>);

/// What the engine sees of such a result.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Placeholder;

impl Written {
    /// Writes the result.
    ///
    /// # Errors
    /// For a value that JSON cannot hold, which is a bug.
    pub(crate) fn put(&self, result: &impl Serialize) -> Result<Placeholder, ProtocolError> {
        // Most results fit into this, and need not be moved while they are written.
        let mut json = Vec::with_capacity(4096);
        json.extend(br#""result":"#);
        serde_json::to_writer(&mut json, result).map_err(|_| ProtocolError::internal())?;
        json.push(b'}');
        let json = String::from_utf8(json).map_err(|_| ProtocolError::internal())?;
        *self.0.lock() = Some(json);
        Ok(Placeholder)
    }
}

/// Calls a method.
pub(crate) fn dispatch(methods: &Methods, context: RequestContext, method: &str, params: Option<&RawValue>) -> Answer {
    let id = context.request_id.clone();
    let params = Params::new(Some(params.map_or("{}", RawValue::get)));
    let written = Written::default();
    let mut extensions = Extensions::new();
    extensions.insert(Arc::new(context));
    extensions.insert(written.clone());
    match methods.method(method) {
        Some(MethodCallback::Sync(callback)) => {
            let response = catch_unwind(AssertUnwindSafe(|| callback(STAND_IN, params, usize::MAX, extensions)));
            Answer::Now(respond(id, &written, response))
        }
        Some(MethodCallback::Async(callback)) => {
            let response = callback(STAND_IN, params.into_owned(), ConnectionId(0), usize::MAX, extensions);
            Answer::Later(
                AssertUnwindSafe(response)
                    .catch_unwind()
                    .map(move |response| respond(id, &written, response))
                    .boxed(),
            )
        }
        _ => Answer::Now(Reply::error(Some(id), ProtocolError::method_not_found(method))),
    }
}

/// An answer to a message that no method saw. Without an id where none could be read.
pub(crate) fn refuse(id: Option<RequestId<'_>>, error: ProtocolError) -> Reply {
    Reply::error(id.map(RequestId::to_owned_json), error)
}

fn respond(id: Box<RawValue>, written: &Written, response: Result<MethodResponse, Box<dyn Any + Send>>) -> Reply {
    let Ok(response) = response else {
        tracing::error!(request.id = id.get(), "a method panicked");
        return Reply::error(Some(id), ProtocolError::internal());
    };
    if let Some(json) = written.0.lock().take() {
        let id = Some(id);
        return Reply { id, json, from: 0 };
    }
    if response.as_error_code() == Some(-32602)
        && let Some(error) = with_reason(response.as_json())
    {
        return Reply::error(Some(id), error);
    }
    let json = String::from(Box::<str>::from(response.into_json()));
    if !json.starts_with(STAND_IN_PREFIX) {
        tracing::error!("the JSON-RPC engine's response has an unexpected form");
        return Reply::error(Some(id), ProtocolError::internal());
    }
    Reply {
        id: Some(id),
        json,
        from: STAND_IN_PREFIX.len(),
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
