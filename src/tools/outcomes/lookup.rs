//! What LlamaCloud says about a batch's files beyond the batch itself: their names, and how the job of each of them ended.
//!
//! Names come from the directory's files, states and errors from the lists of parse or extract jobs, requested by `job_ids`. Up to
//! seven requests run at a time, all of them end at the call's deadline, and one that fails loses only its own part.
//!
//! Requests for a batch of 1,000 files with the usual ids: 1 for the batch, 1 for the names, 13 for the jobs. Once the batch is
//! there, the 14 others take two round trips.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{self, StreamExt};
use tokio::time::Instant;

use super::missing::Unread;
use crate::llamacloud::{
    Advice, Batch, BatchResult, DirectoryFile, DirectoryId, Error, ErrorKind, FileJob, FilesOf, JobId, JobType,
    Product, Reading, Scope,
};
use crate::tools::account::Account;
use crate::tools::cache::Keep;

const AT_A_TIME: usize = 7;
/// The ids of one request, in bytes of its address. Every server on the way should take addresses of 8,000 bytes (RFC 9110,
/// section 4.1); this is half, and leaves room for the rest of the address.
const MAX_IDS_BYTES: usize = 4000;
const SMALL_JOB_PAGE: u32 = 10;

/// The names of a batch's files.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// By file id. Untrusted text, not cleaned.
    names: HashMap<String, String>,
    /// Why some are missing, if the list could not be read to its end.
    pub(crate) unread: Option<Unread>,
}

/// The jobs that were found, and why others were not.
#[derive(Debug, Default)]
pub(crate) struct FoundJobs {
    pub(crate) jobs: Vec<FileJob>,
    pub(crate) unread: Option<Unread>,
}

impl Names {
    /// The name of a file.
    pub(crate) fn get(&self, file_id: &str) -> Option<&str> {
        self.names.get(file_id).map(String::as_str)
    }

    #[cfg(test)]
    pub(crate) fn insert(&mut self, file_id: String, name: String) {
        self.names.insert(file_id, name);
    }
}

impl Keep for Names {
    fn bytes(&self) -> usize {
        let entries = self.names.iter();
        entries
            .map(|(id, name)| id.len() + name.len() + 2 * size_of::<String>())
            .sum()
    }
}

/// The circumstances that all lookups of one call share.
pub(crate) struct Lookup<'a> {
    account: &'a Account,
    scope: &'a Scope,
    deadline: Instant,
    /// A list of jobs was refused for a reason that applies to the next one, too.
    hopeless: AtomicBool,
}

enum Found {
    Names(Names),
    Jobs(FoundJobs),
}

impl<'a> Lookup<'a> {
    pub(crate) const fn new(account: &'a Account, scope: &'a Scope, deadline: Instant) -> Self {
        Self {
            account,
            scope,
            deadline,
            hopeless: AtomicBool::new(false),
        }
    }

    /// Looks up the jobs of these results and, if a directory is given, the names of their files. It never fails: each part says
    /// what could not be read.
    pub(crate) async fn run<'r>(
        &self,
        results: impl Iterator<Item = &'r BatchResult> + Clone,
        names_of: Option<(&str, &[BatchResult])>,
    ) -> (Option<Names>, FoundJobs) {
        let names = names_of.map(|(directory_id, results)| self.names(directory_id, results).boxed());
        let jobs = chunks(&results).into_iter();
        let jobs = jobs.map(|(product, ids)| self.jobs(product, ids).boxed());
        let lookups: Vec<BoxFuture<'_, Found>> = names.into_iter().chain(jobs).collect();
        let found: Vec<Found> = stream::iter(lookups).buffer_unordered(AT_A_TIME).collect().await;
        let mut all = (None, FoundJobs::default());
        for found in found {
            match found {
                Found::Names(names) => all.0 = Some(names),
                Found::Jobs(FoundJobs { jobs, unread }) => {
                    all.1.jobs.extend(jobs);
                    all.1.unread = all.1.unread.or(unread);
                }
            }
        }
        all
    }

    async fn names(&self, directory_id: &str, results: &[BatchResult]) -> Found {
        if DirectoryId::try_from(directory_id).is_err() {
            return Found::Names(Names {
                names: HashMap::new(),
                unread: Some(Unread::no_directory()),
            });
        }
        let (names, error) = read_names(self.account, self.scope, directory_id, results, self.deadline).await;
        Found::Names(Names {
            names,
            unread: error.as_ref().map(Unread::refused),
        })
    }

    async fn jobs(&self, product: Product, ids: Vec<JobId>) -> Found {
        if self.hopeless.load(Ordering::Relaxed) {
            return Found::Jobs(FoundJobs::default());
        }
        let client = &self.account.client;
        let sizes = [u32::try_from(ids.len()).ok(), Some(SMALL_JOB_PAGE), None];
        let mut left = ids.len();
        let mut reading = Reading::new(sizes);
        while let Some(window) = reading.next() {
            let page = client
                .list_jobs(self.scope, product, &ids, &window, self.deadline)
                .await;
            reading.take(page, |_| {
                left = left.saturating_sub(1);
                left > 0
            });
        }
        let Reading { items, error, .. } = reading;
        if error.as_ref().is_some_and(is_hopeless) {
            self.hopeless.store(true, Ordering::Relaxed);
        }
        Found::Jobs(FoundJobs {
            jobs: items,
            unread: error.as_ref().map(Unread::refused),
        })
    }
}

