//! What is fuzzed: a body for each target, and what they share. `cargo fuzz` runs them on inputs that it makes up, and the ordinary
//! tests on the inputs that are kept in `corpus`.
//!
//! | file | a body that |
//! |---|---|
//! | `line` | sends any bytes |
//! | `conversation` | holds a conversation: both eras, odd ids, cancellations, arrays, pieces |
//! | `arguments` | calls tools with arguments made from their own schemas, right and nearly right |
//! | `upstream` | lets the API answer anything |
//! | `carried` | brings back states, cursors and task ids, changed on the way |
//! | `results` | reads a document or data to its end, some of its pages, and what is found in it |
//!
//! `api` is an API that answers at once, `world` a server in front of it, `words` what is not quite a word, `said` what each line of
//! the server must be, `traffic` counts requests against answers.

pub mod arguments;
pub mod carried;
pub mod conversation;
pub mod line;
pub mod results;
pub mod upstream;

pub(crate) mod api;
#[path = "../../support/http.rs"]
#[expect(dead_code, reason = "the fuzzed API never hangs, and takes whole requests only")]
mod http;
#[path = "../../support/rpc.rs"]
#[expect(dead_code, reason = "the targets open sessions in their own ways")]
mod rpc;
mod said;
mod traffic;
mod words;
mod world;
