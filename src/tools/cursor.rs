//! The cursor through a batch's files: opaque to who carries it, readable to a later process.

use std::hash::{DefaultHasher, Hash, Hasher};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::llamacloud::BatchResult;

/// Where a page of files begins, and in which list of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Files before the page.
    pub(crate) offset: usize,
    /// Of [`fingerprint`].
    pub(crate) fingerprint: u64,
}

impl Cursor {
    /// As it is handed out.
    pub(crate) fn encode(self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(format!("1.{}.{:x}", self.offset, self.fingerprint))
    }

    /// As it comes back; `None` if it never was one.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let plain = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let (offset, fingerprint) = plain.strip_prefix("1.")?.split_once('.')?;
        Some(Self {
            offset: offset.parse().ok()?,
            fingerprint: u64::from_str_radix(fingerprint, 16).ok()?,
        })
    }
}

/// Tells one list of results from another, also across processes of the same version.
pub(crate) fn fingerprint(batch_id: &str, results: &[BatchResult]) -> u64 {
    let mut hasher = DefaultHasher::new();
    batch_id.hash(&mut hasher);
    for result in results {
        result.source_directory_file_id.hash(&mut hasher);
        result.error_message.hash(&mut hasher);
        result.job_reference.as_ref().map(|job| &job.id).hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_back_as_they_went() {
        let cursor = Cursor {
            offset: 57,
            fingerprint: u64::MAX,
        };
        assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
        for text in ["", "57", "bm9wZQ", "MS4x", "\u{202e}"] {
            assert_eq!(Cursor::decode(text), None, "{text}");
        }
    }
}
