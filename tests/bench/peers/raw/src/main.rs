//! The limit: a loop over lines with an async runtime, no framework, no checks, and the API's body as the answer's text.
//! Files are sent and saved in the same way, as many at a time as this server has.
//!
//! `peer-raw BASE-URL TOOLS-FILE`, with the key in `LLAMA_CLOUD_API_KEY`. It knows what a client of the benchmark sends, and no more.

mod files;

use std::borrow::Cow;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, LazyLock};

use anyhow::Context;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::unix::pipe;
use tokio::sync::mpsc;

type Lines = mpsc::UnboundedSender<String>;

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Call<'a> {
    #[serde(borrow)]
    arguments: Arguments<'a>,
}

/// Which of them are there says which tool is meant.
#[derive(Deserialize)]
struct Arguments<'a> {
    #[serde(borrow)]
    batch_id: Option<Cow<'a, str>>,
    path: Option<String>,
    folder: Option<String>,
}

enum Work {
    GetBatch(String),
    UploadFiles(String),
    SaveResults(String, String),
}

/// Made by the first call, so that a start does not wait for it. What it speaks to is on loopback: it needs no certificates.
static HTTP: LazyLock<reqwest::Client> = LazyLock::new(|| {
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .unwrap_or_default()
});

struct Api {
    base_url: String,
    key: String,
}

impl Api {
    async fn get(&self, path: &str) -> reqwest::Result<reqwest::Response> {
        let request = HTTP.get(format!("{}{path}", self.base_url));
        request.bearer_auth(&self.key).send().await?.error_for_status()
    }

    async fn batch(&self, id: &str) -> reqwest::Result<String> {
        self.get(&format!("/api/v2/batches/{id}")).await?.text().await
    }

    fn post(&self, path: &str) -> reqwest::RequestBuilder {
        HTTP.post(format!("{}{path}", self.base_url)).bearer_auth(&self.key)
    }
}

impl Work {
    fn of(arguments: Arguments<'_>) -> anyhow::Result<Self> {
        let batch_id = arguments.batch_id.map(Cow::into_owned);
        match (batch_id, arguments.path, arguments.folder) {
            (Some(batch_id), _, None) => Ok(Self::GetBatch(batch_id)),
            (Some(batch_id), _, Some(folder)) => Ok(Self::SaveResults(batch_id, folder)),
            (None, Some(path), _) => Ok(Self::UploadFiles(path)),
            (None, None, _) => anyhow::bail!("no arguments that mean something"),
        }
    }

    /// The text of the answer.
    async fn run(self, api: &Api) -> anyhow::Result<String> {
        match self {
            Self::GetBatch(batch_id) => Ok(api.batch(&batch_id).await?),
            Self::UploadFiles(path) => files::upload(api, path.as_ref()).await,
            Self::SaveResults(batch_id, folder) => files::save(api, &batch_id, folder.as_ref()).await,
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let base_url = arguments.next().context("the first argument is the API's base URL")?;
    let tools = arguments.next().context("the second argument is the file of tools")?;
    let tools = std::fs::read_to_string(&tools).with_context(|| tools.clone())?;
    let key = std::env::var("LLAMA_CLOUD_API_KEY").context("LLAMA_CLOUD_API_KEY")?;
    rustls::crypto::ring::default_provider().install_default().ok();
    let api = Arc::new(Api { base_url, key });
    let list = format!(r#"{{"tools":{tools}}}"#);
    let (sender, receiver) = mpsc::unbounded_channel();
    let writing = tokio::spawn(write(output()?, receiver));
    let mut input = BufReader::with_capacity(64 * 1024, input()?);
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line).await? > 0 {
        take(&line, &list, &api, &sender)?;
        line.clear();
    }
    drop(sender);
    writing.await??;
    Ok(())
}

/// Answers one line, at once or from a task of its own.
fn take(line: &[u8], list: &str, api: &Arc<Api>, lines: &Lines) -> anyhow::Result<()> {
    let request: Request<'_> = serde_json::from_slice(line)?;
    let Some(id) = request.id else { return Ok(()) };
    match request.method.as_ref() {
        "initialize" => answer(
            lines,
            id,
            r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"raw","version":"0"}}"#,
        ),
        "ping" => answer(lines, id, "{}"),
        "tools/list" => answer(lines, id, list),
        "tools/call" => {
            let call: Call<'_> = serde_json::from_str(request.params.context("no parameters")?.get())?;
            let work = Work::of(call.arguments)?;
            let (id, api, lines) = (id.to_owned(), Arc::clone(api), lines.clone());
            tokio::spawn(async move {
                let (text, is_error) = match work.run(&api).await {
                    Ok(body) => (body, false),
                    Err(error) => (error.to_string(), true),
                };
                let text = serde_json::to_string(&text).unwrap_or_default();
                let result = format!(r#"{{"content":[{{"type":"text","text":{text}}}],"isError":{is_error}}}"#);
                answer(&lines, &id, &result);
            });
        }
        method => anyhow::bail!("unknown method: {method}"),
    }
    Ok(())
}

fn answer(lines: &Lines, id: &RawValue, result: &str) {
    let line = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}\n");
    // When the output has failed, nothing more is written, and that failure ends the program.
    lines.send(line).ok();
}

/// Writes what there is, in as few calls as it takes.
async fn write(mut output: impl AsyncWrite + Unpin, mut lines: mpsc::UnboundedReceiver<String>) -> io::Result<()> {
    let mut bytes = Vec::new();
    while let Some(line) = lines.recv().await {
        bytes.clear();
        bytes.extend_from_slice(line.as_bytes());
        while bytes.len() < 64 * 1024 {
            let Ok(line) = lines.try_recv() else { break };
            bytes.extend_from_slice(line.as_bytes());
        }
        output.write_all(&bytes).await?;
    }
    Ok(())
}

/// Stdin, polled: a pipe is opened a second time, a socket is made non-blocking.
fn input() -> io::Result<Box<dyn AsyncRead + Unpin>> {
    match pipe::OpenOptions::new().open_receiver("/proc/self/fd/0") {
        Ok(pipe) => Ok(Box::new(pipe)),
        Err(_) => Ok(Box::new(socket(io::stdin().as_fd())?)),
    }
}

/// Stdout, in the same way.
fn output() -> io::Result<Box<dyn AsyncWrite + Unpin + Send>> {
    match pipe::OpenOptions::new().open_sender("/proc/self/fd/1") {
        Ok(pipe) => Ok(Box::new(pipe)),
        Err(_) => Ok(Box::new(socket(io::stdout().as_fd())?)),
    }
}

fn socket(descriptor: std::os::fd::BorrowedFd<'_>) -> io::Result<tokio::net::UnixStream> {
    let socket = UnixStream::from(descriptor.try_clone_to_owned()?);
    socket.set_nonblocking(true)?;
    tokio::net::UnixStream::from_std(socket)
}
