//! What a model reads before it uses the tools, made from the tools on offer.

use super::wording::and;

/// The most characters that hosts show.
#[cfg(test)]
const MAX_CHARS: usize = 800;

/// Instructions for these tools; `withheld` says what this server cannot do, and which flag changes that.
pub(super) fn instructions(offered: &[&str], withheld: &[String]) -> String {
    let has = |name: &str| offered.contains(&name);
    let mut sentences = vec!["LlamaCloud Batches runs one parse or extract job over each file of a directory."];
    sentences.push(if has("create_batch") {
        "A batch takes minutes to hours and costs credits: create one only when asked."
    } else {
        "This server does not create batches."
    });
    let finders = ["list_directories", "list_configurations"]
        .into_iter()
        .filter(|name| has(name));
    let finders: Vec<_> = finders.map(|name| format!("`{name}`")).collect();
    let find = format!("find IDs with {}", and(&finders));
    let steps = [
        (!finders.is_empty(), find.as_str()),
        (has("create_batch"), "call `create_batch` once"),
        (
            has("get_batch"),
            "`get_batch` every `check_again_in_seconds`, or with `wait_seconds`, until `final` is true; then with \
             `expand: [\"outcomes\"]` for each file",
        ),
        (has("read_result"), "read files with `read_result`"),
        (has("retry_failed_files"), "retry with `retry_failed_files`"),
    ];
    let steps: Vec<_> = steps
        .into_iter()
        .filter(|(is_possible, _)| *is_possible)
        .map(|(_, step)| step)
        .collect();
    let order = format!("\nOrder: {}.", steps.join("; "));
    if !steps.is_empty() {
        sentences.push(&order);
    }
    match (has("list_batches"), has("create_batch")) {
        (true, true) => sentences.push("After a failed call, look in `list_batches` before creating again."),
        (true, false) => sentences.push("`list_batches` finds existing batches."),
        (false, _) => {}
    }
    sentences.push(
        "\nStatuses: PENDING, THROTTLED: queued; COMPLETED does not mean every file succeeded; \
         FAILED: no reliable results; CANCELLED keeps what was finished.",
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

    const NAMES: [&str; 7] = [
        "create_batch",
        "list_batches",
        "get_batch",
        "list_directories",
        "list_configurations",
        "read_result",
        "retry_failed_files",
    ];

    #[test]
    fn instructions_are_short_and_speak_of_what_is_offered() {
        let all = instructions(
            &NAMES,
            &[
                "`upload_files` (needs --allow-dir)".to_owned(),
                "`save_results` (needs --output-dir)".to_owned(),
                "`cancel_batch` (needs --allow-cancel)".to_owned(),
            ],
        );
        assert!(all.chars().count() <= MAX_CHARS, "{}: {all}", all.chars().count());
        for offered in [
            &["list_batches", "get_batch"][..],
            &["get_batch"],
            &["list_batches"],
            &["create_batch", "list_directories"],
            &["list_directories", "list_configurations"],
        ] {
            let text = instructions(offered, &[]);
            for name in NAMES {
                assert_eq!(text.contains(name), offered.contains(&name), "{name}: {text}");
            }
        }
    }
}
