//! Opaque texts that the server issued and that come back as arguments.

use schemars::JsonSchema;
use serde::Deserialize;

/// A page token or a cursor, at most 2,048 characters. Only its issuer knows its content.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("format" = "token"))]
pub(crate) struct Token(#[schemars(length(max = 2048))] pub(crate) String);
