//! Extract jobs with their results. The data is invented to fit the configuration's schema.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    batch::Job,
    cloud::{Cloud, PROJECT_ID},
    extract::{Answer, Query},
    jobs::{self, Expand},
    paging::Paging,
    parses,
    product::Product,
    refusal::Refusal,
    status::Status,
};

const EXPANSIONS: [&str; 3] = ["configuration", "extract_metadata", "usage"];

/// Rows that a page has where each row of a table is extracted.
const ROWS_PER_PAGE: u32 = 25;

#[derive(Deserialize)]
pub(super) struct Filter {
    configuration_id: Option<String>,
    file_input: Option<String>,
}

/// `GET /api/v2/extract`: with results, unlike the list of parse jobs.
pub(super) async fn list(
    State(cloud): State<Arc<Cloud>>,
    Query(paging): Query<Paging>,
    Query(filter): Query<jobs::Filter>,
    Query(more): Query<Filter>,
    Query(expand): Query<Expand>,
) -> Answer {
    expand.check(&EXPANSIONS)?;
    let now = cloud.now();
    let account = cloud.account();
    let is = |wanted: &Option<String>, own: &str| wanted.as_deref().is_none_or(|wanted| wanted == own);
    let mut jobs = jobs::select(&account, Product::Extract, &filter, now);
    jobs.retain(|job| {
        is(&more.configuration_id, &job.batch.configuration.id) && is(&more.file_input, &job.file.stored.id)
    });
    paging
        .page(jobs.into_iter(), |job| job.key, |job| show(job, &expand, now))
        .map(Json)
}

/// `GET /api/v2/extract/{job_id}`
pub(super) async fn get(
    State(cloud): State<Arc<Cloud>>,
    Path(id): Path<String>,
    Query(expand): Query<Expand>,
) -> Answer {
    expand.check(&EXPANSIONS)?;
    let now = cloud.now();
    let account = cloud.account();
    let job = jobs::find(&account, Product::Extract, &id, now)?;
    if jobs::is_expired(&job, now) {
        return Err(Refusal::new(StatusCode::NOT_FOUND, "Result not found"));
    }
    Ok(Json(show(&job, &expand, now)))
}

/// An `ExtractV2Job`.
fn show(job: &Job<'_>, expand: &Expand, now: Timestamp) -> Value {
    let configuration = &job.batch.configuration;
    let has_result = job.status == Status::Completed && !jobs::is_expired(job, now);
    let result = if has_result { result(job) } else { Value::Null };
    let usage = expand.has("usage").then(|| {
        let credits = jobs::credits(job);
        json!({ "credits": credits, "extract_credits": credits, "parse_credits": null })
    });
    let metadata = (has_result && expand.has("extract_metadata")).then(|| metadata(job, &result));
    json!({
        "id": job.id,
        "project_id": PROJECT_ID,
        "file_input": job.file.stored.id,
        "configuration_id": configuration.id,
        "configuration": expand.has("configuration").then_some(&configuration.parameters),
        "status": job.status,
        "error_message": job.error,
        "extract_result": result,
        "extract_metadata": metadata,
        "metadata": null,
        "usage": usage,
        "created_at": job.created_at.to_string(),
        "updated_at": job.updated_at.to_string(),
    })
}

/// One object for the document, or an array of them for its pages or table rows.
fn result(job: &Job<'_>) -> Value {
    let configuration = &job.batch.configuration;
    let pages = job.file.stored.document.pages();
    let item = |number: u32| invent(configuration.parameter("data_schema"), "value", number);
    match configuration.text("extraction_target") {
        "per_page" => (1..=pages).map(item).collect(),
        "per_table_row" => (1..=pages * ROWS_PER_PAGE).map(item).collect(),
        _ => item(pages),
    }
}

/// An invented value for a JSON schema.
fn invent(schema: &Value, name: &str, number: u32) -> Value {
    match schema["type"].as_str() {
        Some("object") => {
            let properties = schema["properties"].as_object().into_iter().flatten();
            let member = |(name, schema): (&String, &Value)| (name.clone(), invent(schema, name, number));
            Value::Object(properties.map(member).collect())
        }
        Some("array") => (0..3)
            .map(|index| invent(&schema["items"], name, number + index))
            .collect(),
        Some("number") => json!(f64::from(number) + 100.5),
        Some("integer") => json!(number),
        Some("boolean") => json!(number.is_multiple_of(2)),
        _ => json!(format!("{name} {number}")),
    }
}

/// An `ExtractJobMetadata`. Citations and confidence have the form of the result.
fn metadata(job: &Job<'_>, result: &Value) -> Value {
    let wants = |name: &str| job.batch.configuration.is_on(&format!("/{name}"));
    let (cite, score) = (wants("cite_sources"), wants("confidence_scores"));
    let member = match job.batch.configuration.text("extraction_target") {
        "per_page" => "page_metadata",
        "per_table_row" => "row_metadata",
        _ => "document_metadata",
    };
    let fields = (cite || score).then(|| json!({ member: evidence(result, 1, cite, score) }));
    json!({
        "field_metadata": fields,
        "parse_job_id": job.parse_job_id,
        "parse_tier": parses::tier(job),
    })
}

/// The evidence for each leaf of a value. In an array of pages, the position is the page.
fn evidence(value: &Value, page: usize, cite: bool, score: bool) -> Value {
    match value {
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items
                .map(|(index, item)| evidence(item, index + 1, cite, score))
                .collect()
        }
        Value::Object(members) => {
            let members = members.iter();
            Value::Object(
                members
                    .map(|(name, value)| (name.clone(), evidence(value, page, cite, score)))
                    .collect(),
            )
        }
        leaf => {
            let mut entry = Map::new();
            if cite {
                let text = leaf.as_str().map_or_else(|| leaf.to_string(), str::to_owned);
                let boxes = json!([{ "x": 72.0, "y": 96.0, "w": 120.0, "h": 14.0 }]);
                let citation = json!([{ "page": page, "matching_text": text, "bounding_boxes": boxes }]);
                entry.insert("citation".to_owned(), citation);
            }
            if score {
                entry.insert("confidence".to_owned(), json!(0.94));
            }
            Value::Object(entry)
        }
    }
}
