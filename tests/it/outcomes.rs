//! What `get_batch` says about files, compared one by one with what the API says; and what it costs to know it.

use std::collections::BTreeMap;

use llamacloud_batches_mcp::mcp::Revision;
use llamacloud_batches_mcp::sandbox::{
    DIR_EMPTY, DIR_FAILING, DIR_OVERSIZED, DIR_SMALL, DIR_STRAGGLERS, DIR_TEN, DIR_THOUSAND, PRESET_PARSE,
    SAVED_EXTRACT, Speed,
};
use serde_json::{Value, json};

use super::harness::upstream::{Reply, Upstream};
use super::harness::{CANARY, Setup};
use super::session::Session;
use super::tools::Tools;

const PARSE: (&str, &str) = ("parse_v2", PRESET_PARSE);

async fn start(faults: &'static str) -> Session {
    Session::start(Speed::Instant, faults, 6000).await
}

/// The API itself, asked without our client.
struct Api<'a> {
    session: &'a Session,
    client: reqwest::Client,
}

impl<'a> Api<'a> {
    fn of(session: &'a Session) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { session, client }
    }

    async fn get(&self, target: &str) -> Value {
        let url = format!("{}{target}", self.session.base_url());
        let response = self.client.get(url).bearer_auth(CANARY).send().await;
        response.unwrap().json().await.unwrap()
    }
}

/// What the API says about each file, read file by file: name, status and error, by job or file id.
async fn truth(session: &Session, batch_id: &str, product: &str) -> BTreeMap<String, (String, String, Value)> {
    let api = Api::of(session);
    let batch = api.get(&format!("/api/v2/batches/{batch_id}?expand=results")).await;
    let directory = batch["source_directory_id"].as_str().unwrap();
    let mut truth = BTreeMap::new();
    for result in batch["results"].as_array().unwrap() {
        let file_id = result["source_directory_file_id"].as_str().unwrap();
        let file = api
            .get(&format!("/api/v1/beta/directories/{directory}/files/{file_id}"))
            .await;
        let name = file["display_name"].as_str().unwrap().to_owned();
        let (key, status, error) = match result["job_reference"]["id"].as_str() {
            Some(id) => {
                let answer = api.get(&format!("/api/v2/{product}/{id}")).await;
                let job = answer.get("job").unwrap_or(&answer);
                (
                    id,
                    job["status"].as_str().unwrap().to_owned(),
                    job["error_message"].clone(),
                )
            }
            None if result["error_message"].is_null() => (file_id, "no_job_yet".to_owned(), Value::Null),
            None => (file_id, "not_mapped".to_owned(), result["error_message"].clone()),
        };
        truth.insert(key.to_owned(), (name, status, error));
    }
    truth
}

#[tokio::test]
async fn outcomes_are_what_the_api_says_file_by_file() {
    for (directory, job_type, configuration, product) in [
        (DIR_FAILING, PARSE.0, PARSE.1, "parse"),
        (DIR_STRAGGLERS, PARSE.0, PARSE.1, "parse"),
        (DIR_SMALL, "extract_v2", SAVED_EXTRACT, "extract"),
        (DIR_THOUSAND, PARSE.0, PARSE.1, "parse"),
    ] {
        let mut session = start("").await;
        let id = session.create(directory, job_type, configuration).await;
        let truth = truth(&session, &id, product).await;
        let pages = session.pages(&id, "outcomes").await;
        let mut seen = BTreeMap::new();
        for entry in pages.iter().filter_map(|page| page["results"].as_array()).flatten() {
            let key = entry["job_id"].as_str().or(entry["file_id"].as_str()).unwrap();
            assert!(seen.insert(key.to_owned(), entry).is_none(), "{key} came twice");
        }
        assert_eq!(seen.len(), truth.len());
        for (key, (name, status, error)) in &truth {
            let entry = seen[key];
            assert_eq!(&entry["status"], status, "{entry}");
            // Words with nothing hidden in them arrive as they are.
            if !name.contains('\u{202e}') {
                assert_eq!(&entry["name"], name);
                assert_eq!(&entry["error"], error, "{entry}");
            }
        }
        for page in &pages {
            let with_status = |word: &str| truth.values().filter(|(_, status, _)| status == word).count();
            let counted = |member: &str| page["files"].get(member).cloned().unwrap_or_else(|| json!(0));
            assert_eq!(counted("total"), truth.len());
            for (member, word) in [
                ("completed", "COMPLETED"),
                ("failed", "FAILED"),
                ("running", "RUNNING"),
                ("not_mapped", "not_mapped"),
            ] {
                assert_eq!(counted(member), with_status(word), "{member}");
            }
            assert!(page.to_string().chars().count() <= 6000);
        }
        session.end().await;
    }
}

