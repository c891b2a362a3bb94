//! Batches and their life cycle, and the jobs they have made by now.
//!
//! Nothing runs in the background: a batch is a record of when it began, and everything else follows from how far it has come when it
//! is read. How that looks as JSON is decided by the operations.

use std::{
    hash::{BuildHasher, RandomState},
    str::FromStr,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};

use super::{
    account::{Course, Directory, Fate, File},
    body::CreateRequest,
    route::Product,
};

/// The statuses of a batch.
pub(super) const STATUSES: [&str; 6] = ["PENDING", "THROTTLED", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"];

/// How fast batches go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Speed {
    /// Final at the first read; the answer to the create still says PENDING. `instant`
    Instant,
    /// Four seconds. `fast`
    #[default]
    Fast,
    /// One to six minutes, by the number of files. `real`
    Real,
    /// One state further with each `GET /api/v2/batches/{batch_id}`, whatever the time; lists move nothing. `steps`
    Steps,
}

impl FromStr for Speed {
    type Err = String;

    /// # Errors
    /// A sentence that names the accepted words.
    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "instant" => Ok(Self::Instant),
            "fast" => Ok(Self::Fast),
            "real" => Ok(Self::Real),
            "steps" => Ok(Self::Steps),
            _ => Err(format!("`{word}` is not a speed: instant, fast, real or steps")),
        }
    }
}

impl Speed {
    /// How long a batch over so many files takes. Without a clock, only the times in answers depend on it.
    fn total(self, files: usize) -> Duration {
        match self {
            Self::Instant | Self::Steps => Duration::from_millis(1),
            Self::Fast => Duration::from_secs(4),
            Self::Real => {
                Duration::from_mins(1) + Duration::from_millis(300) * u32::try_from(files).unwrap_or(u32::MAX)
            }
        }
    }
}

/// The states a batch passes, each with the share of the whole at which it begins.
fn course(course: Course) -> &'static [(&'static str, f64)] {
    match course {
        Course::Smooth => &[("PENDING", 0.0), ("RUNNING", 0.25), ("COMPLETED", 1.0)],
        Course::Throttled => &[
            ("PENDING", 0.0),
            ("THROTTLED", 0.2),
            ("RUNNING", 0.5),
            ("COMPLETED", 1.0),
        ],
        Course::Broken => &[("PENDING", 0.0), ("RUNNING", 0.25), ("FAILED", 0.6)],
    }
}

/// One batch.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    pub(super) id: String,
    /// What the ids of its jobs share with its own.
    stem: String,
    /// Position in the order of creation, from 1.
    pub(super) serial: u64,
    pub(super) request: CreateRequest,
    pub(super) created_at: Timestamp,
    pub(super) born: Instant,
    reads: u32,
    cancelled: Option<(f64, Timestamp)>,
}

/// A batch as it stands at one moment.
pub(super) struct Standing {
    pub(super) status: &'static str,
    pub(super) updated_at: Timestamp,
    /// 0 at creation, 1 when the batch is complete, beyond that its stragglers go on.
    progress: f64,
}

/// A job as it stands at one moment.
pub(super) struct Job<'a> {
    pub(super) id: String,
    pub(super) batch: &'a Batch,
    pub(super) file: &'a File,
    pub(super) status: &'static str,
    pub(super) error: Option<&'a str>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    /// Orders jobs, newest batch first, then by file.
    pub(super) key: u64,
}

impl Standing {
    pub(super) fn is_final(&self) -> bool {
        matches!(self.status, "COMPLETED" | "FAILED" | "CANCELLED")
    }
}

impl Batch {
    pub(super) fn new(serial: u64, request: CreateRequest, now: Timestamp) -> Self {
        let uuid = uuid();
        let stem = uuid.get(..24).unwrap_or_default().to_owned();
        let created_at = whole_microseconds(now);
        let id = format!("bat-{uuid}");
        Self {
            id,
            stem,
            serial,
            request,
            created_at,
            born: Instant::now(),
            reads: 0,
            cancelled: None,
        }
    }

    /// Moves a batch that goes by steps one state on.
    pub(super) fn step(&mut self) {
        self.reads = self.reads.saturating_add(1);
    }

    pub(super) fn cancel(&mut self, speed: Speed, directory: &Directory, now: Timestamp) {
        self.cancelled = Some((self.progress(speed, directory), whole_microseconds(now)));
    }

