//! Projects: which there are for a key.

use serde::Deserialize;
use tokio::time::Instant;

use super::{
    client::Client,
    error::Error,
    ids::{OrganizationId, ProjectId},
    lenient::lenient,
    request::{Page, Request, Scope, Window},
};

/// The project operations of a [`Client`]. All end at their deadline at the latest.
#[derive(Debug, Clone, Copy)]
pub struct Projects<'c> {
    client: &'c Client,
}

/// A project.
///
/// Shape: `{ id: "5a11…", name: "Invoices", is_default: true }`. Source: API schema `ProjectResponse`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Project {
    /// Shape: a UUID. Empty if the API did not say.
    #[serde(default, deserialize_with = "lenient")]
    pub id: String,
    /// The name for people. Upstream text, not cleaned.
    #[serde(default, deserialize_with = "lenient")]
    pub name: String,
    /// Whether it is the one that its organization uses where none is named.
    #[serde(default, deserialize_with = "lenient")]
    pub is_default: bool,
}

impl<'c> Projects<'c> {
    pub(super) fn new(client: &'c Client) -> Self {
        Self { client }
    }

    /// One page of the projects of an organization, or of the key's own.
    ///
    /// Source: API operation `GET /api/v2/projects`, which "requires `organization_id` or a project-scoped API key".
    pub async fn list(
        &self,
        organization_id: Option<&OrganizationId>,
        window: &Window,
        deadline: Instant,
    ) -> Result<Page<Project>, Error> {
        let scope = Scope {
            organization_id: organization_id.cloned(),
            ..Scope::default()
        };
        let request = Request::get(&scope, "/api/v2/projects", &[]).window(window);
        Ok(self.client.execute::<Page<_>>(request, deadline).await?.body)
    }

    /// One project.
    ///
    /// Source: API operation `GET /api/v2/projects/{project_id}`.
    pub async fn get(&self, project_id: &ProjectId, deadline: Instant) -> Result<Project, Error> {
        let request = Request::get(&Scope::default(), "/api/v2/projects/{id}", &[project_id.as_str()]);
        Ok(self.client.execute(request, deadline).await?.body)
    }
}
