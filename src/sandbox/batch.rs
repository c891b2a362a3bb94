//! The life cycle of batches, and the jobs they have created so far.
//!
//! Nothing runs in the background: a batch records when it began, and everything else follows from how far it has come by the API's
//! clock when it is read. How that looks as JSON is decided by the operations.

use std::{str::FromStr, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    configuration::Configuration,
    directory::{Course, Directory, DirectoryFile, Fate},
    product::Product,
    status::Status,
};

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
    /// One state per `GET /api/v2/batches/{batch_id}`, whatever the time; lists change nothing. `steps`
    Steps,
    /// This long, by the API's clock. `2h`
    Lasting(Duration),
}

impl FromStr for Speed {
    type Err = String;

    /// # Errors
    /// A sentence that names the accepted words.
    fn from_str(word: &str) -> Result<Self, String> {
        let lasting = || Duration::try_from(word.parse::<SignedDuration>().ok()?).ok();
        match word {
            "instant" => Ok(Self::Instant),
            "fast" => Ok(Self::Fast),
            "real" => Ok(Self::Real),
            "steps" => Ok(Self::Steps),
            _ => lasting()
                .filter(|lasting| !lasting.is_zero())
                .map(Self::Lasting)
                .ok_or_else(|| {
                    format!(
                        "`{word}` is not a speed: instant, fast, real, steps, or how long a batch takes, as in `2h`"
                    )
                }),
        }
    }
}

impl Speed {
    /// How long a batch over this many files takes. Where no clock drives it, only the times in answers depend on this.
    fn total(self, files: usize) -> Duration {
        match self {
            Self::Instant | Self::Steps => Duration::from_millis(1),
            Self::Fast => Duration::from_secs(4),
            Self::Real => {
                Duration::from_mins(1) + Duration::from_millis(300) * u32::try_from(files).unwrap_or(u32::MAX)
            }
            Self::Lasting(total) => total,
        }
    }
}

/// The states a batch passes, each with the share of the whole at which it begins.
fn states(course: Course) -> &'static [(Status, f64)] {
    match course {
        Course::Smooth => &[
            (Status::Pending, 0.0),
            (Status::Running, 0.25),
            (Status::Completed, 1.0),
        ],
        Course::Throttled => &[
            (Status::Pending, 0.0),
            (Status::Throttled, 0.2),
            (Status::Running, 0.5),
            (Status::Completed, 1.0),
        ],
        Course::Broken => &[(Status::Pending, 0.0), (Status::Running, 0.25), (Status::Failed, 0.6)],
    }
}

/// One batch, over the files that its directory held when it was created.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) id: String,
    /// What the ids of its jobs share.
    stem: String,
    /// Position in the order of creation.
    pub(super) serial: u64,
    pub(super) product: Product,
    pub(super) directory_id: String,
    /// The configuration as it was when the batch was created.
    pub(super) configuration: Arc<Configuration>,
    pub(super) files: Vec<Arc<DirectoryFile>>,
    pub(super) created_at: Timestamp,
    course: Course,
    speed: Speed,
    reads: u32,
    cancelled: Option<(f64, Timestamp)>,
}

/// The state of a batch when it is read.
pub(super) struct Standing {
    pub(super) status: Status,
    pub(super) updated_at: Timestamp,
    /// 0 at creation, 1 when the batch is complete. Jobs that continue after that end at 2.
    progress: f64,
}

/// The state of a job when it is read.
pub(super) struct Job<'a> {
    pub(super) id: String,
    pub(super) batch: &'a Batch,
    pub(super) file: &'a DirectoryFile,
    pub(super) status: Status,
    pub(super) error: Option<&'a str>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    /// The id of the parse job behind it; its own, if it is one.
    pub(super) parse_job_id: String,
    /// Orders jobs, newest batch first, then by file.
    pub(super) key: u64,
}

impl Batch {
    pub(super) fn new(
        id: String,
        serial: u64,
        directory: &Directory,
        configuration: Arc<Configuration>,
        speed: Speed,
        now: Timestamp,
    ) -> Self {
        for file in &directory.files {
            file.stored.first_run.get_or_init(|| id.clone());
        }
        Self {
            id,
            stem: Uuid::new_v4().to_string().chars().take(24).collect(),
            serial,
            product: configuration.product,
            directory_id: directory.id.clone(),
            configuration,
            files: directory.files.clone(),
            created_at: now,
            course: directory.course,
            speed,
            reads: 0,
            cancelled: None,
        }
    }

    /// Advances a batch that goes by steps by one state.
    pub(super) fn step(&mut self) {
        self.reads = self.reads.saturating_add(1);
    }

    pub(super) fn cancel(&mut self, now: Timestamp) {
        self.cancelled = Some((self.progress(now), now));
    }

    /// The batch at its creation, whatever the speed.
    pub(super) fn at_creation(&self) -> Standing {
        Standing {
            status: Status::Pending,
            updated_at: self.created_at,
            progress: 0.0,
        }
    }

