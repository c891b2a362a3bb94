//! Every operation with its path, and what happens around each: counting, faults, the key, the headers of every answer.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, Bytes, HttpBody, to_bytes},
    extract::{ConnectInfo, DefaultBodyLimit, FromRequestParts, MatchedPath, Request, State},
    http::{
        HeaderMap, HeaderValue, Method, StatusCode, Uri,
        header::{AUTHORIZATION, DATE, RETRY_AFTER, SERVER, WWW_AUTHENTICATE},
    },
    middleware::{Next, from_fn_with_state},
    response::{Html, IntoResponse, Response},
    routing::{MethodRouter, delete, get, patch, post, put},
};
use futures_util::StreamExt;
use jiff::fmt::rfc2822::DateTimePrinter;
use serde::Deserialize;
use uuid::Uuid;

use super::{
    batches,
    cloud::{Cloud, ORGANIZATION_ID, PROJECT_ID},
    configurations, control, directories,
    extract::{Query, is_json},
    extracts,
    faults::Ending,
    files,
    gate::ConnectionHandle,
    parses, projects,
    refusal::Refusal,
    uploads, usage,
};

/// How a client recognises a sandbox.
const SERVER_NAME: HeaderValue = HeaderValue::from_static("llamacloud-sandbox");

/// The largest JSON body that is read.
const BODY_LIMIT: usize = 1 << 20;

const BAD_GATEWAY_PAGE: &str = "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head>\
<body><center><h1>502 Bad Gateway</h1></center></body></html>\n";

const DIRECTORIES: &str = "/api/v1/beta/directories";
const DIRECTORY: &str = "/api/v1/beta/directories/{directory_id}";
const FILES: &str = "/api/v1/beta/directories/{directory_id}/files";
const FILE: &str = "/api/v1/beta/directories/{directory_id}/files/{directory_file_id}";
const UPLOAD: &str = "/api/v1/beta/directories/{directory_id}/files/upload";
const BULK_DELETE: &str = "/api/v1/beta/directories/{directory_id}/files/bulk-delete";
const CONFIGURATIONS: &str = "/api/v1/beta/configurations";
const CONFIGURATION: &str = "/api/v1/beta/configurations/{config_id}";

type Operation = MethodRouter<Arc<Cloud>>;

/// One line for each operation: the name that aims a fault at it, its path, its function.
fn operations() -> Vec<(&'static str, &'static str, Operation)> {
    vec![
        ("create", "/api/v2/batches", post(batches::create)),
        ("list", "/api/v2/batches", get(batches::list)),
        ("get", "/api/v2/batches/{batch_id}", get(batches::get)),
        ("cancel", "/api/v2/batches/{batch_id}/cancel", post(batches::cancel)),
        ("directories", DIRECTORIES, get(directories::list)),
        ("create-directory", DIRECTORIES, post(directories::create)),
        ("directories", DIRECTORY, get(directories::get)),
        ("delete-directory", DIRECTORY, delete(directories::delete)),
        ("files", FILES, get(files::list)),
        ("add-file", FILES, post(files::add)),
        ("files", FILE, get(files::get)),
        ("update-file", FILE, patch(files::update)),
        ("delete-file", FILE, delete(files::delete)),
        ("delete-file", BULK_DELETE, post(files::bulk_delete)),
        (
            "upload",
            UPLOAD,
            post(uploads::upload).layer(DefaultBodyLimit::disable()),
        ),
        ("configurations", CONFIGURATIONS, get(configurations::list)),
        ("save-configuration", CONFIGURATIONS, post(configurations::upsert)),
        ("configurations", CONFIGURATION, get(configurations::get)),
        ("save-configuration", CONFIGURATION, put(configurations::update)),
        ("parse", "/api/v2/parse", get(parses::list)),
        ("parse-result", "/api/v2/parse/{job_id}", get(parses::get)),
        ("extract", "/api/v2/extract", get(extracts::list)),
        ("extract-result", "/api/v2/extract/{job_id}", get(extracts::get)),
        ("usage", "/api/v1/beta/usage-metrics", get(usage::list)),
        ("projects", "/api/v2/projects", get(projects::list)),
        ("projects", "/api/v2/projects/{project_id}", get(projects::get)),
        ("projects", "/api/v1/projects", get(projects::list_v1)),
    ]
}

/// The whole API, and beside it the handles by which a test moves the clock and switches faults on.
pub(super) fn router(cloud: &Arc<Cloud>) -> Router {
    let mut router = Router::new();
    for (name, path, operation) in operations() {
        let around = from_fn_with_state((Arc::clone(cloud), name), admit);
        router = router.route(path, operation.route_layer(around));
    }
    router
        .route("/sandbox/clock", post(control::advance_clock))
        .route("/sandbox/faults", post(control::add_fault))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .fallback(unknown_path)
        .method_not_allowed_fallback(unknown_method)
        .layer(from_fn_with_state(Arc::clone(cloud), stamp))
        .with_state(Arc::clone(cloud))
}

