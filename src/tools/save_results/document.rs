//! The result of one file, as the bytes to save.

use serde::Deserialize;
use tokio::time::Instant;

use super::Format;
use super::manifest::FailedPage;
use crate::foreign::clean;
use crate::llamacloud::{
    Client, Error, ExtractPart, JobId, JobStatus, MarkdownPage, ParsePart, ParsedDocument, Product, Scope, TextPage,
};

const MAX_REASON_CHARS: usize = 300;

/// What LlamaCloud has of one file.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) status: JobStatus,
    /// Why there is no result. Cleaned.
    pub(super) error: Option<String>,
    pub(super) failed_pages: Vec<FailedPage>,
    pub(super) credits: Option<f64>,
    pub(super) contents: Vec<Content>,
}

/// One format of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) format: Format,
    /// What the bytes are, which may be another format than the one that was asked for.
    pub(super) extension: &'static str,
    pub(super) bytes: Vec<u8>,
}

/// Where documents are read from.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) client: &'a Client,
    pub(super) scope: &'a Scope,
    pub(super) formats: &'a [Format],
    pub(super) deadline: Instant,
}

impl Source<'_> {
    /// Reads the result of a job.
    ///
    /// # Errors
    /// Those of the requests.
    pub(super) async fn read(self, product: Product, job_id: &JobId) -> Result<Document, Error> {
        match product {
            Product::Parse => self.parsed(job_id).await,
            Product::Extract => self.extracted(job_id).await,
        }
    }

    async fn parsed(self, job_id: &JobId) -> Result<Document, Error> {
        let mut parts = vec![ParsePart::Usage];
        parts.extend(self.formats.iter().filter_map(|format| match format {
            Format::Markdown => Some(ParsePart::Markdown),
            Format::Text => Some(ParsePart::Text),
            Format::Data => None,
        }));
        let mut parsed = self.get(job_id, &parts).await?;
        let wants_markdown = self.formats.contains(&Format::Markdown);
        let is_done = parsed.job.status == JobStatus::Completed;
        if is_done && wants_markdown && parsed.markdown.is_none() && parsed.text.is_none() {
            // Some tiers have no markdown.
            parsed.text = self.get(job_id, &[ParsePart::Text]).await?.text;
        }
        Ok(self.document(parsed))
    }

    async fn get(self, job_id: &JobId, parts: &[ParsePart]) -> Result<ParsedDocument, Error> {
        self.client
            .get_parsed_document(self.scope, job_id, parts, self.deadline)
            .await
    }

    fn document(self, parsed: ParsedDocument) -> Document {
        let ParsedDocument { job, markdown, text } = parsed;
        let mut document = Document {
            error: job.error_message.as_deref().map(reason),
            credits: job.usage.and_then(|usage| usage.credits),
            status: job.status,
            ..Document::default()
        };
        if document.status != JobStatus::Completed {
            return document;
        }
        let has_markdown = markdown.is_some();
        if let Some(markdown) = markdown {
            document.failed_pages = markdown.pages.iter().filter_map(failed_page).collect();
            let bytes = join(markdown.pages.into_iter().map(markdown_of));
            document.push(Format::Markdown, "md", bytes);
        }
        if let Some(text) = text {
            let format = if self.formats.contains(&Format::Text) {
                Format::Text
            } else {
                Format::Markdown
            };
            document.push(format, "txt", join(text.pages.into_iter().map(text_of)));
        }
        if !has_markdown && document.contents.is_empty() {
            document.error = Some("LlamaCloud has no text of this file".to_owned());
        }
        document
    }

    async fn extracted(self, job_id: &JobId) -> Result<Document, Error> {
        let wants_text = self.formats.iter().any(|format| *format != Format::Data);
        let mut parts = vec![ExtractPart::Usage];
        parts.extend(wants_text.then_some(ExtractPart::Metadata));
        let extracted = self
            .client
            .get_extracted_data(self.scope, job_id, &parts, self.deadline)
            .await?;
        let mut document = Document {
            error: extracted.error_message.as_deref().map(reason),
            credits: extracted.usage.and_then(|usage| usage.credits),
            status: extracted.status,
            ..Document::default()
        };
        if document.status != JobStatus::Completed {
            return Ok(document);
        }
        if self.formats.contains(&Format::Data) {
            match extracted.extract_result {
                Some(data) => document.push(Format::Data, "json", format!("{}\n", data.get()).into_bytes()),
                None => document.error = Some("LlamaCloud has no data of this file".to_owned()),
            }
        }
        if wants_text {
            let metadata = extracted.extract_metadata.as_deref();
            let parse_job = metadata.and_then(|metadata| serde_json::from_str::<Metadata>(metadata.get()).ok());
            match parse_job.and_then(|metadata| metadata.parse_job_id?.parse::<JobId>().ok()) {
                Some(parse_job_id) => {
                    let parsed = self.parsed(&parse_job_id).await?;
                    document.failed_pages = parsed.failed_pages;
                    document.contents.extend(parsed.contents);
                }
                None => document.error = Some("LlamaCloud has no text of this file, only data".to_owned()),
            }
        }
        Ok(document)
    }
}

/// The only member that matters here.
#[derive(Deserialize)]
struct Metadata {
    parse_job_id: Option<String>,
}

impl Document {
    fn push(&mut self, format: Format, extension: &'static str, bytes: Vec<u8>) {
        self.contents.push(Content {
            format,
            extension,
            bytes,
        });
    }
}

fn reason(text: &str) -> String {
    clean(text, MAX_REASON_CHARS)
}

fn failed_page(page: &MarkdownPage) -> Option<FailedPage> {
    page.markdown.is_none().then(|| FailedPage {
        page: page.page_number,
        error: page
            .error
            .as_deref()
            .map_or_else(|| "no reason given".to_owned(), reason),
    })
}

/// A page that failed leaves a note that markdown does not show.
fn markdown_of(page: MarkdownPage) -> String {
    match failed_page(&page) {
        None => page.markdown.unwrap_or_default(),
        Some(FailedPage { page, error }) => {
            format!(
                "<!-- page {page} could not be parsed: {} -->",
                error.replace("--", "- -").replace('>', "&gt;")
            )
        }
    }
}

fn text_of(page: TextPage) -> String {
    let number = page.page_number;
    page.text
        .unwrap_or_else(|| format!("[page {number} could not be parsed]"))
}

fn join(pages: impl Iterator<Item = String>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for page in pages {
        if !bytes.is_empty() {
            bytes.extend_from_slice(b"\n\n");
        }
        bytes.extend_from_slice(page.trim_end().as_bytes());
    }
    if !bytes.is_empty() {
        bytes.push(b'\n');
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_that_failed_stay_visible_and_cannot_break_the_note() {
        let page = |page_number, markdown: Option<&str>, error: Option<&str>| MarkdownPage {
            page_number,
            markdown: markdown.map(str::to_owned),
            error: error.map(str::to_owned),
        };
        let pages = [
            page(1, Some("# One\n\n"), None),
            page(2, None, Some("bad --> <script>")),
            page(3, Some("three"), None),
        ];
        let text = String::from_utf8(join(pages.into_iter().map(markdown_of))).unwrap();
        assert_eq!(
            text,
            "# One\n\n<!-- page 2 could not be parsed: bad - -&gt; <script&gt; -->\n\nthree\n"
        );
        assert_eq!(join(std::iter::empty()), b"");
    }
}
