//! A configuration as a model sees it: whether it is built in, what it costs, what it produces.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::batch::MAX_ID_CHARS;
use crate::llamacloud::{Configuration, ConfigurationId, JobType};
use crate::untrusted::clean;

const MAX_SHOWN_NAME_CHARS: usize = 200;
/// A schema may have 5,000.
const MAX_FIELDS: usize = 40;

/// The built-in configurations that are documented, with job type and tier. Source: the description of `configuration_id` in
/// `POST /api/v2/batches` names this one; there is none for extract jobs.
const PRESETS: [(&str, JobType, &str); 1] = [("cfg-PARSE_AGENTIC", JobType::ParseV2, "agentic")];

/// A configuration in its latest version.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub(crate) struct ConfigurationFacts {
    /// For `create_batch`: `config.job.configuration_id`.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// `parse_v2` or `extract_v2`.
    pub(crate) job_type: String,
    /// `fast`, `cost_effective`, `agentic` or `agentic_plus`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tier: Option<String>,
    /// List price of the tier. Options cost extra, and so does the parsing that precedes an extraction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) credits_per_page: Option<u32>,
    /// When this version was saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    /// `true` if LlamaCloud provides it; omitted if a user saved it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) built_in: Option<bool>,
    /// Extract: the top-level fields of its schema, at most 40.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) fields: Vec<String>,
    /// How many fields there are, if that is more than are in `fields`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fields_total: Option<usize>,
    /// Parse: how tables are written, `html` or `markdown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tables: Option<&'static str>,
}

impl ConfigurationFacts {
    /// The built-in configurations for a type of job.
    pub(crate) fn presets(job_type: &JobType) -> impl Iterator<Item = Self> {
        let presets = PRESETS.iter().filter(move |(_, product, _)| product == job_type);
        presets.map(|(id, product, tier)| Self {
            id: (*id).to_owned(),
            name: id.trim_start_matches("cfg-").to_owned(),
            job_type: product.as_str().to_owned(),
            tier: Some((*tier).to_owned()),
            credits_per_page: credits_per_page(product, tier),
            built_in: Some(true),
            ..Self::default()
        })
    }
}

impl From<&Configuration> for ConfigurationFacts {
    fn from(configuration: &Configuration) -> Self {
        let Configuration {
            id,
            name,
            product,
            version,
            parameters,
            ..
        } = configuration;
        let is_extract = *product == JobType::ExtractV2;
        let tier = parameters.get("tier").and_then(Value::as_str);
        // Source: schema `ExtractV2Parameters`, where `tier` has this default; parse has none.
        let tier = tier.or((is_extract && parameters.is_object()).then_some("cost_effective"));
        let fields = parameters.pointer("/data_schema/properties").and_then(Value::as_object);
        let fields = fields.filter(|_| is_extract);
        let count = fields.map_or(0, serde_json::Map::len);
        let as_markdown = parameters.pointer("/output_options/markdown/tables/output_tables_as_markdown");
        let tables = match as_markdown {
            Some(Value::Bool(true)) => "markdown",
            _ => "html",
        };
        Self {
            id: clean(id, MAX_ID_CHARS),
            name: clean(name, MAX_SHOWN_NAME_CHARS),
            job_type: product.as_str().to_owned(),
            tier: tier.map(|tier| clean(tier, 60)),
            credits_per_page: tier.and_then(|tier| credits_per_page(product, tier)),
            version: version.map(|version| format!("{version:.0}")),
            built_in: is_preset(id).then_some(true),
            fields: fields
                .into_iter()
                .flat_map(|fields| fields.keys().take(MAX_FIELDS))
                .map(|field| clean(field, 60))
                .collect(),
            fields_total: (count > MAX_FIELDS).then_some(count),
            tables: (!is_extract && parameters.is_object()).then_some(tables),
        }
    }
}

/// Whether an ID is that of a preset, also of one that is not documented.
fn is_preset(id: &str) -> bool {
    id.parse::<ConfigurationId>().is_ok_and(|id| id.is_preset())
}

/// The list price. Source for extract: API, `tier` of `ExtractV2Parameters` (and the Python SDK for `turbo`); for parse: LlamaCloud's
/// documentation, general/pricing and general/glossary.
fn credits_per_page(job_type: &JobType, tier: &str) -> Option<u32> {
    match (job_type, tier) {
        (JobType::ParseV2, "fast") => Some(1),
        (JobType::ParseV2, "cost_effective") => Some(3),
        (JobType::ParseV2, "agentic") => Some(10),
        (JobType::ParseV2, "agentic_plus") => Some(45),
        (JobType::ExtractV2, "cost_effective") => Some(5),
        (JobType::ExtractV2, "agentic") => Some(15),
        (JobType::ExtractV2, "turbo") => Some(35),
        (JobType::ExtractV2, "agentic_plus") => Some(50),
        _ => None,
    }
}
