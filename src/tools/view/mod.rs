//! The view of one batch, for hosts that show views: one HTML file, and the tool that shows it on request.

mod show_batch;

pub(super) use show_batch::ShowBatch;

use super::call::Call;
use crate::mcp::View;

/// Constant: hosts keep it.
pub(super) const BATCH: &str = "ui://llamacloud-batches/batch.html";

const HTML: &str = include_str!("batch.html");

/// The view.
pub(super) const VIEW: View = View {
    uri: BATCH,
    name: "batch",
    title: "LlamaCloud batch",
    html,
};

/// The document for a server that offers these tools: it has a button only for what is offered.
///
/// Sent without indents and lines of comments, which are for the readers of the file.
fn html(offered: &[&str]) -> String {
    let lines = HTML.lines().map(str::trim_start);
    let lines: Vec<&str> = lines.filter(|line| !line.starts_with("//")).collect();
    lines
        .join("\n")
        .replace("{{tools}}", &offered.join(" "))
        .replace("{{version}}", env!("CARGO_PKG_VERSION"))
}

/// A sentence after the summary of an answer whose view keeps itself up to date; empty where the client shows no views.
pub(super) fn beside_answer(call: &Call) -> &'static str {
    if call.context.shows_views() {
        " The user sees this batch in a view that updates itself: do not repeat its progress."
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_view_is_small_and_reaches_for_nothing() {
        let html = html(&["create_batch", "get_batch"]);
        // The names of all tools are no longer than 200 characters together.
        assert!(html.len() <= 20_000 - 200, "{} bytes", html.len());
        assert!(html.contains(r#"<body data-tools="create_batch get_batch">"#));
        assert!(!html.contains("{{"));
        for word in [
            "http:",
            "https:",
            "innerHTML",
            "outerHTML",
            "eval(",
            "fetch(",
            "import ",
            "src=",
            "href=",
            "wait_seconds",
        ] {
            assert!(!html.contains(word), "{word}");
        }
    }
}
