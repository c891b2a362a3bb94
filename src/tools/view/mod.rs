//! The view of one batch, for hosts that show views: one HTML file, and the tool that shows it on request.

mod show_batch;

pub(super) use show_batch::ShowBatch;

use crate::mcp::View;

/// Constant: hosts keep it.
pub(super) const BATCH: &str = "ui://llamacloud-batches/batch.html";

const HTML: &str = include_str!("batch.html");

/// The view for a server that offers these tools: it has a button only for what is offered.
pub(super) fn batch(offered: &[&str]) -> View {
    View {
        uri: BATCH,
        name: "batch",
        title: "LlamaCloud batch",
        html: HTML
            .replace("{{tools}}", &offered.join(" "))
            .replace("{{version}}", env!("CARGO_PKG_VERSION")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_view_is_small_and_reaches_for_nothing() {
        let html = batch(&["create_batch", "get_batch"]).html;
        assert!(html.len() <= 20_000, "{} bytes", html.len());
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
