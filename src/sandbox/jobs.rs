//! Parse and extract jobs: the ones that batches have made, each as far as it has come.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::{
    account,
    cloud::Cloud,
    errors::Reply,
    query::Parameters,
    route::Product,
    state::{Batch, Job},
};

const PARSE_STATUSES: [&str; 5] = ["PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"];
const EXTRACT_STATUSES: [&str; 6] = ["PENDING", "THROTTLED", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"];

/// What `expand` of a parse job accepts. The last two are undocumented but work.
const PARSE_EXPANSIONS: [&str; 18] = [
    "text",
    "markdown",
    "items",
    "metadata",
    "forms",
    "job_metadata",
    "usage",
    "text_content_metadata",
    "markdown_content_metadata",
    "items_content_metadata",
    "metadata_content_metadata",
    "forms_content_metadata",
    "raw_words_content_metadata",
    "xlsx_content_metadata",
    "output_pdf_content_metadata",
    "images_content_metadata",
    "markdown_full",
    "text_full",
];
const EXTRACT_EXPANSIONS: [&str; 3] = ["configuration", "extract_metadata", "usage"];

/// `GET /api/v2/parse` and `GET /api/v2/extract`
pub(super) fn list(cloud: &Cloud, mut parameters: Parameters, product: Product) -> Result<Reply, Reply> {
    let scope = parameters.scope();
    let window = parameters.window();
    let created = parameters.span("created_at");
    let ids = parameters.all("job_ids");
    let statuses: &[&str] = match product {
        Product::Parse => &PARSE_STATUSES,
        Product::Extract => &EXTRACT_STATUSES,
    };
    let status = parameters.word("status", statuses);
    let extract_only = |name| {
        if product == Product::Extract {
            parameters.text(name)
        } else {
            None
        }
    };
    let (configuration, input) = (extract_only("configuration_id"), extract_only("file_input"));
    parameters.problems.finish()?;
    scope.check()?;
    let batches = cloud.batches();
    let mut jobs = if ids.is_empty() {
        batches
            .iter()
            .filter(|batch| batch.request.product == product)
            .flat_map(|batch| all(cloud, batch))
            .collect()
    } else {
        ids.iter()
            .filter_map(|id| find(cloud, &batches, product, id))
            .collect::<Vec<_>>()
    };
    jobs.retain(|job| {
        created.holds(job.created_at)
            && status.as_deref().is_none_or(|status| status == job.status)
            && configuration
                .as_deref()
                .is_none_or(|id| id == job.batch.request.configuration_id)
            && input.as_deref().is_none_or(|id| id == job.file.stored_id)
    });
    jobs.sort_by_key(|job| std::cmp::Reverse(job.key));
    jobs.dedup_by_key(|job| job.key);
    let page = window.page(jobs.into_iter(), |job| job.key, |job| show(job, product, &[]))?;
    Ok(Reply::json(StatusCode::OK, page))
}

/// `GET /api/v2/parse/{job_id}` and `GET /api/v2/extract/{job_id}`
pub(super) fn get(cloud: &Cloud, mut parameters: Parameters, product: Product, id: &str) -> Result<Reply, Reply> {
    let scope = parameters.scope();
    let expand = match product {
        Product::Parse => parameters.words("expand", &PARSE_EXPANSIONS),
        Product::Extract => parameters.words("expand", &EXTRACT_EXPANSIONS),
    };
    parameters.problems.finish()?;
    scope.check()?;
    let batches = cloud.batches();
    let job = find(cloud, &batches, product, id).ok_or_else(|| Reply::not_found(format!("Job {id} not found")))?;
    let shown = match product {
        Product::Parse => with_content(&job, &expand),
        Product::Extract => show(&job, product, &expand),
    };
    Ok(Reply::json(StatusCode::OK, shown))
}

/// Every job that a batch has made by now.
fn all<'a>(cloud: &'a Cloud, batch: &'a Batch) -> impl Iterator<Item = Job<'a>> {
    let directory = cloud.account.directory(&batch.request.source_directory_id);
    directory.into_iter().flat_map(move |directory| {
        let standing = batch.standing(cloud.speed, directory);
        (0..directory.files.len()).filter_map(move |index| batch.job(cloud.speed, directory, &standing, index))
    })
}

fn find<'a>(cloud: &'a Cloud, batches: &'a [Batch], product: Product, id: &str) -> Option<Job<'a>> {
    let (batch, index) = batches
        .iter()
        .find_map(|batch| Some((batch, batch.index_of_job(product, id)?)))?;
    let directory = cloud.account.directory(&batch.request.source_directory_id)?;
    batch.job(cloud.speed, directory, &batch.standing(cloud.speed, directory), index)
}

fn show(job: &Job<'_>, product: Product, expand: &[String]) -> Value {
    match product {
        Product::Parse => parse_job(job, expand),
        Product::Extract => extract_job(job, expand),
    }
}

/// A `ParseJobResponse`.
fn parse_job(job: &Job<'_>, expand: &[String]) -> Value {
    let tier = if job.batch.request.configuration_id == account::PRESET_PARSE {
        "agentic"
    } else {
        "cost_effective"
    };
    json!({
        "id": job.id,
        "project_id": account::PROJECT_ID,
        "status": job.status,
        "error_message": job.error,
        "name": job.file.name,
        "tier": tier,
        "usage": usage(job, expand, 10),
        "user_metadata": null,
        "created_at": job.created_at.to_string(),
        "updated_at": job.updated_at.to_string(),
    })
}

/// Credits of a job that ended well, when they are asked for.
fn usage(job: &Job<'_>, expand: &[String], credits_per_page: usize) -> Value {
    if !expand.iter().any(|word| word == "usage") {
        return Value::Null;
    }
    let credits = (job.status == "COMPLETED").then_some(job.file.pages * credits_per_page);
    json!({ "credits": credits })
}

/// A `ParseResultResponse`: the job, and of the content that can be asked for, text and markdown.
fn with_content(job: &Job<'_>, expand: &[String]) -> Value {
    let mut members = Map::new();
    members.insert("job".to_owned(), parse_job(job, expand));
    let body = |page: usize| format!("Page {page} of {}", job.file.name);
    let pages = 1..=job.file.pages;
    for word in expand.iter().filter(|_| job.status == "COMPLETED") {
        let value = match word.as_str() {
            "text" => {
                json!({ "pages": pages.clone().map(|n| json!({ "page_number": n, "text": body(n) })).collect::<Vec<_>>() })
            }
            "markdown" => json!({ "pages": pages.clone().map(|n| json!({
                "page_number": n, "markdown": format!("# {}", body(n)), "success": true,
            })).collect::<Vec<_>>() }),
            "text_full" => pages.clone().map(body).collect::<Vec<_>>().join("\n\n").into(),
            "markdown_full" => pages
                .clone()
                .map(|n| format!("# {}", body(n)))
                .collect::<Vec<_>>()
                .join("\n\n")
                .into(),
            _ => continue,
        };
        members.insert(word.clone(), value);
    }
    Value::Object(members)
}

/// An `ExtractV2Job`.
fn extract_job(job: &Job<'_>, expand: &[String]) -> Value {
    let done = job.status == "COMPLETED";
    let result =
        done.then(|| json!({ "invoice_number": job.file.id, "total": 100 + job.file.pages, "currency": "EUR" }));
    let configuration = expand
        .iter()
        .any(|word| word == "configuration")
        .then(super::lookups::extract_parameters);
    json!({
        "id": job.id,
        "project_id": account::PROJECT_ID,
        "file_input": job.file.stored_id,
        "configuration_id": job.batch.request.configuration_id,
        "configuration": configuration,
        "status": job.status,
        "error_message": job.error,
        "extract_result": result,
        "extract_metadata": null,
        "metadata": null,
        "usage": usage(job, expand, 5),
        "created_at": job.created_at.to_string(),
        "updated_at": job.updated_at.to_string(),
    })
}
