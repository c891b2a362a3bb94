//! What a model reads before it uses the tools, made from the tools on offer.

/// The most characters that hosts show.
#[cfg(test)]
const MAX_CHARS: usize = 800;

/// Instructions for these tools; `withheld` says what this server cannot do, and which flag changes that.
pub(super) fn instructions(offered: &[&str], withheld: &[String]) -> String {
    let has = |name: &str| offered.contains(&name);
    let mut sentences = vec!["LlamaCloud Batches runs one parse or extract job over every file of a cloud directory."];
    if has("create_batch") {
        sentences.push("A batch takes minutes to hours and costs credits: create one only when asked.\nOrder of work: call `create_batch` once.");
    } else {
        sentences.push("This server does not create batches.");
    }
    if has("get_batch") {
        sentences.push(
            "Call `get_batch` periodically, waiting `check_again_in_seconds` between calls (or pass `wait_seconds`), until `final` is true, \
             then with `expand: [\"outcomes\"]` to see how each file ended.",
        );
    }
    if has("list_batches") {
        sentences.push("`list_batches` finds existing batches.");
        if has("create_batch") {
            sentences.push("After a failed call, look there before creating again.");
        }
    }
    sentences.push(
        "\nStatuses: PENDING and THROTTLED are queued; COMPLETED: every file got a job or an error (a job can still fail); \
         FAILED has no reliable results; CANCELLED keeps what was finished.",
    );
    let text = sentences.join(" ").replace(" \n", "\n");
    if withheld.is_empty() {
        text
    } else {
        format!("{text}\nNot possible here: {}.", withheld.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_short_and_speak_of_what_is_offered() {
        let all = instructions(
            &["create_batch", "list_batches", "get_batch"],
            &[
                "`upload_files` (needs --allow-dir)".to_owned(),
                "`save_results` (needs --output-dir)".to_owned(),
                "`cancel_batch` (needs --allow-cancel)".to_owned(),
            ],
        );
        assert!(all.chars().count() <= MAX_CHARS, "{}: {all}", all.chars().count());
        let names = ["create_batch", "list_batches", "get_batch"];
        for offered in [&["list_batches", "get_batch"][..], &["get_batch"], &["list_batches"]] {
            let text = instructions(offered, &[]);
            for name in names {
                assert_eq!(text.contains(name), offered.contains(&name), "{name}: {text}");
            }
        }
    }
}
