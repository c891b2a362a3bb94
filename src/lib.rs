//! MCP tool server for LlamaCloud Batches.

pub mod foreign;
pub mod llamacloud;
pub mod mcp;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod tools;
