//! Many files: a folder is sent to a directory, and results are saved to a folder, each in a loop without memory or repeats.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use ring::digest::{self, SHA256};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::io::AsyncReadExt as _;
use tokio_util::io::ReaderStream;

use crate::Api;

/// As many as the product handles at the same time.
const AT_ONCE: usize = 8;
/// The same.
const CHUNK_BYTES: usize = 128 * 1024;
const BOUNDARY: &str = "a-boundary-that-no-file-holds";
const DIRECTORIES: &str = "/api/v1/beta/directories";

#[derive(Deserialize)]
struct Directory {
    id: String,
}

#[derive(Deserialize)]
struct Batch {
    source_directory_id: String,
    results: Vec<BatchResult>,
}

#[derive(Deserialize)]
struct BatchResult {
    source_directory_file_id: String,
    job_reference: Job,
}

#[derive(Deserialize)]
struct Job {
    id: String,
}

#[derive(Deserialize)]
struct Files {
    items: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    id: String,
    display_name: String,
}

#[derive(Deserialize)]
struct Parsed {
    markdown: Pages,
}

#[derive(Deserialize)]
struct Pages {
    pages: Vec<Page>,
}

#[derive(Deserialize)]
struct Page {
    markdown: String,
}

/// Sends every file of a folder. The API is told the hash of each, so each is read twice.
pub(crate) async fn upload(api: &Api, folder: &Path) -> anyhow::Result<String> {
    let wanted = r#"{"name":"raw","type":"ephemeral"}"#;
    let request = api
        .post(DIRECTORIES)
        .header(CONTENT_TYPE, "application/json")
        .body(wanted);
    let directory: Directory = serde_json::from_slice(&request.send().await?.error_for_status()?.bytes().await?)?;
    let paths = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let paths: Vec<_> = paths.collect::<std::io::Result<_>>()?;
    let uploads = paths.into_iter().map(|path| send(api, &directory.id, path));
    let sent: Vec<()> = stream::iter(uploads).buffer_unordered(AT_ONCE).try_collect().await?;
    Ok(format!(r#"{{"complete":true,"uploaded":{}}}"#, sent.len()))
}

async fn send(api: &Api, directory_id: &str, path: PathBuf) -> anyhow::Result<()> {
    let name = path.file_name().and_then(|name| name.to_str()).context("no name")?;
    let length = tokio::fs::metadata(&path).await?.len();
    let sha256 = hash(&path).await?;
    let field = |name: &str, value: &str| {
        format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let head = [
        field("display_name", name),
        field("metadata", &format!(r#"{{"sha256":"{sha256}"}}"#)),
        field("unique_id", name),
        format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"upload_file\"; filename=\"{name}\"\r\nContent-Type: \
             application/octet-stream\r\n\r\n"
        ),
    ]
    .concat();
    let tail = format!("\r\n--{BOUNDARY}--\r\n");
    let whole = head.len() as u64 + length + tail.len() as u64;
    let file = ReaderStream::with_capacity(tokio::fs::File::open(&path).await?, CHUNK_BYTES);
    let text = |text: String| stream::iter([Ok(Bytes::from(text))]);
    let request = api
        .post(&format!("{DIRECTORIES}/{directory_id}/files/upload"))
        .header(CONTENT_TYPE, format!("multipart/form-data; boundary={BOUNDARY}"))
        .header(CONTENT_LENGTH, whole)
        .body(reqwest::Body::wrap_stream(text(head).chain(file).chain(text(tail))));
    request.send().await?.error_for_status()?.bytes().await?;
    Ok(())
}

async fn hash(path: &Path) -> anyhow::Result<String> {
    let mut file = tokio::fs::File::open(path).await?;
    let mut hash = digest::Context::new(&SHA256);
    let mut chunk = Vec::with_capacity(CHUNK_BYTES);
    while file.read_buf(&mut chunk).await? > 0 {
        hash.update(&chunk);
        chunk.clear();
    }
    let mut hex = String::new();
    for byte in hash.finish().as_ref() {
        write!(hex, "{byte:02x}")?;
    }
    Ok(hex)
}

/// Saves every result of a batch as markdown.
pub(crate) async fn save(api: &Api, batch_id: &str, folder: &Path) -> anyhow::Result<String> {
    let batch: Batch = read(api, &format!("/api/v2/batches/{batch_id}?expand=results")).await?;
    let directory_id = &batch.source_directory_id;
    let files: Files = read(api, &format!("{DIRECTORIES}/{directory_id}/files?page_size=1000")).await?;
    let mut names: HashMap<_, _> = files
        .items
        .into_iter()
        .map(|file| (file.id, file.display_name))
        .collect();
    tokio::fs::create_dir_all(folder).await?;
    let writes = batch.results.into_iter().map(|result| {
        let name = names.remove(&result.source_directory_file_id);
        save_one(api, result.job_reference.id, name, folder)
    });
    let saved: Vec<()> = stream::iter(writes).buffer_unordered(AT_ONCE).try_collect().await?;
    Ok(format!(r#"{{"complete":true,"saved":{}}}"#, saved.len()))
}

/// What the API answers to a GET.
async fn read<T: DeserializeOwned>(api: &Api, path: &str) -> anyhow::Result<T> {
    Ok(serde_json::from_slice(&api.get(path).await?.bytes().await?)?)
}

async fn save_one(api: &Api, job_id: String, name: Option<String>, folder: &Path) -> anyhow::Result<()> {
    let name = name.context("a file has no name")?;
    let parsed: Parsed = read(api, &format!("/api/v2/parse/{job_id}?expand=usage&expand=markdown")).await?;
    let pages: Vec<&str> = parsed
        .markdown
        .pages
        .iter()
        .map(|page| page.markdown.trim_end())
        .collect();
    tokio::fs::write(folder.join(format!("{name}.md")), pages.join("\n\n") + "\n").await?;
    Ok(())
}
