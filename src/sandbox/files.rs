//! The files of a directory: list, add by `file_id`, get, delete.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    cloud::{Account, Cloud, PROJECT_ID},
    directory::{Directory, DirectoryFile, Stored},
    extract::{Answer, Body, Created, Instant, Query},
    faults::Effects,
    paging::{Paging, Span},
    refusal::Refusal,
};

#[derive(Deserialize)]
pub(super) struct Filter {
    display_name: Option<String>,
    display_name_contains: Option<String>,
    unique_id: Option<String>,
    file_id: Option<String>,
    updated_at_on_or_after: Option<Instant>,
    updated_at_on_or_before: Option<Instant>,
}

#[derive(Deserialize)]
pub(super) struct AddRequest {
    file_id: String,
    unique_id: Option<String>,
    display_name: Option<String>,
    metadata: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
pub(super) struct UpdateRequest {
    unique_id: Option<String>,
    display_name: Option<String>,
    metadata: Option<Map<String, Value>>,
    target_directory_id: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct BulkDelete {
    directory_file_ids: Vec<String>,
}

/// What a new entry of a directory says of its file; what is missing comes from the file's name.
pub(super) struct Entry {
    pub(super) unique_id: Option<String>,
    pub(super) display_name: Option<String>,
    pub(super) metadata: Map<String, Value>,
}

/// `GET /api/v1/beta/directories/{directory_id}/files`: oldest first.
pub(super) async fn list(
    State(cloud): State<Arc<Cloud>>,
    Extension(effects): Extension<Effects>,
    Path(id): Path<String>,
    Query(paging): Query<Paging>,
    Query(filter): Query<Filter>,
) -> Answer {
    let now = cloud.now();
    let updated = Span {
        from: filter.updated_at_on_or_after,
        to: filter.updated_at_on_or_before,
    };
    let part = filter.display_name_contains.map(|part| part.to_lowercase());
    let mut account = cloud.account();
    let directory = account.directory(&id, now)?;
    let is = |wanted: &Option<String>, own: &str| wanted.as_deref().is_none_or(|wanted| wanted == own);
    let items = directory.files.iter().filter(|file| {
        updated.contains(directory.updated_at(file))
            && is(&filter.display_name, &file.display_name)
            && is(&filter.unique_id, &file.unique_id)
            && is(&filter.file_id, &file.stored.id)
            && part
                .as_deref()
                .is_none_or(|part| file.display_name.to_lowercase().contains(part))
            && !effects.hides(file.created_at, now)
    });
    paging
        .page(items, |file| !file.serial, |file| show(directory, file))
        .map(Json)
}

/// `POST /api/v1/beta/directories/{directory_id}/files`
pub(super) async fn add(
    State(cloud): State<Arc<Cloud>>,
    Path(id): Path<String>,
    Body(request): Body<AddRequest>,
) -> Created {
    let mut account = cloud.account();
    let stored = account.stored.get(&request.file_id).map(Arc::clone);
    let stored = stored.ok_or_else(|| Refusal::not_found("File", &request.file_id))?;
    let entry = Entry {
        unique_id: request.unique_id,
        display_name: request.display_name,
        metadata: request.metadata.unwrap_or_default(),
    };
    attach(&mut account, &id, stored, entry, cloud.now())
}

/// Adds a stored file to a directory. What a second file of one `unique_id` does is undocumented; here both stay.
pub(super) fn attach(account: &mut Account, id: &str, stored: Arc<Stored>, entry: Entry, now: Timestamp) -> Created {
    let serial = account.next_serial();
    let directory = account.directory(id, now)?;
    let file = DirectoryFile {
        id: format!("dfl-{}", Uuid::new_v4()),
        serial,
        unique_id: entry.unique_id.unwrap_or_else(|| stored.name.clone()),
        display_name: entry.display_name.unwrap_or_else(|| stored.name.clone()),
        metadata: entry.metadata,
        created_at: now,
        updated_at: now,
        stored,
    };
    file.check()?;
    let shown = show(directory, &file);
    directory.files.push(Arc::new(file));
    Ok((StatusCode::CREATED, Json(shown)))
}

impl DirectoryFile {
    /// # Errors
    /// 422 for an empty `unique_id` or `display_name`.
    fn check(&self) -> Result<(), Refusal> {
        let names = [("unique_id", &self.unique_id), ("display_name", &self.display_name)];
        match names.iter().find(|(_, value)| value.is_empty()) {
            Some((name, _)) => Err(Refusal::invalid_member(
                name,
                &"String should have at least 1 character",
            )),
            None => Ok(()),
        }
    }
}

/// `GET /api/v1/beta/directories/{directory_id}/files/{directory_file_id}`
pub(super) async fn get(State(cloud): State<Arc<Cloud>>, Path((id, file_id)): Path<(String, String)>) -> Answer {
    let mut account = cloud.account();
    let directory = account.directory(&id, cloud.now())?;
    let file = directory.files.iter().find(|file| file.id == file_id);
    let file = file.ok_or_else(|| Refusal::not_found("Directory file", &file_id))?;
    Ok(Json(show(directory, file)))
}

/// `PATCH /api/v1/beta/directories/{directory_id}/files/{directory_file_id}`. A file cannot be moved to another directory here.
pub(super) async fn update(
    State(cloud): State<Arc<Cloud>>,
    Path((id, file_id)): Path<(String, String)>,
    Body(request): Body<UpdateRequest>,
) -> Answer {
    if request.target_directory_id.is_some_and(|target| target != id) {
        return Err(Refusal::invalid_member(
            "target_directory_id",
            &"files cannot be moved in the sandbox",
        ));
    }
    let now = cloud.now();
    let mut account = cloud.account();
    let directory = account.directory(&id, now)?;
    let mut files = directory.files.iter_mut();
    let file = files.find(|file| file.id == file_id);
    let file = file.ok_or_else(|| Refusal::not_found("Directory file", &file_id))?;
    let updated = DirectoryFile {
        unique_id: request.unique_id.unwrap_or_else(|| file.unique_id.clone()),
        display_name: request.display_name.unwrap_or_else(|| file.display_name.clone()),
        metadata: request.metadata.unwrap_or_else(|| file.metadata.clone()),
        updated_at: now,
        ..DirectoryFile::clone(file)
    };
    updated.check()?;
    *file = Arc::new(updated);
    let file = Arc::clone(file);
    Ok(Json(show(directory, &file)))
}

/// `DELETE /api/v1/beta/directories/{directory_id}/files/{directory_file_id}`
pub(super) async fn delete(
    State(cloud): State<Arc<Cloud>>,
    Path((id, file_id)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    let mut account = cloud.account();
    let directory = account.directory(&id, cloud.now())?;
    let before = directory.files.len();
    directory.files.retain(|file| file.id != file_id);
    if directory.files.len() == before {
        return Err(Refusal::not_found("Directory file", &file_id));
    }
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/v1/beta/directories/{directory_id}/files/bulk-delete`. Ids that do not exist are passed over.
pub(super) async fn bulk_delete(
    State(cloud): State<Arc<Cloud>>,
    Path(id): Path<String>,
    Body(request): Body<BulkDelete>,
) -> Result<StatusCode, Refusal> {
    let ids = request.directory_file_ids;
    if !(1..=100).contains(&ids.len()) {
        return Err(Refusal::invalid_member(
            "directory_file_ids",
            &"List should have from 1 to 100 items",
        ));
    }
    let mut account = cloud.account();
    let directory = account.directory(&id, cloud.now())?;
    directory.files.retain(|file| !ids.contains(&file.id));
    Ok(StatusCode::NO_CONTENT)
}

/// A `DirectoryFileResponse`. No content can be downloaded, so `download_url` is always null.
fn show(directory: &Directory, file: &DirectoryFile) -> Value {
    json!({
        "id": file.id,
        "project_id": PROJECT_ID,
        "directory_id": directory.id,
        "unique_id": file.unique_id,
        "display_name": file.display_name,
        "file_id": file.stored.id,
        "metadata": file.metadata,
        "created_at": file.created_at.to_string(),
        "updated_at": directory.updated_at(file).to_string(),
        "deleted_at": null,
        "download_url": null,
    })
}
