//! MCP tool server for LlamaCloud Batches: what the binary is made of.
//!
//! The modules, from the outside in. A test checks who may know whom.
//!
//! | module | what it is |
//! |---|---|
//! | [`cli`] | flags and variables |
//! | [`config`] | the same, checked and typed |
//! | [`telemetry`] | diagnostics on stderr or in a file |
//! | [`app`] | puts everything together |
//! | [`commands`] | what a person runs at a terminal |
//! | [`hosts`] | how each host registers this server |
//! | [`mcp`] | the Model Context Protocol on a pipe; knows no tool |
//! | [`tools`] | what a model may do, and the words it reads |
//! | [`llamacloud`] | the REST client; knows no MCP |
//! | [`sandbox`] | a simulated LlamaCloud; knows nothing of ours |
//! | [`request_count`] | how many requests to LlamaCloud a call made |
//! | [`files`] | the user's folders: opened once, nothing outside reachable |
//! | [`untrusted`] | untrusted text, cleaned and quoted for output |

pub mod cli;
pub mod config;
pub mod telemetry;

pub mod app;
pub mod commands;
pub mod hosts;

pub mod mcp;
pub mod tools;

pub mod llamacloud;

#[cfg(feature = "sandbox")]
pub mod sandbox;

pub mod files;
pub mod request_count;
pub mod untrusted;
