//! What the command `run` takes.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;

use super::path;
use crate::llamacloud::{ConfigurationId, DirectoryId};

/// What `run` takes.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct Run {
    /// Folder or file to upload, or a LlamaCloud directory, `dir-…`.
    #[arg(value_parser = path())]
    pub path: PathBuf,
    /// Save the results to this folder; it is created if it does not exist.
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub out: Option<PathBuf>,
    /// Job: `parse_v2` (documents to text) or `extract_v2` (to structured data; needs --configuration).
    #[arg(long, value_name = "TYPE", default_value = "parse_v2", value_parser = PossibleValuesParser::new(["parse_v2", "extract_v2"]), hide_possible_values = true)]
    pub job: String,
    /// Configuration of the job: a preset or a saved one, `cfg-…`.
    #[arg(long, value_name = "ID", default_value = "cfg-PARSE_AGENTIC")]
    pub configuration: ConfigurationId,
    /// Do not ask before files are uploaded and credits are spent.
    #[arg(long, short)]
    pub yes: bool,
}

impl Run {
    /// The LlamaCloud directory that was named, if it is one, and not a file or folder of that name.
    pub fn directory(&self) -> Option<DirectoryId> {
        let text = self.path.to_str().filter(|text| text.starts_with("dir-"))?;
        text.parse().ok().filter(|_| !self.path.exists())
    }
}
