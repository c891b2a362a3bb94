//! Directories, files and batches of LlamaCloud by hand, with one fault, and a record of everything that was stored or made.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::http::{Answer, Connection, Head};
use crate::ledger::date;

/// Which request meets the fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    ListDirectories,
    MakeDirectory,
    ListFiles,
    /// The so-manieth upload to arrive, from 1.
    Upload(usize),
    /// The so-manieth stored file to be added, from 1.
    AddFile(usize),
    ListBatches,
    CreateBatch,
    /// Reading a batch, the jobs of its files, or the names of those.
    ReadSource,
}

impl Step {
    /// A read has no body to be cut in half, and its answer commits nothing.
    const fn is_read(self) -> bool {
        matches!(
            self,
            Self::ListDirectories | Self::ListFiles | Self::ListBatches | Self::ReadSource
        )
    }
}

impl Fault {
    /// Whether it can strike such a step.
    pub(crate) const fn can_strike(self, step: Step) -> bool {
        !(step.is_read() && matches!(self, Self::HalfRequest | Self::StatusAfterCommit(_)))
    }
}

/// The batch whose files a retry is about: three of them failed, one succeeded.
pub(crate) const SOURCE_BATCH: &str = "bat-source";
const SOURCE_DIRECTORY: &str = "dir-source";

/// What that request meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// Its connection is reset when half of its body was read.
    HalfRequest,
    /// It does what it is for, and the connection is reset.
    LostAfterCommit,
    /// It does what it is for, and nothing is said about it.
    SilenceAfterCommit,
    /// It does what it is for, and the connection ends within the answer.
    HalfAnswer,
    /// It does what it is for, and this status is the answer.
    StatusAfterCommit(u16),
    /// Nothing is done; this status is the answer.
    Status(u16),
}

/// The server of one cell. It stops when dropped.
pub(crate) struct UploadApi {
    shared: Arc<Shared>,
    address: SocketAddr,
}

#[derive(Default)]
pub(crate) struct Stored {
    pub(crate) directories: Vec<String>,
    /// Directory, `unique_id` and SHA-256.
    pub(crate) files: Vec<(String, String, String)>,
    /// The directory of each batch that was made.
    pub(crate) batches: Vec<String>,
    uploads_seen: usize,
    adds_seen: usize,
    pub(crate) requests: Vec<String>,
}

struct Shared {
    stored: Mutex<Stored>,
    fault: Mutex<Option<(Step, Fault)>>,
    /// The fault has its request.
    reached: watch::Sender<bool>,
    /// The fault may take its course.
    go: watch::Sender<bool>,
    over: CancellationToken,
}

impl UploadApi {
    pub(crate) async fn start(step: Step, fault: Fault) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            stored: Mutex::default(),
            fault: Mutex::new(Some((step, fault))),
            reached: watch::Sender::new(false),
            go: watch::Sender::new(false),
            over: CancellationToken::new(),
        });
        tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { shared, address }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn stored(&self) -> MutexGuard<'_, Stored> {
        lock(&self.shared.stored)
    }

    /// Waits until the fault has its request.
    pub(crate) async fn reached(&self) -> Result<(), String> {
        let mut reached = self.shared.reached.subscribe();
        let waited = timeout(Duration::from_secs(30), reached.wait_for(|reached| *reached)).await;
        waited
            .map(drop)
            .map_err(|_| "the fault point was not reached".to_owned())
    }

    /// Lets the fault take its course.
    pub(crate) fn go(&self) {
        self.shared.go.send_replace(true);
    }

    /// The API works from now on.
    pub(crate) fn heal(&self) {
        lock(&self.shared.fault).take();
        self.go();
    }
}

