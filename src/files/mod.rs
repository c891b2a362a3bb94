//! The user's folders: the only parts of this machine's disk that may be read and written.
//!
//! The operator names the folders with `--allow-dir` and `--output-dir`. Each is opened once, at the start; everything below it is
//! reached from that handle, one component at a time, and no symbolic link is followed. A path in an argument is compared with the
//! folders' names component by component and never used to open anything by itself.
//!
//! | file | holds |
//! |---|---|
//! | `folder` | one folder: opened at the start, or refused; files and folders below it |
//! | `allowed` | the folders to read from, and what a path in an argument means |
//! | `walk` | the files of a folder that may be uploaded |
//! | `refusal` | why a file may not be uploaded |
//! | `kinds` | the extensions that LlamaCloud documents |
//! | `content` | reading a file: its hash, and its bytes while the hash is checked again |
//! | `names` | names from LlamaCloud as names of files |
//! | `output` | writing results: complete files only, never over other contents |
//! | `threads` | how many files are read or written at the same time |

mod allowed;
mod content;
mod folder;
mod kinds;
mod names;
mod output;
mod refusal;
#[cfg(test)]
mod tests;
mod threads;
mod walk;

pub use allowed::{Allowed, NotAllowed, Place};
pub use content::{Changed, Content, sha256_hex};
pub use folder::{Forbidden, Locked, Stamp, UnusableFolder};
pub use names::{Claim, file_names};
pub use output::{NotInside, Output, OutputFolder, Saved};
pub use refusal::{Refusal, reason};
pub use threads::blocking;
pub use walk::{Candidate, Found, ResultsMark, Selection, TooMuch};

/// How many files one directory of a batch may hold. Source: documentation of batches.
pub const MAX_FILES: usize = 1000;
/// The largest file that LlamaCloud takes. Source: documentation of limits, "512 MB".
pub const MAX_FILE_BYTES: u64 = 512 << 20;