/// Performs one operation, or the fault that replaces it.
async fn admit(
    State((cloud, name)): State<(Arc<Cloud>, &'static str)>,
    ConnectInfo(connection): ConnectInfo<ConnectionHandle>,
    path: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    let template = format!("{} {}", request.method(), path.as_str());
    cloud
        .ledger()
        .note(&template, format!("{} {}", request.method(), request.uri()));
    let (mut request, body) = buffer_json(request).await;
    if name == "create" {
        cloud.ledger().note_body(&body);
    }
    let effects = cloud.faults().strike(name);
    tokio::time::sleep(effects.delay).await;
    request.extensions_mut().insert(effects);
    let after_commit = match effects.ending {
        None | Some(Ending::LostAnswer) => true,
        Some(Ending::Status { after_commit, .. }) => after_commit,
        Some(Ending::Reset | Ending::Html) => false,
    };
    let response = if after_commit {
        let (mut parts, body) = request.into_parts();
        match authorize(&cloud, name, &mut parts).await {
            Ok(()) => next.run(Request::from_parts(parts, body)).await,
            Err(refusal) => refusal,
        }
    } else {
        drain(request.into_body()).await;
        StatusCode::NO_CONTENT.into_response()
    };
    tokio::time::sleep(effects.delay_after).await;
    tracing::debug!(%template, status = response.status().as_u16(), effects = ?effects.ending, "sandbox request");
    match effects.ending {
        None => response,
        Some(Ending::Status { code, retry_after, .. }) => refuse(code, retry_after),
        Some(Ending::Html) => (StatusCode::BAD_GATEWAY, Html(BAD_GATEWAY_PAGE)).into_response(),
        Some(Ending::LostAnswer) => {
            connection.close();
            response
        }
        Some(Ending::Reset) => {
            connection.reset();
            response
        }
    }
}

/// Reads a JSON body whole, so that it can be both noted and handled. Others stream.
async fn buffer_json(request: Request) -> (Request, Bytes) {
    if !is_json(request.headers())
        || request
            .body()
            .size_hint()
            .exact()
            .is_none_or(|size| size > BODY_LIMIT as u64)
    {
        return (request, Bytes::new());
    }
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, BODY_LIMIT).await.unwrap_or_default();
    (Request::from_parts(parts, Body::from(bytes.clone())), bytes)
}

/// Reads a body to its end, so that a client that is still sending sees the answer and not a closed connection.
async fn drain(body: Body) {
    let mut chunks = body.into_data_stream();
    while let Some(Ok(_)) = chunks.next().await {}
}

/// `project_id` and `organization_id`, as every operation takes them.
#[derive(Deserialize)]
struct Scope {
    project_id: Option<Uuid>,
    organization_id: Option<Uuid>,
}

/// Checks the key, and that the project and the organization are the account's.
async fn authorize(cloud: &Cloud, name: &str, parts: &mut axum::http::request::Parts) -> Result<(), Response> {
    if !has_key(&parts.headers, &cloud.api_key) {
        return Err(refuse(StatusCode::UNAUTHORIZED, None));
    }
    if name == "projects" {
        // For projects, `organization_id` is a filter and may be any text.
        return Ok(());
    }
    let Query(scope) = Query::<Scope>::from_request_parts(parts, &())
        .await
        .map_err(IntoResponse::into_response)?;
    let differs = |given: Option<Uuid>, own: &str| given.is_some_and(|given| given.to_string() != own);
    if differs(scope.project_id, PROJECT_ID) || differs(scope.organization_id, ORGANIZATION_ID) {
        return Err(refuse(StatusCode::FORBIDDEN, None));
    }
    Ok(())
}

fn has_key(headers: &HeaderMap, api_key: &str) -> bool {
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    given
        .and_then(|value| value.split_once(' '))
        .is_some_and(|(scheme, key)| scheme.eq_ignore_ascii_case("bearer") && key.trim() == api_key)
}

/// The API's answer for a status that no operation chose.
fn refuse(code: StatusCode, retry_after: Option<u32>) -> Response {
    let detail = match code {
        StatusCode::UNAUTHORIZED => "Invalid authentication token".to_owned(),
        StatusCode::PAYMENT_REQUIRED => "You have used all credits of your plan".to_owned(),
        StatusCode::FORBIDDEN => "You do not have access to this project".to_owned(),
        StatusCode::PAYLOAD_TOO_LARGE => "Request body too large".to_owned(),
        StatusCode::TOO_MANY_REQUESTS => "Rate limit exceeded".to_owned(),
        StatusCode::SERVICE_UNAVAILABLE => "Service temporarily unavailable".to_owned(),
        StatusCode::INTERNAL_SERVER_ERROR => format!(
            "Oops! Something went wrong on our end. If the issue persists, please contact support, providing this \
             correlation ID: {}",
            Uuid::new_v4()
        ),
        code => code.canonical_reason().unwrap_or("Refused").to_owned(),
    };
    let mut response = if code == StatusCode::UNPROCESSABLE_ENTITY {
        Refusal::invalid_member("value", &detail).into_response()
    } else {
        Refusal::new(code, detail).into_response()
    };
    if code == StatusCode::UNAUTHORIZED {
        let bearer = HeaderValue::from_static("Bearer");
        response.headers_mut().insert(WWW_AUTHENTICATE, bearer);
    }
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Adds the headers of every answer.
async fn stamp(State(cloud): State<Arc<Cloud>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(SERVER, SERVER_NAME);
    let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&cloud.now());
    if let Some(date) = date.ok().and_then(|date| HeaderValue::try_from(date).ok()) {
        headers.insert(DATE, date);
    }
    response
}

async fn unknown_path(State(cloud): State<Arc<Cloud>>, method: Method, uri: Uri) -> Response {
    cloud.ledger().note("unknown", format!("{method} {uri}"));
    refuse(StatusCode::NOT_FOUND, None)
}

async fn unknown_method(State(cloud): State<Arc<Cloud>>, method: Method, uri: Uri) -> Response {
    cloud.ledger().note("unknown", format!("{method} {uri}"));
    refuse(StatusCode::METHOD_NOT_ALLOWED, None)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::faults::OPERATIONS;
    use super::*;

    #[test]
    fn a_fault_can_be_aimed_at_every_operation() {
        let named: BTreeSet<_> = operations().into_iter().map(|(name, ..)| name).collect();
        assert_eq!(named, BTreeSet::from(OPERATIONS));
    }
}
