//! The result of one file, as the bytes to save.

use crate::llamacloud::{Error, JobId, JobStatus, Product};
use crate::tools::manifest::FailedPage;
use crate::tools::results::Format;
use crate::tools::results::reading::{Page, Parsed, Reader};

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
    /// What the bytes are, which may differ from the requested format.
    pub(super) extension: &'static str,
    pub(super) bytes: Vec<u8>,
}

impl Document {
    /// Reads the result of a job in these formats.
    ///
    /// # Errors
    /// Those of the requests.
    pub(super) async fn read(
        reader: Reader<'_>,
        product: Product,
        job_id: &JobId,
        formats: &[Format],
    ) -> Result<Self, Error> {
        match product {
            Product::Parse => Ok(Self::parsed(reader.parsed(job_id, formats).await?, formats)),
            Product::Extract => Self::extracted(reader, job_id, formats).await,
        }
    }

    fn parsed(parsed: Parsed, formats: &[Format]) -> Self {
        let Parsed { job, markdown, text } = parsed;
        let mut document = Self {
            status: job.status,
            error: job.error,
            credits: job.credits,
            ..Self::default()
        };
        if let Some(pages) = markdown.as_ref().or(text.as_ref()) {
            document.failed_pages = pages.iter().filter_map(failed_page).collect();
        }
        // Text stands in for markdown where a tier has none. What was not asked for is not saved, even if LlamaCloud sent it.
        let format_of_text = if formats.contains(&Format::Text) {
            Some(Format::Text)
        } else {
            markdown.is_none().then_some(Format::Markdown)
        };
        if let Some(pages) = markdown.filter(|_| formats.contains(&Format::Markdown)) {
            document.push(Format::Markdown, "md", join(pages.into_iter().map(markdown_of)));
        }
        if let (Some(format), Some(pages)) = (format_of_text, text) {
            document.push(format, "txt", join(pages.into_iter().map(text_of)));
        }
        if document.status == JobStatus::Completed && document.contents.is_empty() {
            document.error = Some("LlamaCloud has no text for this file".to_owned());
        }
        document
    }

    async fn extracted(reader: Reader<'_>, job_id: &JobId, formats: &[Format]) -> Result<Self, Error> {
        let wants_text = formats.iter().any(|format| *format != Format::Data);
        let extracted = reader.extracted(job_id, wants_text).await?;
        let mut document = Self {
            status: extracted.job.status,
            error: extracted.job.error,
            credits: extracted.job.credits,
            ..Self::default()
        };
        if document.status != JobStatus::Completed {
            return Ok(document);
        }
        if formats.contains(&Format::Data) {
            match extracted.data {
                Some(data) => document.push(Format::Data, "json", format!("{}\n", data.get()).into_bytes()),
                None => document.error = Some("LlamaCloud has no data for this file".to_owned()),
            }
        }
        if wants_text {
            match extracted.parse_job_id {
                Some(parse_job_id) => {
                    let parsed = Self::parsed(reader.parsed(&parse_job_id, formats).await?, formats);
                    document.add_text(parsed);
                }
                None => document.error = Some("LlamaCloud has no text for this file, only data".to_owned()),
            }
        }
        Ok(document)
    }

    /// Adds what the job that read the text has produced.
    fn add_text(&mut self, parsed: Self) {
        if parsed.contents.is_empty() {
            let status = parsed.status;
            let error = parsed.error;
            self.error = error.or_else(|| Some(format!("the job that reads the text of this file is {status}")));
        }
        self.failed_pages = parsed.failed_pages;
        self.contents.extend(parsed.contents);
    }

    fn push(&mut self, format: Format, extension: &'static str, bytes: Vec<u8>) {
        self.contents.push(Content {
            format,
            extension,
            bytes,
        });
    }
}

fn failed_page(page: &Page) -> Option<FailedPage> {
    let error = page.text.as_ref().err()?;
    Some(FailedPage {
        page: u64::from(page.number),
        error: error.clone(),
    })
}

/// A page that failed leaves a note that markdown does not show.
fn markdown_of(page: Page) -> String {
    page.text.unwrap_or_else(|error| {
        let error = error.replace("--", "- -").replace('>', "&gt;");
        format!("<!-- page {} could not be parsed: {error} -->", page.number)
    })
}

fn text_of(page: Page) -> String {
    page.text
        .unwrap_or_else(|error| format!("[page {} could not be parsed: {error}]", page.number))
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
    use crate::tools::results::reading::JobEnd;

    #[test]
    fn only_the_formats_that_are_wanted_are_saved() {
        use Format::{Markdown, Text};

        let pages = |text: &str| {
            Some(vec![Page {
                number: 1,
                text: Ok(text.to_owned()),
            }])
        };
        let check = |formats: &[Format], markdown: Option<Vec<Page>>, expected: &[(Format, &str)]| {
            let job = JobEnd {
                status: JobStatus::Completed,
                ..JobEnd::default()
            };
            let text = pages("text");
            let document = Document::parsed(Parsed { job, markdown, text }, formats);
            let saved = document.contents.iter();
            let saved: Vec<_> = saved.map(|content| (content.format, content.extension)).collect();
            assert_eq!(saved, expected, "{formats:?}");
        };
        check(&[Markdown], pages("# text"), &[(Markdown, "md")]);
        check(&[Text], pages("# text"), &[(Text, "txt")]);
        check(&[Markdown, Text], pages("# text"), &[(Markdown, "md"), (Text, "txt")]);
        check(&[Markdown], None, &[(Markdown, "txt")]);
        check(&[Markdown, Text], None, &[(Text, "txt")]);
    }

    /// The text of an extract job is that of another job, which may have failed.
    #[test]
    fn a_text_that_is_missing_is_an_error() {
        for (status, error, expected) in [
            (JobStatus::Completed, None, "LlamaCloud has no text for this file"),
            (JobStatus::Failed, Some("damaged"), "damaged"),
            (
                JobStatus::Failed,
                None,
                "the job that reads the text of this file is FAILED",
            ),
        ] {
            let job = JobEnd {
                status,
                error: error.map(str::to_owned),
                ..JobEnd::default()
            };
            let mut document = Document::default();
            let (markdown, text) = (None, None);
            document.add_text(Document::parsed(Parsed { job, markdown, text }, &[Format::Text]));
            assert_eq!(document.error.as_deref(), Some(expected));
        }
    }

    #[test]
    fn pages_that_failed_stay_visible_and_cannot_break_the_note() {
        let page = |number, text: Result<&str, &str>| Page {
            number,
            text: text.map(str::to_owned).map_err(str::to_owned),
        };
        let pages = [
            page(1, Ok("# One\n\n")),
            page(2, Err("bad --> <script>")),
            page(3, Ok("three")),
        ];
        let text = String::from_utf8(join(pages.into_iter().map(markdown_of))).unwrap();
        assert_eq!(
            text,
            "# One\n\n<!-- page 2 could not be parsed: bad - -&gt; <script&gt; -->\n\nthree\n"
        );
        assert_eq!(join(std::iter::empty()), b"");
    }
}
