//! A server over a sandbox, and a client that calls tools.

use std::time::Duration;

use llamacloud_batches_mcp::app;
use llamacloud_batches_mcp::cli::{Environment, Flags};
use llamacloud_batches_mcp::config::Config;
use llamacloud_batches_mcp::mcp::{Limits, Transport, serve};
use llamacloud_batches_mcp::sandbox::{self, Sandbox, Speed};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::rpc::{self, Message};
use crate::tools::Tools;

/// A server, its sandbox, and the pipe between it and us.
pub(crate) struct Session {
    pub(crate) sandbox: Sandbox,
    input: DuplexStream,
    output: Lines<BufReader<DuplexStream>>,
    id: u64,
}

impl Session {
    /// A server with a sandbox of its own; `max_result_chars` as on the command line.
    pub(crate) async fn start(speed: Speed, faults: &str, max_result_chars: usize) -> Self {
        let settings = sandbox::Settings {
            speed,
            faults: faults.parse().unwrap(),
            ..sandbox::Settings::default()
        };
        let sandbox = sandbox::start(settings).await.unwrap();
        let flags = Flags {
            base_url: Some(sandbox.base_url()),
            ..Flags::default()
        };
        let environment = Environment::of([("LLAMA_CLOUD_API_KEY", sandbox.api_key())]);
        let mut config = Config::resolve(&flags, &environment).unwrap();
        config.timeout = Duration::from_secs(20);
        config.poll_interval = Duration::from_millis(1);
        config.max_result_chars = max_result_chars;
        let (input, to_server) = tokio::io::duplex(1 << 20);
        let (from_server, output) = tokio::io::duplex(1 << 20);
        let server = app::server(&config, &TaskTracker::new()).unwrap();
        tokio::spawn(async move {
            let transport = Transport::new(to_server, from_server);
            serve(&server, transport, &Limits::default(), &CancellationToken::new()).await
        });
        let mut session = Self {
            sandbox,
            input,
            output: BufReader::new(output).lines(),
            id: 0,
        };
        session.request("initialize", &rpc::initialize("2025-06-18")).await;
        session.send(rpc::initialized()).await;
        session
    }

    async fn request(&mut self, method: &str, params: &Value) -> Message {
        self.id += 1;
        self.send(rpc::request(self.id, method, params)).await;
        let line = self.output.next_line().await.unwrap().unwrap();
        let answer = Message::read(&line).unwrap();
        assert_eq!(answer.answers(), Some(&*self.id.to_string()), "{line}");
        answer
    }

    async fn send(&mut self, line: String) {
        self.input.write_all((line + "\n").as_bytes()).await.unwrap();
    }
}

impl Tools for Session {
    /// Both halves of a success are compared.
    async fn call(&mut self, tool: &str, arguments: Value) -> Result<Value, String> {
        let answer = self.request("tools/call", &rpc::call(tool, &arguments)).await;
        let result = answer.result();
        let text = result["content"][0]["text"].as_str().unwrap();
        if result["isError"] == true {
            return Err(text.to_owned());
        }
        assert_eq!(serde_json::to_string(&result["structuredContent"]).unwrap(), text);
        Ok(result["structuredContent"].clone())
    }
}
