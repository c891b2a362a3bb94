//! What every answer has in common: whose result it is, and that it fits.

use super::cursor::Cursor;
use super::file::Target;
use super::job::Trouble;
use super::output::ReadResultOutput;
use crate::mcp::Json;
use crate::tools::call::{Answer, Call};
use crate::tools::results::Format;

/// What every answer is made with.
pub(super) struct Page<'a> {
    pub(super) call: &'a Call,
    pub(super) target: &'a Target,
    pub(super) fingerprint: &'a str,
    /// Whether it is the first answer about the result.
    pub(super) is_first: bool,
}

impl Page<'_> {
    /// An answer with nothing in it yet.
    pub(super) fn output(&self, format: Format) -> ReadResultOutput {
        ReadResultOutput {
            file: self.target.file.clone(),
            job_id: self.target.job_id.to_string(),
            status: "COMPLETED".to_owned(),
            format: format.as_str().to_owned(),
            ..ReadResultOutput::default()
        }
    }

    pub(super) fn cursor(&self, next: Cursor) -> String {
        next.encode(self.fingerprint)
    }

    /// The longest answer within the limit. `answer` makes one whose content has at most this many characters.
    pub(super) fn fit(
        &self,
        answer: impl Fn(usize) -> Result<(String, ReadResultOutput), Trouble>,
    ) -> Result<Json<Answer<ReadResultOutput>>, Trouble> {
        const LEAST_ROOM: usize = 40;
        let max_chars = self.call.account.policy.max_result_chars;
        let mut room = max_chars;
        loop {
            let (summary, output) = answer(room)?;
            let json = Json::of(&self.call.answer(&summary, output)).map_err(Trouble::Said)?;
            let excess = json.chars().saturating_sub(max_chars);
            if excess == 0 || room <= LEAST_ROOM {
                return Ok(json);
            }
            room = room.saturating_sub(excess).max(LEAST_ROOM);
        }
    }
}