    /// The batch at its creation, whatever the speed.
    pub(super) fn at_creation(&self) -> Standing {
        Standing {
            status: "PENDING",
            updated_at: self.created_at,
            progress: 0.0,
        }
    }

    /// The batch now.
    pub(super) fn standing(&self, speed: Speed, directory: &Directory) -> Standing {
        let progress = self.progress(speed, directory);
        if let Some((_, updated_at)) = self.cancelled {
            return Standing {
                status: "CANCELLED",
                updated_at,
                progress,
            };
        }
        let reached = course(directory.course)
            .iter()
            .rev()
            .find(|(_, begin)| progress >= *begin);
        let (status, begin) = reached.copied().unwrap_or(("PENDING", 0.0));
        Standing {
            status,
            updated_at: self.moment(speed, directory, begin),
            progress,
        }
    }

    /// The job of one file, if it exists by now.
    pub(super) fn job<'a>(
        &'a self,
        speed: Speed,
        directory: &'a Directory,
        standing: &Standing,
        index: usize,
    ) -> Option<Job<'a>> {
        let file = directory.files.get(index)?;
        if matches!(file.fate, Fate::NotMapped(_) | Fate::Unreferenced) {
            return None;
        }
        let (begin, run, mut end) = span(directory, index);
        if file.fate == Fate::Straggler {
            end = 2.0;
        }
        if standing.progress < begin {
            return None;
        }
        let (status, since) = match () {
            () if standing.progress >= end && matches!(file.fate, Fate::JobFailed(_)) => ("FAILED", end),
            () if standing.progress >= end => ("COMPLETED", end),
            () if standing.status == "CANCELLED" => ("CANCELLED", standing.progress),
            () if standing.progress >= run => ("RUNNING", run),
            () => ("PENDING", begin),
        };
        let error = match &file.fate {
            Fate::JobFailed(reason) if status == "FAILED" => Some(reason.as_str()),
            _ => None,
        };
        let serial = u64::try_from(index).unwrap_or_default();
        Some(Job {
            id: format!("{}-{}{serial:012x}", self.request.product.id_prefix(), self.stem),
            batch: self,
            file,
            status,
            error,
            created_at: self.moment(speed, directory, begin),
            updated_at: self.moment(speed, directory, since),
            key: (self.serial << 16) + (0xffff - serial),
        })
    }

    /// Which file a job id of this batch stands for.
    pub(super) fn index_of_job(&self, product: Product, id: &str) -> Option<usize> {
        if self.request.product != product {
            return None;
        }
        let serial = id
            .strip_prefix(product.id_prefix())?
            .strip_prefix('-')?
            .strip_prefix(self.stem.as_str())?;
        let well_formed = serial.len() == 12 && serial.bytes().all(|byte| byte.is_ascii_hexdigit());
        if well_formed {
            usize::from_str_radix(serial, 16).ok()
        } else {
            None
        }
    }

    fn progress(&self, speed: Speed, directory: &Directory) -> f64 {
        if let Some((progress, _)) = self.cancelled {
            return progress;
        }
        match speed {
            Speed::Instant => 1.0,
            Speed::Steps => progress_of_steps(course(directory.course), self.reads),
            Speed::Fast | Speed::Real => {
                self.born.elapsed().as_secs_f64() / speed.total(directory.files.len()).as_secs_f64()
            }
        }
    }

    /// The time at which a share of the whole was reached.
    fn moment(&self, speed: Speed, directory: &Directory, share: f64) -> Timestamp {
        let passed = speed.total(directory.files.len()).mul_f64(share.max(0.0));
        let passed = SignedDuration::try_from(passed).unwrap_or_default();
        whole_microseconds(self.created_at.checked_add(passed).unwrap_or(self.created_at))
    }
}

/// After so many steps: the beginning of that state; beyond the last, one whole more each.
fn progress_of_steps(states: &[(&str, f64)], steps: u32) -> f64 {
    let last = u32::try_from(states.len().saturating_sub(1)).unwrap_or_default();
    let begin = usize::try_from(steps.min(last))
        .ok()
        .and_then(|index| states.get(index));
    begin.map_or(0.0, |(_, begin)| *begin) + f64::from(steps.saturating_sub(last))
}

