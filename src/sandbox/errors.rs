//! What an answer is made of: status, headers, body; and the two shapes of the API's refusals.
//!
//! A refusal is `{"detail": "text"}`, or, when a value has the wrong form, the list that the API's framework makes. Which request earns which
//! refusal is decided where the request is read.

use axum::http::StatusCode;
use serde_json::{Value, json};

/// An answer before it becomes HTTP.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) content: Content,
}

/// The body of an answer.
#[derive(Debug)]
pub(super) enum Content {
    Json(Value),
    Html(&'static str),
}

impl Reply {
    /// A JSON body with a status.
    pub(super) fn json(status: StatusCode, body: Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content: Content::Json(body),
        }
    }

    /// A refusal in words: `{"detail": "text"}`.
    pub(super) fn refusal(status: StatusCode, detail: impl Into<String>) -> Self {
        Self::json(status, json!({ "detail": detail.into() }))
    }

    /// The refusal of a resource that is not there.
    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::refusal(StatusCode::NOT_FOUND, detail)
    }

    /// The same answer with one more header.
    pub(super) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// The faults found in one request, which the API reports together.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<Value>);

impl Problems {
    /// Notes one fault: where, the kind in pydantic's words, the sentence, and the offending input.
    pub(super) fn add(&mut self, loc: Value, kind: &str, msg: impl Into<String>, input: Value) {
        self.0.push(problem(loc, kind, msg.into(), input, None));
    }

    /// As [`Self::add`], with the values the sentence was made from.
    pub(super) fn add_with(&mut self, loc: Value, kind: &str, msg: impl Into<String>, input: Value, ctx: Value) {
        self.0.push(problem(loc, kind, msg.into(), input, Some(ctx)));
    }

    /// Notes a word that is none of the accepted ones.
    pub(super) fn add_unlisted(&mut self, loc: Value, accepted: &[&str], input: Value) {
        let quoted: Vec<String> = accepted.iter().map(|word| format!("'{word}'")).collect();
        let expected = match quoted.split_last() {
            Some((last, head)) if !head.is_empty() => format!("{} or {last}", head.join(", ")),
            _ => quoted.concat(),
        };
        let msg = format!("Input should be {expected}");
        self.add_with(loc, "literal_error", msg, input, json!({ "expected": expected }));
    }

    /// Ends the reading of a request.
    ///
    /// # Errors
    /// The 422 that lists every fault, when there is one.
    pub(super) fn finish(self) -> Result<(), Reply> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(Reply::json(
            StatusCode::UNPROCESSABLE_ENTITY,
            json!({ "detail": self.0 }),
        ))
    }
}

/// A `ValidationError`.
fn problem(loc: Value, kind: &str, msg: String, input: Value, ctx: Option<Value>) -> Value {
    let members = [
        ("type", kind.into()),
        ("loc", loc),
        ("msg", msg.into()),
        ("input", input),
    ];
    let members = members.into_iter().chain(ctx.map(|ctx| ("ctx", ctx)));
    Value::Object(members.map(|(name, value)| (name.to_owned(), value)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_listed_as_pydantic_does() {
        let mut problems = Problems::default();
        problems.add_unlisted(json!(["query", "status"]), &["A", "B", "C"], json!("x"));
        let reply = problems.finish().unwrap_err();
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
        let Content::Json(body) = reply.content else {
            panic!("not JSON")
        };
        assert_eq!(body["detail"][0]["msg"], "Input should be 'A', 'B' or 'C'");
        assert_eq!(body["detail"][0]["loc"], json!(["query", "status"]));
    }
}
