//! What LlamaCloud says to the key: whether it is accepted, which project it works in, whether batches can be listed.

use std::time::Duration;

use tokio::time::Instant;
use url::Url;

use super::{Check, Patient, Status};
use crate::app::client_settings;
use crate::foreign::quote;
use crate::llamacloud::{
    Client, Error, ErrorKind, ListBatches, OrganizationId, Page, Project, ProjectId, Scope, Settings, Window,
};

const KEY: &str = "key accepted";
const PROJECT: &str = "project";
const BATCHES: &str = "batches";
const NAMES: [&str; 3] = [KEY, PROJECT, BATCHES];

/// No check waits longer, whatever a tool call may take.
const ANSWERED_WITHIN: Duration = Duration::from_secs(15);
/// A check is no place for patience.
const ATTEMPTS: u32 = 2;
const PROJECTS_ON_A_PAGE: u32 = 50;

pub(super) async fn checks(patient: &Patient<'_>, can_ask: bool) -> Vec<Check> {
    let skip = |name| Check::skip(name, "a check above has to succeed first");
    if !can_ask {
        return NAMES.map(skip).into();
    }
    let config = patient.config;
    let pinned = Pinned {
        project: config.project_id.as_deref().and_then(|id| id.parse().ok()),
        organization: config.organization_id.as_deref().and_then(|id| id.parse().ok()),
    };
    let asking = Asking {
        client: client(patient, config.base_url.clone()),
        pinned,
        limit: config.timeout.min(ANSWERED_WITHIN),
    };
    let projects = asking.projects().await;
    let accepted = accepted(patient, &asking, &projects).await;
    if accepted.status == Status::Fail {
        return vec![accepted, skip(PROJECT), skip(BATCHES)];
    }
    vec![accepted, asking.project(projects).await, asking.batches().await]
}

fn client(patient: &Patient<'_>, base_url: Url) -> Client {
    let mut settings = Settings {
        base_url,
        ..client_settings(patient.config)
    };
    settings.retry.max_attempts = ATTEMPTS;
    Client::new(settings)
}

struct Pinned {
    project: Option<ProjectId>,
    organization: Option<OrganizationId>,
}

struct Asking {
    client: Client,
    pinned: Pinned,
    limit: Duration,
}

impl Asking {
    fn deadline(&self) -> Instant {
        Instant::now() + self.limit
    }

    async fn projects(&self) -> Result<Page<Project>, Error> {
        let window = Window {
            page_size: Some(PROJECTS_ON_A_PAGE),
            page_token: None,
        };
        let organization = self.pinned.organization.as_ref();
        self.client
            .projects()
            .list(organization, &window, self.deadline())
            .await
    }

    async fn project(&self, projects: Result<Page<Project>, Error>) -> Check {
        let Some(pinned) = &self.pinned.project else {
            return own_project(projects);
        };
        match self.client.projects().get(pinned, self.deadline()).await {
            Ok(project) => Check::ok(PROJECT, format!("{}, pinned by the settings", name(&project))),
            Err(error) => {
                let known = projects.map_or_else(|_| Vec::new(), |page| page.items);
                let known: Vec<_> = known.iter().take(5).map(name).collect();
                let others = if known.is_empty() {
                    String::new()
                } else {
                    format!(" The key can see {}.", known.join(", "))
                };
                Check::fail(
                    PROJECT,
                    format!(
                        "{pinned}, which is pinned by the settings, cannot be read: {}",
                        why(&error)
                    ),
                    format!(
                        "Correct --project-id (or LLAMA_CLOUD_PROJECT_ID), or leave it out for the key's own project.{others}"
                    ),
                )
            }
        }
    }

    async fn batches(&self) -> Check {
        let scope = Scope {
            project_id: self.pinned.project.clone(),
            organization_id: self.pinned.organization.clone(),
        };
        let query = ListBatches {
            page_size: Some(1),
            ..ListBatches::default()
        };
        match self.client.batches().list(&scope, &query, self.deadline()).await {
            Ok(page) if page.items.is_empty() => Check::ok(BATCHES, "they can be listed; there are none yet"),
            Ok(_) => Check::ok(BATCHES, "they can be listed"),
            Err(error) => {
                let remedy = match error.kind() {
                    ErrorKind::Forbidden => {
                        "Use a key of a project with a Pro or Enterprise plan, which batches need; check --project-id and \
                         --organization-id."
                    }
                    ErrorKind::PaymentRequired => "Add credits or change the plan in the LlamaCloud console.",
                    ErrorKind::NotFound | ErrorKind::Rejected { .. } => {
                        "Check the base URL, --project-id and --organization-id. A key without a project of its own needs \
                         --project-id."
                    }
                    _ => LATER,
                };
                Check::fail(BATCHES, format!("they cannot be listed: {}", why(&error)), remedy)
            }
        }
    }
}

