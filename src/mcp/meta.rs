//! The members of `params._meta` that affect a request.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::envelope::present;
use super::error::ProtocolError;
use crate::untrusted;

pub(super) const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
pub(super) const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// The members of `params._meta` that decide something.
#[derive(Default, Deserialize)]
pub(super) struct Meta<'a> {
    #[serde(
        borrow,
        default,
        deserialize_with = "present",
        rename = "io.modelcontextprotocol/protocolVersion"
    )]
    pub(super) protocol_version: Option<&'a RawValue>,
    #[serde(
        borrow,
        default,
        deserialize_with = "present",
        rename = "io.modelcontextprotocol/clientCapabilities"
    )]
    pub(super) client_capabilities: Option<&'a RawValue>,
    #[serde(
        borrow,
        default,
        deserialize_with = "present",
        rename = "io.modelcontextprotocol/clientInfo"
    )]
    pub(super) client_info: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present", rename = "progressToken")]
    pub(super) progress_token: Option<&'a RawValue>,
}

impl<'a> Meta<'a> {
    /// Reads the `_meta` of a request's parameters; what is absent is `None`.
    ///
    /// # Errors
    /// -32602 for parameters or a `_meta` that are not objects, and for members that are given twice.
    pub(super) fn read(params: Option<&'a RawValue>) -> Result<Self, ProtocolError> {
        #[derive(Deserialize)]
        struct Params<'a> {
            #[serde(borrow, rename = "_meta")]
            meta: Option<&'a RawValue>,
        }
        let Some(params) = params else {
            return Ok(Self::default());
        };
        if !is_object(params) {
            return Err(ProtocolError::invalid_params("`params` must be an object"));
        }
        let found = serde_json::from_str::<Params<'_>>(params.get());
        let Ok(Params { meta }) = found else {
            return Err(ProtocolError::invalid_params("`_meta` is given twice"));
        };
        let Some(meta) = meta else { return Ok(Self::default()) };
        if !is_object(meta) {
            return Err(ProtocolError::invalid_params("`_meta` must be an object"));
        }
        serde_json::from_str(meta.get())
            .map_err(|_| ProtocolError::invalid_params("a member of `_meta` is given twice"))
    }
}

/// The name in a `clientInfo`; an unreadable one counts as absent.
pub(crate) fn client_name(client_info: &RawValue) -> Option<Arc<str>> {
    #[derive(Deserialize)]
    struct ClientInfo {
        name: String,
    }
    let name = serde_json::from_str::<ClientInfo>(client_info.get()).ok()?.name;
    Some(untrusted::clean(&name, 100).into())
}

/// Whether a value is an object; raw values have no blanks in front.
pub(super) fn is_object(value: &RawValue) -> bool {
    value.get().starts_with('{')
}

/// The error about keys that `params._meta` must have.
pub(super) fn missing_meta(keys: &[&str]) -> ProtocolError {
    let keys = keys
        .iter()
        .map(|key| format!("\"{key}\""))
        .collect::<Vec<_>>()
        .join(" and ");
    ProtocolError::invalid_params(&format!(
        "`params._meta` lacks {keys}; a client of an older revision sends `initialize` first"
    ))
}
