//! A server in front of an API that answers at once, on one thread, for as many connections as there are inputs.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use clap::Parser;
use jsonschema::Validator;
use llamacloud_batches_mcp::app;
use llamacloud_batches_mcp::cli::{Cli, Environment};
use llamacloud_batches_mcp::config::Config;
use llamacloud_batches_mcp::mcp::{self, End, Limits, Server, Transport};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::runtime::Runtime;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::api::Api;
use super::rpc;

/// The API key. It must never come back.
pub(crate) const CANARY: &str = "llx-canary-9f86d081884c7d65";
/// The longest result of a tool.
pub(crate) const MAX_RESULT_CHARS: usize = 6000;
/// How often a call that waits looks. Seldom enough that looking never takes longer than what lies between two looks, even with the
/// sanitizer.
const POLL_INTERVAL: &str = "10ms";
/// Time limit of a conversation, and of a call to the usual servers. Generous, because a fuzzer that yields to other processes
/// may pause for half a minute.
const PATIENCE: Duration = Duration::from_mins(5);

/// Which of the servers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Served {
    Usual,
    /// With `--confirm-create`.
    Asking,
    /// With so little time for a call that nothing is tried twice.
    Hasty,
}

/// How the bytes travel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pipes {
    /// The input is written in pieces of so many bytes, and everybody runs in between.
    pub(crate) piece: usize,
    /// So many bytes fit into a pipe.
    pub(crate) room: usize,
    /// The longest line that the server reads.
    pub(crate) max_line_bytes: usize,
}

impl Default for Pipes {
    fn default() -> Self {
        Self {
            piece: usize::MAX,
            room: 64 * 1024,
            max_line_bytes: 64 * 1024,
        }
    }
}

/// Everything that outlives an input.
pub(crate) struct World {
    runtime: Runtime,
    pub(crate) api: Api,
    servers: [Server; 3],
    settling: TaskTracker,
    /// By the tool's name: its input schema, and the same to check with.
    pub(crate) inputs: BTreeMap<String, (Value, Validator)>,
    pub(crate) outputs: BTreeMap<String, Validator>,
}

/// Does something with this thread's world.
pub(crate) fn with<T>(work: impl FnOnce(&World) -> T) -> T {
    thread_local! {
        static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
    }
    WORLD.with_borrow_mut(|world| {
        // A world in which something panicked is not used again.
        let own = world.take().unwrap_or_else(World::begin);
        let done = work(&own);
        *world = Some(own);
        done
    })
}

impl World {
    fn begin() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let api = runtime.block_on(Api::start());
        let settling = TaskTracker::new();
        let server = |more: &str| {
            let line = format!(
                "program --allow-cancel --poll-interval {POLL_INTERVAL} --base-url {} {more}",
                api.base_url
            );
            let cli = Cli::try_parse_from(line.split(' ')).unwrap();
            let environment = Environment::of([("LLAMA_CLOUD_API_KEY", CANARY)]);
            app::server(&Config::resolve(&cli.flags, &environment).unwrap(), &settling).unwrap()
        };
        let servers = ["--timeout 5m", "--timeout 5m --confirm-create", "--timeout 250ms"].map(server);
        let mut world = Self {
            runtime,
            api,
            servers,
            settling,
            inputs: BTreeMap::new(),
            outputs: BTreeMap::new(),
        };
        world.read_schemas();
        world
    }

    fn read_schemas(&mut self) {
        let list = request(0, "tools/list", json!({}), &json!({}));
        let lines = self.converse(Served::Usual, Pipes::default(), list.as_bytes());
        let list: Value = serde_json::from_str(&lines[0]).unwrap();
        for tool in list["result"]["tools"].as_array().unwrap() {
            let name = tool["name"].as_str().unwrap().to_owned();
            let validator = |schema: &str| jsonschema::draft202012::options().build(&tool[schema]).unwrap();
            self.inputs
                .insert(name.clone(), (tool["inputSchema"].clone(), validator("inputSchema")));
            self.outputs.insert(name, validator("outputSchema"));
        }
        assert_eq!(self.inputs.len(), 8);
    }

    /// Opens a connection, sends the bytes, ends the input, and reads the lines until the connection has ended.
    pub(crate) fn converse(&self, served: Served, pipes: Pipes, bytes: &[u8]) -> Vec<String> {
        self.exchange(served, pipes, None, |_| bytes.to_vec())
    }

    /// The same for bytes that depend on the answer to a first line.
    pub(crate) fn answering(&self, served: Served, first: &str, then: impl FnOnce(&str) -> Vec<u8>) -> Vec<String> {
        self.exchange(served, Pipes::default(), Some(first), then)
    }

    fn exchange(
        &self,
        by: Served,
        pipes: Pipes,
        first: Option<&str>,
        then: impl FnOnce(&str) -> Vec<u8>,
    ) -> Vec<String> {
        let server = self.servers[by as usize].clone();
        let (mut to_server, input) = tokio::io::duplex(pipes.room);
        let (output, from_server) = tokio::io::duplex(pipes.room);
        let limits = Limits {
            max_line_bytes: pipes.max_line_bytes,
            max_in_flight_bytes: 1 << 20,
            max_unsent_bytes: 4096,
            drain: PATIENCE,
            question: PATIENCE,
        };
        let whole = async {
            let connection = tokio::spawn(async move {
                mcp::serve(
                    &server,
                    Transport::new(input, output),
                    &limits,
                    &CancellationToken::new(),
                )
                .await
            });
            let mut reader = BufReader::new(from_server);
            let mut text = String::new();
            if let Some(first) = first {
                to_server.write_all(first.as_bytes()).await.unwrap();
                reader.read_line(&mut text).await.expect("UTF-8");
            }
            let bytes = then(&text);
            let sending = tokio::spawn(async move {
                for piece in bytes.chunks(pipes.piece.max(1)) {
                    to_server.write_all(piece).await.unwrap();
                    tokio::task::yield_now().await;
                }
            });
            reader.read_to_string(&mut text).await.expect("UTF-8");
            sending.await.unwrap();
            assert_eq!(connection.await.unwrap(), End::InputEnded);
            // A create goes on without its call; the next input shall not meet it.
            self.settling.close();
            self.settling.wait().await;
            self.settling.reopen();
            text
        };
        let text = self.runtime.block_on(async { timeout(PATIENCE, whole).await });
        let text = text.expect("the conversation does not end");
        assert!(text.is_empty() || text.ends_with('\n'), "half a line: {text}");
        text.lines().map(str::to_owned).collect()
    }
}

/// A request of the modern era, as a line.
pub(crate) fn request(id: u64, method: &str, params: Value, capabilities: &Value) -> String {
    rpc::request(id, method, rpc::modern(params, capabilities)) + "\n"
}
