//! The state that a client carries from a question to its answer: authenticated, bound to one call, short-lived, good for one use.
//!
//! Nothing of it is secret, but nobody may make or change one: whoever could would answer in the user's place.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::hmac::{self, HMAC_SHA256};
use ring::rand::{SecureRandom, SystemRandom};

const NONCE_BYTES: usize = 16;
const LIFETIME: Duration = Duration::from_mins(15);

/// Makes and checks states. Its key lives as long as the process: a state from before a restart is not accepted, and asked for anew.
#[derive(Debug)]
pub(crate) struct States {
    key: Option<hmac::Key>,
    started: Instant,
    /// Nonces that have been used, with the time at which they expire anyway.
    used: Mutex<HashMap<[u8; NONCE_BYTES], Duration>>,
}

impl States {
    pub(crate) fn new() -> Self {
        let key = hmac::Key::generate(HMAC_SHA256, &SystemRandom::new()).ok();
        Self {
            key,
            started: Instant::now(),
            used: Mutex::default(),
        }
    }

    /// A state for this subject; `None` if the system has no randomness.
    pub(crate) fn issue(&self, subject: &str) -> Option<String> {
        let mut nonce = [0; NONCE_BYTES];
        SystemRandom::new().fill(&mut nonce).ok()?;
        let expires = self.started.elapsed() + LIFETIME;
        let head = [&nonce[..], &expires.as_secs().to_be_bytes()].concat();
        let tag = hmac::sign(self.key.as_ref()?, &message(&head, subject));
        Some(BASE64_URL_SAFE_NO_PAD.encode([&head, tag.as_ref()].concat()))
    }

    /// Whether the state was issued for this subject, has not expired, and is used for the first time.
    pub(crate) fn redeem(&self, state: &str, subject: &str) -> bool {
        self.try_redeem(state, subject, self.started.elapsed()).is_some()
    }

    /// `now` counts from the start, as all times here do.
    fn try_redeem(&self, state: &str, subject: &str, now: Duration) -> Option<()> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(state).ok()?;
        let (head, tag) = bytes.split_at_checked(NONCE_BYTES + size_of::<u64>())?;
        hmac::verify(self.key.as_ref()?, &message(head, subject), tag).ok()?;
        let (nonce, expires) = head.split_first_chunk::<NONCE_BYTES>()?;
        let expires = Duration::from_secs(u64::from_be_bytes(*expires.first_chunk()?));
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, expires| *expires > now);
        (now < expires && used.insert(*nonce, expires).is_none()).then_some(())
    }
}

fn message(head: &[u8], subject: &str) -> Vec<u8> {
    [head, subject.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_good_for_a_quarter_of_an_hour() {
        const SECOND: Duration = Duration::from_secs(1);
        let just_in_time = LIFETIME.saturating_sub(SECOND);
        let states = States::new();
        let redeem = |state: &str, now| states.try_redeem(state, "subject", now).is_some();
        let early = states.issue("subject").unwrap();
        let late = states.issue("subject").unwrap();
        assert!(!redeem(&late, states.started.elapsed() + LIFETIME + SECOND));
        assert!(redeem(&early, just_in_time));
        assert_eq!(states.used.lock().unwrap().len(), 1);
        assert!(!redeem(&early, just_in_time), "used twice");
        // Once it has expired, it is not remembered any more, and refused all the same.
        assert!(!redeem(&late, LIFETIME * 2));
        assert!(states.used.lock().unwrap().is_empty());
        assert!(!redeem(&early, LIFETIME * 2));
    }

    #[test]
    fn a_state_is_good_for_its_subject_once() {
        let states = States::new();
        let state = states.issue("create_batch dir-1").unwrap();
        assert!(!states.redeem(&state, "create_batch dir-2"));
        assert!(states.redeem(&state, "create_batch dir-1"));
        assert!(!states.redeem(&state, "create_batch dir-1"), "used twice");
        let other = states.issue("create_batch dir-1").unwrap();
        assert!(
            !States::new().redeem(&other, "create_batch dir-1"),
            "another process's key"
        );
        for position in 0..other.len() {
            let mut changed = other.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            assert!(
                !states.redeem(&String::from_utf8(changed).unwrap(), "create_batch dir-1"),
                "{position}"
            );
        }
        assert!(states.redeem(&other, "create_batch dir-1"));
        assert!(!states.redeem("", "create_batch dir-1"));
    }
}