impl Drop for UploadApi {
    fn drop(&mut self) {
        self.shared.over.cancel();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let over = shared.over.clone();
    let accepting = async {
        while let Ok((stream, _)) = listener.accept().await {
            let (over, shared) = (shared.over.clone(), Arc::clone(&shared));
            tokio::spawn(async move { over.run_until_cancelled(serve(stream, shared)).await });
        }
    };
    over.run_until_cancelled(accepting).await;
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    // A client that breaks off is the client's business.
    drop(shared.exchange(Connection::new(stream)).await);
}

impl Shared {
    async fn exchange(&self, mut connection: Connection) -> io::Result<()> {
        while let Some(head) = connection.head().await? {
            let step = self.step(&head);
            let fault = lock(&self.fault)
                .take_if(|(at, _)| *at == step)
                .map_or(Fault::None, |(_, fault)| fault);
            let strikes = lock(&self.fault).is_none() && fault != Fault::None;
            if fault == Fault::HalfRequest {
                connection.body(head.body_bytes / 2).await?;
                self.wait_for_go().await;
                connection.reset();
                return Ok(());
            }
            let body = connection.body(head.body_bytes).await?;
            if strikes {
                self.wait_for_go().await;
            }
            if let Fault::Status(status) = fault {
                connection
                    .answer(&Answer::error(status).with("retry-after-ms", "20"))
                    .await?;
                continue;
            }
            let answer = self.answer(step, &head, &body).with("date", date());
            match fault {
                Fault::LostAfterCommit => {
                    connection.reset();
                    return Ok(());
                }
                Fault::SilenceAfterCommit => {
                    connection.until_the_client_leaves().await;
                    return Ok(());
                }
                Fault::HalfAnswer => return connection.half_an_answer(&answer).await,
                Fault::StatusAfterCommit(status) => connection.answer(&Answer::error(status)).await?,
                _ => connection.answer(&answer).await?,
            }
        }
        Ok(())
    }

    fn step(&self, head: &Head) -> Step {
        let path = head.target.path();
        let mut stored = lock(&self.stored);
        stored.requests.push(format!("{} {}", head.method, head.target));
        match head.method.as_str() {
            "POST" if path.ends_with("/upload") => {
                stored.uploads_seen += 1;
                Step::Upload(stored.uploads_seen)
            }
            "POST" if path == "/api/v2/batches" => Step::CreateBatch,
            "POST" if path.ends_with("/files") => {
                stored.adds_seen += 1;
                Step::AddFile(stored.adds_seen)
            }
            "POST" => Step::MakeDirectory,
            _ if path == "/api/v2/batches" => Step::ListBatches,
            _ if path.starts_with("/api/v2/") || path.contains(SOURCE_DIRECTORY) => Step::ReadSource,
            _ if path.ends_with("/files") => Step::ListFiles,
            _ => Step::ListDirectories,
        }
    }

    fn answer(&self, step: Step, head: &Head, body: &[u8]) -> Answer {
        let mut stored = lock(&self.stored);
        let query = |wanted: &str| {
            head.target
                .query_pairs()
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value.into_owned())
        };
        let directory = head.target.path().split('/').nth(5).unwrap_or_default().to_owned();
        match step {
            Step::ListDirectories => {
                let name = query("name");
                let items = stored.directories.iter().enumerate();
                let items = items.filter(|(_, own)| name.as_ref().is_none_or(|name| name == *own));
                Answer::json(
                    200,
                    &json!({ "items": items.map(|(index, name)| show_directory(index, name)).collect::<Vec<_>>() }),
                )
            }
            Step::MakeDirectory => {
                let name = serde_json::from_slice::<Value>(body).unwrap_or_default()["name"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                if stored.directories.contains(&name) {
                    return Answer::error(409);
                }
                stored.directories.push(name.clone());
                Answer::json(201, &show_directory(stored.directories.len() - 1, &name))
            }
            Step::ListFiles => {
                let unique_id = query("unique_id");
                let items = stored.files.iter().enumerate().filter(|(_, (of, own, _))| {
                    *of == directory && unique_id.as_ref().is_none_or(|unique_id| unique_id == own)
                });
                Answer::json(
                    200,
                    &json!({ "items": items.map(|(index, file)| show_file(index, file)).collect::<Vec<_>>() }),
                )
            }
            Step::Upload(_) => {
                let text = String::from_utf8_lossy(body);
                let field = |name: &str| {
                    let (_, rest) = text.split_once(&format!("name=\"{name}\"\r\n\r\n")).unwrap_or_default();
                    rest.split("\r\n").next().unwrap_or_default().to_owned()
                };
                let metadata: Value = serde_json::from_str(&field("metadata")).unwrap_or_default();
                let sha256 = metadata["sha256"].as_str().unwrap_or_default().to_owned();
                let file = (directory, field("unique_id"), sha256);
                stored.files.push(file.clone());
                Answer::json(201, &show_file(stored.files.len() - 1, &file))
            }
            Step::AddFile(_) => {
                let body: Value = serde_json::from_slice(body).unwrap_or_default();
                let member = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
                let file = (directory, member("unique_id"), member("file_id"));
                stored.files.push(file.clone());
                Answer::json(201, &show_file(stored.files.len() - 1, &file))
            }
            Step::ListBatches => {
                let of = query("source_directory_id");
                let batches = stored.batches.iter().enumerate();
                let items = batches.filter(|(_, directory)| of.as_ref().is_none_or(|of| of == *directory));
                Answer::json(
                    200,
                    &json!({ "items": items.map(|(index, directory)| show_batch(index, directory)).collect::<Vec<_>>() }),
                )
            }
            Step::CreateBatch => {
                let body: Value = serde_json::from_slice(body).unwrap_or_default();
                let directory = body["source_directory_id"].as_str().unwrap_or_default().to_owned();
                stored.batches.push(directory.clone());
                Answer::json(200, &show_batch(stored.batches.len() - 1, &directory))
            }
            Step::ReadSource => Answer::json(200, &source(head.target.path(), &stored.batches)),
        }
    }

