//! A conversation of both eras on one pipe: requests with odd ids, some given up, some twice, some in arrays, all in pieces.

use arbitrary::{Result, Unstructured};
use serde_json::{Value, json};

use super::rpc;
use super::traffic::{Session, Traffic};
use super::words;
use super::world::{Pipes, Served, World, with};

const MAX_STEPS: usize = 24;

/// What is no message, and answered without an id.
const GARBAGE: [&str; 14] = [
    "{",
    "[",
    "nonsense",
    "42",
    "\"text\"",
    "null",
    "{}",
    r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
    r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
    r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#,
    r#"{"jsonrpc":"2.0","id":1,"id":1,"method":"ping"}"#,
    r#"{"jsonrpc":"2.0"}"#,
    r#"{"jsonrpc":"2.0","id":true,"method":"tools/call","params":{"name":"get_batch"}}"#,
    "[[[[[[[[",
];

const LEGACY: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

/// Holds one conversation.
pub fn run(bytes: &[u8]) {
    with(|world| check(world, &mut Unstructured::new(bytes)).unwrap_or_default());
}

fn check(world: &World, choices: &mut Unstructured<'_>) -> Result<()> {
    world.api.tell([]);
    let served = if choices.arbitrary()? {
        Served::Asking
    } else {
        Served::Usual
    };
    let pipes = Pipes {
        piece: *choices.choose(&[usize::MAX, 1, 3, 100])?,
        room: *choices.choose(&[64 * 1024, 16, 1000])?,
        ..Pipes::default()
    };
    let mut client = Client {
        choices,
        traffic: Traffic::default(),
        asked: 0,
    };
    for _ in 0..MAX_STEPS {
        if client.choices.is_empty() {
            break;
        }
        client.step()?;
    }
    let traffic = client.traffic;
    let answers = world.converse(served, pipes, traffic.lines.as_bytes());
    traffic.reckon(world, &answers);
    world.api.take_seen();
    Ok(())
}

struct Client<'c, 'b> {
    choices: &'c mut Unstructured<'b>,
    traffic: Traffic,
    /// How many requests so far.
    asked: usize,
}

impl Client<'_, '_> {
    fn step(&mut self) -> Result<()> {
        let line = match self.choices.int_in_range(0..=15)? {
            0 | 1 => self.initialize()?,
            2 => {
                self.traffic.refused += 1;
                (*self.choices.choose(&GARBAGE)?).to_owned()
            }
            3 | 4 => self.cancel()?,
            5 => self.notification()?,
            6 => self.array()?,
            7 => self.reply()?,
            8 => (*self.choices.choose(&["", "  ", "\r", "\u{feff}"])?).to_owned(),
            _ => self.request()?,
        };
        self.traffic.line(&line);
        Ok(())
    }

    fn initialize(&mut self) -> Result<String> {
        let revision = *self.choices.choose(&LEGACY)?;
        let capabilities = self.choices.choose(&[json!({}), json!({ "elicitation": {} })])?.clone();
        let id = self.new_id()?;
        let params = json!({ "protocolVersion": revision, "capabilities": capabilities });
        let line = self.line(&id, "initialize", &params);
        self.traffic.opens(revision);
        Ok(line)
    }

    fn request(&mut self) -> Result<String> {
        let repeated = self.choices.ratio(1, 10)?;
        let id = match self.traffic.ids().as_slice() {
            ids if repeated && !ids.is_empty() => (*self.choices.choose(ids)?).clone(),
            _ => self.new_id()?,
        };
        let (method, mut params) = self.what()?;
        self.surround(&mut params)?;
        Ok(self.line(&id, method, &params))
    }

    fn line(&mut self, id: &str, method: &str, params: &Value) -> String {
        let mut text = params.to_string();
        let token = params["_meta"]["progressToken"].as_str().unwrap_or_default();
        // Numbers that no `Value` can hold are among them.
        text = text.replacen(&json!(token).to_string(), token, usize::from(!token.is_empty()));
        self.traffic.asks(id, method, params, token);
        rpc::request(id, method, text)
    }

    /// The JSON text of an id that was not used yet.
    fn new_id(&mut self) -> Result<String> {
        self.asked += 1;
        let number = self.asked;
        Ok(match self.choices.int_in_range(0..=8)? {
            0..=2 => number.to_string(),
            3 => format!("-{number}"),
            4 => format!("1180591620717411303424{number}"),
            5 => format!("\"\\u0061{number}\""),
            6 => format!("\"é\u{202e}\\\"{number}\""),
            7 => format!("\"server-{number}\""),
            _ => format!("\"{}{number}\"", "long".repeat(200)),
        })
    }

