//! What was sent, counted against what came back: one answer for each request, none for anything else.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::rpc::Message;
use super::said::{messages, tool_answer};
use super::world::World;

/// What a client has sent so far.
#[derive(Default)]
pub(crate) struct Traffic {
    /// Each whole line, in order.
    pub(crate) lines: String,
    /// By the id's JSON text as it was sent.
    requests: BTreeMap<String, Vec<Asked>>,
    /// How often each request was cancelled, by the key that distinguishes ids.
    cancelled: BTreeMap<String, usize>,
    /// As they were sent.
    tokens: Vec<String>,
    session: Option<Session>,
    /// How often an answer without an id is due.
    pub(crate) refused: usize,
}

/// What `initialize` settled.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) revision: &'static str,
}

/// A request, and what its answer may hold.
#[derive(Clone, Debug)]
struct Asked {
    method: String,
    tool: String,
    /// In which it is served; `None` for the modern era.
    legacy: Option<Session>,
}

impl Traffic {
    /// A whole line. Shape: JSON without line ending.
    pub(crate) fn line(&mut self, line: &str) {
        self.lines += line;
        self.lines.push('\n');
    }

    /// Notes a request that is about to be sent.
    pub(crate) fn asks(&mut self, id: &str, method: &str, params: &Value, token: &str) {
        let modern = params["_meta"].get("io.modelcontextprotocol/protocolVersion").is_some();
        self.tokens.extend((!token.is_empty()).then(|| token.to_owned()));
        let latest = Session { revision: "2025-11-25" };
        let legacy = (!modern).then(|| self.session.clone().unwrap_or(latest));
        let tool = params["name"].as_str().unwrap_or_default().to_owned();
        let method = method.to_owned();
        self.requests
            .entry(id.to_owned())
            .or_default()
            .push(Asked { method, tool, legacy });
    }

    /// Notes an `initialize` that will be accepted.
    pub(crate) fn opens(&mut self, revision: &'static str) {
        self.session = Some(Session { revision });
    }

    /// Notes that a request may be given up.
    pub(crate) fn gives_up(&mut self, id: &str) {
        *self.cancelled.entry(key(id)).or_default() += 1;
    }

    pub(crate) fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// The ids so far, as they were sent.
    pub(crate) fn ids(&self) -> Vec<&String> {
        self.requests.keys().collect()
    }

    /// Holds what came back against what was sent.
    pub(crate) fn reckon(&self, world: &World, answers: &[String]) {
        let mut answered: BTreeMap<&str, usize> = BTreeMap::new();
        let mut duplicates = 0;
        let mut refused = 0;
        let said: Vec<Message> = answers.iter().flat_map(|line| messages(line)).collect();
        for said in &said {
            match said {
                Message::Result { id, result } => {
                    *answered.entry(id).or_default() += 1;
                    self.check_result(world, id, result);
                }
                Message::Error { id: Some(id), .. } => *answered.entry(id).or_default() += 1,
                Message::Error { id: None, message, .. } if message.contains("is in flight already") => duplicates += 1,
                Message::Error { id: None, .. } => refused += 1,
                Message::Notification { method, params, about } => {
                    self.check_notification(method, params, about.as_deref());
                }
                Message::Request { method, .. } => assert_eq!(method, "elicitation/create"),
            }
        }
        assert_eq!(
            refused, self.refused,
            "answers without an id: {answers:#?}\nto\n{}",
            self.lines
        );
        assert!(
            answered.keys().all(|id| self.requests.contains_key(*id)),
            "an id that nobody sent: {answers:#?}"
        );
        let (mut missing, mut may_be_missing) = (0, 0);
        for (id, asked) in &self.requests {
            let count = answered.get(id.as_str()).copied().unwrap_or(0);
            assert!(count <= asked.len(), "{count} answers to {id}: {answers:#?}");
            let namesakes = self.requests.keys().filter(|other| key(other) == key(id));
            let namesakes: usize = namesakes.map(|other| self.requests[other].len()).sum();
            let given_up = self.cancelled.get(&key(id)).copied().unwrap_or(0);
            assert!(
                namesakes > 1 || given_up > 0 || count == 1,
                "no answer to {id}: {answers:#?}\nto\n{}",
                self.lines
            );
            missing += asked.len() - count;
            may_be_missing += given_up;
        }
        assert!(
            duplicates <= missing && missing <= duplicates + may_be_missing,
            "{missing} without an answer, {duplicates} refused as in flight: {answers:#?}\nto\n{}",
            self.lines
        );
    }

    /// What belongs to one era does not show in the other.
    fn check_result(&self, world: &World, id: &str, result: &Value) {
        let Some([Asked { method, tool, legacy }]) = self.requests.get(id).map(Vec::as_slice) else {
            return;
        };
        let result_type = result.get("resultType").and_then(Value::as_str);
        if let Some(Session { revision }) = legacy {
            assert!(
                result_type.is_none() && result.get("_meta").is_none(),
                "{method}: {result}"
            );
            assert!(
                *revision >= "2025-06-18" || result.get("structuredContent").is_none(),
                "{result}"
            );
        } else {
            assert!(
                result["_meta"]["io.modelcontextprotocol/serverInfo"].is_object(),
                "{method}: {result}"
            );
            let others = method == "tools/call" && matches!(result_type, Some("task" | "input_required"));
            assert!(result_type == Some("complete") || others, "{method}: {result}");
        }
        if method == "tools/call" && matches!(result_type, None | Some("complete")) {
            tool_answer(world, tool, result);
        }
    }

    fn check_notification(&self, method: &str, params: &Value, about: Option<&str>) {
        let about = about.unwrap_or_default();
        match method {
            "notifications/progress" => assert!(self.tokens.iter().any(|token| token == about), "{about}: {params}"),
            "notifications/cancelled" => {
                assert!(
                    params["requestId"].as_str().is_some_and(|id| id.starts_with("server-")),
                    "{params}"
                );
            }
            "notifications/tasks" | "notifications/subscriptions/acknowledged" => {
                assert!(self.requests.contains_key(about), "{about}: {params}");
            }
            other => panic!("nobody asked for {other}"),
        }
    }
}

/// What tells two ids apart.
fn key(id: &str) -> String {
    match serde_json::from_str::<Value>(id) {
        Ok(Value::String(text)) => json!(text).to_string(),
        _ => id.to_owned(),
    }
}
