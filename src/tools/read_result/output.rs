//! What `read_result` answers.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::tools::results::citations::Citation;
use crate::untrusted::clean;

const MAX_NAME_CHARS: usize = 300;

/// One file's result, or a piece of it.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct ReadResultOutput {
    /// The file, as far as it is known.
    #[serde(skip_serializing_if = "FileFacts::is_empty")]
    pub(super) file: FileFacts,
    /// Job that made the result.
    pub(super) job_id: String,
    /// Status of the job.
    pub(super) status: String,
    /// What `text` or `data` is: `markdown`, `text` or `data`.
    pub(super) format: String,
    /// The pages whose text, or failure, is in this answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pages: Option<Range>,
    /// The pages among them that could not be parsed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) failed_pages: Vec<FailedPage>,
    /// Text of the pages, each under a line with its number; or a piece of JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
    /// Where the text was found, with the text around it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hits: Option<Vec<FoundText>>,
    /// How often the text occurs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hits_total: Option<usize>,
    /// The extracted object or array; of an array that is paged, the items of this answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "serde_json::Value")]
    pub(super) data: Option<Box<RawValue>>,
    /// Which items of the paged array are in this answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) items: Option<ItemRange>,
    /// Where extracted values come from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) citations: Vec<Citation>,
    /// Where the next answer begins; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_cursor: Option<String>,
}

/// Numbers of pages, counted from 1.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub(super) struct Range {
    pub(super) first: u32,
    pub(super) last: u32,
    /// How many the document has.
    pub(super) total: usize,
}

/// Numbers of items, counted from 1.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct ItemRange {
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) total: usize,
    /// The member that holds the array, such as `invoice.lines`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) within: String,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct FailedPage {
    pub(super) page: u32,
    /// Why, in LlamaCloud's words.
    pub(super) error: String,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct FoundText {
    pub(super) page: u32,
    pub(super) text: String,
}

/// A file. Its words are cleaned.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub(crate) struct FileFacts {
    /// ID of the file in its directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    /// Name of the file in its directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
}

impl FileFacts {
    pub(super) const fn is_empty(&self) -> bool {
        self.id.is_none() && self.name.is_none()
    }

    /// Takes a name where none is known.
    pub(super) fn know_name(&mut self, name: Option<&str>) {
        let name = name
            .map(|name| clean(name, MAX_NAME_CHARS))
            .filter(|name| !name.is_empty());
        self.name = self.name.take().or(name);
    }
}
