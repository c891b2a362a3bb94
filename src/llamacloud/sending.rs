//! One attempt at a request: over which connection it goes, and how long each part of it may take.

use std::{pin::pin, time::Duration};

use futures_util::future::{Either, select};
use reqwest::{
    RequestBuilder, Response,
    header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue},
};
use tokio::time::{Instant, timeout};

use super::{
    error_kind::ErrorKind,
    exchange::{self, Answer, Limits},
    failed::Failed,
    request::Request,
    retry::{Failure, Method},
    settings::Settings,
    transport::{Lease, Transport},
};
use crate::request_count;

/// A request on its way. Only its deadline limits how long it takes, because a slow network could not meet a smaller limit.
#[derive(Clone, Copy)]
pub(super) struct Sending<'a> {
    pub(super) transport: &'a Transport,
    pub(super) settings: &'a Settings,
    pub(super) request: &'a Request<'a>,
    pub(super) key: &'a str,
    pub(super) deadline: Instant,
}

impl Sending<'_> {
    /// Sends it. `attempts` counts how often it left.
    pub(super) async fn run(self, attempts: &mut u32) -> Result<Answer, Failed> {
        match self.request.method {
            Method::Get => self.read(attempts).await,
            Method::Post => self.change(attempts).await,
        }
    }

    fn left(self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// If a kept connection stays silent, the same request goes out over a new one as well, and the first answer counts: a connection
    /// that broke silently must not cost the whole time, nor must a merely slow answer be lost.
    async fn read(self, attempts: &mut u32) -> Result<Answer, Failed> {
        let Self {
            transport, settings, ..
        } = self;
        let lease = transport.reads(settings)?;
        count(attempts);
        let mut first = pin!(self.send(&lease));
        let patience = lease.patience(self.left()).unwrap_or(Duration::MAX);
        let response = if let Ok(response) = timeout(patience, first.as_mut()).await {
            response
        } else {
            transport.drop_kept(&lease);
            // Boxed because it is rare: otherwise it would take up memory in every request.
            let either = Box::pin(async {
                let new = transport.reads(settings)?;
                count(attempts);
                let second = pin!(self.send(&new));
                match select(first, second).await {
                    Either::Left((Err(_), second)) => second.await,
                    Either::Right((Err(_), first)) => first.await,
                    Either::Left((response, _)) | Either::Right((response, _)) => response,
                }
            });
            either.await
        };
        let answer = match response {
            Ok(response) => {
                let limits = Limits {
                    max_body_bytes: if self.request.is_for_document {
                        settings.max_document_bytes
                    } else {
                        settings.max_body_bytes
                    },
                    stall: Some(self.left() / 2),
                };
                exchange::receive(response, limits, self.deadline, self.key).await
            }
            Err(failed) => Err(failed),
        };
        if let Err(Failed {
            failure: Failure::TimedOut | Failure::Interrupted,
            ..
        }) = &answer
        {
            transport.drop_kept(&lease);
        }
        answer
    }

    /// Sends it once over kept or new connections, and notes how long the answer took to begin.
    async fn send(self, lease: &Lease) -> Result<Response, Failed> {
        let begun = Instant::now();
        let response = exchange::send(self.prepare(&lease.http)?, self.deadline, &self.settings.network).await?;
        self.transport.answered(lease, begun.elapsed());
        Ok(response)
    }

    async fn change(self, attempts: &mut u32) -> Result<Answer, Failed> {
        let Self {
            transport, settings, ..
        } = self;
        if let Some(form) = &self.request.form {
            let prepared = self.prepare(&transport.uploads(settings)?)?;
            count(attempts);
            return form
                .unless_stalled(self.exchange(prepared), settings.stall_timeout)
                .await;
        }
        let connection = transport.change(settings, self.left())?;
        let prepared = self.prepare(&connection.http)?;
        count(attempts);
        // The deadline says nothing about what was sent: without a connection, that was nothing.
        self.exchange(prepared).await.map_err(|failed| match failed.failure {
            Failure::TimedOut if !connection.is_made() => exchange::not_connected_in_time(),
            _ => failed,
        })
    }

    /// Sends a change, and reads its answer.
    async fn exchange(self, prepared: RequestBuilder) -> Result<Answer, Failed> {
        let response = exchange::send(prepared, self.deadline, &self.settings.network).await?;
        let limits = Limits {
            max_body_bytes: self.settings.max_body_bytes,
            stall: None,
        };
        exchange::receive(response, limits, self.deadline, self.key).await
    }

    /// The request in the HTTP library's form; built for each attempt.
    fn prepare(self, http: &reqwest::Client) -> Result<RequestBuilder, Failed> {
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", self.key)).map_err(|_| {
            let reason = "no HTTP header can carry it".to_owned();
            Failed::new(Failure::NotSendable, ErrorKind::MissingKey { reason }, None)
        })?;
        bearer.set_sensitive(true);
        let request = self.request;
        let url = request.url(&self.settings.base_url);
        let builder = match request.method {
            Method::Get => http.get(url),
            Method::Post => http.post(url),
        };
        let builder = builder.header(ACCEPT, "application/json").header(AUTHORIZATION, bearer);
        if let Some(form) = &request.form {
            return Ok(builder.header(CONTENT_TYPE, form.content_type()).body(form.body()));
        }
        Ok(match &request.body {
            Some(body) => builder.header(CONTENT_TYPE, "application/json").body(body.clone()),
            // The library omits this header, and some proxies then answer 411.
            None if request.method == Method::Post => builder.header(CONTENT_LENGTH, "0"),
            None => builder,
        })
    }
}

fn count(attempts: &mut u32) {
    *attempts += 1;
    request_count::note_request();
}
