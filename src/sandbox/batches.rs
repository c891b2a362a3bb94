//! The Batches API itself: create, list, get, cancel.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    batch::{Batch, Standing},
    cloud::{Account, Cloud, PROJECT_ID},
    configuration::PRESET_PARSE,
    directory::Fate,
    extract::{Answer, Body, Created, Instant, Query},
    faults::Effects,
    paging::{Paging, Span},
    product::Product,
    refusal::Refusal,
    status::Status,
};

/// Documented: "Batch creation is limited to 1,000 source files."
const MOST_FILES: usize = 1000;

/// `bat-sandbox-small` is a batch over `dir-small` that begins when it is first read; every known directory has one.
const READY_MADE: &str = "bat-sandbox-";

/// What a create asks for. Webhooks are accepted and never sent.
#[derive(Deserialize)]
pub(super) struct CreateRequest {
    source_directory_id: String,
    config: Config,
}

#[derive(Deserialize)]
struct Config {
    job: JobRequest,
}

#[derive(Deserialize)]
struct JobRequest {
    r#type: Product,
    configuration_id: String,
}

#[derive(Deserialize)]
pub(super) struct Filter {
    status: Option<Status>,
    source_directory_id: Option<String>,
    created_at_on_or_after: Option<Instant>,
    created_at_on_or_before: Option<Instant>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Expansion {
    Results,
}

#[derive(Deserialize)]
pub(super) struct Expand {
    #[serde(default)]
    expand: Vec<Expansion>,
}

/// `POST /api/v2/batches`
pub(super) async fn create(State(cloud): State<Arc<Cloud>>, Body(request): Body<CreateRequest>) -> Created {
    let mut account = cloud.account();
    let batch = make(&cloud, &mut account, &request, format!("bat-{}", Uuid::new_v4()))?;
    let shown = show(&batch, &batch.at_creation(), None);
    account.batches.push(batch);
    Ok((StatusCode::CREATED, Json(shown)))
}

/// Makes a batch of a well-formed request.
///
/// # Errors
/// 404 for a directory or configuration that does not exist; 400 for an empty or too large directory and for a configuration of
/// another product. The API documents none of these answers: status and words are chosen here.
fn make(cloud: &Cloud, account: &mut Account, request: &CreateRequest, id: String) -> Result<Batch, Refusal> {
    let now = cloud.now();
    let serial = account.next_serial();
    let source = &request.source_directory_id;
    account.directory(source, now)?;
    let job = &request.config.job;
    let configuration = Arc::clone(account.configuration(&job.configuration_id)?);
    if configuration.product != job.r#type {
        return Err(Refusal::bad_request(format!(
            "Configuration {} is for {} and cannot be used with {}",
            configuration.id,
            configuration.product.job_type(),
            job.r#type.job_type()
        )));
    }
    let directory = account.directory(source, now)?;
    match directory.files.len() {
        0 => Err(Refusal::bad_request(format!(
            "Directory {source} has no files to process"
        ))),
        count if count > MOST_FILES => Err(Refusal::bad_request(format!(
            "Directory {source} has {count} files; a batch is limited to {MOST_FILES} source files"
        ))),
        _ => {
            directory.processed_at = Some(now);
            Ok(Batch::new(id, serial, directory, configuration, cloud.speed, now))
        }
    }
}

/// `GET /api/v2/batches`: newest first. The order is undocumented.
pub(super) async fn list(
    State(cloud): State<Arc<Cloud>>,
    Extension(effects): Extension<Effects>,
    Query(paging): Query<Paging>,
    Query(filter): Query<Filter>,
) -> Answer {
    let now = cloud.now();
    let created = Span {
        from: filter.created_at_on_or_after,
        to: filter.created_at_on_or_before,
    };
    let source = filter.source_directory_id.as_deref();
    let account = cloud.account();
    let items = account.batches.iter().rev().filter_map(|batch| {
        let fits = created.contains(batch.created_at)
            && source.is_none_or(|source| source == batch.directory_id)
            && !effects.hides(batch.created_at, now);
        let standing = fits.then(|| batch.standing(now))?;
        let in_status = filter.status.is_none_or(|status| status == standing.status);
        in_status.then_some((batch, standing))
    });
    let key = |(batch, _): &(&Batch, Standing)| batch.serial;
    paging
        .page(items, key, |(batch, standing)| show(batch, standing, None))
        .map(Json)
}

