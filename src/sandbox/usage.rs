//! Usage metrics: the credits of each completed job.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    batch::Job,
    cloud::{Cloud, ORGANIZATION_ID, PROJECT_ID},
    extract::{Answer, Query},
    jobs,
    paging::Paging,
    status::Status,
};

/// The organization must be named; that it is the account's has been checked before.
#[derive(Deserialize)]
pub(super) struct Filter {
    #[serde(rename = "organization_id")]
    _organization_id: Uuid,
    /// A job's id.
    event_aggregation_key: Option<String>,
}

/// `GET /api/v1/beta/usage-metrics`
pub(super) async fn list(
    State(cloud): State<Arc<Cloud>>,
    Query(paging): Query<Paging>,
    Query(filter): Query<Filter>,
) -> Answer {
    let now = cloud.now();
    let account = cloud.account();
    let jobs = account.batches.iter().rev().flat_map(|batch| batch.jobs(now));
    let jobs = jobs.filter(|job| {
        let key = filter.event_aggregation_key.as_deref();
        job.status == Status::Completed && key.is_none_or(|key| key == job.id)
    });
    paging.page(jobs, |job| job.key, show).map(Json)
}

fn show(job: &Job<'_>) -> Value {
    json!({
        "event_type": job.batch.product.job_type(),
        "event_aggregation_key": job.id,
        "value": job.file.stored.document.pages(),
        "credits": jobs::credits(job),
        "day": job.updated_at.strftime("%F").to_string(),
        "organization_id": ORGANIZATION_ID,
        "project_id": PROJECT_ID,
    })
}
