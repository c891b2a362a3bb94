//! What the tools share: the way to LlamaCloud, the project that may be used, the limits of an answer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::cache::Cache;
use super::page_token::PageTokens;
use crate::llamacloud::{Client, OrganizationId, ProjectId, Scope};
use crate::mcp::ToolError;

/// What the settings allow and demand.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Project and organization that every call is bound to; where one is given, its argument disappears.
    pub pinned: Scope,
    /// The only tools that may be offered, if they are named.
    pub tools: Option<Vec<String>>,
    /// Tools that change something are withheld.
    pub read_only: bool,
    /// `cancel_batch` is offered, unless the server is read-only.
    pub allow_cancel: bool,
    /// The user is asked before credits are spent or files are uploaded.
    pub confirm_create: bool,
    /// How often a batch is polled while a call waits.
    pub poll: PollPolicy,
    /// Time limit for a call.
    pub timeout: Duration,
    /// Longest result, in characters.
    pub max_result_chars: usize,
}

impl Policy {
    /// Whether `--tools` leaves room for a tool.
    pub(crate) fn names(&self, tool: &str) -> bool {
        self.tools
            .as_ref()
            .is_none_or(|names| names.iter().any(|name| name == tool))
    }

    /// Whether `create_batch` is offered.
    pub(crate) fn can_create(&self) -> bool {
        !self.read_only && self.names("create_batch")
    }

    /// Whether `retry_failed_files` is offered, so that answers may advise it.
    pub(crate) fn can_retry(&self) -> bool {
        !self.read_only && self.names("retry_failed_files")
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            pinned: Scope::default(),
            tools: None,
            read_only: false,
            allow_cancel: false,
            confirm_create: false,
            poll: PollPolicy::from(Duration::from_secs(2)),
            timeout: Duration::from_secs(45),
            max_result_chars: 6000,
        }
    }
}

/// How often a batch is read while a call waits.
#[derive(Debug, Clone, Copy)]
pub struct PollPolicy {
    /// The pause before the first poll; each later one is 1.5 times as long.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
}

impl PollPolicy {
    /// Pauses from `first` to five times as much.
    pub fn from(first: Duration) -> Self {
        Self {
            first,
            longest: first * 5,
        }
    }
}

/// The user's account as the tools reach it.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) client: Client,
    pub(crate) policy: Policy,
    /// What was read about things that no longer change.
    pub(crate) cache: Cache,
    pub(crate) page_tokens: Arc<PageTokens>,
}

#[cfg(test)]
impl Account {
    /// Without a key, at an API that does not exist.
    pub(crate) fn unreachable(max_result_chars: usize) -> Self {
        let credential = crate::llamacloud::Credential::Missing { reason: String::new() };
        let base_url = "http://127.0.0.1:9".parse().unwrap();
        let policy = Policy {
            max_result_chars,
            ..Policy::default()
        };
        let settings = crate::llamacloud::Settings::new(base_url, credential);
        Self::new(Client::new(settings), policy)
    }
}

impl Account {
    pub(crate) fn new(client: Client, policy: Policy) -> Self {
        Self {
            client,
            policy,
            cache: Cache::new(),
            page_tokens: Arc::default(),
        }
    }

    /// When a call that starts now must be answered.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.policy.timeout
    }

    /// The arguments that the settings took over.
    pub(crate) fn pinned_arguments(&self) -> impl Iterator<Item = &'static str> {
        let Scope {
            project_id,
            organization_id,
        } = &self.policy.pinned;
        let project = project_id.is_some().then_some("project_id");
        project
            .into_iter()
            .chain(organization_id.is_some().then_some("organization_id"))
    }

    /// Project and organization of a call.
    ///
    /// # Errors
    /// For an id other than the pinned one.
    pub(crate) fn scope(
        &self,
        project_id: Option<ProjectId>,
        organization_id: Option<OrganizationId>,
    ) -> Result<Scope, ToolError> {
        let pinned = self.policy.pinned.clone();
        Ok(Scope {
            project_id: pin("project_id", pinned.project_id, project_id)?,
            organization_id: pin("organization_id", pinned.organization_id, organization_id)?,
        })
    }

    /// A summary as it is sent: one from a sandbox is marked.
    pub(crate) fn summary(&self, sentences: &str) -> String {
        if self.client.is_sandbox() {
            format!("[sandbox] {sentences}")
        } else {
            sentences.to_owned()
        }
    }
}

fn pin<T: PartialEq + fmt::Display>(
    argument: &str,
    pinned: Option<T>,
    asked: Option<T>,
) -> Result<Option<T>, ToolError> {
    match (pinned, asked) {
        (Some(pinned), Some(asked)) if pinned != asked => Err(ToolError::new(format!(
            "`{argument}`: this server is pinned to {pinned}, so nothing was sent for {asked}. Omit `{argument}`. To use \
             {asked}, the user has to add another entry for this server to the host's MCP configuration."
        ))),
        (Some(pinned), _) => Ok(Some(pinned)),
        (None, asked) => Ok(asked),
    }
}
