//! Extractors for queries and JSON bodies. What they cannot read is refused as `FastAPI` refuses it.

use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE, request::Parts},
};
use jiff::{Timestamp, civil, tz::Offset};
use serde::{Deserialize, Deserializer, de::DeserializeOwned, de::Error as _};
use serde_json::Value;

use super::refusal::Refusal;

/// What most operations answer.
pub(super) type Answer = Result<Json<Value>, Refusal>;

/// What a create answers.
pub(super) type Created = Result<(StatusCode, Json<Value>), Refusal>;

/// The query string. Unknown names are ignored; a list repeats its name.
pub(super) struct Query<T>(pub(super) T);

/// A JSON body. Unknown members are ignored.
pub(super) struct Body<T>(pub(super) T);

/// An instant in a query.
///
/// Shape: RFC 3339, the same without an offset (UTC), or a date (its first instant).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Instant(pub(super) Timestamp);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let query = parts.uri.query().unwrap_or_default();
        let decoder = serde_html_form::Deserializer::from_bytes(query.as_bytes());
        let read = serde_path_to_error::deserialize(decoder);
        read.map(Self)
            .map_err(|error| Refusal::invalid("query", error.path(), error.inner()))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let is_json = is_json(request.headers());
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| Refusal::new(rejection.status(), rejection.body_text()))?;
        if !is_json {
            return Err(Refusal::invalid_member("body", &"the content type is not JSON"));
        }
        let read = serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_slice(&bytes));
        read.map(Self)
            .map_err(|error| Refusal::invalid("body", error.path(), error.inner()))
    }
}

pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    given.is_some_and(|given| {
        given
            .split(';')
            .next()
            .is_some_and(|kind| kind.trim() == "application/json")
    })
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let local = || Offset::UTC.to_timestamp(text.parse::<civil::DateTime>().ok()?).ok();
        let instant = text.parse().ok().or_else(local);
        instant
            .map(Self)
            .ok_or_else(|| D::Error::custom("not a valid datetime or date"))
    }
}