    pub(super) fn standing(&self, now: Timestamp) -> Standing {
        let progress = self.progress(now);
        if let Some((_, updated_at)) = self.cancelled {
            return Standing {
                status: Status::Cancelled,
                updated_at,
                progress,
            };
        }
        let mut reached = states(self.course).iter().rev();
        let (status, begin) = reached
            .find(|(_, begin)| progress >= *begin)
            .copied()
            .unwrap_or((Status::Pending, 0.0));
        Standing {
            status,
            updated_at: self.instant_of(begin),
            progress,
        }
    }

    /// The jobs that exist by now.
    pub(super) fn jobs(&self, now: Timestamp) -> impl Iterator<Item = Job<'_>> {
        let standing = self.standing(now);
        (0..self.files.len()).filter_map(move |index| self.job(&standing, index))
    }

    /// The job of one file, if it exists by now.
    pub(super) fn job(&self, standing: &Standing, index: usize) -> Option<Job<'_>> {
        let file = self.files.get(index)?;
        let failure = match &file.stored.fate {
            Fate::NotMapped(_) | Fate::Unreferenced => return None,
            Fate::JobFailed(reason) => Some(reason.as_str()),
            Fate::FailsOnce(reason) => (file.stored.first_run.get() == Some(&self.id)).then_some(reason.as_str()),
            Fate::Completed | Fate::Straggler => None,
        };
        let (begin, run, mut end) = self.span(index);
        if file.stored.fate == Fate::Straggler {
            end = 2.0;
        }
        if standing.progress < begin {
            return None;
        }
        let (status, since) = match () {
            () if standing.progress >= end && failure.is_some() => (Status::Failed, end),
            () if standing.progress >= end => (Status::Completed, end),
            () if standing.status == Status::Cancelled => (Status::Cancelled, standing.progress),
            () if standing.progress >= run => (Status::Running, run),
            () => (Status::Pending, begin),
        };
        let serial = u64::try_from(index).unwrap_or_default();
        let id = |product: Product| format!("{}{}{serial:012x}", product.id_prefix(), self.stem);
        Some(Job {
            id: id(self.product),
            batch: self,
            file,
            status,
            error: failure.filter(|_| status == Status::Failed),
            created_at: self.instant_of(begin),
            updated_at: self.instant_of(since),
            parse_job_id: id(Product::Parse),
            key: (self.serial << 16) + (0xffff - serial),
        })
    }

    /// Which file a job id of this batch stands for. An extract batch also has the parse jobs behind its extract jobs.
    pub(super) fn index_of_job(&self, product: Product, id: &str) -> Option<usize> {
        let serial = id.strip_prefix(product.id_prefix())?.strip_prefix(self.stem.as_str())?;
        let exists = product == self.product || product == Product::Parse;
        let well_formed = serial.len() == 12 && serial.bytes().all(|byte| byte.is_ascii_hexdigit());
        if exists && well_formed {
            usize::from_str_radix(serial, 16).ok()
        } else {
            None
        }
    }

    fn progress(&self, now: Timestamp) -> f64 {
        if let Some((progress, _)) = self.cancelled {
            return progress;
        }
        match self.speed {
            Speed::Instant => 1.0,
            Speed::Steps => progress_of_steps(states(self.course), self.reads),
            Speed::Fast | Speed::Real | Speed::Lasting(_) => {
                let elapsed = now.duration_since(self.created_at).as_secs_f64();
                elapsed / self.speed.total(self.files.len()).as_secs_f64()
            }
        }
    }

    /// The time at which a share of the whole was reached.
    fn instant_of(&self, share: f64) -> Timestamp {
        let passed = self.speed.total(self.files.len()).mul_f64(share.max(0.0));
        let passed = SignedDuration::from_micros(passed.as_micros().try_into().unwrap_or_default());
        self.created_at.checked_add(passed).unwrap_or(self.created_at)
    }

    /// When the job of a file is created, starts, and ends: jobs start one after the other while the batch runs, and may overlap.
    /// Units: shares of the batch's duration.
    #[expect(clippy::cast_precision_loss, reason = "a directory holds some thousand files")]
    fn span(&self, index: usize) -> (f64, f64, f64) {
        let running = states(self.course)
            .iter()
            .find(|(status, _)| *status == Status::Running);
        let first = running.map_or(0.0, |(_, begin)| *begin);
        let width = 1.0 - first;
        let begin = first + width * 0.6 * index as f64 / self.files.len().max(1) as f64;
        (begin, begin + width * 0.1, begin + width * 0.4)
    }
}

/// The progress after this many steps: the beginning of that state; beyond the last, 1 more per step.
fn progress_of_steps(states: &[(Status, f64)], steps: u32) -> f64 {
    let last = u32::try_from(states.len().saturating_sub(1)).unwrap_or_default();
    let index = usize::try_from(steps.min(last)).unwrap_or_default();
    let begin = states.get(index).map_or(0.0, |(_, begin)| *begin);
    begin + f64::from(steps.saturating_sub(last))
}
