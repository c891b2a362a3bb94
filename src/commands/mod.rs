//! What a person runs in a terminal.
//!
//! | file | the command |
//! |---|---|
//! | `host_config` | `host-config HOST`: how to register this server with a host |

pub mod host_config;
