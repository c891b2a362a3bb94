//! The account's one project.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    cloud::{Cloud, ORGANIZATION_ID, PROJECT_ID},
    extract::{Answer, Query},
    paging::Paging,
    refusal::Refusal,
};

const NAME: &str = "Sandbox";

#[derive(Default, Deserialize)]
pub(super) struct Filter {
    organization_id: Option<String>,
    name: Option<String>,
    /// What the older list calls the name.
    project_name: Option<String>,
}

impl Filter {
    fn fits(&self) -> bool {
        let is = |given: &Option<String>, own: &str| given.as_deref().is_none_or(|given| given == own);
        is(&self.organization_id, ORGANIZATION_ID) && is(&self.name, NAME) && is(&self.project_name, NAME)
    }
}

/// `GET /api/v2/projects`
pub(super) async fn list(
    State(cloud): State<Arc<Cloud>>,
    Query(paging): Query<Paging>,
    Query(filter): Query<Filter>,
) -> Answer {
    let project = filter.fits().then(|| show(&cloud));
    paging.page(project.into_iter(), |_| 1, Value::clone).map(Json)
}

/// `GET /api/v2/projects/{project_id}`
pub(super) async fn get(State(cloud): State<Arc<Cloud>>, Path(id): Path<String>) -> Answer {
    if id == PROJECT_ID {
        return Ok(Json(show(&cloud)));
    }
    Err(Refusal::not_found("Project", &id))
}

/// `GET /api/v1/projects`, which the SDKs ask: a bare array.
pub(super) async fn list_v1(State(cloud): State<Arc<Cloud>>, Query(filter): Query<Filter>) -> Answer {
    let project = filter.fits().then(|| show(&cloud));
    Ok(Json(project.into_iter().collect()))
}

/// One object that fits both schemas, `ProjectResponse` and `Project`.
fn show(cloud: &Cloud) -> Value {
    json!({
        "id": PROJECT_ID,
        "name": NAME,
        "organization_id": ORGANIZATION_ID,
        "is_default": true,
        "created_at": cloud.made_at.to_string(),
        "updated_at": cloud.made_at.to_string(),
    })
}
