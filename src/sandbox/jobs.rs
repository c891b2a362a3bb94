//! What parse and extract jobs have in common: finding them, and whether their results are still there.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::{
    batch::Job, cloud::Account, document::Document, extract::Instant, paging::Span, product::Product, refusal::Refusal,
    status::Status,
};

/// Results are kept this long. How long the API keeps them is unpublished.
const KEPT_HOURS: i64 = 30 * 24;

/// Filters of both lists.
#[derive(Deserialize)]
pub(super) struct Filter {
    #[serde(default)]
    job_ids: Vec<String>,
    status: Option<Status>,
    created_at_on_or_after: Option<Instant>,
    created_at_on_or_before: Option<Instant>,
}

#[derive(Deserialize)]
pub(super) struct Expand {
    #[serde(default)]
    expand: Vec<String>,
}

impl Expand {
    /// # Errors
    /// 422 if one of the values is not among these.
    pub(super) fn check(&self, known: &[&str]) -> Result<(), Refusal> {
        match self.expand.iter().find(|value| !known.contains(&value.as_str())) {
            Some(value) => Err(Refusal::invalid_value(
                "expand",
                &format!("`{value}` is not one of {}", known.join(", ")),
            )),
            None => Ok(()),
        }
    }

    pub(super) fn has(&self, value: &str) -> bool {
        self.expand.iter().any(|given| given == value)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &str> {
        self.expand.iter().map(String::as_str)
    }
}

/// The jobs of one product that pass the filter, newest batch first, each once.
pub(super) fn select<'a>(account: &'a Account, product: Product, filter: &Filter, now: Timestamp) -> Vec<Job<'a>> {
    let created = Span {
        from: filter.created_at_on_or_after,
        to: filter.created_at_on_or_before,
    };
    let mut jobs: Vec<Job<'a>> = if filter.job_ids.is_empty() {
        let batches = account.batches.iter().filter(|batch| batch.product == product);
        batches.flat_map(|batch| batch.jobs(now)).collect()
    } else {
        let found = filter.job_ids.iter().map(|id| find(account, product, id, now));
        found.filter_map(Result::ok).collect()
    };
    jobs.retain(|job| created.contains(job.created_at) && filter.status.is_none_or(|status| status == job.status));
    jobs.sort_by_key(|job| std::cmp::Reverse(job.key));
    jobs.dedup_by_key(|job| job.key);
    jobs
}

/// # Errors
/// 404 for a job that does not exist.
pub(super) fn find<'a>(account: &'a Account, product: Product, id: &str, now: Timestamp) -> Result<Job<'a>, Refusal> {
    let job = account.batches.iter().find_map(|batch| {
        let index = batch.index_of_job(product, id)?;
        batch.job(&batch.standing(now), index)
    });
    job.ok_or_else(|| Refusal::not_found("Job", id))
}

/// Whether the result of a completed job is gone.
pub(super) fn is_expired(job: &Job<'_>, now: Timestamp) -> bool {
    let is_old = now.duration_since(job.updated_at) > SignedDuration::from_hours(KEPT_HOURS);
    job.status == Status::Completed && (is_old || matches!(job.file.stored.document, Document::Expired))
}

/// The credits of a job that succeeded; null for any other.
pub(super) fn credits(job: &Job<'_>) -> Value {
    let pages = u64::from(job.file.stored.document.pages());
    let credits = pages * job.batch.configuration.credits_per_page();
    if job.status == Status::Completed {
        credits.into()
    } else {
        Value::Null
    }
}
