//! What is asked of a server, and whether its answer is right.

use std::borrow::Cow;
use std::io::Write;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// The batch that calls read, except calls about the files of a batch.
pub(crate) const BATCH_ID: &str = "bat-5d1c8b0e-7a34-4f2b-9c61-2e8f0a4d7b93";

/// Opens a session in the newest revision that begins with `initialize`; every peer speaks it.
pub(crate) const INITIALIZE: &str = concat!(
    r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"#,
    r#""clientInfo":{"name":"bench","version":"0"}}}"#,
    "\n"
);
pub(crate) const INITIALIZED: &str = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n";

/// What a server has to do, again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Work {
    ToolsList,
    GetBatch,
    Ping,
    /// `get_batch` of a batch with so many files.
    Files {
        count: usize,
        expand: &'static str,
    },
}

impl Work {
    /// What the tables have.
    pub(crate) const ALL: [Self; 3] = [Self::GetBatch, Self::ToolsList, Self::Ping];

    pub(crate) fn name(&self) -> String {
        match self {
            Self::ToolsList => "tools/list".to_owned(),
            Self::GetBatch => "get_batch".to_owned(),
            Self::Ping => "ping".to_owned(),
            Self::Files { count, expand } => format!("get_batch, {expand} of {count} files"),
        }
    }

    /// How many requests to the API a call makes; `None` if that depends on the server.
    pub(crate) fn api_requests(&self) -> Option<u64> {
        match self {
            Self::ToolsList | Self::Ping => Some(0),
            Self::GetBatch => Some(1),
            Self::Files { .. } => None,
        }
    }

    /// Appends the request with this id, as a line.
    pub(crate) fn request(&self, id: u64, line: &mut Vec<u8>) {
        let params = match self {
            Self::ToolsList | Self::Ping => "{}".to_owned(),
            Self::GetBatch => format!(r#"{{"name":"get_batch","arguments":{{"batch_id":"{BATCH_ID}"}}}}"#),
            Self::Files { count, expand } => format!(
                r#"{{"name":"get_batch","arguments":{{"batch_id":"{}","expand":["{expand}"]}}}}"#,
                batch_of_files(*count, id)
            ),
        };
        let method = match self {
            Self::ToolsList => "tools/list",
            Self::Ping => "ping",
            Self::GetBatch | Self::Files { .. } => "tools/call",
        };
        writeln!(
            line,
            r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#
        )
        .ok();
    }

    /// Checks an answer, and tells whose it is.
    pub(crate) fn check(&self, line: &[u8]) -> Result<u64> {
        let (id, result) = answer(line)?;
        match self {
            Self::ToolsList => {
                let list: List<'_> = serde_json::from_str(result.get())?;
                let found = list.tools.iter().any(|tool| tool.name == "get_batch");
                ensure!(found, "get_batch is not listed");
            }
            Self::GetBatch => check_text(result, BATCH_ID)?,
            Self::Files { count, .. } => check_text(result, &format!("bat-files-{count}-"))?,
            Self::Ping => {}
        }
        Ok(id)
    }
}

/// The id of a batch of so many files; the loopback API reads the number from it. Each call is about another batch: what is known
/// about one that has ended costs no request.
fn batch_of_files(count: usize, call: u64) -> String {
    format!("bat-files-{count}-{call}")
}

#[derive(Deserialize)]
struct Answer<'a> {
    id: u64,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    tools: Vec<Tool<'a>>,
}

#[derive(Deserialize)]
struct Tool<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Called<'a> {
    #[serde(borrow)]
    content: Vec<Text<'a>>,
    #[serde(default)]
    is_error: bool,
}

#[derive(Deserialize)]
struct Text<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
}

/// The id and the result of an answer that is no error.
pub(crate) fn answer(line: &[u8]) -> Result<(u64, &RawValue)> {
    let Answer { id, result, error } = serde_json::from_slice(line)?;
    if error.is_some() {
        bail!("it is an error");
    }
    Ok((id, result.context("it has no result")?))
}

/// The definitions in an answer to `tools/list`, as they are.
pub(crate) fn tools(result: &RawValue) -> Result<&RawValue> {
    #[derive(Deserialize)]
    struct List<'a> {
        #[serde(borrow)]
        tools: &'a RawValue,
    }
    Ok(serde_json::from_str::<List<'_>>(result.get())?.tools)
}

fn check_text(result: &RawValue, batch_id: &str) -> Result<()> {
    let called: Called<'_> = serde_json::from_str(result.get())?;
    let text = called.content.first().context("it has no text")?;
    ensure!(!called.is_error, "the tool failed: {}", text.text);
    ensure!(text.text.contains(batch_id), "its text does not name {batch_id}");
    Ok(())
}