/// `GET /api/v2/batches/{batch_id}`
pub(super) async fn get(
    State(cloud): State<Arc<Cloud>>,
    Path(id): Path<String>,
    Query(Expand { expand }): Query<Expand>,
) -> Answer {
    let mut account = cloud.account();
    let batch = find(&cloud, &mut account, &id)?;
    batch.step();
    let standing = batch.standing(cloud.now());
    let results = expand.first().and_then(|Expansion::Results| results(batch, &standing));
    Ok(Json(show(batch, &standing, results.as_deref())))
}

/// `POST /api/v2/batches/{batch_id}/cancel`. A final batch answers 409; the API documents no answer for it.
pub(super) async fn cancel(
    State(cloud): State<Arc<Cloud>>,
    Extension(effects): Extension<Effects>,
    Path(id): Path<String>,
) -> Answer {
    let now = cloud.now();
    let mut account = cloud.account();
    let batch = find(&cloud, &mut account, &id)?;
    let before = batch.standing(now);
    if before.status.is_final() {
        return Err(Refusal::conflict(format!(
            "Batch {id} is {} and cannot be cancelled",
            before.status
        )));
    }
    batch.cancel(now);
    let shown = if effects.late_cancel {
        before
    } else {
        batch.standing(now)
    };
    Ok(Json(show(batch, &shown, None)))
}

/// The batch of this id. A ready-made one begins now, if it has not yet.
fn find<'a>(cloud: &Cloud, account: &'a mut Account, id: &str) -> Result<&'a mut Batch, Refusal> {
    let known = account.batches.iter().any(|batch| batch.id == id);
    if let Some(word) = id.strip_prefix(READY_MADE).filter(|_| !known) {
        let job = JobRequest {
            r#type: Product::Parse,
            configuration_id: PRESET_PARSE.to_owned(),
        };
        let request = CreateRequest {
            source_directory_id: format!("dir-{word}"),
            config: Config { job },
        };
        if let Ok(batch) = make(cloud, account, &request, id.to_owned()) {
            account.batches.push(batch);
        }
    }
    let mut batches = account.batches.iter_mut();
    batches
        .find(|batch| batch.id == id)
        .ok_or_else(|| Refusal::not_found("Batch", id))
}

/// A `BatchResponse`.
fn show(batch: &Batch, standing: &Standing, results: Option<&[Value]>) -> Value {
    json!({
        "id": batch.id,
        "project_id": PROJECT_ID,
        "source_directory_id": batch.directory_id,
        "config": { "job": {
            "type": batch.product.job_type(),
            "configuration_id": batch.configuration.id,
        } },
        "status": standing.status,
        "created_at": batch.created_at.to_string(),
        "updated_at": standing.updated_at.to_string(),
        "results": results,
    })
}

/// The `results` of a batch: null until it is final, and when it FAILED.
fn results(batch: &Batch, standing: &Standing) -> Option<Vec<Value>> {
    if !standing.status.is_final() || standing.status == Status::Failed {
        return None;
    }
    let files = batch.files.iter().enumerate();
    let results = files.map(|(index, file)| {
        let job = batch.job(standing, index);
        let reference = job.map(|job| json!({ "type": batch.product.job_type(), "id": job.id }));
        let error = match &file.stored.fate {
            // A cancelled batch did not get that far.
            Fate::NotMapped(reason) if standing.status == Status::Completed => Some(reason),
            _ => None,
        };
        json!({ "source_directory_file_id": file.id, "job_reference": reference, "error_message": error })
    });
    Some(results.collect())
}
