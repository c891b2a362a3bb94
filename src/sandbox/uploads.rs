//! `POST /api/v1/beta/directories/{directory_id}/files/upload`: a file by multipart form, read as a stream.
//!
//! What a batch makes of an uploaded file follows from its name and content: an empty one and one of an unsupported type get no job,
//! one with `damaged` in its name fails, any other completes. The result of a text file is its own text.

use std::sync::{Arc, OnceLock};

use axum::{
    extract::{
        Multipart, Path, State,
        multipart::{Field, MultipartError, MultipartRejection},
    },
    http::StatusCode,
};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    cloud::Cloud,
    directory::{Fate, Stored},
    document::Document,
    extract::Created,
    files::{Entry, attach},
    refusal::Refusal,
};

/// How much of a text is kept. What comes after it is not in the parse result.
const TEXT_KEPT: usize = 1 << 20;

/// A page of anything but text, in bytes.
const BYTES_PER_PAGE: u64 = 50_000;

/// Types whose result is the file's own text.
const TEXT_TYPES: [&str; 7] = ["txt", "md", "csv", "tsv", "html", "htm", "xml"];

/// Types that no job accepts. What the API does with them is undocumented.
const UNSUPPORTED_TYPES: [&str; 6] = ["eml", "exe", "json", "log", "msg", "zip"];

/// What was read of a file.
#[derive(Default)]
struct Content {
    name: String,
    size: u64,
    beginning: Vec<u8>,
}

pub(super) async fn upload(
    State(cloud): State<Arc<Cloud>>,
    Path(id): Path<String>,
    form: Result<Multipart, MultipartRejection>,
) -> Created {
    let mut form = form.map_err(|rejection| Refusal::invalid_member("upload_file", &rejection.body_text()))?;
    let mut content = None;
    let mut external_id = None;
    let mut entry = Entry {
        unique_id: None,
        display_name: None,
        metadata: Map::new(),
    };
    while let Some(field) = form.next_field().await.map_err(broken)? {
        match field.name().unwrap_or_default() {
            "upload_file" => content = Some(read(field).await.map_err(broken)?),
            "unique_id" => entry.unique_id = Some(field.text().await.map_err(broken)?),
            "display_name" => entry.display_name = Some(field.text().await.map_err(broken)?),
            "external_file_id" => external_id = Some(field.text().await.map_err(broken)?),
            "metadata" => entry.metadata = metadata(&field.text().await.map_err(broken)?)?,
            _ => {}
        }
    }
    let content = content
        .filter(|content| !content.name.is_empty())
        .ok_or_else(|| Refusal::invalid_member("upload_file", &"Field required"))?;
    if content.size > cloud.upload_limit {
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "File too large"));
    }
    entry.unique_id = entry.unique_id.or(external_id);
    let stored = Arc::new(store(content));
    let mut account = cloud.account();
    let created = attach(&mut account, &id, Arc::clone(&stored), entry, cloud.now())?;
    account.stored.insert(stored.id.clone(), stored);
    Ok(created)
}

/// A body that ends before the form does, or is not a form.
#[expect(clippy::needless_pass_by_value, reason = "used as a function on errors")]
fn broken(error: MultipartError) -> Refusal {
    Refusal::new(error.status(), error.body_text())
}

/// Reads a file to its end and keeps its beginning.
async fn read(mut field: Field<'_>) -> Result<Content, MultipartError> {
    let mut content = Content {
        name: field.file_name().unwrap_or_default().to_owned(),
        ..Content::default()
    };
    while let Some(chunk) = field.chunk().await? {
        content.size += chunk.len() as u64;
        let room = TEXT_KEPT.saturating_sub(content.beginning.len());
        content.beginning.extend(chunk.iter().take(room));
    }
    Ok(content)
}

/// The metadata of a form: a JSON object, written as text.
fn metadata(text: &str) -> Result<Map<String, Value>, Refusal> {
    serde_json::from_str(text).map_err(|error| Refusal::invalid_member("metadata", &error))
}

fn store(content: Content) -> Stored {
    let name = content.name.to_lowercase();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let fate = if content.size == 0 {
        Fate::NotMapped("File is empty (0 bytes)".to_owned())
    } else if UNSUPPORTED_TYPES.contains(&extension) {
        Fate::NotMapped(format!("Unsupported file type: {extension}"))
    } else if name.contains("damaged") {
        Fate::JobFailed("Page 1 is damaged and could not be read".to_owned())
    } else {
        Fate::Completed
    };
    let document = if TEXT_TYPES.contains(&extension) {
        Document::of_text(&String::from_utf8_lossy(&content.beginning))
    } else {
        let pages = 1 + content.size / BYTES_PER_PAGE;
        Document::Ordinary(u32::try_from(pages).unwrap_or(u32::MAX).min(500))
    };
    Stored {
        id: Uuid::new_v4().to_string(),
        name: content.name,
        document,
        fate,
        first_run: OnceLock::new(),
    }
}
