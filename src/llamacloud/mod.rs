//! The REST client: requests to LlamaCloud's API, and its answers.
//!
//! It knows nothing of MCP and writes no sentence for a model. Each kind of resource has a file with its operations on [`Client`]
//! (path, query, body). A call passes through `client`, `exchange` (one exchange on the wire) and `retry` (a decision), and returns a
//! wire type or an [`Error`]. Its [`ErrorKind`] says what happened, `error_kind` what that means and what can be done about it:
//!
//! | kind | the wire said | sent again |
//! |---|---|---|
//! | `MissingKey` | nothing: there is no usable key | no |
//! | `Unauthorized`, `PaymentRequired`, `Forbidden`, `NotFound`, `Conflict`, `TooLarge`, `Rejected` | 401, 402, 403, 404, 409, 413, other 4xx | no |
//! | `RateLimited` | 429 | GET and POST, after `Retry-After` |
//! | `Unavailable` | 408 and 5xx | GET |
//! | `TimedOut` | no answer in time | GET |
//! | `Unreachable` | no connection, or one that broke | GET; POST only if there never was one |
//! | `Intercepted` | a web page, with any status | GET, if the status is 408 or a 5xx; GET and POST, if it is 429 |
//! | `NoSuchPath` | 404 or 405 on a path that names nothing that may be missing | no |
//! | `Proxy`, `Tls`, `Redirected`, `OversizedBody`, `UnreadableBody` | a bad proxy setting, an untrusted peer, a redirect, too long an answer, an undocumented answer | no |

mod advice;
#[cfg(test)]
mod bad_answer_tests;
mod batches;
mod client;
mod configurations;
mod create_once;
mod directories;
mod error;
mod error_body;
mod error_kind;
mod exchange;
mod failed;
mod files;
#[cfg(test)]
#[path = "../../tests/support/http.rs"]
#[expect(
    dead_code,
    reason = "no test of the client's takes what was seen, or a connection of its own"
)]
mod http_server;
mod ids;
mod jobs;
mod lenient;
#[cfg(test)]
mod lookup_tests;
#[cfg(all(test, not(any(target_os = "macos", windows))))]
mod network_tests;
mod paging;
mod proxy;
mod request;
mod results;
mod retry;
mod sending;
mod settings;
mod single_flight;
#[cfg(test)]
mod test_server;
mod tls;
mod transport;
#[cfg(test)]
mod turn_tests;
mod upload_body;
mod upload_once;
#[cfg(test)]
mod wire_tests;

pub use advice::{Advice, Setting, as_sentence};
pub use batches::{
    Batch, BatchConfig, BatchResult, BatchStatus, CreateBatch, Job, JobReference, JobType, ListBatches, NewJob,
};
pub use client::Client;
pub use configurations::{Configuration, ListConfigurations};
pub use create_once::{
    Change, Checked, CreateOnce, CreatePolicy, Duplicates, Earlier, How, Input, MAX_FILES, NotSettled, Order, Settled,
};
pub use directories::{Directory, DirectoryFile, FilesOf, ListDirectories};
pub use error::Error;
pub use error_kind::{Detail, ErrorKind, TlsProblem};
pub use files::{AddFile, NewFile, UploadError};
pub use ids::{
    BatchId, ConfigurationId, DirectoryId, FileId, Id, InvalidId, JobId, OrganizationId, ProjectId, looks_like_an_id,
};
pub use jobs::{FileJob, JobStatus, Product};
pub use lenient::WrittenInstant;
pub(crate) use paging::Reading;
pub use proxy::{Route, route};
pub use request::{Page, Scope, Window, is_loopback};
pub use results::{
    ExtractPart, ExtractedData, MarkdownPage, Pages, ParsePart, ParsedDocument, ResultJob, TextPage, Usage,
};
pub use retry::RetryPolicy;
pub use settings::{Credential, KeySource, Network, Settings};
pub use upload_body::{Open, Pieces};
pub use upload_once::{DirectoryNotMade, Filling, Made, NotStored, Unfinished, UploadOnce};
