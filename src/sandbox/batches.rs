//! The Batches API itself: create, list, get, cancel.

use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::{
    account::{self, Directory, Fate},
    body::{self, CreateRequest},
    cloud::Cloud,
    errors::Reply,
    faults::Effects,
    query::Parameters,
    ready_made,
    state::{Batch, STATUSES, Standing},
};

/// Documented: "Batch creation is limited to 1,000 source files."
const MOST_FILES: usize = 1000;

/// `POST /api/v2/batches`
pub(super) fn create(
    cloud: &Cloud,
    mut parameters: Parameters,
    headers: &HeaderMap,
    bytes: &[u8],
) -> Result<Reply, Reply> {
    let scope = parameters.scope();
    let request = body::read(headers, bytes, parameters.problems)?;
    scope.check()?;
    admit(cloud, &request)?;
    let now = cloud.now();
    let mut batches = cloud.batches();
    let serial = u64::try_from(batches.len()).unwrap_or_default() + 1;
    let batch = Batch::new(serial, request, now);
    let shown = show(&batch, &batch.at_creation(), None);
    batches.push(batch);
    Ok(Reply::json(StatusCode::CREATED, shown))
}

/// Decides whether a well-formed request can become a batch.
///
/// # Errors
/// 404 for a directory or configuration that is not there; 400 for an empty or too large directory and for a configuration of
/// another product. The API documents none of these answers: status and words are chosen here.
pub(super) fn admit(cloud: &Cloud, request: &CreateRequest) -> Result<(), Reply> {
    let id = &request.source_directory_id;
    let Some(directory) = cloud.account.directory(id) else {
        return Err(Reply::not_found(format!("Directory {id} not found")));
    };
    let Some(configuration) = account::configuration(&request.configuration_id) else {
        return Err(Reply::not_found(format!(
            "Configuration {} not found",
            request.configuration_id
        )));
    };
    let (own, asked) = (configuration.product.job_type(), request.product.job_type());
    if own != asked {
        let detail = format!(
            "Configuration {} is for {own} and cannot be used with {asked}",
            configuration.id
        );
        return Err(Reply::refusal(StatusCode::BAD_REQUEST, detail));
    }
    match directory.files.len() {
        0 => Err(Reply::refusal(
            StatusCode::BAD_REQUEST,
            format!("Directory {id} has no files to process"),
        )),
        count if count > MOST_FILES => {
            let detail = format!("Directory {id} has {count} files; a batch is limited to {MOST_FILES} source files");
            Err(Reply::refusal(StatusCode::BAD_REQUEST, detail))
        }
        _ => Ok(()),
    }
}

/// `GET /api/v2/batches`: newest first. The order is undocumented.
pub(super) fn list(cloud: &Cloud, mut parameters: Parameters, effects: Effects) -> Result<Reply, Reply> {
    let scope = parameters.scope();
    let window = parameters.window();
    let status = parameters.word("status", &STATUSES);
    let created = parameters.span("created_at");
    let source = parameters.text("source_directory_id");
    parameters.problems.finish()?;
    scope.check()?;
    let batches = cloud.batches();
    let items = batches.iter().rev().filter_map(|batch| {
        let standing = batch.standing(
            cloud.speed,
            cloud.account.directory(&batch.request.source_directory_id)?,
        );
        let fits = created.holds(batch.created_at)
            && status.as_deref().is_none_or(|status| status == standing.status)
            && source
                .as_deref()
                .is_none_or(|source| source == batch.request.source_directory_id)
            && batch.born.elapsed() >= effects.list_lag;
        fits.then_some((batch, standing))
    });
    let page = window.page(
        items,
        |(batch, _)| batch.serial,
        |(batch, standing)| show(batch, standing, None),
    )?;
    Ok(Reply::json(StatusCode::OK, page))
}

/// `GET /api/v2/batches/{batch_id}`. An `expand` other than `results` is refused; the API documents no answer for it.
pub(super) fn get(cloud: &Cloud, mut parameters: Parameters, id: &str) -> Result<Reply, Reply> {
    let scope = parameters.scope();
    let expand = parameters.words("expand", &["results"]);
    parameters.problems.finish()?;
    scope.check()?;
    let mut batches = cloud.batches();
    ready_made::begin(cloud, &mut batches, id);
    let batch = batches
        .iter_mut()
        .find(|batch| batch.id == id)
        .ok_or_else(|| unknown(id))?;
    batch.step();
    let directory = directory_of(cloud, batch)?;
    let standing = batch.standing(cloud.speed, directory);
    let results = if expand.is_empty() {
        None
    } else {
        results(cloud, batch, directory, &standing)
    };
    Ok(Reply::json(StatusCode::OK, show(batch, &standing, results.as_deref())))
}

/// `POST /api/v2/batches/{batch_id}/cancel`. For a batch that is final already the answer is 409; the API documents none.
pub(super) fn cancel(cloud: &Cloud, mut parameters: Parameters, id: &str, effects: Effects) -> Result<Reply, Reply> {
    let scope = parameters.scope();
    parameters.problems.finish()?;
    scope.check()?;
    let now = cloud.now();
    let mut batches = cloud.batches();
    ready_made::begin(cloud, &mut batches, id);
    let batch = batches
        .iter_mut()
        .find(|batch| batch.id == id)
        .ok_or_else(|| unknown(id))?;
    let directory = directory_of(cloud, batch)?;
    let before = batch.standing(cloud.speed, directory);
    if before.is_final() {
        let detail = format!("Batch {id} is {} and cannot be cancelled", before.status);
        return Err(Reply::refusal(StatusCode::CONFLICT, detail));
    }
    batch.cancel(cloud.speed, directory, now);
    let after = batch.standing(cloud.speed, directory);
    let shown = if effects.late_cancel { before } else { after };
    Ok(Reply::json(StatusCode::OK, show(batch, &shown, None)))
}

fn unknown(id: &str) -> Reply {
    Reply::not_found(format!("Batch {id} not found"))
}

fn directory_of<'a>(cloud: &'a Cloud, batch: &Batch) -> Result<&'a Directory, Reply> {
    cloud
        .account
        .directory(&batch.request.source_directory_id)
        .ok_or_else(|| unknown(&batch.id))
}

/// A `BatchResponse`.
fn show(batch: &Batch, standing: &Standing, results: Option<&[Value]>) -> Value {
    json!({
        "id": batch.id,
        "project_id": account::PROJECT_ID,
        "source_directory_id": batch.request.source_directory_id,
        "config": { "job": {
            "type": batch.request.product.job_type(),
            "configuration_id": batch.request.configuration_id,
        } },
        "status": standing.status,
        "created_at": batch.created_at.to_string(),
        "updated_at": standing.updated_at.to_string(),
        "results": results,
    })
}

/// The `results` of a batch: null until it is final, and when it FAILED.
fn results(cloud: &Cloud, batch: &Batch, directory: &Directory, standing: &Standing) -> Option<Vec<Value>> {
    if !standing.is_final() || standing.status == "FAILED" {
        return None;
    }
    let result = |(index, file): (usize, &account::File)| {
        let job = batch.job(cloud.speed, directory, standing, index);
        let reference = job.map(|job| json!({ "type": batch.request.product.job_type(), "id": job.id }));
        let error = match &file.fate {
            // A cancelled batch never came to say so.
            Fate::NotMapped(reason) if standing.status == "COMPLETED" => Some(reason),
            _ => None,
        };
        json!({ "source_directory_file_id": file.id, "job_reference": reference, "error_message": error })
    };
    Some(directory.files.iter().enumerate().map(result).collect())
}
