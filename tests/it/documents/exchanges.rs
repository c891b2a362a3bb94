//! What the documents show being said is what the program says.

use serde_json::Value;

use super::markdown::{at_no_moment, blocks, is_shortened};
use super::program::{converse, messages, pipe};
use super::{files_in, name_of, protocol, read};

#[test]
fn the_first_command_of_the_readme_does_the_whole_job() {
    let first = blocks(&read("README.md"))
        .into_iter()
        .find(|(language, _)| language == "sh");
    assert_eq!(
        first.unwrap().1,
        "cargo run --release -- run examples/documents --sandbox --yes --out text\n",
        "everybody runs it, also machines"
    );
}

#[test]
fn the_first_session_is_what_the_first_example_holds() {
    let tried = protocol("A first session");
    let blocks = blocks(&tried);
    let shown: Vec<_> = blocks[1].1.lines().filter_map(|line| line.strip_prefix("→ ")).collect();
    let example = read("manifests/examples/first-batch.jsonl");
    assert_eq!(shown.join("\n"), example.trim());
    let real = pipe(&example, &[]);
    for answer in blocks[1].1.lines().filter_map(|line| line.strip_prefix("← ")) {
        let shown: Value = serde_json::from_str(answer).unwrap();
        let real = real.iter().find(|real| real["id"] == shown["id"]).unwrap();
        // The list may already hold the batch.
        let depends_on_order = shown.pointer("/result/structuredContent/batches").is_some();
        assert!(
            depends_on_order || is_shortened(&shown, real),
            "{shown}\nis no part of\n{real}"
        );
    }
}

#[test]
fn waiting_is_as_the_document_shows_it() {
    const SESSION: &str = concat!(
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","#,
        r#""capabilities":{"elicitation":{}},"clientInfo":{"name":"by-hand","version":"1"}}}"#,
        "\n",
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        "\n",
    );
    let waiting = [protocol("Waiting"), protocol("Ask before credits are spent")].join("\n");
    let blocks: Vec<_> = blocks(&waiting)
        .into_iter()
        .filter(|(language, _)| language == "text")
        .map(|(_, block)| block)
        .collect();
    let [session, tasks, question] = blocks.as_slice() else {
        panic!("{} blocks", blocks.len());
    };
    // The question is about the create of the first block, without the wait.
    let create = session.lines().next().unwrap().trim_start_matches("→ ");
    let create = format!("{SESSION}{}\n", create.replace(",\"wait_seconds\":50", ""));
    for (arguments, first, shown) in [
        (&[][..], SESSION, session),
        (&[], "", tasks),
        (&["--confirm-create"], &create, question),
    ] {
        let real = converse(arguments, first, shown);
        for line in shown.lines().filter_map(|line| line.strip_prefix("← ")) {
            let shown: Value = serde_json::from_str(line).unwrap();
            let found = real
                .iter()
                .filter(|real| real.get("id") == shown.get("id"))
                .any(|real| is_shortened(&at_no_moment(&shown), &at_no_moment(real)));
            assert!(found, "{line}\nis no part of\n{real:#?}");
        }
        let box_to_tick = "Create the batch and spend credits";
        let asked = real.iter().find(|real| real["method"] == "elicitation/create");
        assert!(
            waiting.contains(box_to_tick) && asked.is_none_or(|asked| asked.to_string().contains(box_to_tick)),
            "{asked:?}"
        );
    }
}

#[test]
fn every_request_of_an_example_gets_one_answer() {
    for file in files_in("manifests/examples") {
        let (name, lines) = (name_of(&file), read(&file));
        assert!(
            protocol("Type messages yourself").contains(&format!("`{name}`")),
            "docs/protocol.md, Type messages yourself: {name}"
        );
        let mut asked: Vec<_> = messages(&lines)
            .iter()
            .filter_map(|message| message.get("id").cloned())
            .collect();
        let answers = pipe(&lines, &[]);
        for answer in answers.iter().filter(|answer| answer.get("method").is_none()) {
            let fine = answer.get("result").is_some() && answer.pointer("/result/isError") != Some(&Value::Bool(true));
            assert!(fine || name == "mistakes.jsonl", "{name}: {answer}");
            let place = asked.iter().position(|id| *id == answer["id"]);
            asked.remove(place.unwrap_or_else(|| panic!("{name}: nobody asked for {answer}")));
        }
        assert!(asked.is_empty(), "{name}: no answer to {asked:?}");
    }
}

#[test]
fn what_can_be_typed_by_hand_works() {
    let by_hand = protocol("Type messages yourself");
    let blocks: Vec<_> = blocks(&by_hand)
        .into_iter()
        .filter(|(language, block)| language == "sh" && block.starts_with("printf"))
        .collect();
    assert_eq!(blocks.len(), 2, "one for each era");
    for (_, command) in blocks {
        let lines: Vec<_> = command.split('\'').filter(|part| part.starts_with('{')).collect();
        let asked = messages(&lines.join("\n"))
            .iter()
            .filter(|message| message.get("id").is_some())
            .count();
        let answers = pipe(&format!("{}\n", lines.join("\n")), &[]);
        assert_eq!(answers.len(), asked, "{command}");
        assert!(
            answers.iter().all(|answer| answer.get("result").is_some()),
            "{answers:?}"
        );
    }
}
