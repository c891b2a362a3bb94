//! The result of one job, read from LlamaCloud: pages of text, or data.

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::Format;
use crate::llamacloud::{
    Client, Error, ErrorKind, ExtractPart, ExtractedData, JobId, JobStatus, MarkdownPage, ParsePart, ParsedDocument,
    ResultJob, Scope, TextPage,
};
use crate::untrusted::clean;

/// Longest reason why a job or a page failed, in characters.
const MAX_REASON_CHARS: usize = 300;

/// How a job ended.
#[derive(Debug, Clone, Default)]
pub(crate) struct JobEnd {
    pub(crate) status: JobStatus,
    /// Why it failed. Cleaned.
    pub(crate) error: Option<String>,
    /// What it cost, once that is billed.
    pub(crate) credits: Option<f64>,
    /// What the file is called, if the job says so. Untrusted text.
    pub(crate) file_name: Option<String>,
}

/// A page: its text, which is untrusted, or why there is none, which is cleaned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    /// From 1.
    pub(crate) number: u32,
    pub(crate) text: Result<String, String>,
}

/// A parse job with its document. Without pages unless it is COMPLETED.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    pub(crate) job: JobEnd,
    pub(crate) markdown: Option<Vec<Page>>,
    /// Also where markdown was wanted and LlamaCloud has none.
    pub(crate) text: Option<Vec<Page>>,
}

/// An extract job with its data. Without data unless it is COMPLETED.
#[derive(Debug, Default)]
pub(crate) struct Extracted {
    pub(crate) job: JobEnd,
    /// One object, or an array, as the API wrote it. Untrusted.
    pub(crate) data: Option<Box<RawValue>>,
    /// Where the values come from, in a form like the data's. Untrusted.
    pub(crate) evidence: Option<Box<RawValue>>,
    /// The job that parsed the file.
    pub(crate) parse_job_id: Option<JobId>,
}

/// Where results are read from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) client: &'a Client,
    pub(crate) scope: &'a Scope,
    pub(crate) deadline: Instant,
}

impl Reader<'_> {
    /// Reads the document of a parse job in these formats.
    ///
    /// # Errors
    /// Those of the requests.
    pub(crate) async fn parsed(self, job_id: &JobId, formats: &[Format]) -> Result<Parsed, Error> {
        let wants_markdown = formats.contains(&Format::Markdown);
        let mut parts = vec![ParsePart::Usage];
        parts.extend(wants_markdown.then_some(ParsePart::Markdown));
        parts.extend(formats.contains(&Format::Text).then_some(ParsePart::Text));
        let ParsedDocument {
            job,
            markdown,
            mut text,
        } = self.get(job_id, &parts).await?;
        let mut parsed = Parsed {
            job: JobEnd::from(job),
            ..Parsed::default()
        };
        if parsed.job.status != JobStatus::Completed {
            return Ok(parsed);
        }
        if wants_markdown && markdown.is_none() && text.is_none() {
            // Some tiers have no markdown.
            text = self.get(job_id, &[ParsePart::Text]).await?.text;
        }
        parsed.markdown = markdown.map(|markdown| numbered(markdown.pages, Page::of_markdown));
        parsed.text = text.map(|text| numbered(text.pages, Page::of_text));
        if let Some(pages) = parsed.text.as_mut().filter(|pages| pages.iter().any(Page::is_blank)) {
            // Plain text does not tell a page that failed from an empty one.
            match &parsed.markdown {
                Some(markdown) => mark_failures(pages, markdown),
                None if wants_markdown => {}
                None => mark_failures(pages, &self.markdown_if_readable(job_id).await?),
            }
        }
        Ok(parsed)
    }

    /// The pages as markdown; none where there is no markdown, or it is too much to read.
    async fn markdown_if_readable(self, job_id: &JobId) -> Result<Vec<Page>, Error> {
        match self.get(job_id, &[ParsePart::Markdown]).await {
            Ok(document) => Ok(document
                .markdown
                .map_or_else(Vec::new, |markdown| numbered(markdown.pages, Page::of_markdown))),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::OversizedBody { .. } | ErrorKind::UnreadableBody
                ) =>
            {
                Ok(Vec::new())
            }
            Err(error) => Err(error),
        }
    }

    async fn get(self, job_id: &JobId, parts: &[ParsePart]) -> Result<ParsedDocument, Error> {
        let Self {
            client,
            scope,
            deadline,
        } = self;
        client.get_parsed_document(scope, job_id, parts, deadline).await
    }

    /// Reads the data of an extract job; on request also where its values and its text come from.
    ///
    /// # Errors
    /// Those of the request.
    pub(crate) async fn extracted(self, job_id: &JobId, with_origins: bool) -> Result<Extracted, Error> {
        let mut parts = vec![ExtractPart::Usage];
        parts.extend(with_origins.then_some(ExtractPart::Metadata));
        let Self {
            client,
            scope,
            deadline,
        } = self;
        let extracted = client.get_extracted_data(scope, job_id, &parts, deadline).await?;
        let ExtractedData {
            status,
            error_message,
            extract_result,
            extract_metadata,
            usage,
            ..
        } = extracted;
        let job = JobEnd {
            status,
            error: error_message.as_deref().map(reason),
            credits: usage.and_then(|usage| usage.credits),
            file_name: None,
        };
        if job.status != JobStatus::Completed {
            return Ok(Extracted {
                job,
                ..Extracted::default()
            });
        }
        let origins = extract_metadata.and_then(|metadata| serde_json::from_str::<Origins>(metadata.get()).ok());
        let origins = origins.unwrap_or_default();
        Ok(Extracted {
            job,
            data: extract_result,
            evidence: origins.field_metadata,
            parse_job_id: origins.parse_job_id.and_then(|id| id.parse().ok()),
        })
    }
}

