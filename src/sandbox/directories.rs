//! Directories: list, create, get, delete.

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
    cloud::{Cloud, PROJECT_ID, expiry},
    directory::{Course, Directory, Kind},
    extract::{Answer, Body, Created, Query},
    faults::Effects,
    paging::Paging,
    refusal::Refusal,
};

#[derive(Deserialize)]
pub(super) struct Filter {
    name: Option<String>,
    r#type: Option<Kind>,
    #[serde(default)]
    types: Vec<Kind>,
    #[serde(default)]
    include_deleted: bool,
}

#[derive(Deserialize)]
pub(super) struct CreateRequest {
    name: String,
    description: Option<String>,
    #[serde(default = "user")]
    r#type: Kind,
    connector_subscription_id: Option<String>,
    system_metadata: Option<Map<String, Value>>,
}

fn user() -> Kind {
    Kind::User
}

/// `GET /api/v1/beta/directories`: oldest first. `name` matches the whole name; the API does not say whether a part matches.
pub(super) async fn list(
    State(cloud): State<Arc<Cloud>>,
    Extension(effects): Extension<Effects>,
    Query(paging): Query<Paging>,
    Query(filter): Query<Filter>,
) -> Answer {
    let now = cloud.now();
    let account = cloud.account();
    let items = account.directories.iter().filter(|directory| {
        (filter.include_deleted || directory.exists(now))
            && filter.name.as_deref().is_none_or(|name| name == directory.name)
            && filter.r#type.is_none_or(|kind| kind == directory.kind)
            && (filter.types.is_empty() || filter.types.contains(&directory.kind))
            && !effects.hides(directory.created_at, now)
    });
    paging
        .page(items, |directory| !directory.serial, |directory| show(directory, now))
        .map(Json)
}

/// `POST /api/v1/beta/directories`. A name that is taken answers 409; the API documents no answer for it.
pub(super) async fn create(State(cloud): State<Arc<Cloud>>, Body(request): Body<CreateRequest>) -> Created {
    let now = cloud.now();
    if request.name.is_empty() {
        return Err(Refusal::invalid_member(
            "name",
            &"String should have at least 1 character",
        ));
    }
    if request.r#type == Kind::Index {
        return Err(Refusal::invalid_member(
            "type",
            &"Input should be 'user' or 'ephemeral'",
        ));
    }
    let mut account = cloud.account();
    let mut others = account.directories.iter();
    if others.any(|other| other.name == request.name && other.exists(now)) {
        return Err(Refusal::conflict(format!(
            "A directory named {} already exists",
            request.name
        )));
    }
    let directory = Directory {
        id: format!("dir-{}", Uuid::new_v4()),
        serial: account.next_serial(),
        name: request.name,
        description: request.description,
        kind: request.r#type,
        course: Course::Smooth,
        connector: request.connector_subscription_id,
        system_metadata: request.system_metadata.map(Value::Object),
        created_at: now,
        expires_at: (request.r#type == Kind::Ephemeral).then(|| expiry(now)),
        deleted_at: None,
        processed_at: None,
        files: Vec::new(),
    };
    let shown = show(&directory, now);
    account.directories.push(directory);
    Ok((StatusCode::CREATED, Json(shown)))
}

/// `GET /api/v1/beta/directories/{directory_id}`
pub(super) async fn get(State(cloud): State<Arc<Cloud>>, Path(id): Path<String>) -> Answer {
    let now = cloud.now();
    Ok(Json(show(cloud.account().directory(&id, now)?, now)))
}

/// `DELETE /api/v1/beta/directories/{directory_id}`
pub(super) async fn delete(State(cloud): State<Arc<Cloud>>, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    let now = cloud.now();
    cloud.account().directory(&id, now)?.deleted_at = Some(now);
    Ok(StatusCode::NO_CONTENT)
}

/// A `DirectoryResponse`.
fn show(directory: &Directory, now: Timestamp) -> Value {
    json!({
        "id": directory.id,
        "project_id": PROJECT_ID,
        "name": directory.name,
        "description": directory.description,
        "type": directory.kind,
        "connector_subscription_id": directory.connector,
        "expires_at": directory.expires_at.map(|expires_at| expires_at.to_string()),
        "system_metadata": directory.system_metadata,
        "created_at": directory.created_at.to_string(),
        "updated_at": directory.created_at.to_string(),
        "deleted_at": directory.gone_at(now).map(|gone_at| gone_at.to_string()),
    })
}