/// The names of a batch's files by id, and why some are missing, if the list could not be read to its end.
pub(crate) async fn read_names(
    account: &Account,
    scope: &Scope,
    directory_id: &str,
    results: &[BatchResult],
    deadline: Instant,
) -> (HashMap<String, String>, Option<Error>) {
    let Ok(directory_id) = DirectoryId::try_from(directory_id) else {
        return (HashMap::new(), None);
    };
    let ids = results.iter().map(|result| result.source_directory_file_id.as_str());
    let wanted: HashSet<&str> = ids.collect();
    let mut missing = wanted.clone();
    let wants_more = |file: &DirectoryFile| {
        missing.remove(file.id.as_str());
        !missing.is_empty()
    };
    let client = &account.client;
    let reading = client.directory_files(scope, &directory_id, FilesOf::Ever, deadline, wants_more);
    let Reading { items, error, .. } = reading.await;
    let files = items.into_iter().filter(|file| wanted.contains(file.id.as_str()));
    let names = files.filter_map(|file| Some((file.id, file.display_name?)));
    (names.collect(), error)
}

/// How many files a batch covers.
struct Covered(usize);

impl Keep for Covered {
    fn bytes(&self) -> usize {
        size_of::<Self>()
    }
}

/// How many files the directory of a batch holds; `None` if that cannot be read, or exceeds a batch's limit. It is read once
/// for a batch: a batch covers the files that were there when it began.
pub(crate) async fn files_in_directory(
    account: &Account,
    scope: &Scope,
    batch: &Batch,
    deadline: Instant,
) -> Option<usize> {
    const MOST_FILES: usize = 1000;
    if let Some(known) = account.cache.get::<Covered>(scope, &batch.id) {
        return Some(known.0);
    }
    let directory_id = DirectoryId::try_from(batch.source_directory_id.as_str()).ok()?;
    let mut count = 0;
    let wants_more = |_: &DirectoryFile| {
        count += 1;
        count <= MOST_FILES
    };
    let client = &account.client;
    let reading = client.directory_files(scope, &directory_id, FilesOf::Now, deadline, wants_more);
    let is_known = reading.await.error.is_none() && count <= MOST_FILES;
    is_known.then(|| {
        account.cache.keep(scope, &batch.id, Arc::new(Covered(count)));
        count
    })
}

/// Whether the API would say the same to the next request.
fn is_hopeless(error: &Error) -> bool {
    let may_pass = matches!(error.advice(), Advice::Later(_));
    !may_pass || matches!(error.kind(), ErrorKind::RateLimited { .. })
}

pub(crate) fn product(job_type: &JobType) -> Option<Product> {
    match job_type {
        JobType::ParseV2 => Some(Product::Parse),
        JobType::ExtractV2 => Some(Product::Extract),
        JobType::Other(_) => None,
    }
}

/// The ids of all jobs that can be looked up, as many in each request as its address may hold.
fn chunks<'r>(results: &(impl Iterator<Item = &'r BatchResult> + Clone)) -> Vec<(Product, Vec<JobId>)> {
    const KEY_BYTES: usize = "&job_ids=".len();
    let mut chunks: Vec<(Product, Vec<JobId>)> = Vec::new();
    for wanted in [Product::Parse, Product::Extract] {
        let mut room = 0;
        let jobs = results.clone().filter_map(|result| result.job_reference.as_ref());
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
            let chunks = chunks(&results.iter());
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
        let chunks = chunks(&mixed.iter());
        let shape: Vec<_> = chunks.iter().map(|(product, ids)| (*product, ids.len())).collect();
        assert_eq!(shape, [(Product::Parse, 2), (Product::Extract, 1)]);
    }
}
