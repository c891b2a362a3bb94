//! What the API answers, in the shapes of its published description: a batch, its results, the files of a directory, parse jobs and
//! their documents.

use crate::wire::BATCH_ID;

/// The path of the one request that most calls make.
pub(crate) const FIXED_TARGET: &str = "/api/v2/batches/bat-5d1c8b0e-7a34-4f2b-9c61-2e8f0a4d7b93";

const DIRECTORY: &str = "dir-0b7e4d92-51c3-4a68-8f0d-93a1c6e2";
pub(crate) const PROJECT: &str = "182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e";
pub(crate) const CREATED: &str = "2026-11-24T09:41:07.318204Z";
const UPDATED: &str = "2026-11-24T09:58:33.904417Z";
/// The API documents no largest page size for lists of files; the product requests this one.
pub(crate) const PAGE: usize = 1000;

/// Prefix of a job's ID; the size of the job's document, in bytes, follows.
pub(crate) const DOCUMENT: &str = "pjb-document-";
/// How long the document of any other job is. Units: bytes.
pub(crate) const DOCUMENT_BYTES: usize = 30_000;
/// Units: bytes.
const PAGE_BYTES: usize = 3000;
const LINE: &str = "| 2026-11-24 | Invoice 0417, delivery of paper and ink | 1,204.50 | paid |\\n";

/// The batch for every call that is not about files. It is RUNNING, because a cached batch would cost no request.
pub(crate) fn batch() -> String {
    shown(BATCH_ID, 0, "RUNNING", "null")
}

/// The answer to any other request; `None` if there is nothing.
pub(crate) fn of(target: &str) -> Option<String> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let values = |name: &'static str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(move |(key, _)| *key == name).map(|(_, value)| value)
    };
    if path == "/api/v2/parse" {
        return Some(page(values("job_ids").filter_map(job), None));
    }
    if let Some(id) = path.strip_prefix("/api/v2/parse/") {
        let bytes = match id.strip_prefix(DOCUMENT) {
            Some(rest) => rest.split('-').next()?.parse().ok()?,
            None => DOCUMENT_BYTES,
        };
        return Some(document(id, bytes));
    }
    if let Some(id) = path.strip_prefix("/api/v2/batches/") {
        let count = id.strip_prefix("bat-files-")?.split('-').next()?.parse().ok()?;
        let results: Vec<String> = (0..count).map(result).collect();
        let results = format!("[{}]", results.join(","));
        let expanded = values("expand").any(|word| word == "results");
        return Some(shown(id, count, "COMPLETED", if expanded { &results } else { "null" }));
    }
    let directory = path.strip_prefix("/api/v1/beta/directories/")?.strip_suffix("/files")?;
    let count: usize = directory.strip_prefix(DIRECTORY)?.parse().ok()?;
    let first: usize = values("page_token")
        .next()
        .map_or(Some(0), |token| token.parse().ok())?;
    let end = count.min(first + PAGE);
    let next = (end < count).then(|| end.to_string());
    Some(page((first..end).map(|number| file(directory, number)), next))
}

fn shown(id: &str, files: usize, status: &str, results: &str) -> String {
    format!(
        r#"{{"id":"{id}","project_id":"{PROJECT}","source_directory_id":"{DIRECTORY}{files:04}","config":{{"job":{{"type":"parse_v2","configuration_id":"cfg-PARSE_AGENTIC"}}}},"status":"{status}","created_at":"{CREATED}","updated_at":"{UPDATED}","results":{results}}}"#
    )
}

fn result(number: usize) -> String {
    format!(
        r#"{{"source_directory_file_id":"{}","job_reference":{{"type":"parse_v2","id":"pjb-7c9e6679-7425-40de-944b-{number:012}"}},"error_message":null}}"#,
        file_id(number)
    )
}

fn file_id(number: usize) -> String {
    format!("dfl-3f2504e0-4f89-41d3-9a0c-{number:012}")
}

fn file(directory: &str, number: usize) -> String {
    format!(
        r#"{{"id":"{}","project_id":"{PROJECT}","directory_id":"{directory}","unique_id":"invoice-{number:04}.pdf","display_name":"invoice-{number:04}.pdf","file_id":"9b1deb4d-3b7d-4bad-9bdd-{number:012}","metadata":{{}},"created_at":"{CREATED}","updated_at":"{CREATED}","deleted_at":null,"download_url":null}}"#,
        file_id(number)
    )
}

/// A parse job. One in a hundred has failed.
fn job(id: &str) -> Option<String> {
    let number: usize = id.rsplit('-').next()?.parse().ok()?;
    let (status, error) = if number % 100 == 99 {
        ("FAILED", r#""The document is encrypted.""#)
    } else {
        ("COMPLETED", "null")
    };
    Some(format!(
        r#"{{"id":"{id}","project_id":"{PROJECT}","status":"{status}","error_message":{error},"name":"invoice-{number:04}.pdf","tier":"agentic","usage":null,"user_metadata":null,"created_at":"{CREATED}","updated_at":"{UPDATED}"}}"#
    ))
}

/// A finished parse job, and so many bytes of markdown, in pages.
fn document(id: &str, bytes: usize) -> String {
    // The end of a line takes two bytes in JSON and one in the text.
    let lines = PAGE_BYTES.div_ceil(LINE.len() - 1);
    let pages = (1..=bytes.div_ceil(PAGE_BYTES)).map(|number| {
        let left = bytes - (number - 1) * PAGE_BYTES;
        let text = LINE.repeat(if left < PAGE_BYTES {
            left.div_ceil(LINE.len() - 1)
        } else {
            lines
        });
        format!(r#"{{"page_number":{number},"markdown":"{text}","success":true}}"#)
    });
    let pages: Vec<String> = pages.collect();
    format!(
        r#"{{"job":{{"id":"{id}","project_id":"{PROJECT}","status":"COMPLETED","error_message":null,"name":"invoice.pdf","tier":"agentic"}},"markdown":{{"pages":[{}]}},"text":null}}"#,
        pages.join(",")
    )
}

pub(crate) fn page(items: impl Iterator<Item = String>, next: Option<String>) -> String {
    let items: Vec<String> = items.collect();
    let next = next.map_or("null".to_owned(), |token| format!(r#""{token}""#));
    let items = items.join(",");
    format!(r#"{{"items":[{items}],"next_page_token":{next},"total_size":null}}"#)
}
