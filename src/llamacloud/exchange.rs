//! One exchange on the wire: send, read the head, read the body within its limits, and say how it failed.

use std::{
    error::Error as _,
    io,
    time::{Duration, SystemTime},
};

use reqwest::{
    RequestBuilder, Response,
    header::{DATE, HeaderMap, LOCATION, RETRY_AFTER, SERVER},
};
use tokio::time::{Instant, timeout_at};

use super::{
    error_body,
    error_kind::ErrorKind,
    failed::{Failed, Server},
    retry::Failure,
    settings::Network,
    tls,
};
use crate::untrusted::clean;

/// How much of an error body is read. Units: bytes after decompression.
const MAX_REFUSAL_BYTES: usize = 64 * 1024;
/// Units: characters.
const MAX_REASON_CHARS: usize = 300;
/// The `Server` header of the simulated LlamaCloud.
const SANDBOX: &[u8] = b"llamacloud-sandbox";

/// What bounds the body of an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// After decompression.
    pub(super) max_body_bytes: usize,
    /// How long the next part may take; then the rest of the time is for another attempt.
    pub(super) stall: Option<Duration>,
}

/// A 2xx answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    pub(super) server: Server,
}

/// Sends one request, and waits for an answer to begin, until `until` at the latest.
pub(super) async fn send(request: RequestBuilder, until: Instant, network: &Network) -> Result<Response, Failed> {
    let response = timeout_at(until, request.send())
        .await
        .map_err(|_| Failed::timed_out())?;
    response.map_err(|error| broken(&error, network))
}

/// Reads an answer, until `until` at the latest. `key` is kept out of what comes back.
pub(super) async fn receive(
    mut response: Response,
    limits: Limits,
    until: Instant,
    key: &str,
) -> Result<Answer, Failed> {
    let status = response.status();
    let headers = response.headers();
    let date = headers
        .get(DATE)
        .and_then(|value| value.to_str().ok())
        .and_then(http_date);
    let is_sandbox = headers
        .get(SERVER)
        .is_some_and(|server| server.as_bytes().starts_with(SANDBOX));
    let server = Server {
        date: date.and_then(|at| at.try_into().ok()),
        is_sandbox,
    };
    if status.is_success() {
        let body = whole_body(&mut response, limits, until)
            .await
            .map_err(|failed| Failed { server, ..failed })?;
        let body = error_body::without_key(body, key);
        return Ok(Answer {
            status: status.as_u16(),
            body,
            server,
        });
    }
    let retry_after = retry_after(headers, date);
    let host = redirect_host(headers).filter(|host| !error_body::repeats(host, key));
    let begun = Instant::now();
    // The status is decisive; reading its explanation must not take the time of another attempt.
    let body = start_of_body(&mut response, begun + until.saturating_duration_since(begun) / 4).await;
    let error_body::Refusal {
        reason,
        details,
        correlation_id,
        is_web_page,
    } = error_body::read(&body, key);
    let status = status.as_u16();
    let kind = match status {
        300..=399 => ErrorKind::Redirected { host },
        _ if is_web_page => ErrorKind::Intercepted { status, retry_after },
        401 => ErrorKind::Unauthorized,
        402 => ErrorKind::PaymentRequired,
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        409 => ErrorKind::Conflict,
        413 => ErrorKind::TooLarge,
        429 => ErrorKind::RateLimited { retry_after },
        408 | 500.. => ErrorKind::Unavailable {
            status,
            correlation_id,
            retry_after,
        },
        _ => ErrorKind::Rejected { status, details },
    };
    Err(Failed {
        failure: Failure::Status(status),
        kind,
        reason,
        server,
    })
}

/// A successful body, or why it is incomplete.
async fn whole_body(response: &mut Response, limits: Limits, until: Instant) -> Result<Vec<u8>, Failed> {
    let mut body = Vec::new();
    loop {
        let until = limits.stall.map_or(until, |stall| until.min(Instant::now() + stall));
        let chunk = timeout_at(until, response.chunk())
            .await
            .map_err(|_| Failed::timed_out())?;
        let Some(chunk) = chunk.map_err(|error| interrupted(&error))? else {
            return Ok(body);
        };
        if body.len() + chunk.len() > limits.max_body_bytes {
            let kind = ErrorKind::OversizedBody {
                limit_bytes: limits.max_body_bytes,
            };
            return Err(Failed::new(Failure::Unusable, kind, None));
        }
        body.extend_from_slice(&chunk);
    }
}

