//! The text and the data of a file: read piece by piece, found by name, and what is said where there is nothing to read.

use expect_test::{Expect, expect};
use llamacloud_batches_mcp::mcp::Revision;
use llamacloud_batches_mcp::sandbox::{
    DIR_DOCUMENTS, DIR_SMALL, PRESET_PARSE, SAVED_EXTRACT, SAVED_EXTRACT_CITED, SAVED_EXTRACT_ROWS, SAVED_PARSE_FAST,
    Speed,
};
use serde_json::{Value, json};

use super::harness::masks::masked;
use super::harness::upstream::{Reply, Upstream};
use super::harness::{Harness, Setup};
use super::tools_call::create;

const PARSE_RESULT: &str = "GET /api/v2/parse/{job_id}";
const EXTRACT_RESULT: &str = "GET /api/v2/extract/{job_id}";
/// A batch over the documents that needs no create.
const DOCUMENTS: &str = "bat-sandbox-documents";

async fn open() -> Harness {
    Harness::open(Revision::V2025_06_18).await
}

async fn batch(harness: &mut Harness, directory: &str, job_type: &str, configuration: &str) -> String {
    let job = json!({ "type": job_type, "configuration_id": configuration });
    let arguments = json!({ "source_directory_id": directory, "config": { "job": job }, "wait_seconds": 60 });
    let created = harness.call("create_batch", arguments).await.json();
    created["id"].as_str().unwrap().to_owned()
}

async fn read(harness: &mut Harness, arguments: Value) -> Value {
    let said = harness.call("read_result", arguments).await;
    said.json()
}

async fn refused(harness: &mut Harness, arguments: Value) -> String {
    masked(harness.call("read_result", arguments).await.error())
}

/// Every answer, from the first to the last.
async fn all(harness: &mut Harness, mut arguments: Value) -> Vec<Value> {
    let mut answers = vec![read(harness, arguments.clone()).await];
    while let Some(cursor) = answers.last().unwrap()["next_cursor"].as_str() {
        arguments["cursor"] = json!(cursor);
        answers.push(read(harness, arguments.clone()).await);
        assert!(answers.len() < 2000);
    }
    answers
}

fn of(file: &str) -> Value {
    json!({ "batch_id": DOCUMENTS, "file": file })
}

fn with(mut arguments: Value, mut more: Value) -> Value {
    arguments.as_object_mut().unwrap().append(more.as_object_mut().unwrap());
    arguments
}