/// When the job of a file is created, starts, and ends: one after the other through the time the batch runs.
#[expect(clippy::cast_precision_loss, reason = "a directory holds some thousand files")]
fn span(directory: &Directory, index: usize) -> (f64, f64, f64) {
    let first = course(directory.course)
        .iter()
        .find(|(status, _)| *status == "RUNNING")
        .map_or(0.0, |(_, begin)| *begin);
    let width = 1.0 - first;
    let begin = first + width * 0.6 * index as f64 / directory.files.len().max(1) as f64;
    (begin, begin + width * 0.1, begin + width * 0.4)
}

/// The precision that the API's times have, so that a time read from an answer equals the one kept here.
fn whole_microseconds(instant: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(instant.as_microsecond()).unwrap_or(instant)
}

/// A random UUID of version 4. The standard library's hash keys are the source of randomness.
pub(super) fn uuid() -> String {
    let word = || RandomState::new().hash_one(Instant::now());
    let (high, low) = (word(), word());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | ((low >> 48) & 0x3fff),
        low & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::account::{self, Account};

    fn batch() -> Batch {
        let request = CreateRequest {
            source_directory_id: account::DIR_SMALL.into(),
            product: Product::Parse,
            configuration_id: account::PRESET_PARSE.into(),
        };
        Batch::new(1, request, Timestamp::UNIX_EPOCH)
    }

    /// The statuses of a batch and the number of its jobs in each, step by step.
    fn walk(directory: &str) -> Vec<(&'static str, Vec<&'static str>)> {
        let account = Account::new(Timestamp::UNIX_EPOCH);
        let directory = account.directory(directory).unwrap();
        let mut batch = batch();
        let mut seen = Vec::new();
        for _ in 0..5 {
            let standing = batch.standing(Speed::Steps, directory);
            let jobs = (0..directory.files.len()).filter_map(|i| batch.job(Speed::Steps, directory, &standing, i));
            seen.push((standing.status, jobs.map(|job| job.status).collect()));
            batch.step();
        }
        seen
    }

    #[test]
    fn batches_pass_their_states_one_by_one() {
        let statuses = |directory| {
            walk(directory)
                .into_iter()
                .map(|(status, _)| status)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            statuses(account::DIR_SMALL),
            ["PENDING", "RUNNING", "COMPLETED", "COMPLETED", "COMPLETED"]
        );
        assert_eq!(
            statuses(account::DIR_THROTTLED),
            ["PENDING", "THROTTLED", "RUNNING", "COMPLETED", "COMPLETED"]
        );
        assert_eq!(
            statuses(account::DIR_BROKEN),
            ["PENDING", "RUNNING", "FAILED", "FAILED", "FAILED"]
        );
    }

    #[test]
    fn jobs_keep_pace_with_their_batch() {
        let jobs: Vec<_> = walk(account::DIR_STRAGGLERS)
            .into_iter()
            .map(|(_, jobs)| jobs)
            .collect();
        assert_eq!(jobs[0], [""; 0]);
        assert_eq!(jobs[1], ["PENDING"]);
        assert_eq!(jobs[2], ["COMPLETED", "COMPLETED", "COMPLETED", "RUNNING", "RUNNING"]);
        assert_eq!(jobs[3], ["COMPLETED"; 5]);
    }

    #[test]
    fn a_cancelled_batch_stands_still() {
        let account = Account::new(Timestamp::UNIX_EPOCH);
        let directory = account.directory(account::DIR_SMALL).unwrap();
        let mut batch = batch();
        batch.step();
        batch.cancel(Speed::Steps, directory, Timestamp::UNIX_EPOCH);
        batch.step();
        let standing = batch.standing(Speed::Steps, directory);
        assert_eq!(standing.status, "CANCELLED");
        assert_eq!(
            batch.job(Speed::Steps, directory, &standing, 0).unwrap().status,
            "CANCELLED"
        );
        assert!(batch.job(Speed::Steps, directory, &standing, 1).is_none());
    }

    #[test]
    fn job_ids_lead_back_to_their_file() {
        let account = Account::new(Timestamp::UNIX_EPOCH);
        let directory = account.directory(account::DIR_SMALL).unwrap();
        let batch = batch();
        let standing = batch.standing(Speed::Instant, directory);
        let job = batch.job(Speed::Instant, directory, &standing, 3).unwrap();
        assert_eq!(batch.index_of_job(Product::Parse, &job.id), Some(3));
        assert_eq!(batch.index_of_job(Product::Extract, &job.id), None);
        assert_eq!(batch.index_of_job(Product::Parse, "pjb-x"), None);
        assert_eq!(job.id.len(), "pjb-".len() + 36);
    }
}
