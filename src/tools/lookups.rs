//! What LlamaCloud knows about a batch's files beyond the batch itself: their names, and how the job of each of them ended.
//!
//! Names come from the directory's files, states and errors from the lists of parse or extract jobs, asked for by `job_ids`. Up to
//! four requests are under way at a time, all of them end at the call's deadline, and one that fails costs its own part alone.
//!
//! Requests for a batch of 1,000 files with the usual ids: 1 for the batch, 1 for the names, 13 for the jobs. Once the batch is
//! there, the 14 others take four round trips.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{self, StreamExt};
use tokio::time::Instant;

use super::account::Account;
use super::gaps::{self, Unread};
use crate::llamacloud::{
    Advice, Batch, BatchResult, DirectoryId, Error, ErrorKind, FileJob, FilesOf, JobId, JobType, Product, Reading,
    Scope,
};

const AT_A_TIME: usize = 4;
/// The ids of one request, in bytes of its address. Every server on the way should take addresses of 8,000 bytes (RFC 9110,
/// section 4.1); this is half, and leaves room for the rest of the address.
const MAX_IDS_BYTES: usize = 4000;
/// As large a page as the API's other lists of files take, then what any list takes, then the API's own default.
const FILE_PAGES: [Option<u32>; 3] = [Some(1000), Some(100), None];
const SMALL_JOB_PAGE: u32 = 10;

/// The names and jobs that were found.
#[derive(Debug, Default)]
pub(crate) struct Outcomes {
    names: HashMap<String, String>,
    jobs: HashMap<String, FileJob>,
    /// What could not be found out, and why: whole sentences.
    pub(crate) gaps: Vec<String>,
}

impl Outcomes {
    /// The name of a file. Upstream text, not cleaned.
    pub(crate) fn name(&self, file_id: &str) -> Option<&str> {
        self.names.get(file_id).map(String::as_str)
    }

    /// As if both had been found.
    #[cfg(test)]
    pub(crate) fn insert(&mut self, name: Option<(String, String)>, job: Option<FileJob>) {
        self.names.extend(name);
        self.jobs.extend(job.map(|job| (job.id.clone(), job)));
    }

    /// The job of this id.
    pub(crate) fn job(&self, job_id: &str) -> Option<&FileJob> {
        self.jobs.get(job_id)
    }

    /// Looks up what the results of a batch refer to. It never fails: what is missing is told in [`Outcomes::gaps`].
    pub(crate) async fn look_up(
        account: &Account,
        scope: &Scope,
        batch: &Batch,
        results: &[BatchResult],
        deadline: Instant,
    ) -> Self {
        if results.is_empty() {
            return Self::default();
        }
        let wanted: HashSet<&str> = results
            .iter()
            .map(|result| result.source_directory_file_id.as_str())
            .collect();
        let lookup = Lookup {
            account,
            scope,
            deadline,
            hopeless: AtomicBool::new(false),
        };
        let names = lookup.names(&batch.source_directory_id, &wanted).boxed();
        let jobs = chunks(results)
            .into_iter()
            .map(|(product, ids)| lookup.jobs(product, ids).boxed());
        let lookups: Vec<BoxFuture<'_, Found>> = std::iter::once(names).chain(jobs).collect();
        let found: Vec<Found> = stream::iter(lookups).buffer_unordered(AT_A_TIME).collect().await;
        Self::of(found, &wanted, results)
    }

    fn of(found: Vec<Found>, wanted: &HashSet<&str>, results: &[BatchResult]) -> Self {
        let mut outcomes = Self::default();
        let (mut no_names, mut no_jobs) = (None, None);
        for found in found {
            match found {
                Found::Names { names, unread } => {
                    outcomes.names.extend(names);
                    no_names = unread;
                }
                Found::Jobs { jobs, unread } => {
                    outcomes.jobs.extend(jobs.into_iter().map(|job| (job.id.clone(), job)));
                    no_jobs = no_jobs.or(unread);
                }
            }
        }
        let nameless = wanted.iter().filter(|id| !outcomes.names.contains_key(**id)).count();
        let jobs = || results.iter().filter_map(|result| result.job_reference.as_ref());
        let stateless = jobs().filter(|job| !outcomes.jobs.contains_key(&job.id)).count();
        let unsupported = jobs().find(|job| product(&job.job_type).is_none());
        let no_jobs = no_jobs.or_else(|| unsupported.map(|job| Unread::JobType(job.job_type.clone())));
        outcomes
            .gaps
            .extend(gaps::names(nameless, wanted.len(), no_names.as_ref()));
        outcomes
            .gaps
            .extend(gaps::jobs(stateless, jobs().count(), no_jobs.as_ref()));
        outcomes
    }
}

/// The circumstances that all lookups of one call share.
struct Lookup<'a> {
    account: &'a Account,
    scope: &'a Scope,
    deadline: Instant,
    /// A list of jobs was refused in a way that the next one would be, too.
    hopeless: AtomicBool,
}

enum Found {
    Names {
        names: Vec<(String, String)>,
        unread: Option<Unread>,
    },
    Jobs {
        jobs: Vec<FileJob>,
        unread: Option<Unread>,
    },
}

