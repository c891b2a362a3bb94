//! Page tokens of LlamaCloud as a model sees them, and back.
//!
//! A token that is harmless is passed through. One that is not (it holds invisible characters, or characters that are not part of a
//! word) is wrapped, and one that is too long for an answer is kept here. In each case, what comes back is mapped to the API's own.

use std::collections::VecDeque;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use ring::digest::{SHA256, digest};

/// The longest token that is shown. Units: characters.
const MAX_SHOWN_CHARS: usize = 2000;
/// The longest token that is sent. The `http` crate limits an address to 65,534 bytes, and encoding can triple a token.
const MAX_SENT_BYTES: usize = 20_000;
/// How much is kept of tokens that are too long to be shown.
const MAX_KEPT_BYTES: usize = 1 << 20;
const WRAPPED: &str = "wrapped-";
const KEPT: &str = "kept-";

/// The tokens that are kept, oldest first, each under the name that was shown.
#[derive(Debug, Default)]
pub(crate) struct PageTokens(Mutex<VecDeque<(String, String)>>);

impl PageTokens {
    /// The token as it is shown, in at most this many characters. `None` for one too long for any request.
    pub(crate) fn show(&self, token: String, max_chars: usize) -> Option<String> {
        let max_chars = max_chars.min(MAX_SHOWN_CHARS);
        if token.len() > MAX_SENT_BYTES {
            return None;
        }
        if is_harmless(&token) && token.len() <= max_chars {
            return Some(token);
        }
        if token.len() <= max_chars / 2 {
            return Some(format!("{WRAPPED}{}", BASE64_URL_SAFE_NO_PAD.encode(token)));
        }
        let hash = digest(&SHA256, token.as_bytes());
        let name = format!("{KEPT}{}", BASE64_URL_SAFE_NO_PAD.encode(hash));
        let mut kept = self.0.lock();
        kept.retain(|(known, _)| *known != name);
        kept.push_back((name.clone(), token));
        while kept.iter().map(|(_, token)| token.len()).sum::<usize>() > MAX_KEPT_BYTES {
            kept.pop_front();
        }
        Some(name)
    }

    /// The API's own token. `None` for one that is no longer known.
    pub(crate) fn read(&self, shown: &str) -> Option<String> {
        if let Some(encoded) = shown.strip_prefix(WRAPPED) {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(encoded).ok()?;
            return String::from_utf8(bytes).ok();
        }
        if shown.starts_with(KEPT) {
            let kept = self.0.lock();
            return kept
                .iter()
                .find(|(name, _)| name == shown)
                .map(|(_, token)| token.clone());
        }
        Some(shown.to_owned())
    }
}

/// Whether a token is one word of printable characters, without quotation marks around it, and not one of ours.
fn is_harmless(token: &str) -> bool {
    token.bytes().all(|byte| byte.is_ascii_graphic())
        && !token.starts_with(['"', '\'', '`'])
        && !token.ends_with(['"', '\'', '`'])
        && !token.starts_with(WRAPPED)
        && !token.starts_with(KEPT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_that_is_shown_leads_back() {
        let tokens = PageTokens::default();
        for (token, is_shown_as_it_is) in [
            ("eyJwYWdlIjoyfQ==".to_owned(), true),
            ("t".repeat(2000), true),
            ("t".repeat(2001), false),
            ("t".repeat(20_000), false),
            ("a\u{9b}b".to_owned(), false),
            ("a\u{202e}b".to_owned(), false),
            ("a\u{7f}b".to_owned(), false),
            ("two words".to_owned(), false),
            ("\"quoted\"".to_owned(), false),
            ("wrapped-abc".to_owned(), false),
            ("kept-abc".to_owned(), false),
        ] {
            let shown = tokens.show(token.clone(), 2000).unwrap();
            assert_eq!(shown == token, is_shown_as_it_is, "{shown}");
            assert!(shown.len() <= 2000 && shown.bytes().all(|byte| byte.is_ascii_graphic()));
            assert_eq!(tokens.read(&shown).as_deref(), Some(token.as_str()));
        }
        for unknown in ["kept-abc", "wrapped-!", "wrapped-_w"] {
            assert_eq!(tokens.read(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let tokens = PageTokens::default();
        let token = |index: usize| format!("{index}{}", "t".repeat(19_000));
        let shown: Vec<_> = (0..100).map(|index| tokens.show(token(index), 2000).unwrap()).collect();
        assert_eq!(tokens.read(&shown[0]), None);
        let known = shown.iter().filter(|shown| tokens.read(shown).is_some()).count();
        assert!((50..60).contains(&known), "{known}");
        assert_eq!(tokens.read(&shown[99]), Some(token(99)));
        assert_eq!(tokens.show("t".repeat(20_001), 2000), None);
    }
}
