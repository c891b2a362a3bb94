//! Parse jobs: list, and the result of one.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde_json::{Map, Value, json};

use super::{
    batch::Job,
    cloud::{Cloud, PROJECT_ID},
    document::Tables,
    extract::{Answer, Query},
    jobs::{self, Expand, Filter},
    paging::Paging,
    product::Product,
    refusal::Refusal,
    status::Status,
};

/// What `expand` accepts. The last two are undocumented but work.
const EXPANSIONS: [&str; 18] = [
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

/// `GET /api/v2/parse`
pub(super) async fn list(
    State(cloud): State<Arc<Cloud>>,
    Query(paging): Query<Paging>,
    Query(filter): Query<Filter>,
) -> Answer {
    let account = cloud.account();
    let jobs = jobs::select(&account, Product::Parse, &filter, cloud.now());
    paging
        .page(jobs.into_iter(), |job| job.key, |job| show(job, false))
        .map(Json)
}

/// `GET /api/v2/parse/{job_id}`: the job and, once it is COMPLETED, what `expand` names.
pub(super) async fn get(
    State(cloud): State<Arc<Cloud>>,
    Path(id): Path<String>,
    Query(expand): Query<Expand>,
) -> Answer {
    expand.check(&EXPANSIONS)?;
    let now = cloud.now();
    let account = cloud.account();
    let job = jobs::find(&account, Product::Parse, &id, now)?;
    if jobs::is_expired(&job, now) {
        let detail = "Result not found. Check job status to see if it has completed.";
        return Err(Refusal::new(StatusCode::NOT_FOUND, detail));
    }
    let mut members = Map::from_iter([("job".to_owned(), show(&job, expand.has("usage")))]);
    if job.status == Status::Completed {
        add_content(&mut members, &job, &expand);
    }
    Ok(Json(Value::Object(members)))
}

/// A `ParseJobResponse`.
fn show(job: &Job<'_>, with_usage: bool) -> Value {
    json!({
        "id": job.parse_job_id,
        "project_id": PROJECT_ID,
        "status": job.status,
        "error_message": job.error,
        "name": job.file.display_name,
        "tier": tier(job),
        "usage": with_usage.then(|| json!({ "credits": jobs::credits(job) })),
        "user_metadata": null,
        "created_at": job.created_at.to_string(),
        "updated_at": job.updated_at.to_string(),
    })
}

/// The tier of a parse job. The parse job behind an extract job always has the same tier, whatever the configuration says.
pub(super) fn tier<'a>(job: &Job<'a>) -> &'a str {
    match job.batch.product {
        Product::Parse => job.batch.configuration.text("tier"),
        Product::Extract => "cost_effective",
    }
}

fn add_content(members: &mut Map<String, Value>, job: &Job<'_>, expand: &Expand) {
    let content = Content::of(job);
    let mut sizes = Map::new();
    for word in expand.values() {
        let value = match word {
            "text" => content.text(),
            "markdown" => content.markdown(),
            "text_full" => joined(&content.text(), "text"),
            "markdown_full" => joined(&content.markdown(), "markdown"),
            "metadata" => content.metadata(),
            "job_metadata" => json!({}),
            "text_content_metadata" => {
                sizes.insert("text".to_owned(), size(&content.text()));
                continue;
            }
            "markdown_content_metadata" => {
                sizes.insert("markdown".to_owned(), size(&content.markdown()));
                continue;
            }
            _ => continue,
        };
        members.insert(word.to_owned(), value);
    }
    if !sizes.is_empty() {
        members.insert("result_content_metadata".to_owned(), Value::Object(sizes));
    }
}

/// The pages of one file.
struct Content<'a> {
    job: &'a Job<'a>,
    name: &'a str,
    pages: u32,
}

impl<'a> Content<'a> {
    fn of(job: &'a Job<'a>) -> Self {
        Self {
            job,
            name: &job.file.stored.name,
            pages: job.file.stored.document.pages(),
        }
    }

    /// A `TextResult`. A page that failed is empty.
    fn text(&self) -> Value {
        let document = &self.job.file.stored.document;
        let page =
            |number| json!({ "page_number": number, "text": document.text(self.name, number).unwrap_or_default() });
        json!({ "pages": (1..=self.pages).map(page).collect::<Vec<_>>() })
    }

    /// A `MarkdownResult`; null on tier `fast`.
    fn markdown(&self) -> Value {
        if tier(self.job) == "fast" {
            return Value::Null;
        }
        let pointer = "/output_options/markdown/tables/output_tables_as_markdown";
        let as_markdown = self.job.batch.configuration.is_on(pointer);
        let tables = if as_markdown { Tables::Markdown } else { Tables::Html };
        let document = &self.job.file.stored.document;
        let page = |number| match document.markdown(self.name, number, tables) {
            Ok(markdown) => json!({
                "page_number": number, "markdown": markdown, "header": null, "footer": null, "success": true,
            }),
            Err(error) => json!({ "page_number": number, "error": error, "success": false }),
        };
        json!({ "pages": (1..=self.pages).map(page).collect::<Vec<_>>() })
    }

    /// A `MetadataResult`.
    fn metadata(&self) -> Value {
        let page = |number: u32| json!({ "page_number": number, "confidence": 0.97, "printed_page_number": number.to_string() });
        json!({ "pages": (1..=self.pages).map(page).collect::<Vec<_>>() })
    }
}

/// The pages in one string; failed pages do not show.
fn joined(pages: &Value, member: &str) -> Value {
    let Some(pages) = pages["pages"].as_array() else {
        return Value::Null;
    };
    let texts: Vec<&str> = pages.iter().filter_map(|page| page[member].as_str()).collect();
    texts.join("\n\n").into()
}

/// The size of a content as the API reports it, with a presigned URL that does not work and that no client should show.
fn size(content: &Value) -> Value {
    json!({
        "size_bytes": content.to_string().len(),
        "exists": !content.is_null(),
        "presigned_url": "https://objects.sandbox.invalid/result?X-Amz-Signature=5d2c1f",
    })
}