const LATER: &str = "Run this again in a minute. If it stays so, LlamaCloud's status page or support may know more.";

/// Whether LlamaCloud takes the key at all.
async fn accepted(patient: &Patient<'_>, asking: &Asking, projects: &Result<Page<Project>, Error>) -> Check {
    let Err(error) = projects else {
        return Check::ok(KEY, "LlamaCloud accepts it");
    };
    match error.kind() {
        ErrorKind::Unauthorized => rejected(patient, asking.limit).await,
        // It was refused something, so it is known.
        ErrorKind::PaymentRequired
        | ErrorKind::Forbidden
        | ErrorKind::NotFound
        | ErrorKind::Conflict
        | ErrorKind::Rejected { .. } => Check::ok(KEY, "LlamaCloud does not reject it"),
        ErrorKind::RateLimited { .. } => Check::warn(KEY, format!("it is not known: {}", why(error)), LATER),
        ErrorKind::Redirected { .. } | ErrorKind::UnreadableBody => Check::fail(
            KEY,
            format!("it is not known, since what answers is not LlamaCloud: {}", why(error)),
            "Check the base URL, and whether a network asks for a login first.",
        ),
        _ => Check::fail(KEY, format!("it is not known: {}", why(error)), LATER),
    }
}

/// What to do about a rejected key: it may belong to the other region. No other address ever gets it.
async fn rejected(patient: &Patient<'_>, limit: Duration) -> Check {
    let (url, regions) = (&patient.config.base_url, patient.regions);
    let other = match () {
        () if *url == regions.us => Some((&regions.eu, "eu")),
        () if *url == regions.eu => Some((&regions.us, "us")),
        () => None,
    };
    let source = patient.key_source;
    let replace =
        format!("Put a valid key into {source}: the LlamaCloud console shows which there are and makes new ones.");
    let Some((other, region)) = other else {
        return Check::fail(KEY, "it is rejected (401)", replace);
    };
    let window = Window::default();
    let client = client(patient, other.clone());
    match client.projects().list(None, &window, Instant::now() + limit).await {
        Err(error) if *error.kind() == ErrorKind::Unauthorized => {
            Check::fail(KEY, "it is rejected (401) here and in the other region", replace)
        }
        Err(error) if error.status().is_none_or(|status| status >= 500) => Check::fail(
            KEY,
            format!(
                "it is rejected (401); the other region could not be asked: {}",
                why(&error)
            ),
            replace,
        ),
        _ => Check::fail(
            KEY,
            format!("it is rejected (401) here, and accepted in region {region}"),
            format!("Start the server with --region {region}, here and in the host's configuration."),
        ),
    }
}

fn own_project(projects: Result<Page<Project>, Error>) -> Check {
    const PIN: &str =
        "If calls fail for want of a project, pin one with --project-id; its ID is in the LlamaCloud console.";

    let projects = match projects {
        Ok(page) => page.items,
        Err(error) => return Check::warn(PROJECT, format!("the key's own is not known: {}", why(&error)), PIN),
    };
    match projects.as_slice() {
        [] => Check::warn(PROJECT, "the key can see none", PIN),
        [only] => Check::ok(PROJECT, format!("{}, the key's own", name(only))),
        [..] => match projects.iter().find(|project| project.is_default) {
            Some(default) => Check::ok(
                PROJECT,
                format!(
                    "{}, the default of {}; --project-id pins another",
                    name(default),
                    projects.len()
                ),
            ),
            None => Check::warn(
                PROJECT,
                format!("the key can see {}, none of which is the default", projects.len()),
                PIN,
            ),
        },
    }
}

fn name(project: &Project) -> String {
    format!(
        "{} ({})",
        quote(&project.name, 60),
        crate::foreign::clean(&project.id, 60)
    )
}

/// The failure as a clause.
fn why(error: &Error) -> String {
    let reason = error
        .reason()
        .map_or(String::new(), |reason| format!(": {}", quote(reason, 300)));
    match error.kind() {
        ErrorKind::RateLimited {
            retry_after: Some(wait),
        } => {
            format!("too many requests (429), wait {} s{reason}", wait.as_secs())
        }
        ErrorKind::RateLimited { .. } => format!("too many requests (429){reason}"),
        kind => format!("{kind}{reason}"),
    }
}
