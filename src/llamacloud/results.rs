//! The results of finished jobs: the text of a parsed document, the data of an extracted one.

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::{
    client::Client,
    error::Error,
    ids::JobId,
    jobs::JobStatus,
    lenient::lenient,
    request::{Request, Scope},
};

/// What to read of a parsed document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParsePart {
    /// Each page as markdown. Tables are HTML unless the configuration says otherwise.
    Markdown,
    /// Each page as plain text.
    Text,
    /// What the job cost, once that is billed.
    Usage,
}

/// A parse job with the requested parts of its document.
///
/// Source: API schema of the answer of `GET /api/v2/parse/{job_id}`.
#[derive(Debug, Clone, Deserialize)]
pub struct ParsedDocument {
    /// The job.
    pub job: ResultJob,
    /// `None` where LlamaCloud has no markdown, for example for the tier `fast`.
    #[serde(default)]
    pub markdown: Option<Pages<MarkdownPage>>,
    /// The same for plain text.
    #[serde(default)]
    pub text: Option<Pages<TextPage>>,
}

/// The job that a result belongs to.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ResultJob {
    /// Shape: `pjb-…`. Empty if the API sent none.
    #[serde(default, deserialize_with = "lenient")]
    pub id: String,
    /// Only a COMPLETED job has a result.
    #[serde(default)]
    pub status: JobStatus,
    /// Why it failed. Untrusted text.
    #[serde(default, deserialize_with = "lenient")]
    pub error_message: Option<String>,
    /// The name of the file. Untrusted text.
    #[serde(default, deserialize_with = "lenient")]
    pub name: Option<String>,
    /// Absent until it is billed.
    #[serde(default, deserialize_with = "lenient")]
    pub usage: Option<Usage>,
}

/// What a job cost.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Usage {
    /// Absent until it is billed.
    #[serde(default, deserialize_with = "lenient")]
    pub credits: Option<f64>,
}

/// The pages of a document, in the API's order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Pages<P> {
    /// All of them: a result has no paging.
    pub pages: Vec<P>,
}

/// A page as markdown, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct MarkdownPage {
    /// From 1.
    #[serde(default, deserialize_with = "lenient")]
    pub page_number: u64,
    /// Untrusted text; `None` for a page that failed.
    #[serde(default)]
    pub markdown: Option<String>,
    /// Why the page failed. Untrusted text.
    #[serde(default, deserialize_with = "lenient")]
    pub error: Option<String>,
}

/// A page as plain text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TextPage {
    /// From 1.
    #[serde(default, deserialize_with = "lenient")]
    pub page_number: u64,
    /// Untrusted text.
    #[serde(default)]
    pub text: Option<String>,
}

/// An extract job with its result.
///
/// Source: API schema `ExtractV2Job`.
#[derive(Debug, Clone, Deserialize)]
pub struct ExtractedData {
    /// Shape: `ejb-…`. Empty if the API sent none.
    #[serde(default, deserialize_with = "lenient")]
    pub id: String,
    /// Only a COMPLETED job has a result.
    #[serde(default)]
    pub status: JobStatus,
    /// Why it failed. Untrusted text.
    #[serde(default, deserialize_with = "lenient")]
    pub error_message: Option<String>,
    /// One object, or an array, as the API wrote it.
    #[serde(default)]
    pub extract_result: Option<Box<RawValue>>,
    /// Citations, confidence and the parse job, in a form like the result's, as the API wrote it.
    #[serde(default)]
    pub extract_metadata: Option<Box<RawValue>>,
    /// Absent until it is billed.
    #[serde(default, deserialize_with = "lenient")]
    pub usage: Option<Usage>,
}

/// What to read beside the data of an extract job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExtractPart {
    /// Citations, confidence and the parse job.
    Metadata,
    /// What the job cost, once that is billed.
    Usage,
}

impl ParsePart {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Markdown => "markdown",
            Self::Text => "text",
            Self::Usage => "usage",
        }
    }
}

impl ExtractPart {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Metadata => "extract_metadata",
            Self::Usage => "usage",
        }
    }
}