#[tokio::test]
async fn a_thousand_files_take_fifteen_requests() {
    let mut session = start("").await;
    let id = session.create(DIR_THOUSAND, PARSE.0, PARSE.1).await;
    let before = session.ledger();
    let page = session.outcomes(&id).await;
    let ledger = session.ledger();
    let asked = |template: &str| ledger.count(template) - before.count(template);
    assert_eq!(asked("GET /api/v2/batches/{batch_id}"), 1);
    assert_eq!(asked("GET /api/v1/beta/directories/{directory_id}/files"), 1);
    assert_eq!(asked("GET /api/v2/parse"), 13);
    assert_eq!(ledger.total() - before.total(), 15);
    let longest = ledger.lines.iter().map(String::len).max().unwrap();
    assert!(longest < 4200, "an address of {longest} bytes");
    assert_eq!(
        page["files"],
        json!({ "total": 1000, "completed": 988, "failed": 11, "not_mapped": 1 })
    );
    session.end().await;
}

#[tokio::test]
async fn all_pages_of_a_final_batch_take_no_more_requests_than_the_first() {
    for (expand, most) in [("outcomes", 15), ("problems", 15), ("results", 1)] {
        let mut session = start("").await;
        let id = session.create(DIR_THOUSAND, PARSE.0, PARSE.1).await;
        let before = session.ledger().total();
        let pages = session.pages(&id, expand).await;
        let rows: usize = pages
            .iter()
            .filter_map(|page| page["results"].as_array())
            .map(Vec::len)
            .sum();
        assert_eq!(rows, if expand == "problems" { 12 } else { 1000 });
        assert_eq!(session.ledger().total() - before, most, "{expand}");
        session.end().await;
    }
}

#[tokio::test]
async fn what_is_known_of_a_final_batch_costs_no_request() {
    let mut session = start("").await;
    let id = session.create(DIR_TEN, PARSE.0, PARSE.1).await;
    session.call("get_batch", json!({ "batch_id": id })).await.unwrap();
    let before = session.ledger().total();
    for expand in [json!([]), json!(["problems"]), json!(["outcomes"]), json!(["results"])] {
        session
            .call("get_batch", json!({ "batch_id": id, "expand": expand }))
            .await
            .unwrap();
    }
    assert_eq!(session.ledger().total(), before);
    session.end().await;
}

#[tokio::test]
async fn what_may_change_is_read_again() {
    let mut session = start("").await;
    let id = session.create(DIR_STRAGGLERS, PARSE.0, PARSE.1).await;
    session.outcomes(&id).await;
    let before = session.ledger();
    session.outcomes(&id).await;
    let ledger = session.ledger();
    let last = ledger.lines.last().unwrap();
    assert_eq!(ledger.total() - before.total(), 1, "only the jobs that had not ended");
    assert_eq!(last.matches("job_ids=").count(), 2, "{last}");
    session.end().await;
}

/// LlamaCloud may call a batch COMPLETED before it shows the results of its files.
#[tokio::test]
async fn a_completed_batch_without_results_is_read_again() {
    let result = json!({ "source_directory_file_id": "dfl-1", "job_reference": { "type": "parse_v2", "id": "pjb-1" } });
    let batch = |results: Value| json!({ "id": "bat-1", "status": "COMPLETED", "results": results });
    for missing in [json!([]), Value::Null] {
        let jobs = json!({ "items": [{ "id": "pjb-1", "status": "FAILED" }] });
        let replies = [batch(missing), batch(json!([result])), jobs];
        let upstream = Upstream::start(replies.map(|body| Reply::json("200 OK", "", &body.to_string()))).await;
        let mut harness = Setup::over(&upstream, &[]).open(Revision::V2025_06_18).await;
        let first = harness.call("get_batch", json!({ "batch_id": "bat-1" })).await.json();
        assert_eq!(first["files"]["failed"], Value::Null, "{first:#}");
        let second = harness.call("get_batch", json!({ "batch_id": "bat-1" })).await.json();
        assert_eq!(second["files"], json!({ "total": 1, "failed": 1 }), "{second:#}");
        harness.close(0).await;
    }
}

