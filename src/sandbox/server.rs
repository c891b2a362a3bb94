//! From an HTTP request to an HTTP answer: counting, faults, the key, the headers that every answer has.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode, Uri,
        header::{AUTHORIZATION, CONTENT_TYPE, DATE, LOCATION, SERVER, WWW_AUTHENTICATE},
    },
    response::Response,
};
use jiff::{Timestamp, fmt::rfc2822::DateTimePrinter};

use super::{
    cloud::Cloud,
    errors::{Content, Reply},
    faults::{Effects, Ending},
    gate::Hangup,
    route::{self, Found, Route},
    state,
};

/// How a client recognises a sandbox.
const SERVER_NAME: &str = "llamacloud-sandbox";

/// The largest body that is read. A batch request has a few hundred bytes.
const BODY_LIMIT: usize = 1 << 20;

const BAD_GATEWAY_PAGE: &str = "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head>\
<body><center><h1>502 Bad Gateway</h1></center></body></html>\n";

/// Answers every request.
pub(super) async fn handle(
    State(cloud): State<Arc<Cloud>>,
    ConnectInfo(hangup): ConnectInfo<Hangup>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let found = route::find(&parts.method, parts.uri.path());
    let template = if let Found::Route(route) = &found {
        route.template()
    } else {
        "unknown"
    };
    cloud.ledger().note(template, format!("{} {}", parts.method, parts.uri));
    let reply = match (found, to_bytes(body, BODY_LIMIT).await) {
        (_, Err(_)) => Reply::refusal(StatusCode::PAYLOAD_TOO_LARGE, "Request body too large"),
        (Found::Unknown, _) => Reply::not_found("Not Found"),
        (Found::WrongMethod, _) => Reply::refusal(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed"),
        (Found::Redirect(path), _) => redirect(&parts.uri, &path),
        (Found::Route(route), Ok(bytes)) => operate(&cloud, &route, &parts.uri, &parts.headers, &bytes, &hangup).await,
    };
    tracing::debug!(method = %parts.method, path = parts.uri.path(), status = reply.status.as_u16(), "sandbox request");
    respond(reply, cloud.now())
}

/// Carries out one operation, or what a fault makes of it.
async fn operate(cloud: &Cloud, route: &Route, uri: &Uri, headers: &HeaderMap, body: &Bytes, hangup: &Hangup) -> Reply {
    if *route == Route::CreateBatch {
        cloud.ledger().note_body(body);
    }
    let effects = cloud.faults().strike(route.scope());
    tokio::time::sleep(effects.delay).await;
    let ordinary = |effects: Effects| {
        if !is_authorized(headers, &cloud.api_key) {
            return unauthorized();
        }
        cloud.answer(route, uri, headers, body, effects)
    };
    match effects.ending {
        None => ordinary(effects),
        Some(Ending::LostAnswer) => {
            hangup.close();
            ordinary(effects)
        }
        Some(Ending::ErrorAfterCommit) => {
            let _ = ordinary(effects);
            oops()
        }
        Some(Ending::Reset) => {
            hangup.reset();
            oops()
        }
        Some(Ending::Error) => oops(),
        Some(Ending::Unauthorized) => unauthorized(),
        Some(Ending::NoCredits) => {
            Reply::refusal(StatusCode::PAYMENT_REQUIRED, "You have used all credits of your plan")
        }
        Some(Ending::Forbidden) => Reply::refusal(StatusCode::FORBIDDEN, "You do not have access to this project"),
        Some(Ending::TooMany { retry_after }) => {
            let reply = Reply::refusal(StatusCode::TOO_MANY_REQUESTS, "Rate limit exceeded");
            match retry_after {
                Some(seconds) => reply.with_header("retry-after", seconds.to_string()),
                None => reply,
            }
        }
        Some(Ending::Unavailable) => {
            let reply = Reply::refusal(StatusCode::SERVICE_UNAVAILABLE, "Service temporarily unavailable");
            reply.with_header("retry-after", "1")
        }
        Some(Ending::Html) => Reply {
            status: StatusCode::BAD_GATEWAY,
            headers: Vec::new(),
            content: Content::Html(BAD_GATEWAY_PAGE),
        },
    }
}

fn is_authorized(headers: &HeaderMap, api_key: &str) -> bool {
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some((scheme, key)) = given.and_then(|value| value.split_once(' ')) else {
        return false;
    };
    scheme.eq_ignore_ascii_case("bearer") && key.trim() == api_key
}

fn unauthorized() -> Reply {
    let reply = Reply::refusal(StatusCode::UNAUTHORIZED, "Invalid authentication token");
    reply.with_header(WWW_AUTHENTICATE.as_str(), "Bearer")
}

/// The API's 500, whose text carries the correlation id.
fn oops() -> Reply {
    let detail = format!(
        "Oops! Something went wrong on our end. If the issue persists, please contact support, providing this \
         correlation ID: {}",
        state::uuid()
    );
    Reply::refusal(StatusCode::INTERNAL_SERVER_ERROR, detail)
}

/// What Starlette answers to a path that exists without its trailing slash.
fn redirect(uri: &Uri, path: &str) -> Reply {
    let target = uri
        .query()
        .map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    Reply::json(StatusCode::TEMPORARY_REDIRECT, serde_json::Value::Null).with_header("location", target)
}

fn respond(reply: Reply, now: Timestamp) -> Response {
    let (kind, body) = match reply.content {
        _ if reply.headers.iter().any(|(name, _)| *name == LOCATION.as_str()) => (None, Body::empty()),
        Content::Json(value) => (Some("application/json"), Body::from(value.to_string())),
        Content::Html(page) => (Some("text/html; charset=utf-8"), Body::from(page)),
    };
    let mut response = Response::new(body);
    *response.status_mut() = reply.status;
    let headers = response.headers_mut();
    headers.insert(SERVER, HeaderValue::from_static(SERVER_NAME));
    let mut put = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    put(
        DATE,
        &DateTimePrinter::new()
            .timestamp_to_rfc9110_string(&now)
            .unwrap_or_default(),
    );
    if let Some(kind) = kind {
        put(CONTENT_TYPE, kind);
    }
    for (name, value) in reply.headers {
        put(HeaderName::from_static(name), &value);
    }
    response
}
