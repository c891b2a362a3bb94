//! Saved configurations: what a job does with each file.

use jiff::Timestamp;
use serde::Deserialize;
use tokio::time::Instant;

use super::{
    batches::JobType,
    client::Client,
    error::Error,
    ids::{ConfigurationId, looks_like_an_id},
    lenient::{instant, lenient},
    request::{Page, Request, Scope, Window},
};

const CONFIGURATIONS: &str = "/api/v1/beta/configurations";

/// A saved configuration, in one of its versions.
///
/// Shape: `{ id: "cfg-…", name: "Invoice fields", product: ExtractV2, version: Some(2026-11-24T10:00:00Z), … }`.
/// Source: API schema `ConfigurationResponse`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Configuration {
    /// Shape: `cfg-…`. Empty if the API sent none.
    #[serde(default, deserialize_with = "lenient")]
    pub id: String,
    /// The name for people. Untrusted text.
    #[serde(default, deserialize_with = "lenient")]
    pub name: String,
    /// The kind of job that it configures.
    #[serde(default, rename = "product_type")]
    pub product: JobType,
    /// The version is the time at which it was saved.
    #[serde(default, deserialize_with = "instant")]
    pub version: Option<Timestamp>,
    /// When it was last changed.
    #[serde(default, deserialize_with = "instant")]
    pub updated_at: Option<Timestamp>,
    /// Its settings, different for each product.
    #[serde(default, deserialize_with = "lenient")]
    pub parameters: serde_json::Value,
}

/// Which configurations to list; absent means no restriction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListConfigurations {
    /// Only those for one of these kinds of jobs.
    pub products: Vec<JobType>,
    /// Only those of this name.
    pub name: Option<String>,
    /// Which part of the list to read.
    pub window: Window,
}

impl ConfigurationId {
    /// Whether it can be an ID, and not a name. Shape: `cfg-…`, or a bare UUID.
    pub fn looks_like_one(&self) -> bool {
        looks_like_an_id(self.as_str(), "cfg-")
    }

    /// Whether it names a built-in preset, of which LlamaCloud saves no versions. Shape: `cfg-PARSE_AGENTIC`.
    pub fn is_preset(&self) -> bool {
        self.as_str().starts_with("cfg-PARSE_")
    }
}

impl Client {
    /// One page of the saved configurations, each in its latest version.
    ///
    /// Source: `GET /api/v1/beta/configurations`.
    pub async fn list_configurations(
        &self,
        scope: &Scope,
        query: &ListConfigurations,
        deadline: Instant,
    ) -> Result<Page<Configuration>, Error> {
        let request = Request::get(scope, CONFIGURATIONS, &[])
            .query("latest_only", Some(true))
            .query("name", query.name.as_ref())
            .window(&query.window);
        let request = query
            .products
            .iter()
            .fold(request, |request, product| request.query("product_type", Some(product)));
        self.execute(request, deadline).await
    }

    /// One saved configuration. Whether the API answers for a preset is not documented.
    ///
    /// Source: `GET /api/v1/beta/configurations/{config_id}`.
    pub async fn get_configuration(
        &self,
        scope: &Scope,
        configuration_id: &ConfigurationId,
        deadline: Instant,
    ) -> Result<Configuration, Error> {
        let request = Request::get(scope, "/api/v1/beta/configurations/{id}", &[configuration_id.as_str()]);
        self.execute(request, deadline).await
    }
}