/// The batch; then the names and six lists of jobs at the same time; then the seven other lists.
#[tokio::test]
async fn the_first_page_of_a_thousand_files_takes_three_round_trips() {
    let result = |index: usize| {
        let job = json!({ "type": "parse_v2", "id": format!("pjb-aaaaaaaa-bbbb-cccc-dddd-{index:012}") });
        json!({ "source_directory_file_id": format!("dfl-{index}"), "job_reference": job })
    };
    let batch = json!({
        "id": "bat-1",
        "status": "COMPLETED",
        "source_directory_id": "dir-1",
        "results": (0..1000).map(result).collect::<Vec<_>>(),
    });
    let nothing = Reply::json("200 OK", "", r#"{"items":[]}"#).held();
    let upstream = Upstream::start([Reply::json("200 OK", "", &batch.to_string()), nothing]).await;
    let setup = Setup::over(&upstream, &[]);
    let mut harness = setup.open(Revision::V2025_06_18).await;
    let id = harness
        .ask_tool("get_batch", json!({ "batch_id": "bat-1", "expand": ["outcomes"] }))
        .await;
    for arrived in [8, 15] {
        upstream.arrived(arrived).await;
        for _ in 0..7 {
            upstream.release();
            harness.settle().await;
        }
    }
    assert_eq!(
        harness.said(&id).await.json()["files"],
        json!({ "total": 1000, "unknown": 1000 })
    );
    assert_eq!(upstream.lines().len(), 15);
    harness.close(0).await;
}

#[tokio::test]
async fn a_lookup_that_fails_costs_its_own_part_alone() {
    for (fault, completed, unknown, names, told) in [
        (
            "403@files",
            10,
            0,
            false,
            "The file names could not be read: this API key is not allowed to do that (403)",
        ),
        (
            "403@parse",
            0,
            10,
            true,
            "The statuses of the jobs could not be read: this API key is not allowed to do that (403)",
        ),
        ("html@parse:1", 10, 0, true, "all 10 files succeeded"),
    ] {
        let mut session = start("").await;
        let id = session.create(DIR_TEN, PARSE.0, PARSE.1).await;
        session.inject(fault);
        let answer = session
            .call("get_batch", json!({ "batch_id": id, "expand": ["outcomes"] }))
            .await
            .unwrap();
        assert!(
            answer["summary"].as_str().unwrap().contains(told),
            "{fault}: {}",
            answer["summary"]
        );
        assert_eq!(
            answer["files"]["completed"].as_u64().unwrap_or_default(),
            completed,
            "{fault}"
        );
        assert_eq!(
            answer["files"]["unknown"].as_u64().unwrap_or_default(),
            unknown,
            "{fault}"
        );
        for entry in answer["results"].as_array().unwrap() {
            assert_eq!(entry.get("name").is_some(), names, "{fault}: {entry}");
        }
        session.end().await;
    }
}

#[tokio::test]
async fn a_refused_list_of_jobs_is_not_asked_for_again_and_again() {
    let mut session = start("").await;
    let id = session.create(DIR_THOUSAND, PARSE.0, PARSE.1).await;
    session.inject("403@parse");
    let answer = session
        .call("get_batch", json!({ "batch_id": id, "expand": ["outcomes"] }))
        .await
        .unwrap();
    assert!(session.ledger().count("GET /api/v2/parse") <= 7);
    assert_eq!(answer["files"]["unknown"], 999);
    session.end().await;
}

#[tokio::test]
async fn a_cursor_survives_a_restart_and_fits_one_batch() {
    let mut session = Session::start(Speed::Instant, "", 3000).await;
    let (one, other) = (
        session.create(DIR_THOUSAND, PARSE.0, PARSE.1).await,
        session.create(DIR_TEN, PARSE.0, PARSE.1).await,
    );
    let page = session
        .call("get_batch", json!({ "batch_id": one, "expand": ["outcomes"] }))
        .await
        .unwrap();
    let cursor = &page["next_results_cursor"];
    for (batch, cursor) in [(&other, cursor.clone()), (&one, json!("bm9uZQ")), (&one, json!("%%"))] {
        let error = session
            .call("get_batch", json!({ "batch_id": batch, "results_cursor": cursor }))
            .await
            .unwrap_err();
        assert!(
            error.starts_with("`results_cursor`: it does not fit the files of this batch"),
            "{error}"
        );
    }
    let next = session
        .call("get_batch", json!({ "batch_id": one, "results_cursor": cursor }))
        .await
        .unwrap();
    assert_eq!(
        (&next["id"], &next["status"], &next["files"]),
        (&page["id"], &page["status"], &page["files"])
    );
    assert!(
        next["results"][0]["status"].is_string(),
        "the cursor implies what it was made for"
    );
    session.end().await;
}

#[tokio::test]
async fn directories_that_no_batch_can_run_over_are_refused_before_anything_is_sent() {
    let mut session = start("").await;
    for (directory, told) in [
        (DIR_EMPTY, "No batch was created: directory dir-empty has no files"),
        (
            DIR_OVERSIZED,
            "No batch was created: directory dir-oversized has more than 1,000 files",
        ),
    ] {
        let config = json!({ "job": { "type": PARSE.0, "configuration_id": PARSE.1 } });
        let arguments = json!({ "source_directory_id": directory, "config": config });
        let error = session.call("create_batch", arguments).await.unwrap_err();
        assert!(error.starts_with(told), "{error}");
    }
    assert_eq!(session.ledger().count("POST /api/v2/batches"), 0);
    session.inject("403@files");
    session.create(DIR_TEN, PARSE.0, PARSE.1).await;
    assert_eq!(session.ledger().batches, 1);
    session.end().await;
}

#[tokio::test]
async fn twenty_batches_fit_one_answer() {
    let mut session = start("").await;
    for _ in 0..12 {
        session.create(DIR_TEN, PARSE.0, PARSE.1).await;
        session.create(DIR_SMALL, "extract_v2", SAVED_EXTRACT).await;
    }
    let before = session.ledger().total();
    let list = session.call("list_batches", json!({})).await.unwrap();
    assert_eq!(session.ledger().total() - before, 1);
    assert_eq!(list["batches"].as_array().unwrap().len(), 20);
    assert!(list["in_common"]["project_id"].is_string() && list["next_page_token"].is_string());
    assert!(
        list["batches"]
            .as_array()
            .unwrap()
            .iter()
            .all(|batch| batch.get("project_id").is_none())
    );
    assert!(list.to_string().chars().count() <= 6000);
    session.end().await;
}
