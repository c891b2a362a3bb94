//! Everything a running sandbox holds: the account, its clock, the faults in force, the counts.

use std::{collections::HashMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use parking_lot::{Mutex, MutexGuard};

use super::{
    batch::{Batch, Speed},
    configuration::{self, Configuration},
    directory::{Directory, Stored},
    faults::Faults,
    known,
    ledger::Ledger,
    refusal::Refusal,
};

/// The account's only project.
pub const PROJECT_ID: &str = "5a11ba5e-0000-4000-8000-000000000001";
/// The account's only organization.
pub const ORGANIZATION_ID: &str = "5a11ba5e-0000-4000-8000-0000000000aa";

/// Ephemeral directories last this long. How long the API keeps them is undocumented.
const EPHEMERAL_HOURS: i64 = 48;

/// What every request works on.
pub(super) struct Cloud {
    pub(super) speed: Speed,
    pub(super) api_key: String,
    /// The largest upload, in bytes.
    pub(super) upload_limit: u64,
    /// When the known directories and configurations were made.
    pub(super) made_at: Timestamp,
    account: Mutex<Account>,
    faults: Mutex<Faults>,
    ledger: Mutex<Ledger>,
    advanced: Mutex<SignedDuration>,
}

/// What the account holds. Ids of deleted things are never reused.
pub(super) struct Account {
    pub(super) directories: Vec<Directory>,
    /// Stored files by id, also those that are no longer in a directory.
    pub(super) stored: HashMap<String, Arc<Stored>>,
    /// Every version of every configuration, oldest first.
    pub(super) configurations: Vec<Arc<Configuration>>,
    pub(super) batches: Vec<Batch>,
    serial: u64,
}

impl Cloud {
    pub(super) fn new(speed: Speed, faults: Faults, api_key: String, upload_limit: u64) -> Self {
        let now = Timestamp::now();
        let week_ago = now.checked_sub(SignedDuration::from_hours(7 * 24)).unwrap_or(now);
        let made_at = Timestamp::from_second(week_ago.as_second()).unwrap_or(week_ago);
        Self {
            speed,
            api_key,
            upload_limit,
            made_at,
            account: Mutex::new(Account::new(made_at)),
            faults: Mutex::new(faults),
            ledger: Mutex::default(),
            advanced: Mutex::default(),
        }
    }

    /// The API's clock, in the precision that its answers have.
    pub(super) fn now(&self) -> Timestamp {
        let advanced = *self.advanced.lock();
        let ahead = advanced.saturating_add(self.faults().clock_skew());
        let now = Timestamp::now();
        let now = now.checked_add(ahead).unwrap_or(now);
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    /// Moves the clock forward.
    pub(super) fn advance(&self, by: SignedDuration) {
        let mut advanced = self.advanced.lock();
        *advanced = advanced.saturating_add(by);
    }

    pub(super) fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock()
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock()
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock()
    }
}

impl Account {
    fn new(made_at: Timestamp) -> Self {
        let directories = known::directories(made_at);
        let files = directories.iter().flat_map(|directory| &directory.files);
        let stored = files.map(|file| (file.stored.id.clone(), Arc::clone(&file.stored)));
        Self {
            stored: stored.collect(),
            directories,
            configurations: configuration::known(made_at).into_iter().map(Arc::new).collect(),
            batches: Vec::new(),
            serial: 1 << 16,
        }
    }

    /// The next position in the order of creation.
    pub(super) fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// # Errors
    /// 404 for a directory that does not exist, or no longer.
    pub(super) fn directory(&mut self, id: &str, now: Timestamp) -> Result<&mut Directory, Refusal> {
        let mut directories = self.directories.iter_mut();
        let found = directories.find(|directory| directory.id == id && directory.exists(now));
        found.ok_or_else(|| Refusal::not_found("Directory", id))
    }

    /// The latest version of a configuration.
    ///
    /// # Errors
    /// 404 for one that does not exist.
    pub(super) fn configuration(&self, id: &str) -> Result<&Arc<Configuration>, Refusal> {
        let mut versions = self.configurations.iter().rev();
        let found = versions.find(|configuration| configuration.id == id);
        found.ok_or_else(|| Refusal::not_found("Configuration", id))
    }
}

/// When an ephemeral directory that is created now expires.
pub(super) fn expiry(now: Timestamp) -> Timestamp {
    now.checked_add(SignedDuration::from_hours(EPHEMERAL_HOURS))
        .unwrap_or(now)
}
