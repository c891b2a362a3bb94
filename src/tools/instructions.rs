//! What a model reads before it uses the tools, made from the tools on offer.

/// The most characters that hosts show.
#[cfg(test)]
const MAX_CHARS: usize = 800;

/// Instructions for these tools; `withheld` says what this server cannot do, and which flag changes that.
pub(super) fn instructions(offered: &[&str], withheld: &[String]) -> String {
    let has = |name: &str| offered.contains(&name);
    let mut sentences = vec!["LlamaCloud Batches runs a parse or extract job over each file of a directory."];
    sentences.push(if has("create_batch") {
        "A batch takes minutes to hours and costs credits: create one only if the user asked or agrees."
    } else {
        "This server does not create batches."
    });
    let finders = ["list_directories", "list_configurations"]
        .into_iter()
        .filter(|name| has(name));
    let finders: Vec<_> = finders.map(|name| format!("`{name}`")).collect();
    let find = format!("find IDs with {}", finders.join(" and "));
    let steps = [
        (has("upload_files"), "upload files with `upload_files`"),
        (!finders.is_empty(), find.as_str()),
        (has("create_batch"), "call `create_batch` once"),
        (
            has("get_batch"),
            "`get_batch` with `wait_seconds`, a few times, until `final`; then `expand: [\"problems\"]` for failed files, \
             `[\"outcomes\"]` for all",
        ),
        (has("read_result"), "read results with `read_result`"),
        (has("save_results"), "save them with `save_results`"),
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
        (true, true) => sentences.push("After a failed `create_batch`, check `list_batches` first."),
        (true, false) => sentences.push("`list_batches` finds existing batches."),
        (false, _) => {}
    }
    sentences.push(
        "\nStatuses: PENDING and THROTTLED are queued; COMPLETED can include failed files; FAILED has no reliable results; \
         CANCELLED keeps finished results.",
    );
    let text = sentences.join(" ").replace(" \n", "\n");
    if withheld.is_empty() {
        text
    } else {
        format!("{text}\nNot available here: {}.", withheld.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 9] = [
        "upload_files",
        "save_results",
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
        let withheld = [
            "`upload_files` (needs --allow-dir)",
            "`save_results` (needs --output-dir)",
            "`cancel_batch` (needs --allow-cancel)",
        ]
        .map(str::to_owned);
        for (offered, withheld) in [(&NAMES[..], &withheld[2..]), (&NAMES[2..], &withheld)] {
            let text = instructions(offered, withheld);
            assert!(text.chars().count() <= MAX_CHARS, "{}: {text}", text.chars().count());
        }
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
