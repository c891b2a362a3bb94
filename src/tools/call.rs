//! One call of a tool: its project, its deadline, and how its answer is made.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::account::Account;
use crate::llamacloud::{OrganizationId, ProjectId, Scope};
use crate::mcp::{CallSetup, Json, RequestContext, ToolError};

/// One call, as a tool sees it.
#[derive(Clone)]
pub(crate) struct Call {
    /// The request that the call came with.
    pub(crate) context: Arc<RequestContext>,
    /// The client, and what the settings allow and demand.
    pub(crate) account: Arc<Account>,
    /// Project and organization, pinned or from the arguments.
    pub(crate) scope: Scope,
    /// When the call must be answered. A call that waits for a batch may take its waiting time in addition.
    pub(crate) deadline: Instant,
}

impl Call {
    /// The answer to the call: sentences, then data.
    pub(crate) fn answer<T>(&self, summary: &str, data: T) -> Answer<T> {
        Answer {
            summary: self.account.summary(summary),
            data,
        }
    }

    /// The answer with as many of the first entries as fit within the limit of a result, but at least one.
    ///
    /// `answer` makes the answer that shows the given entries.
    ///
    /// # Errors
    /// Only for a bug: see [`Json::of`].
    pub(crate) fn fit<E, T: Serialize>(&self, entries: &[E], answer: impl Fn(&[E]) -> T) -> Result<Json<T>, ToolError> {
        fit(self.account.policy.max_result_chars, entries, answer)
    }
}

/// What a tool answers: plain sentences, then the data.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Answer<T> {
    /// The answer in a few sentences, with what to do next.
    pub(crate) summary: String,
    #[serde(flatten)]
    pub(crate) data: T,
}

/// See [`Call::fit`].
pub(crate) fn fit<E, T: Serialize>(
    max_chars: usize,
    entries: &[E],
    answer: impl Fn(&[E]) -> T,
) -> Result<Json<T>, ToolError> {
    let (mut enough, mut too_many) = (0, entries.len() + 1);
    let mut count = entries.len();
    loop {
        let json = Json::of(&answer(entries.get(..count).unwrap_or(entries)))?;
        let chars = json.chars();
        if chars <= max_chars || count <= 1 {
            enough = count;
            if too_many - enough <= 1 {
                return Ok(json);
            }
            count = usize::midpoint(enough, too_many);
        } else {
            too_many = count;
            // Entries are of similar lengths, so this is close.
            count = (count * max_chars / chars).clamp(enough.max(1), too_many - 1);
        }
    }
}

/// Arguments of every tool that say where to look.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScopeArguments {
    /// Default: the API key's.
    project_id: Option<ProjectId>,
    /// Default: the API key's.
    organization_id: Option<OrganizationId>,
}

/// Makes calls.
pub(crate) struct Calls(pub(crate) Arc<Account>);

impl CallSetup for Calls {
    type Arguments = ScopeArguments;
    type Call = Call;

    fn hidden_arguments(&self) -> Vec<&'static str> {
        self.0.pinned_arguments().collect()
    }

    fn advice(&self, argument: &str) -> Option<String> {
        let tool = match argument {
            "source_directory_id" | "directory_id" => "list_directories",
            "configuration_id" => "list_configurations",
            _ => return None,
        };
        Some(if self.0.policy.names(tool) {
            format!("`{tool}` finds the ID by `name`")
        } else {
            "ask the user for the ID".to_owned()
        })
    }

    fn call(&self, context: Arc<RequestContext>, arguments: ScopeArguments) -> Result<Call, ToolError> {
        let ScopeArguments {
            project_id,
            organization_id,
        } = arguments;
        let account = Arc::clone(&self.0);
        Ok(Call {
            scope: account.scope(project_id, organization_id)?,
            deadline: account.deadline(),
            context,
            account,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn answer(shown: &[String]) -> Value {
        json!({ "summary": format!("{} entries", shown.len()), "entries": shown })
    }

    proptest! {
        #[test]
        fn the_answer_holds_as_many_entries_as_fit(entries in prop::collection::vec("[a-zé\"]{0,40}", 0..60), max in 60usize..1500) {
            let json = fit(max, &entries, answer).unwrap();
            let shown = serde_json::from_str::<Value>(json.as_str()).unwrap()["entries"].as_array().unwrap().len();
            prop_assert!(json.chars() <= max || shown <= 1);
            prop_assert!(shown > 0 || entries.is_empty());
            if shown < entries.len() {
                let next = answer(&entries[..=shown]).to_string();
                prop_assert!(next.chars().count() > max, "{shown} of {}", entries.len());
            }
        }
    }
}
