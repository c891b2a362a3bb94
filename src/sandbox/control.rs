//! Handles for tests in another process: they move the clock and switch faults on. Not part of LlamaCloud's API.

use std::sync::Arc;

use axum::{Json, extract::State};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::json;

use super::{
    cloud::Cloud,
    extract::{Answer, Body},
    faults::Fault,
    refusal::Refusal,
};

/// Shape: `{"advance_seconds": 7200}`.
#[derive(Deserialize)]
pub(super) struct Advance {
    advance_seconds: u32,
}

/// Shape: `{"fault": "503@list:1"}`.
#[derive(Deserialize)]
pub(super) struct MoreFaults {
    fault: String,
}

/// `POST /sandbox/clock`
pub(super) async fn advance_clock(State(cloud): State<Arc<Cloud>>, Body(advance): Body<Advance>) -> Answer {
    cloud.advance(SignedDuration::from_secs(advance.advance_seconds.into()));
    Ok(Json(json!({ "now": cloud.now().to_string() })))
}

/// `POST /sandbox/faults`
pub(super) async fn add_fault(State(cloud): State<Arc<Cloud>>, Body(more): Body<MoreFaults>) -> Answer {
    let fault = more.fault.parse::<Fault>();
    let fault = fault.map_err(|reason| Refusal::invalid_member("fault", &reason))?;
    cloud.faults().push(fault);
    Ok(Json(json!({})))
}
