//! A client that only calls tools, over the harness. What is said on the wire is the harness's matter.

use std::ops::{Deref, DerefMut};

use llamacloud_batches_mcp::mcp::Revision;
use llamacloud_batches_mcp::sandbox::Speed;
use serde_json::Value;

use super::harness::{Harness, Setup, flags};
use super::tools::Tools;

/// A server with a sandbox of its own. Ends with [`Session::end`].
pub(crate) struct Session(Harness);

impl Session {
    /// `max_result_chars` as on the command line.
    pub(crate) async fn start(speed: Speed, faults: &'static str, max_result_chars: usize) -> Self {
        let setup = Setup {
            flags: flags(&["--max-result-chars", &max_result_chars.to_string()]),
            speed,
            faults,
            ..Setup::default()
        };
        Self(setup.open(Revision::V2025_06_18).await)
    }

    /// Ends the session. What it costs is counted call by call in these tests, not in the end.
    pub(crate) async fn end(self) {
        self.0.end().await;
    }
}

impl Tools for Session {
    async fn call(&mut self, tool: &str, arguments: Value) -> Result<Value, String> {
        let said = self.0.call(tool, arguments).await;
        if said.is_error { Err(said.text) } else { Ok(said.json()) }
    }
}

impl Deref for Session {
    type Target = Harness;

    fn deref(&self) -> &Harness {
        &self.0
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut Harness {
        &mut self.0
    }
}
