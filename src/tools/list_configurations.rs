//! `list_configurations`: what a job can do with each file, saved by the user or built in.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::call::{Answer, Call};
use super::configuration::ConfigurationFacts;
use super::create_batch::JobType;
use super::error::Failure;
use super::listing::PageEnd;
use super::search::{MAX_NAME_CHARS, PartOfName, search_limit};
use super::token::Token;
use crate::llamacloud::{self, Configuration, Page, Window};
use crate::mcp::{Outcome, Tool, ToolAnnotations, ToolError};

const DEFAULT_PAGE_SIZE: u32 = 20;

/// Lists parse and extract configurations for `create_batch`; cannot make new ones. For the standard parse, call it only to learn
/// the cost. Returns `configurations`, built-in ones first, then saved ones (latest version), with `id`, `name`, `job_type`,
/// `tier`, `credits_per_page`, `version`, and `fields` (extract) or `tables` (parse: HTML or markdown).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListConfigurationsInput {
    /// Only this type of job.
    job_type: Option<JobType>,
    /// Part of the name, any case.
    #[schemars(with = "Option<String>", length(max = MAX_NAME_CHARS))]
    name: Option<PartOfName>,
    /// Default: 20.
    #[schemars(range(min = 1))]
    page_size: Option<NonZeroU32>,
    /// `next_page_token` of the previous page; other arguments unchanged.
    page_token: Option<Token>,
}

/// One page of configurations.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ListConfigurationsOutput {
    /// The configurations, the built-in one first.
    configurations: Vec<ConfigurationFacts>,
    /// Where the next page begins; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

const FAILS: Failure = Failure {
    what: "The configurations could not be listed",
    not_found: "Check `project_id`, or omit it.",
    ask_less: Some("Ask for less with a smaller `page_size`."),
};

/// The tool.
pub(crate) struct ListConfigurations;

impl Tool<Call> for ListConfigurations {
    const NAME: &'static str = "list_configurations";
    const TITLE: &'static str = "List configurations";
    const ANNOTATIONS: ToolAnnotations = ToolAnnotations::READ_ONLY;
    type Input = ListConfigurationsInput;
    type Output = Answer<ListConfigurationsOutput>;

    async fn call(&self, call: &Call, input: ListConfigurationsInput) -> Result<Outcome<Self::Output>, ToolError> {
        let ListConfigurationsInput {
            job_type,
            name,
            page_size,
            page_token,
        } = input;
        let page_size = page_size.map_or(DEFAULT_PAGE_SIZE, NonZeroU32::get);
        let name = name.filter(|name| !name.is_empty());
        let products = match job_type {
            Some(job_type) => vec![job_type.into()],
            None => vec![llamacloud::JobType::ParseV2, llamacloud::JobType::ExtractV2],
        };
        let mut presets: Vec<_> = products.iter().flat_map(ConfigurationFacts::presets).collect();
        presets.retain(|preset| name.as_ref().is_none_or(|name| name.is_in(&preset.name)));
        let fetch = async |name: Option<String>, window: Window| {
            let query = llamacloud::ListConfigurations {
                products: products.clone(),
                name,
                window,
            };
            let client = &call.account.client;
            let Page { items, next_page_token } =
                client.list_configurations(&call.scope, &query, call.deadline).await?;
            let mut items: Vec<_> = latest(&items).into_iter().map(ConfigurationFacts::from).collect();
            items.retain(|item| {
                let is_wanted = products.iter().any(|product| product.as_str() == item.job_type);
                is_wanted && !presets.iter().any(|preset| preset.id == item.id)
            });
            Ok(Page { items, next_page_token })
        };
        let answer = |shown: &[ConfigurationFacts], end: &PageEnd, sentences: Vec<String>| {
            let data = ListConfigurationsOutput {
                configurations: shown.to_vec(),
                next_page_token: end.next_page_token.clone(),
            };
            call.answer(&sentences.join(" "), data)
        };
        let Some(name) = name else {
            let is_first = page_token.is_none();
            let fetch = async |mut window: Window| {
                let shown_first = if is_first { presets.as_slice() } else { &[] };
                let room = |size: u32| (size as usize).saturating_sub(shown_first.len()).max(1);
                window.page_size = window.page_size.and_then(|size| u32::try_from(room(size)).ok());
                let mut page = fetch(None, window).await?;
                page.items.splice(0..0, shown_first.iter().cloned());
                Ok(page)
            };
            let none = none(job_type);
            let answer =
                |shown: &[ConfigurationFacts], end: PageEnd| answer(shown, &end, summarize(call, shown, &end, &none));
            let json = call.list(&FAILS, page_size, page_token, fetch, answer).await?;
            return Ok(json.into());
        };
        let mut found = call.search(&FAILS, &name, |facts| &facts.name, fetch).await?;
        found.entries.splice(0..0, presets.iter().cloned());
        let of_type = match products.as_slice() {
            [only] => format!(" for `{}`", only.as_str()),
            _ => String::new(),
        };
        let none = format!(
            "No configuration{of_type} with {} in its name was found. Call `list_configurations` without `name` to see what \
             there is.",
            name.quoted()
        );
        let json = call.page_of(&found.entries, page_size, page_token.as_ref(), |shown, end| {
            let mut sentences = summarize(call, shown, &end, &none);
            sentences.extend(search_limit(&found, "configurations"));
            answer(shown, &end, sentences)
        })?;
        Ok(json.into())
    }
}

/// Each configuration once, in its latest version, which is what was asked for.
fn latest(items: &[Configuration]) -> Vec<&Configuration> {
    let mut latest: Vec<&Configuration> = Vec::new();
    for item in items {
        match latest.iter_mut().find(|known| known.id == item.id) {
            Some(known) if known.version < item.version => *known = item,
            Some(_) => {}
            None => latest.push(item),
        }
    }
    latest
}

/// What an empty list means.
fn none(job_type: Option<JobType>) -> String {
    match job_type {
        Some(JobType::ExtractV2) => {
            "There is no configuration for `extract_v2` in this project, and none is built in: ask the user to save one in LlamaCloud."
        }
        _ => "There are no configurations in this project.",
    }
    .to_owned()
}

fn summarize(call: &Call, shown: &[ConfigurationFacts], end: &PageEnd, none: &str) -> Vec<String> {
    let mut sentences = Vec::new();
    if !shown.is_empty() {
        let count = end.count(shown.len(), "configuration", "configurations");
        sentences.push(format!("{count}."));
        if end.hidden > 0 {
            sentences.push("Filter by `job_type` or `name` to see the others.".to_owned());
        }
        if call.account.policy.can_create() {
            sentences.push(
                "Pass `id` and `job_type` to `create_batch` as `config.job.configuration_id` and `config.job.type`."
                    .to_owned(),
            );
        }
    } else if end.has_more() {
        sentences.push("This page has no configurations.".to_owned());
    } else {
        sentences.push(none.to_owned());
    }
    sentences.extend(end.more().map(str::to_owned));
    sentences
}
