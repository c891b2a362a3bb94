//! The products whose jobs a batch creates.

use serde::Deserialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum Product {
    #[serde(rename = "parse_v2")]
    Parse,
    #[serde(rename = "extract_v2")]
    Extract,
}

impl Product {
    /// The job type as the API writes it.
    pub(super) fn job_type(self) -> &'static str {
        match self {
            Self::Parse => "parse_v2",
            Self::Extract => "extract_v2",
        }
    }

    /// What the ids of its jobs begin with.
    pub(super) fn id_prefix(self) -> &'static str {
        match self {
            Self::Parse => "pjb-",
            Self::Extract => "exj-",
        }
    }

    /// Credits for a page. Source: the API's description of the extract tiers, and third parties for parse.
    pub(super) fn credits_per_page(self, tier: &str) -> u64 {
        match (self, tier) {
            (Self::Parse, "fast") => 1,
            (Self::Parse, "cost_effective") => 3,
            (Self::Parse, "agentic") => 10,
            (Self::Parse, _) => 45,
            (Self::Extract, "cost_effective") => 5,
            (Self::Extract, "agentic") => 15,
            (Self::Extract, _) => 50,
        }
    }
}