impl Lookup<'_> {
    async fn names(&self, directory_id: &str, wanted: &HashSet<&str>) -> Found {
        let Ok(directory_id) = DirectoryId::try_from(directory_id) else {
            return Found::Names {
                names: Vec::new(),
                unread: Some(Unread::NoDirectory),
            };
        };
        let client = &self.account.client;
        let mut missing = wanted.clone();
        let mut reading = Reading::new(FILE_PAGES);
        while let Some(window) = reading.next() {
            let page = client.list_directory_files(self.scope, &directory_id, FilesOf::Ever, &window, self.deadline);
            reading.take(page.await, |file| {
                missing.remove(file.id.as_str());
                !missing.is_empty()
            });
        }
        let Reading { items, error, .. } = reading;
        let named = items.into_iter().filter(|file| wanted.contains(file.id.as_str()));
        Found::Names {
            names: named.filter_map(|file| Some((file.id, file.display_name?))).collect(),
            unread: error.map(Unread::Refused),
        }
    }

    async fn jobs(&self, product: Product, ids: Vec<JobId>) -> Found {
        if self.hopeless.load(Ordering::Relaxed) {
            return Found::Jobs {
                jobs: Vec::new(),
                unread: None,
            };
        }
        let jobs = self.account.client.jobs();
        let sizes = [u32::try_from(ids.len()).ok(), Some(SMALL_JOB_PAGE), None];
        let mut left = ids.len();
        let mut reading = Reading::new(sizes);
        while let Some(window) = reading.next() {
            let page = jobs.list(self.scope, product, &ids, &window, self.deadline).await;
            reading.take(page, |_| {
                left = left.saturating_sub(1);
                left > 0
            });
        }
        let Reading { items, error, .. } = reading;
        if error.as_ref().is_some_and(is_hopeless) {
            self.hopeless.store(true, Ordering::Relaxed);
        }
        Found::Jobs {
            jobs: items,
            unread: error.map(Unread::Refused),
        }
    }
}

/// Whether the API would say the same to the next chunk.
fn is_hopeless(error: &Error) -> bool {
    !matches!(error.advice(), Advice::Later(_)) || matches!(error.kind(), ErrorKind::RateLimited { .. })
}

fn product(job_type: &JobType) -> Option<Product> {
    match job_type {
        JobType::ParseV2 => Some(Product::Parse),
        JobType::ExtractV2 => Some(Product::Extract),
        JobType::Other(_) => None,
    }
}

/// The ids of all jobs that can be looked up, as many in each request as its address may hold.
fn chunks(results: &[BatchResult]) -> Vec<(Product, Vec<JobId>)> {
    const KEY_BYTES: usize = "&job_ids=".len();
    let mut chunks: Vec<(Product, Vec<JobId>)> = Vec::new();
    for wanted in [Product::Parse, Product::Extract] {
        let mut room = 0;
        let jobs = results.iter().filter_map(|result| result.job_reference.as_ref());
        for job in jobs.filter(|job| product(&job.job_type) == Some(wanted)) {
            let Ok(id) = JobId::try_from(job.id.as_str()) else {
                continue;
            };
            let bytes = KEY_BYTES + id.as_str().len();
            match chunks.last_mut() {
                Some((_, ids)) if bytes <= room => {
                    room -= bytes;
                    ids.push(id);
                }
                _ => {
                    room = MAX_IDS_BYTES - bytes;
                    chunks.push((wanted, vec![id]));
                }
            }
        }
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llamacloud::JobReference;

    fn results(count: usize, id_chars: usize, job_type: &JobType) -> Vec<BatchResult> {
        let result = |index| BatchResult {
            source_directory_file_id: format!("dfl-{index}"),
            job_reference: Some(JobReference {
                job_type: job_type.clone(),
                id: format!("{index:0>id_chars$}"),
            }),
            error_message: None,
        };
        (0..count).map(result).collect()
    }

    #[test]
    fn ids_are_asked_for_once_in_addresses_of_safe_length() {
        for (count, id_chars, requests) in [
            (0, 40, 0),
            (1, 40, 1),
            (81, 40, 1),
            (82, 40, 2),
            (1000, 40, 13),
            (60, 128, 3),
        ] {
            let results = results(count, id_chars, &JobType::ParseV2);
            let chunks = chunks(&results);
            assert_eq!(chunks.len(), requests, "{count} ids of {id_chars} characters");
            let asked: Vec<_> = chunks.iter().flat_map(|(_, ids)| ids).map(JobId::as_str).collect();
            assert_eq!(asked.len(), count);
            assert!(
                chunks
                    .iter()
                    .all(|(_, ids)| ids.len() * (id_chars + 9) <= MAX_IDS_BYTES)
            );
        }
    }

    #[test]
    fn products_are_asked_apart_and_strange_ids_not_at_all() {
        let mut mixed = results(2, 4, &JobType::ParseV2);
        mixed.extend(results(1, 5, &JobType::ExtractV2));
        mixed.extend(results(1, 6, &JobType::Other("split_v1".to_owned())));
        mixed.extend(results(1, 129, &JobType::ParseV2));
        let chunks = chunks(&mixed);
        let shape: Vec<_> = chunks.iter().map(|(product, ids)| (*product, ids.len())).collect();
        assert_eq!(shape, [(Product::Parse, 2), (Product::Extract, 1)]);
    }
}