impl Client {
    /// A parsed document. The API sends all of it: there is no paging.
    ///
    /// Source: `GET /api/v2/parse/{job_id}`, `expand` repeated.
    pub async fn get_parsed_document(
        &self,
        scope: &Scope,
        job_id: &JobId,
        parts: &[ParsePart],
        deadline: Instant,
    ) -> Result<ParsedDocument, Error> {
        let request = Request::get(scope, "/api/v2/parse/{id}", &[job_id.as_str()]).for_document();
        let parts = parts.iter().map(|part| part.as_str());
        let request = parts.fold(request, |request, part| request.query("expand", Some(part)));
        self.execute(request, deadline).await
    }

    /// The result of an extract job.
    ///
    /// Source: `GET /api/v2/extract/{job_id}`, `expand` repeated.
    pub async fn get_extracted_data(
        &self,
        scope: &Scope,
        job_id: &JobId,
        parts: &[ExtractPart],
        deadline: Instant,
    ) -> Result<ExtractedData, Error> {
        let request = Request::get(scope, "/api/v2/extract/{id}", &[job_id.as_str()]).for_document();
        let parts = parts.iter().map(|part| part.as_str());
        let request = parts.fold(request, |request, part| request.query("expand", Some(part)));
        self.execute(request, deadline).await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::llamacloud::{
        ErrorKind,
        test_server::{TestServer, reply},
    };

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(9)
    }

    #[tokio::test]
    async fn a_document_comes_with_the_pages_that_failed() {
        let body = r##"{"job":{"id":"pjb-1","status":"COMPLETED","usage":{"credits":20.0},"tier":"agentic"},
            "markdown":{"pages":[{"page_number":1,"markdown":"# One","success":true},
            {"page_number":2,"error":"too dense","success":false}]},"text":null}"##;
        let server = TestServer::start(move |_, _| reply("200 OK", body)).await;
        let job = JobId::try_from("pjb-1").unwrap();
        let parts = [ParsePart::Markdown, ParsePart::Usage];
        let document = server
            .client()
            .get_parsed_document(&Scope::default(), &job, &parts, soon())
            .await
            .unwrap();
        assert!(
            server.seen()[0]
                .head
                .starts_with("GET /api/v2/parse/pjb-1?expand=markdown&expand=usage HTTP/1.1")
        );
        assert_eq!(
            (document.job.status, document.job.usage.unwrap().credits),
            (JobStatus::Completed, Some(20.0))
        );
        let pages = document.markdown.unwrap().pages;
        assert_eq!(
            (pages[0].markdown.as_deref(), pages[1].markdown.as_deref()),
            (Some("# One"), None)
        );
        assert_eq!(
            (pages[1].page_number, pages[1].error.as_deref()),
            (2, Some("too dense"))
        );
        assert!(document.text.is_none());
    }

    #[tokio::test]
    async fn extracted_data_is_kept_as_it_was_written() {
        let body = r#"{"id":"ejb-1","status":"COMPLETED","extract_result":[{"total": 1.50}],"usage":null}"#;
        let server = TestServer::start(move |_, _| reply("200 OK", body)).await;
        let job = JobId::try_from("ejb-1").unwrap();
        let data = server
            .client()
            .get_extracted_data(&Scope::default(), &job, &[ExtractPart::Usage], soon())
            .await
            .unwrap();
        assert!(
            server.seen()[0]
                .head
                .starts_with("GET /api/v2/extract/ejb-1?expand=usage HTTP/1.1")
        );
        assert_eq!(data.extract_result.unwrap().get(), r#"[{"total": 1.50}]"#);
        assert_eq!(data.usage, None);
    }

    #[tokio::test]
    async fn a_document_may_be_longer_than_other_answers_but_not_endless() {
        let long = |bytes| {
            format!(
                r#"{{"job":{{"id":"pjb-1"}},"text":{{"pages":[{{"text":"{}"}}]}}}}"#,
                "a".repeat(bytes)
            )
        };
        let server = TestServer::start(move |number, _| reply("200 OK", long(number * 100_000))).await;
        let mut settings = server.settings();
        settings.max_document_bytes = 150_000;
        let client = crate::llamacloud::Client::new(settings);
        let job = JobId::try_from("pjb-1").unwrap();
        let scope = Scope::default();
        let document = client
            .get_parsed_document(&scope, &job, &[ParsePart::Text], soon())
            .await
            .unwrap();
        assert_eq!(document.text.unwrap().pages[0].text.as_ref().unwrap().len(), 100_000);
        let error = client
            .get_parsed_document(&scope, &job, &[ParsePart::Text], soon())
            .await
            .unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::OversizedBody { limit_bytes: 150_000 });
    }
}