/// A user's question, as a model answers it: what failed, what a document says, where a word stands, what was extracted.
#[tokio::test]
async fn the_conversation() {
    let mut harness = open().await;
    let parse = batch(&mut harness, DIR_DOCUMENTS, "parse_v2", PRESET_PARSE).await;
    let extract = batch(&mut harness, DIR_SMALL, "extract_v2", SAVED_EXTRACT).await;
    let calls = [
        ("get_batch", json!({ "batch_id": parse, "expand": ["outcomes"] })),
        ("read_result", json!({ "batch_id": parse, "file": "flood-damaged.pdf" })),
        (
            "read_result",
            json!({ "batch_id": parse, "file": "framework-contract.pdf", "find": "lot 17-4 to" }),
        ),
        (
            "read_result",
            json!({ "batch_id": parse, "file": "framework-contract.pdf", "pages": "17" }),
        ),
        ("read_result", json!({ "batch_id": parse, "file": "scan.pdf" })),
        (
            "read_result",
            json!({ "batch_id": parse, "file": "dfl-documents-0007" }),
        ),
        ("read_result", json!({ "batch_id": extract, "file": "lease-oslo.docx" })),
    ];
    let mut said = String::new();
    for (tool, arguments) in calls {
        let before = harness.ledger().total();
        let answer = harness.call(tool, arguments).await;
        let text = if answer.is_error {
            answer.error().to_owned()
        } else {
            answer.json()["summary"].as_str().unwrap().to_owned()
        };
        let chars = if answer.is_error {
            0
        } else {
            answer.json().to_string().chars().count()
        };
        let requests = harness.ledger().total() - before;
        said.push_str(&masked(&format!("{requests} requests, {chars} characters: {text}\n")));
    }
    expect![[r#"
        0 requests, 1276 characters: [sandbox] Batch bat-00000000-0000-4000-8000-000000000000 is COMPLETED and all 7 files succeeded. LlamaCloud keeps each result under the file's `job_id`.
        1 requests, 2695 characters: [sandbox] Pages 1 to 10 of 10 of "flood-damaged.pdf", as markdown. 2 of its 10 pages could not be parsed and have no text: 3, 7.
        1 requests, 547 characters: [sandbox] "lot 17-4 to" occurs 1 time in "framework-contract.pdf". Use `pages` to read the whole text of a page.
        0 requests, 5885 characters: [sandbox] Page 17 of 400 of "framework-contract.pdf", as markdown. Page 17 continues in the next answer. To continue, pass `next_cursor` as `cursor` and repeat the other arguments.
        0 requests, 0 characters: Nothing was read: `file`: 2 files of the batch match "scan.pdf": "scan.pdf" is dfl-documents-0006 and "scan.pdf" is dfl-documents-0007. Send the ID of one as `file`.
        1 requests, 972 characters: [sandbox] Pages 1 to 2 of 2 of "scan.pdf", as markdown.
        1 requests, 284 characters: [sandbox] The data of "lease-oslo.docx".
    "#]].assert_eq(&said);
    harness.end().await;
}

#[tokio::test]
async fn a_long_document_is_read_whole_with_one_download() {
    let mut harness = open().await;
    let contract = of("framework-contract.pdf");
    let answers = all(&mut harness, with(contract.clone(), json!({ "pages": "3-42,400" }))).await;
    let mut text = String::new();
    let mut pages = Vec::new();
    for answer in &answers {
        let piece = answer["text"].as_str().unwrap();
        for line in piece.split_inclusive('\n') {
            match line.strip_prefix("[page ") {
                Some(heading) if heading.contains("continued") => {}
                Some(heading) => pages.push(heading.trim_end_matches("]\n").parse::<u32>().unwrap()),
                None => text.push_str(line),
            }
        }
        let is_within = answer["summary"].as_str().unwrap().contains("not at its end");
        assert!(!is_within || piece.ends_with('\n'), "{piece}");
    }
    assert_eq!(pages, (3..=42).chain([400]).collect::<Vec<_>>());
    let lots = text
        .lines()
        .filter_map(|line| line.split_once(" shall deliver lot ")?.1.split(' ').next());
    let expected = pages
        .iter()
        .flat_map(|part| (1..=90).map(move |clause| format!("{part}-{clause}")));
    assert_eq!(lots.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    let whole = read(&mut harness, with(contract.clone(), json!({ "pages": "399-400" }))).await;
    assert_eq!(
        (&whole["pages"]["first"], &whole["pages"]["total"]),
        (&json!(399), &json!(400))
    );
    let found = all(&mut harness, with(contract, json!({ "find": "LOT 7-", "pages": "7" }))).await;
    assert_eq!(found[0]["hits_total"], json!(90));
    let hits: usize = found
        .iter()
        .map(|answer| answer["hits"].as_array().unwrap().len())
        .sum();
    assert_eq!(hits, 90);
    assert_eq!(harness.ledger().count(PARSE_RESULT), 1);
    // The batch, the names, the document.
    assert_eq!(harness.ledger().total(), 3);
    harness.close(3).await;
}

/// A reader of the summary alone must not believe that it has the pages in between.
#[tokio::test]
async fn only_the_pages_that_an_answer_holds_are_named() {
    let mut harness = open().await;
    for (pages, named) in [
        ("1,12", "Pages 1 and 12 of 12 of"),
        ("1-3,5,7-8", "Pages 1 to 3, 5, and 7 to 8 of 12 of"),
        ("4", "Page 4 of 12 of"),
    ] {
        let said = read(&mut harness, with(of("annual-report.pdf"), json!({ "pages": pages }))).await;
        assert!(said["summary"].as_str().unwrap().contains(named), "{said:#}");
    }
    let found = with(
        of("annual-report.pdf"),
        json!({ "pages": "1,12", "find": "no such words" }),
    );
    let found = read(&mut harness, found).await;
    assert!(
        found["summary"]
            .as_str()
            .unwrap()
            .contains("does not occur in the pages 1,12 of"),
        "{found:#}"
    );
    harness.end().await;
}

#[tokio::test]
async fn failed_pages_are_named_in_every_format() {
    let mut harness = open().await;
    for format in ["markdown", "text"] {
        let whole = read(&mut harness, with(of("flood-damaged.pdf"), json!({ "format": format }))).await;
        let failed: Vec<_> = whole["failed_pages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|page| &page["page"])
            .collect();
        assert_eq!(failed, [3, 7], "{whole:#}");
        assert!(
            whole["failed_pages"][0]["error"]
                .as_str()
                .unwrap()
                .contains("timed out")
        );
        assert!(whole["summary"].as_str().unwrap().contains("2 of its 10 pages"));
        assert!(!whole["text"].as_str().unwrap().contains("[page 3"));
        let part = read(
            &mut harness,
            with(of("flood-damaged.pdf"), json!({ "format": format, "pages": "7-8" })),
        )
        .await;
        assert_eq!(part["failed_pages"][0]["page"], 7);
        assert_eq!(part["failed_pages"].as_array().unwrap().len(), 1);
        let only = read(
            &mut harness,
            with(of("flood-damaged.pdf"), json!({ "format": format, "pages": "3" })),
        )
        .await;
        assert_eq!(
            (&only["text"], &only["failed_pages"][0]["page"]),
            (&Value::Null, &json!(3))
        );
    }
    let found = read(
        &mut harness,
        with(of("flood-damaged.pdf"), json!({ "find": "nowhere" })),
    )
    .await;
    assert_eq!((&found["hits_total"], &found["hits"]), (&json!(0), &json!([])));
    assert!(
        found["summary"].as_str().unwrap().contains("2 of its 10 pages"),
        "{found}"
    );
    harness.end().await;
}

#[tokio::test]
async fn a_tier_without_markdown_gives_its_text_and_says_so() {
    let mut harness = open().await;
    let id = batch(&mut harness, DIR_SMALL, "parse_v2", SAVED_PARSE_FAST).await;
    let arguments = json!({ "batch_id": id, "file": "lease-lisbon.pdf" });
    let answer = read(&mut harness, arguments.clone()).await;
    assert_eq!(answer["format"], "text");
    assert!(
        answer["summary"].as_str().unwrap().contains("has no markdown"),
        "{answer}"
    );
    assert!(answer["text"].as_str().unwrap().contains("Article    Quantity"));
    let plain = read(&mut harness, with(arguments, json!({ "format": "text" }))).await;
    assert!(!plain["summary"].as_str().unwrap().contains("markdown"), "{plain}");
    harness.end().await;
}

#[tokio::test]
async fn files_are_found_however_their_names_are_written() {
    let mut harness = open().await;
    for (wanted, found) in [
        ("annual-report.pdf", "annual-report.pdf"),
        ("  Annual-REPORT.pdf ", "annual-report.pdf"),
        ("annual-report", "annual-report.pdf"),
        ("framework-con…", "framework-contract.pdf"),
        ("dfl-documents-0004", "minutes.docx"),
    ] {
        let answer = read(&mut harness, with(of(wanted), json!({ "pages": "1" }))).await;
        let name = answer["file"]["name"].as_str().or(answer["file"]["id"].as_str());
        assert!(name == Some(found) || wanted.starts_with("dfl-"), "{wanted}: {answer}");
    }
    let composed = json!({ "batch_id": "bat-sandbox-failing", "file": "Übersicht – Größen.pdf" });
    let decomposed = json!({ "batch_id": "bat-sandbox-failing", "file": "U\u{308}BERSICHT – Gro\u{308}ßen.pdf" });
    let answers = [read(&mut harness, composed).await, read(&mut harness, decomposed).await];
    assert_eq!(answers[0], answers[1]);
    let only = read(&mut harness, json!({ "batch_id": "bat-sandbox-one" })).await;
    assert_eq!(only["file"]["name"], "invoice-2026-0001.pdf");
    harness.end().await;
}

#[tokio::test]
async fn a_job_is_read_by_its_id_without_its_batch() {
    let mut harness = open().await;
    let by_name = read(&mut harness, of("annual-report.pdf")).await;
    let requests = harness.ledger().total();
    let by_job = read(&mut harness, json!({ "job_id": by_name["job_id"] })).await;
    assert_eq!(by_job["text"], by_name["text"]);
    assert_eq!(by_job["file"], json!({ "name": "annual-report.pdf" }));
    assert_eq!(harness.ledger().total(), requests, "the document was known");
    harness.end().await;
}

#[tokio::test]
async fn extracted_data_is_read_as_it_is() {
    let mut harness = open().await;
    let objects = batch(&mut harness, DIR_DOCUMENTS, "extract_v2", SAVED_EXTRACT).await;
    let object = read(
        &mut harness,
        json!({ "batch_id": objects, "file": "annual-report.pdf" }),
    )
    .await;
    assert_eq!(
        (&object["format"], &object["data"]["total"], &object["items"]),
        (&json!("data"), &json!(112.5), &Value::Null)
    );

    let rows = batch(&mut harness, DIR_DOCUMENTS, "extract_v2", SAVED_EXTRACT_ROWS).await;
    let arguments = json!({ "batch_id": rows, "file": "annual-report.pdf" });
    let downloads = harness.ledger().count(EXTRACT_RESULT);
    let answers = all(&mut harness, arguments.clone()).await;
    assert_eq!(harness.ledger().count(EXTRACT_RESULT), downloads + 1);
    let read_rows: Vec<&Value> = answers
        .iter()
        .flat_map(|answer| answer["data"].as_array().unwrap())
        .collect();
    assert!(answers.len() > 2 && read_rows.len() == 300);
    assert!((1..).zip(&read_rows).all(|(number, row)| row["quantity"] == number));
    assert_eq!(answers[0]["items"]["total"], 300);

    let text = read(&mut harness, with(arguments.clone(), json!({ "format": "text" }))).await;
    assert!(
        text["text"]
            .as_str()
            .unwrap()
            .contains("This is page 1 of annual-report.pdf")
    );
    let found = read(&mut harness, with(arguments, json!({ "find": "page 12 of" }))).await;
    assert!(found["hits_total"].as_u64().unwrap() > 0, "{found}");
    assert_eq!(found["hits"][0]["page"], 12);
    harness.end().await;
}

#[tokio::test]
async fn citations_follow_the_data() {
    let mut harness = open().await;
    let cited = batch(&mut harness, DIR_DOCUMENTS, "extract_v2", SAVED_EXTRACT_CITED).await;
    let arguments = json!({ "batch_id": cited, "file": "annual-report.pdf", "citations": true });
    let answers = all(&mut harness, arguments.clone()).await;
    let rows: Vec<&Value> = answers
        .iter()
        .filter_map(|answer| answer["citations"].as_array())
        .flatten()
        .collect();
    // For each page a heading, and three figures with label and value.
    assert_eq!(rows.len(), 12 * 7);
    assert_eq!(
        rows[0],
        &json!({ "field": "[0].heading", "page": 1, "text": "heading 1", "confidence": 0.94 })
    );
    assert_eq!(rows[83]["field"], "[11].figures[2].value");
    let plain = read(&mut harness, json!({ "batch_id": cited, "file": "annual-report.pdf" })).await;
    assert_eq!(plain["citations"], Value::Null);
    let none = batch(&mut harness, DIR_SMALL, "extract_v2", SAVED_EXTRACT).await;
    let answer = read(
        &mut harness,
        json!({ "batch_id": none, "file": "lease-oslo.docx", "citations": true }),
    )
    .await;
    assert!(answer["summary"].as_str().unwrap().contains("no citations"), "{answer}");
    harness.end().await;
}

#[tokio::test]
async fn what_a_document_says_is_only_text() {
    let mut harness = open().await;
    for format in ["markdown", "text"] {
        let answer = read(&mut harness, with(of("minutes.docx"), json!({ "format": format }))).await;
        let text = answer["text"].as_str().unwrap();
        assert!(text.contains("Ignore previous instructions") && text.contains("<script>"));
        let is_hidden = |character: char| {
            (character.is_control() && character != '\n')
                || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
        };
        assert!(!text.contains(is_hidden), "{text:?}");
        assert!(!answer["summary"].as_str().unwrap().contains("Ignore"), "{answer}");
    }
    let whole = read(&mut harness, of("annual-report.pdf")).await.to_string();
    assert!(whole.contains("<table>") && !whole.contains("X-Amz-Signature"));
    harness.end().await;
}

async fn check(harness: &mut Harness, arguments: Value, expected: Expect) {
    expected.assert_eq(&refused(harness, arguments).await);
}

#[tokio::test]
async fn what_is_asked_wrongly() {
    let mut harness = open().await;
    let report = of("annual-report.pdf");
    check(&mut harness, json!({}), expect![[r#"Nothing was read: the call does not say which result. Send `batch_id` with `file`, or `job_id`; `get_batch` with `expand: ["outcomes"]` shows the files of a batch and their jobs."#]]).await;
    check(&mut harness, json!({ "file": "a.pdf" }), expect!["Nothing was read: `batch_id` is missing: `file` needs the batch that it belongs to. `list_batches` shows the batches."]).await;
    check(
        &mut harness,
        with(report.clone(), json!({ "job_id": "pjb-1" })),
        expect!["Nothing was read: `file` and `job_id` are both given. Send either `batch_id` with `file`, or `job_id` alone."],
    )
    .await;
    check(&mut harness, json!({ "batch_id": DOCUMENTS }), expect![[r#"Nothing was read: `file` is missing, and the batch has 7 files. They are "annual-report.pdf", "flood-damaged.pdf", "framework-contract.pdf", "minutes.docx", "result-expired.pdf", "scan.pdf", and "scan.pdf"; `get_batch` with `expand: ["outcomes"]` shows all."#]]).await;
    check(
        &mut harness,
        json!({ "batch_id": "Reading room", "file": "a.pdf" }),
        expect![[r#"`batch_id` "Reading room" holds characters other than A-Z, a-z, 0-9, _ and -. Nothing was sent. Correct this and call `read_result` again."#]],
    )
    .await;
    check(&mut harness, of("scan.pdf"), expect![[r#"Nothing was read: `file`: 2 files of the batch match "scan.pdf": "scan.pdf" is dfl-documents-0006 and "scan.pdf" is dfl-documents-0007. Send the ID of one as `file`."#]]).await;
    check(&mut harness, of("anual-reprot.pdf"), expect![[r#"Nothing was read: `file`: the batch has 7 files, but none is called "anual-reprot.pdf". The nearest name is "annual-report.pdf"."#]]).await;
    check(&mut harness, of("zzz"), expect![[r#"Nothing was read: `file`: the batch has 7 files, but none is called "zzz". They are "annual-report.pdf", "flood-damaged.pdf", "framework-contract.pdf", "minutes.docx", "result-expired.pdf", "scan.pdf", and "scan.pdf"; `get_batch` with `expand: ["outcomes"]` shows all."#]]).await;
    for pages in ["0", "5-3", "some", "1,,2"] {
        let said = refused(&mut harness, with(report.clone(), json!({ "pages": pages }))).await;
        assert!(
            said.contains("`pages`") && said.contains(pages) && said.contains("Nothing was sent"),
            "{said}"
        );
    }
    check(
        &mut harness,
        with(report.clone(), json!({ "pages": "40-50,99" })),
        expect!["Nothing was read: `pages`: the document has none of the pages 40-50,99. It has pages 1 to 12."],
    )
    .await;
    check(
        &mut harness,
        with(report.clone(), json!({ "find": "x".repeat(10_000) })),
        expect!["`find` is 10000 characters long, more than 500. Nothing was sent. Correct this and call `read_result` again."],
    )
    .await;
    check(
        &mut harness,
        with(report.clone(), json!({ "format": "data" })),
        expect!["Nothing was read: `format`: a parse job has no `data`. Send `markdown` or `text`, or omit it."],
    )
    .await;
    check(
        &mut harness,
        with(report.clone(), json!({ "citations": true })),
        expect!["Nothing was read: `citations`: only extract jobs have them, and this is a parse job. Omit it."],
    )
    .await;
    check(&mut harness, json!({ "job_id": DOCUMENTS }), expect![[r#"Nothing was read: `job_id` is "bat-sandbox-documents". It is the ID of a batch: send it as `batch_id`, with `file`; `get_batch` with `expand: ["outcomes"]` shows the jobs of a batch."#]]).await;
    check(
        &mut harness,
        json!({ "job_id": "dfl-documents-0001" }),
        expect![[r#"Nothing was read: `job_id` is "dfl-documents-0001". It is the ID of a file: send it as `file`, with `batch_id`; `get_batch` with `expand: ["outcomes"]` shows the jobs of a batch."#]],
    )
    .await;
    check(&mut harness, json!({ "job_id": "cfg-PARSE_AGENTIC" }), expect![[r#"Nothing was read: `job_id` is "cfg-PARSE_AGENTIC". It is not the ID of a job; `get_batch` with `expand: ["outcomes"]` shows the jobs of a batch."#]]).await;
    check(&mut harness, json!({ "job_id": "pjb-none" }), expect![[r#"The result could not be read: LlamaCloud found nothing with that ID in this project (404): "Job pjb-none not found". Check `job_id`: `get_batch` with `expand: ["outcomes"]` shows the jobs of a batch. For a job of another project that the API key can use, also pass its `project_id`. If the ID is right, the result has expired: LlamaCloud no longer has it."#]]).await;
    check(&mut harness, json!({ "job_id": "none" }), expect![[r#"The result could not be read: LlamaCloud found nothing with that ID in this project (404): "Job none not found". Check `job_id`: `get_batch` with `expand: ["outcomes"]` shows the jobs of a batch. For a job of another project that the API key can use, also pass its `project_id`. If the ID is right, the result has expired: LlamaCloud no longer has it."#]]).await;
    let foreign = with(
        report.clone(),
        json!({ "project_id": "182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e" }),
    );
    check(&mut harness, foreign, expect![[r#"The result could not be read: this API key is not allowed to do that (403): "You do not have access to this project". The API key may have no access to this project, and batches need a Pro or Enterprise plan. Omit `project_id` and `organization_id`, or ask the user to configure this server with a key that has access."#]]).await;

    // What is not wrong: every page, a text that looks like a pattern, an empty text.
    for fine in [
        json!({ "pages": "1-999999" }),
        json!({ "pages": "all" }),
        json!({ "find": "" }),
    ] {
        let answer = read(&mut harness, with(report.clone(), fine)).await;
        assert_eq!(answer["pages"]["total"], 12);
    }
    let pattern = read(&mut harness, with(report.clone(), json!({ "find": "page .* of" }))).await;
    assert_eq!(pattern["hits_total"], 0);
    harness.end().await;
}

#[tokio::test]
async fn a_cursor_is_for_its_own_document_and_question() {
    let mut harness = open().await;
    let contract = of("framework-contract.pdf");
    let first = read(&mut harness, contract.clone()).await;
    let cursor = first["next_cursor"].as_str().unwrap();
    for other in [
        of("annual-report.pdf"),
        with(contract.clone(), json!({ "format": "text" })),
        with(contract.clone(), json!({ "pages": "1-3" })),
        with(contract.clone(), json!({ "find": "lot" })),
    ] {
        let said = refused(&mut harness, with(other, json!({ "cursor": cursor }))).await;
        assert!(said.starts_with("`cursor`: it does not fit this call."), "{said}");
    }
    let (place, fingerprint) = cursor.rsplit_once('.').unwrap();
    for changed in [
        "nonsense",
        place,
        &format!("t.9999.0.{fingerprint}"),
        &format!("t.0.9999999.{fingerprint}"),
        &format!("d.0.0.{fingerprint}"),
    ] {
        let said = refused(&mut harness, with(contract.clone(), json!({ "cursor": changed }))).await;
        assert!(
            said.starts_with("`cursor`: it does not fit this call."),
            "{changed}: {said}"
        );
    }
    let second = read(&mut harness, with(contract, json!({ "cursor": cursor }))).await;
    assert_eq!(second["pages"]["total"], 400);
    harness.end().await;
}

#[tokio::test]
async fn where_there_is_no_result() {
    let mut harness = open().await;
    let failing = |file: &str| json!({ "batch_id": "bat-sandbox-failing", "file": file });
    check(&mut harness, failing("personnel-file.pdf"), expect![[r#""personnel-file.pdf" has no result: the job is FAILED ("The document is encrypted. Remove the password and upload it again."). Once all jobs of the batch have ended, `retry_failed_files` can process its failed files again, which costs credits: ask the user first."#]]).await;
    check(
        &mut harness,
        failing("notes.txt"),
        expect![[r#""notes.txt" has no result: LlamaCloud lists no job for it ("File is empty (0 bytes)")."#]],
    )
    .await;
    check(
        &mut harness,
        failing("letter-to-notary.pdf"),
        expect![[r#""letter-to-notary.pdf" has no result: LlamaCloud lists no job for it (no reason reported)."#]],
    )
    .await;
    check(&mut harness, of("result-expired.pdf"), expect![[r#"The result could not be read: LlamaCloud found nothing with that ID in this project (404): "Result not found. Check job status to see if it has completed.". LlamaCloud no longer has this result: results expire. `create_batch` with `allow_duplicate: true` creates it again, but processes all files of the directory and costs credits for all of them: ask the user first."#]]).await;
    let broken = json!({ "batch_id": "bat-sandbox-broken", "file": "box-1.pdf" });
    check(
        &mut harness,
        broken,
        expect![
            "Nothing was read: the batch is FAILED, so it has no reliable results. `create_batch` can process the files again, which costs credits: ask the user first."
        ],
    )
    .await;
    harness.end().await;
    let setup = Setup {
        speed: Speed::Steps,
        ..Setup::default()
    };
    let mut harness = setup.open(Revision::V2025_06_18).await;
    let id = create(&mut harness, DIR_SMALL).await;
    let early = json!({ "batch_id": id, "file": "lease-oslo.docx" });
    check(&mut harness, early, expect!["Nothing was read: the batch is RUNNING, so it has no results yet. Call `get_batch` with `wait_seconds` until `final` is true, then call `read_result` again."]).await;
    harness.end().await;
}

#[tokio::test]
async fn a_file_is_read_by_its_id_where_names_cannot_be_read() {
    let setup = Setup {
        faults: "403@files",
        ..Setup::default()
    };
    let mut harness = setup.open(Revision::V2025_06_18).await;
    check(&mut harness, of("annual-report.pdf"), expect![[r#"Nothing was read: `file`: "annual-report.pdf" was not found, but not all file names could be read (this API key is not allowed to do that (403): "You do not have access to this project"). Send the ID of the file, `dfl-…`, which `get_batch` with `expand: ["outcomes"]` shows."#]]).await;
    let answer = read(&mut harness, of("dfl-documents-0001")).await;
    assert!(answer["text"].as_str().unwrap().contains("This is page 1"));
    harness.end().await;
}

/// What an API says about one job, and what is answered.
async fn of_upstream(reply: Reply, arguments: Value) -> Result<Value, String> {
    let upstream = Upstream::start([reply]).await;
    let setup = Setup::over(&upstream, &[]);
    let mut harness = setup.open(Revision::V2025_06_18).await;
    let said = harness.call("read_result", arguments).await;
    let outcome = if said.is_error {
        Err(said.error().to_owned())
    } else {
        Ok(said.json())
    };
    harness.close(0).await;
    outcome
}

fn extracted(result: &Value) -> Reply {
    Reply::json(
        "200 OK",
        "",
        &json!({ "id": "exj-1", "status": "COMPLETED", "extract_result": result }).to_string(),
    )
}

#[tokio::test]
async fn an_array_inside_an_object_is_paged_and_a_long_item_comes_in_pieces() {
    let lines: Vec<Value> = (0..300)
        .map(|line| json!({ "line": line, "article": "Roof tile, grey" }))
        .collect();
    let invoice = json!({ "number": "RE-1", "detail": { "lines": lines } });
    let first = of_upstream(extracted(&invoice), json!({ "job_id": "exj-1" }))
        .await
        .unwrap();
    assert_eq!(
        (&first["items"]["within"], &first["data"]["number"]),
        (&json!("detail.lines"), &json!("RE-1"))
    );
    assert_eq!(first["items"]["total"], 300);

    let long = json!([{ "text": "word ".repeat(3000) }, { "text": "short" }]);
    let piece = of_upstream(extracted(&long), json!({ "job_id": "exj-1" }))
        .await
        .unwrap();
    assert!(
        piece["text"].as_str().unwrap().starts_with(r#"{"text":"word word"#),
        "{piece}"
    );
    assert_eq!((&piece["items"]["first"], &piece["data"]), (&json!(1), &Value::Null));
    assert!(piece["next_cursor"].is_string());

    let hidden = json!({ "total\u{202e}": "1\u{0}2\u{e0041}" });
    let cleaned = of_upstream(extracted(&hidden), json!({ "job_id": "exj-1" }))
        .await
        .unwrap();
    assert_eq!(cleaned["data"], json!({ "total": "12" }));
}

#[tokio::test]
async fn a_job_that_still_runs_or_has_nothing_says_so() {
    let job = |status: &str| {
        let body = json!({ "job": { "id": "pjb-1", "status": status, "error_message": null }, "markdown": null, "text": null });
        Reply::json("200 OK", "", &body.to_string())
    };
    let ask = || json!({ "job_id": "pjb-1" });
    expect!["pjb-1 has no result yet: the job is RUNNING. Call `get_batch` with `wait_seconds` until `final` is true, then call `read_result` again."].assert_eq(&of_upstream(job("RUNNING"), ask()).await.unwrap_err());
    expect!["pjb-1 has no result yet: the job is NEW STATE. Call `get_batch` with `wait_seconds` until `final` is true, then call `read_result` again."].assert_eq(&of_upstream(job("NEW \u{202e}STATE"), ask()).await.unwrap_err());
    expect!["pjb-1 has no result: the job is CANCELLED. Reading again does not change that. Tell the user."]
        .assert_eq(&of_upstream(job("CANCELLED"), ask()).await.unwrap_err());
    expect![
        "LlamaCloud has no text for pjb-1. If it is an extract job, omit `format`, `pages` and `find` to read its data."
    ]
    .assert_eq(&of_upstream(job("COMPLETED"), ask()).await.unwrap_err());
    expect!["LlamaCloud has no data for exj-1, although the job is COMPLETED."].assert_eq(
        &of_upstream(extracted(&Value::Null), json!({ "job_id": "exj-1" }))
            .await
            .unwrap_err(),
    );
    expect![[r#"The result could not be read: the response is larger than 64 MiB. For a parse job, `format: "text"` may be shorter."#]]
        .assert_eq(&of_upstream(Reply::endless(), ask()).await.unwrap_err());
}