/// What matters of `extract_metadata`.
#[derive(Default, Deserialize)]
struct Origins {
    parse_job_id: Option<String>,
    field_metadata: Option<Box<RawValue>>,
}

impl From<ResultJob> for JobEnd {
    fn from(job: ResultJob) -> Self {
        Self {
            status: job.status,
            error: job.error_message.as_deref().map(reason),
            credits: job.usage.and_then(|usage| usage.credits),
            file_name: job.name,
        }
    }
}

impl Page {
    fn of_markdown(page: MarkdownPage) -> (u64, Result<String, String>) {
        let failed = || page.error.as_deref().map_or_else(no_reason, reason);
        (page.page_number, page.markdown.ok_or_else(failed))
    }

    fn of_text(page: TextPage) -> (u64, Result<String, String>) {
        (page.page_number, page.text.ok_or_else(no_reason))
    }

    fn is_blank(&self) -> bool {
        self.text.as_ref().is_ok_and(String::is_empty)
    }
}

fn no_reason() -> String {
    "no reason given".to_owned()
}

fn reason(text: &str) -> String {
    clean(text, MAX_REASON_CHARS)
}

/// The pages with their numbers; one that has none is numbered by its place.
fn numbered<P>(pages: Vec<P>, of: impl Fn(P) -> (u64, Result<String, String>)) -> Vec<Page> {
    let with_place = (1..).zip(pages);
    let page = |(place, page): (u32, P)| {
        let (number, text) = of(page);
        let number = u32::try_from(number).ok().filter(|number| *number > 0);
        Page {
            number: number.unwrap_or(place),
            text,
        }
    };
    with_place.map(page).collect()
}

/// Gives blank pages the reason why they failed as markdown, if they did.
fn mark_failures(pages: &mut [Page], markdown: &[Page]) {
    for page in pages.iter_mut().filter(|page| page.is_blank()) {
        let failed = markdown.iter().find(|other| other.number == page.number);
        if let Some(Err(reason)) = failed.map(|failed| &failed.text) {
            page.text = Err(reason.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(number: u32, text: Result<&str, &str>) -> Page {
        Page {
            number,
            text: text.map(str::to_owned).map_err(str::to_owned),
        }
    }

    #[test]
    fn a_blank_page_takes_its_reason_from_the_markdown() {
        let mut text = [page(1, Ok("one")), page(2, Ok("")), page(3, Ok("")), page(4, Ok(""))];
        let markdown = [page(1, Err("late")), page(2, Err("damaged")), page(3, Ok(""))];
        mark_failures(&mut text, &markdown);
        assert_eq!(
            text,
            [
                page(1, Ok("one")),
                page(2, Err("damaged")),
                page(3, Ok("")),
                page(4, Ok(""))
            ]
        );
    }

    #[test]
    fn pages_without_a_number_are_numbered_by_their_place() {
        let text = |page_number, text: Option<&str>| TextPage {
            page_number,
            text: text.map(str::to_owned),
        };
        let pages = vec![text(0, Some("a")), text(u64::MAX, None), text(7, Some("c"))];
        assert_eq!(
            numbered(pages, Page::of_text),
            [page(1, Ok("a")), page(2, Err("no reason given")), page(7, Ok("c"))]
        );
    }
}