    /// Tells that the fault has its request, and waits until it may take its course.
    async fn wait_for_go(&self) {
        self.reached.send_replace(true);
        drop(self.go.subscribe().wait_for(|go| *go).await);
    }
}

fn show_directory(index: usize, name: &str) -> Value {
    json!({ "id": format!("dir-{index}"), "name": name, "type": "ephemeral", "project_id": "prj-1" })
}

fn show_file(index: usize, (directory, unique_id, sha256): &(String, String, String)) -> Value {
    json!({
        "id": format!("dfl-{index}"), "directory_id": directory, "project_id": "prj-1", "unique_id": unique_id,
        "display_name": unique_id, "metadata": { "sha256": sha256 },
    })
}

fn show_batch(index: usize, directory: &str) -> Value {
    json!({
        "id": format!("bat-{index}"), "source_directory_id": directory, "project_id": "prj-1", "status": "RUNNING",
        "created_at": "2026-11-26T08:00:00Z", "results": null,
        "config": { "job": { "type": "parse_v2", "configuration_id": "cfg-PARSE_AGENTIC" } },
    })
}

/// What is read about the batch that is retried, or about a new one.
fn source(path: &str, batches: &[String]) -> Value {
    if path == "/api/v2/parse" {
        let job = |index: usize| {
            let (status, error) = if index == 3 {
                ("COMPLETED", Value::Null)
            } else {
                ("FAILED", json!("damaged"))
            };
            json!({ "id": format!("pjb-{index}"), "status": status, "error_message": error, "project_id": "prj-1" })
        };
        return json!({ "items": (0..4).map(job).collect::<Vec<_>>() });
    }
    if let Some(id) = path.strip_prefix("/api/v2/batches/") {
        if let Some(index) = id.strip_prefix("bat-").and_then(|index| index.parse::<usize>().ok()) {
            return show_batch(index, batches.get(index).map_or("", String::as_str));
        }
        let result = |index: usize| {
            let job = json!({ "type": "parse_v2", "id": format!("pjb-{index}") });
            json!({ "source_directory_file_id": format!("dfl-source-{index}"), "job_reference": job })
        };
        let mut batch = show_batch(0, SOURCE_DIRECTORY);
        batch["id"] = json!(SOURCE_BATCH);
        batch["status"] = json!("COMPLETED");
        batch["results"] = (0..4).map(result).collect();
        return batch;
    }
    let file = |index: usize| {
        json!({
            "id": format!("dfl-source-{index}"), "directory_id": SOURCE_DIRECTORY, "project_id": "prj-1",
            "unique_id": format!("{index}.pdf"), "display_name": format!("{index}.pdf"),
            "file_id": format!("00000000-0000-4000-8000-00000000000{index}"),
        })
    };
    json!({ "items": (0..4).map(file).collect::<Vec<_>>() })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}
