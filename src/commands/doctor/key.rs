//! Whether there is a key, and whether it looks like one. Neither the key nor a part of it is ever repeated.

use secrecy::ExposeSecret;

use super::{Check, Patient};
use crate::config::ApiKey;

const FOUND: &str = "API key";
const SHAPE: &str = "key shape";
const COPY_AGAIN: &str = "Copy the key again from the LlamaCloud console, the whole of it and nothing else.";

pub(super) fn checks(patient: &Patient<'_>) -> [Check; 2] {
    match &patient.config.api_key {
        _ if patient.is_sandbox => [
            Check::ok(FOUND, "the sandbox's own"),
            Check::skip(SHAPE, "the sandbox accepts its own key alone"),
        ],
        ApiKey::Given(key) => [
            Check::ok(FOUND, format!("found in {}", patient.key_source)),
            shape(key.expose_secret()),
        ],
        ApiKey::Missing(reason) => [
            Check::fail(FOUND, reason.clone(), remedy(reason)),
            Check::skip(SHAPE, "there is no key"),
        ],
    }
}

fn remedy(reason: &str) -> &'static str {
    if reason.contains("--api-key-file") {
        "Write the key into the first line of that file, or correct the path."
    } else {
        "Get a key (llx-…) in the LlamaCloud console and set LLAMA_CLOUD_API_KEY to it, here and in the environment of the host; or give \
         a file that holds it with --api-key-file."
    }
}

fn shape(key: &str) -> Check {
    let lower = key.to_ascii_lowercase();
    let is_placeholder = ["your", "...", "…", "<", ">", "xxx", "api-key", "api_key"]
        .iter()
        .any(|part| lower.contains(part));
    if key.starts_with(['"', '\'', '`']) || key.ends_with(['"', '\'', '`']) {
        return Check::fail(
            SHAPE,
            "it stands in quotation marks, which became part of it",
            "Leave the quotation marks out where the key is set.",
        );
    }
    if lower.starts_with("bearer") {
        return Check::fail(SHAPE, "it begins with Bearer", "Set the key alone, from llx- on.");
    }
    if is_placeholder {
        return Check::fail(
            SHAPE,
            "it is a placeholder and not a key",
            "Put in a key from the LlamaCloud console.",
        );
    }
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Check::fail(
            SHAPE,
            "it holds characters that no key has, such as a space or a line break",
            COPY_AGAIN,
        );
    }
    if !key.starts_with("llx-") {
        return Check::warn(
            SHAPE,
            "it does not begin with llx-, as keys of LlamaCloud do",
            COPY_AGAIN,
        );
    }
    match key.len() {
        0..20 => Check::warn(SHAPE, "it is shorter than keys of LlamaCloud are", COPY_AGAIN),
        20..=200 => Check::ok(SHAPE, "it looks like a key of LlamaCloud"),
        _ => Check::warn(SHAPE, "it is longer than keys of LlamaCloud are", COPY_AGAIN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::Status;

    #[test]
    fn keys_that_cannot_be_right_are_told_from_others() {
        let usual = "llx-Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4zAb7cDe0fGh3iJk6l";
        for (key, status, detail) in [
            (usual.to_owned(), Status::Ok, "looks like"),
            (format!("\"{usual}\""), Status::Fail, "quotation marks"),
            (format!("Bearer {usual}"), Status::Fail, "Bearer"),
            ("llx-your-key".to_owned(), Status::Fail, "placeholder"),
            ("llx-...".to_owned(), Status::Fail, "placeholder"),
            ("llx-abc def".to_owned(), Status::Fail, "space"),
            ("sk-abcdefghijklmnopqrstuvw".to_owned(), Status::Warn, "llx-"),
            ("llx-abc".to_owned(), Status::Warn, "shorter"),
            (format!("llx-{}", "a".repeat(300)), Status::Warn, "longer"),
        ] {
            let check = shape(&key);
            assert_eq!(check.status, status, "{key}");
            assert!(check.detail.contains(detail), "{key}: {}", check.detail);
            assert!(!format!("{check:?}").contains(&key), "{key}");
        }
    }
}