    fn what(&mut self) -> Result<(&'static str, Value)> {
        let task = *self
            .choices
            .choose(&["batch.bat-1...", "batch.bat-11...results", "batch.bat-none...", "x"])?;
        let methods = [
            ("ping", json!({})),
            ("server/discover", json!({})),
            ("tools/list", json!({})),
            (
                "subscriptions/listen",
                json!({ "notifications": { "taskIds": [task, task, "batch.bat-1..."] } }),
            ),
            ("subscriptions/listen", json!({ "notifications": {} })),
            ("tasks/get", json!({ "taskId": task })),
            ("tasks/update", json!({ "taskId": task, "inputResponses": {} })),
            ("tasks/cancel", json!({ "taskId": task })),
            ("resources/list", json!({})),
            ("odd\u{202e}\n", json!({})),
        ];
        if self.choices.arbitrary()? {
            return Ok(self.choices.choose(&methods)?.clone());
        }
        Ok(("tools/call", self.call()?))
    }

    fn call(&mut self) -> Result<Value> {
        let batch = words::id(self.choices, "bat")?;
        let wait = *self.choices.choose(&[0, 0, 1, 300])?;
        let create = json!({
            "source_directory_id": words::id(self.choices, "dir")?,
            "config": { "job": { "type": "parse_v2", "configuration_id": "cfg-1" } },
            "wait_seconds": wait,
        });
        let calls = [
            (
                "get_batch",
                json!({ "batch_id": batch, "expand": ["outcomes"], "wait_seconds": wait }),
            ),
            ("get_batch", json!({ "batch_id": batch, "wait_seconds": wait })),
            ("list_batches", json!({ "page_size": 3 })),
            ("create_batch", create),
            ("cancel_batch", json!({ "batch_id": batch })),
            ("get_batch", json!({ "batchId": 7 })),
            ("no_such_tool", json!({})),
            ("list_batches", json!([])),
        ];
        let (name, arguments) = self.choices.choose(&calls)?;
        Ok(json!({ "name": name, "arguments": arguments }))
    }

    /// `_meta` of a modern request, a legacy one, or one that is neither.
    fn surround(&mut self, params: &mut Value) -> Result<()> {
        let tasks = json!({ "extensions": { "io.modelcontextprotocol/tasks": {} }, "elicitation": {} });
        let modern = |version: &str, capabilities: Value| {
            json!({
                "io.modelcontextprotocol/protocolVersion": version,
                "io.modelcontextprotocol/clientCapabilities": capabilities,
            })
        };
        let mut meta = match self.choices.int_in_range(0..=8)? {
            0..=2 => return Ok(()),
            3 | 4 => modern("2026-07-28", json!({})),
            5 => modern("2026-07-28", tasks),
            6 => modern("2025-11-25", json!({})),
            7 => json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28" }),
            _ => json!({}),
        };
        if self.choices.ratio(1, 3)? {
            meta["progressToken"] =
                json!(
                    self.choices
                        .choose(&["7", "\"t\u{202e}\"", "1.5", "118059162071741130342412345"])?
                );
        }
        params["_meta"] = meta;
        Ok(())
    }

    fn cancel(&mut self) -> Result<String> {
        let id = match self.traffic.ids().as_slice() {
            [] => "7".to_owned(),
            ids => (*self.choices.choose(ids)?).clone(),
        };
        self.traffic.gives_up(&id);
        Ok(rpc::cancellation(id))
    }

    fn notification(&mut self) -> Result<String> {
        let method = *self.choices.choose(&[
            "notifications/initialized",
            "notifications/cancelled",
            "tools/list",
            "ping",
        ])?;
        let params = [json!({}), json!([]), json!({ "requestId": null }), json!(7)];
        let params = self.choices.choose(&params)?;
        Ok(rpc::notification(method, params))
    }

    /// An answer to a request of the server, which may or may not have asked.
    fn reply(&mut self) -> Result<String> {
        let id = format!("server-{}", self.choices.int_in_range(1..=3)?);
        let accept = json!({ "action": "accept", "content": { "confirm": true } });
        let replies = [
            json!({ "result": accept }),
            json!({ "result": { "action": "decline" } }),
            json!({ "result": 7 }),
            json!({ "error": { "code": 1, "message": "no" } }),
        ];
        Ok(rpc::reply(json!(id), self.choices.choose(&replies)?))
    }

    fn array(&mut self) -> Result<String> {
        let allowed = self
            .traffic
            .session()
            .is_some_and(|Session { revision }| *revision == "2025-03-26");
        let mut elements = Vec::new();
        for _ in 0..self.choices.int_in_range(0..=3)? {
            elements.push(match self.choices.int_in_range(0..=4)? {
                0 => self.notification()?,
                1 if allowed => {
                    self.traffic.refused += 1;
                    r#"{"jsonrpc":"2.0","id":null}"#.to_owned()
                }
                2 if allowed => self.cancel()?,
                _ if allowed => self.request()?,
                _ => r#"{"jsonrpc":"2.0","id":"in a refused array","method":"ping"}"#.to_owned(),
            });
        }
        self.traffic.refused += usize::from(!allowed || elements.is_empty());
        Ok(format!("[{}]", elements.join(",")))
    }
}
