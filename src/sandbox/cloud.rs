//! The whole of a running sandbox: the account, its batches, the faults in force; and the step from an operation to its answer.

use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::{HeaderMap, Uri};
use jiff::Timestamp;

use super::{
    account::Account,
    batches,
    errors::Reply,
    faults::{Effects, Faults},
    jobs,
    ledger::Ledger,
    lookups,
    query::Parameters,
    route::Route,
    state::{Batch, Speed},
};

/// What every request works on.
pub(super) struct Cloud {
    pub(super) account: Account,
    pub(super) speed: Speed,
    pub(super) api_key: String,
    batches: Mutex<Vec<Batch>>,
    faults: Mutex<Faults>,
    ledger: Mutex<Ledger>,
}

impl Cloud {
    pub(super) fn new(speed: Speed, faults: Faults, api_key: String) -> Self {
        let week = jiff::SignedDuration::from_hours(7 * 24);
        let made_at = Timestamp::now().checked_sub(week).unwrap_or(Timestamp::UNIX_EPOCH);
        let made_at = Timestamp::from_second(made_at.as_second()).unwrap_or(made_at);
        Self {
            account: Account::new(made_at),
            speed,
            api_key,
            batches: Mutex::default(),
            faults: Mutex::new(faults),
            ledger: Mutex::default(),
        }
    }

    /// The API's clock.
    pub(super) fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        now.checked_add(self.faults().clock_skew()).unwrap_or(now)
    }

    pub(super) fn batches(&self) -> MutexGuard<'_, Vec<Batch>> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries out one operation of an authorized caller.
    pub(super) fn answer(&self, route: &Route, uri: &Uri, headers: &HeaderMap, body: &[u8], effects: Effects) -> Reply {
        let parameters = Parameters::of(uri);
        let answer = match route {
            Route::CreateBatch => batches::create(self, parameters, headers, body),
            Route::ListBatches => batches::list(self, parameters, effects),
            Route::GetBatch(id) => batches::get(self, parameters, id),
            Route::CancelBatch(id) => batches::cancel(self, parameters, id, effects),
            Route::ListDirectories => lookups::list_directories(self, parameters),
            Route::GetDirectory(id) => lookups::get_directory(self, parameters, id),
            Route::ListFiles(id) => lookups::list_files(self, parameters, id),
            Route::GetFile(id, file) => lookups::get_file(self, parameters, id, file),
            Route::ListConfigurations => lookups::list_configurations(self, parameters),
            Route::GetConfiguration(id) => lookups::get_configuration(self, parameters, id),
            Route::ListJobs(product) => jobs::list(self, parameters, *product),
            Route::GetJob(product, id) => jobs::get(self, parameters, *product, id),
            Route::ListProjects => lookups::list_projects(self, parameters),
            Route::GetProject(id) => lookups::get_project(self, parameters, id),
            Route::ListProjectsV1 => lookups::list_projects_v1(self, parameters),
        };
        answer.unwrap_or_else(|refusal| refusal)
    }
}
