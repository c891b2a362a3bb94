//! The API's refusals: `{"detail": "text"}`, or for a value of the wrong form the list that `FastAPI` makes.

use std::fmt::Display;

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use serde_path_to_error::{Path, Segment};

/// An answer other than success.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    detail: Value,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let detail = Value::String(detail.into());
        Self { status, detail }
    }

    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// Shape: `Directory dir-1 not found`.
    pub(super) fn not_found(kind: &str, id: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("{kind} {id} not found"))
    }

    pub(super) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    /// 422 for the value at a path inside the query or the body. The wording is not the API's.
    pub(super) fn invalid(place: &str, path: &Path, reason: &dyn Display) -> Self {
        let segments = path.iter().filter_map(|segment| match segment {
            Segment::Seq { index } => Some(json!(index)),
            Segment::Map { key } | Segment::Enum { variant: key } => Some(json!(key)),
            Segment::Unknown => None,
        });
        let loc: Vec<Value> = [json!(place)].into_iter().chain(segments).collect();
        Self::unprocessable(&loc, reason)
    }

    /// 422 for one member of the body.
    pub(super) fn invalid_member(name: &str, reason: &dyn Display) -> Self {
        Self::unprocessable(&[json!("body"), json!(name)], reason)
    }

    /// 422 for one parameter of the query.
    pub(super) fn invalid_value(name: &str, reason: &dyn Display) -> Self {
        Self::unprocessable(&[json!("query"), json!(name)], reason)
    }

    fn unprocessable(loc: &[Value], reason: &dyn Display) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            detail: json!([{ "type": "value_error", "loc": loc, "msg": reason.to_string() }]),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "detail": self.detail }))).into_response()
    }
}
