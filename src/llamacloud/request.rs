//! What goes out and what comes back, before and after the wire: address, query and body; decoding.

use std::fmt;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use url::{Host, Url};

use super::{
    ids::{OrganizationId, ProjectId},
    retry::Method,
    upload_body::Form,
};
use crate::untrusted::clean;

/// Which project and organization an operation is about; absent means the key's own. Sent as query parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Scope {
    /// The project.
    pub project_id: Option<ProjectId>,
    /// The organization.
    pub organization_id: Option<OrganizationId>,
}

/// Which part of a list to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Window {
    /// How many items a page holds; `None` leaves it to the API.
    pub page_size: Option<u32>,
    /// Where to continue: [`Page::next_page_token`] of the previous page.
    pub page_token: Option<String>,
}

/// One page of a list.
///
/// Shape: `{ "items": […], "next_page_token": "…" | null }`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where to continue; `None` on the last page.
    #[serde(default, deserialize_with = "token")]
    pub next_page_token: Option<String>,
}

/// A page token; an empty one, which would request the first page again, counts as absent.
fn token<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let token = Option::<String>::deserialize(deserializer)?;
    Ok(token.filter(|token| !token.is_empty()))
}

/// One request to the API: a method, a path, and what is sent with it.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) method: Method,
    /// Shape: `/api/v2/batches/{id}/cancel`. It is what the log shows.
    path: &'static str,
    /// The values for each `{id}` of the path.
    ids: Vec<&'a str>,
    query: Vec<(&'static str, String)>,
    pub(super) body: Option<Vec<u8>>,
    /// A file to send, in place of a body.
    pub(super) form: Option<Form>,
    /// Whether the answer is a whole document, which may be long.
    pub(super) is_for_document: bool,
}

impl<'a> Request<'a> {
    /// A read of the resource under `path`, in which each `{id}` stands for one of `ids`.
    pub(super) fn get(scope: &Scope, path: &'static str, ids: &[&'a str]) -> Self {
        Self::new(Method::Get, scope, path, ids)
    }

    /// A change.
    pub(super) fn post(scope: &Scope, path: &'static str, ids: &[&'a str]) -> Self {
        Self::new(Method::Post, scope, path, ids)
    }

    fn new(method: Method, scope: &Scope, path: &'static str, ids: &[&'a str]) -> Self {
        Self {
            method,
            path,
            ids: ids.to_vec(),
            query: Vec::new(),
            body: None,
            form: None,
            is_for_document: false,
        }
        .query("project_id", scope.project_id.as_ref())
        .query("organization_id", scope.organization_id.as_ref())
    }

    /// Adds a query parameter, if it is set. A repeated name is sent repeatedly.
    pub(super) fn query(mut self, name: &'static str, value: Option<impl fmt::Display>) -> Self {
        self.query.extend(value.map(|value| (name, value.to_string())));
        self
    }

    /// Adds which part of a list to read.
    pub(super) fn window(self, window: &Window) -> Self {
        self.query("page_size", window.page_size)
            .query("page_token", window.page_token.as_ref())
    }

    /// Sets the JSON body. Wire types are plain data, so encoding them cannot fail; were it to, the API would refuse the empty body.
    pub(super) fn json(mut self, body: &impl Serialize) -> Self {
        self.body = Some(serde_json::to_vec(body).unwrap_or_default());
        self
    }

    /// Sends a file. The attempt continues as long as it makes progress.
    pub(super) fn form(mut self, form: Form) -> Self {
        self.form = Some(form);
        self
    }

    /// Expects a whole document: a long answer, which may take until the deadline.
    pub(super) fn for_document(mut self) -> Self {
        self.is_for_document = true;
        self
    }

    /// Whether a 404 can only mean that the API is somewhere else: the request names nothing that could be missing.
    pub(super) fn must_be_found(&self) -> bool {
        let may_be_missing =
            |(name, _): &(&str, String)| ["project_id", "organization_id", "page_token"].contains(name);
        self.method == Method::Get && self.ids.is_empty() && !self.query.iter().any(may_be_missing)
    }

    /// Shape: `GET /api/v2/batches/{id}`, without host, ids and query.
    pub(super) fn line(&self) -> String {
        format!("{} {}", self.method.as_str(), self.path)
    }

    /// The whole address under `base`, whose own path is kept as a prefix.
    pub(super) fn url(&self, base: &Url) -> Url {
        let mut url = base.clone();
        // Fails only for addresses such as `mailto:`, which no request can be sent to anyway.
        if let Ok(mut segments) = url.path_segments_mut() {
            let mut ids = self.ids.iter();
            let path = self.path.split('/').filter(|segment| !segment.is_empty());
            // Each segment is percent-encoded, so that no id leaves its place.
            segments.pop_if_empty().extend(path.map(|segment| match segment {
                "{id}" => ids.next().copied().unwrap_or_default(),
                fixed => fixed,
            }));
        }
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        url
    }
}

/// Decodes a body, or says where it is not as documented, without repeating what it holds.
pub(super) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    // A documented body is read once. Tracking the path takes longer than reading, and only errors need it.
    if let Ok(value) = serde_json::from_slice(body) {
        return Ok(value);
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let error = match serde_path_to_error::deserialize(&mut json) {
        Ok(value) => {
            return json
                .end()
                .map(|()| value)
                .map_err(|_| "more than one JSON value".to_owned());
        }
        Err(error) => error,
    };
    let path = error.path().to_string();
    let cause = error.into_inner();
    if !cause.is_data() {
        return Err(if cause.is_eof() {
            "JSON that ends early"
        } else {
            "not JSON"
        }
        .to_owned());
    }
    let words = cause.to_string();
    // The only message of the decoder that names nothing but the documented field.
    let missing = words
        .strip_prefix("missing field ")
        .and_then(|rest| rest.split(" at line ").next());
    let place = if path == "." {
        String::new()
    } else {
        format!(" in {}", clean(&path, 120))
    };
    Err(match missing {
        Some(field) => format!("no {field}{place}"),
        None => format!("unexpected type of value{place}"),
    })
}

/// Whether a URL's host is this machine: the only one that is reached without TLS, and never through a proxy.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