/// As much of an error body as comes quickly. The status has already decided: a body that hangs must not turn it into a timeout.
async fn start_of_body(response: &mut Response, until: Instant) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Ok(Some(chunk))) = timeout_at(until, response.chunk()).await {
        body.extend(chunk.iter().take(MAX_REFUSAL_BYTES - body.len()));
        if body.len() == MAX_REFUSAL_BYTES {
            break;
        }
    }
    body
}

/// How the network failed before an answer began. The URL and the library's own words around the cause are left out.
fn broken(error: &reqwest::Error, network: &Network) -> Failed {
    if error.is_builder() {
        let reason = "the address cannot be used: https is required, except on this machine".to_owned();
        return Failed::new(Failure::NotSendable, ErrorKind::Unreachable, Some(reason));
    }
    if !error.is_connect() {
        return interrupted(error);
    }
    if let Some(error) = causes(error).find_map(<dyn std::error::Error>::downcast_ref) {
        let (problem, reason) = tls::explain(error, network);
        let reason = reason.map(|reason| clean(&reason, MAX_REASON_CHARS));
        return Failed::new(Failure::NotSendable, ErrorKind::Tls(problem), reason);
    }
    if error.is_timeout() {
        return not_connected_in_time();
    }
    Failed::new(Failure::NotConnected, ErrorKind::Unreachable, Some(root_cause(error)))
}

/// The network gave no connection in time.
pub(super) fn not_connected_in_time() -> Failed {
    let reason = "no connection could be made in time".to_owned();
    Failed::new(Failure::NotConnected, ErrorKind::Unreachable, Some(reason))
}

/// How the network failed after the request may have left.
fn interrupted(error: &reqwest::Error) -> Failed {
    if error.is_timeout() {
        return Failed::timed_out();
    }
    Failed::new(Failure::Interrupted, ErrorKind::Unreachable, Some(root_cause(error)))
}

/// The innermost error, which is the operating system's or the TLS library's.
pub(super) fn root_cause(error: &reqwest::Error) -> String {
    clean(&causes(error).last().unwrap_or(error).to_string(), MAX_REASON_CHARS)
}

/// The causes of an error, outermost first.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |&cause| {
        // `source()` of an I/O error skips its inner error and returns the source of that, so the inner error is read with
        // `get_ref`.
        match cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => cause.source(),
        }
    })
}

/// How long to wait: `retry-after-ms`, else `Retry-After` in seconds or as a date, which is compared with the API's clock.
fn retry_after(headers: &HeaderMap, date: Option<SystemTime>) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let number = |text: &str| text.parse::<f64>().ok();
    if let Some(millis) = text("retry-after-ms").and_then(number) {
        return Duration::try_from_secs_f64(millis / 1000.0).ok();
    }
    let value = text(RETRY_AFTER.as_str())?;
    if let Some(seconds) = number(value) {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let until = http_date(value)?;
    Some(
        until
            .duration_since(date.unwrap_or_else(SystemTime::now))
            .unwrap_or_default(),
    )
}

fn http_date(text: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(text).ok()
}

/// The host that a redirect names. A relative one names none.
fn redirect_host(headers: &HeaderMap) -> Option<String> {
    let location = headers.get(LOCATION)?.to_str().ok()?;
    url::Url::parse(location)
        .ok()?
        .host_str()
        .map(|host| clean(host, MAX_REASON_CHARS))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderName;

    use super::*;

    #[test]
    fn every_form_of_retry_after() {
        let check = |headers: &[(&'static str, &'static str)], expected: Option<u64>| {
            let map: HeaderMap = headers
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
                .collect();
            let date = http_date("Tue, 24 Nov 2026 12:00:00 GMT");
            assert_eq!(
                retry_after(&map, date),
                expected.map(Duration::from_millis),
                "{headers:?}"
            );
        };
        check(&[], None);
        check(&[("retry-after", "2")], Some(2000));
        check(&[("retry-after", " 0.25 ")], Some(250));
        check(&[("retry-after-ms", "12.0"), ("retry-after", "9")], Some(12));
        check(&[("retry-after", "Tue, 24 Nov 2026 12:00:03 GMT")], Some(3000));
        check(&[("retry-after", "Tue, 24 Nov 2026 11:00:00 GMT")], Some(0));
        check(&[("retry-after", "-1")], None);
        check(&[("retry-after", "NaN")], None);
        check(&[("retry-after", "1e300")], None);
        check(&[("retry-after", "soon")], None);
    }

    #[test]
    fn a_redirect_shows_its_host_only() {
        let check = |location: &str, expected: Option<&str>| {
            let headers = HeaderMap::from_iter([(LOCATION, location.parse().unwrap())]);
            assert_eq!(redirect_host(&headers).as_deref(), expected);
        };
        check("https://user:pw@login.example/x?token=1", Some("login.example"));
        check("/login", None);
    }
}
