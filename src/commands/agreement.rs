//! A question at the terminal that only the whole word `yes` answers with yes.

use tokio::io::{AsyncBufReadExt, BufReader, stdin};

use super::context::Context;

/// Asks, and says whether the answer was yes. `None`: the user pressed Ctrl-C.
pub(super) async fn is_agreed(context: &Context<'_>, question: &str) -> Option<bool> {
    let err = &context.terminal.err;
    err.write(&format!("{question}? Type `yes` to agree: "));
    let mut line = String::new();
    let mut input = BufReader::new(stdin());
    tokio::select! {
        read = input.read_line(&mut line) => Some(read.is_ok() && line.trim().eq_ignore_ascii_case("yes")),
        () = context.stop.cancelled() => {
            err.line("");
            None
        }
    }
}
