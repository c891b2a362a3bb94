//! Earlier batches of the same work: which of them is the answer, and what has changed since.
//!
//! Each row has a server of its own. The same call is made in one process and then in a fresh one, which must find the same batch.

use serde_json::{Value, json};

use crate::api::Api;
use crate::matrix::{Fault, Listing};
use crate::process::Process;
use crate::rpc::Message;
use crate::verdict::Verdict;

/// The batch of the same work that was COMPLETED 30 hours ago.
const OLD: &str = "bat-old-1";

/// Calls once in each of two processes; the verdicts, and the text of the first answer.
async fn twice(api: &Api) -> (Verdict, Verdict, String) {
    api.go_ahead();
    let first = once(api, 1, &json!({})).await;
    let second = once(api, 2, &json!({})).await;
    (Verdict::of(&first), Verdict::of(&second), first.result().to_string())
}

async fn once(api: &Api, number: usize, more: &Value) -> Message {
    let mut process = Process::start(&api.url(), number).await.unwrap();
    process.create_with(1, more).await;
    process.answer(1).await.unwrap().unwrap()
}

async fn check_that_it_is_the_answer(api: &Api, id: &str) {
    let (first, second, text) = twice(api).await;
    let there = Verdict::AlreadyThere { id: id.to_owned() };
    assert_eq!((&first, &second), (&there, &there), "{text}");
    assert!(api.ledger().posts.is_empty());
}

async fn check_that_another_is_made(api: &Api, word: &str) {
    let (first, second, text) = twice(api).await;
    let [id] = api.ledger().made().try_into().unwrap();
    assert_eq!(
        (first, second),
        (Verdict::Created { id: id.clone() }, Verdict::AlreadyThere { id })
    );
    assert!(text.contains(OLD) && text.contains(word), "{text}");
}

async fn start(change: impl FnOnce(&mut crate::ledger::Ledger)) -> Api {
    let api = Api::start(Fault::None, Listing::Consistent).await;
    change(&mut api.ledger());
    api
}

#[tokio::test]
async fn it_runs() {
    let api = start(|_| ()).await;
    let id = api.ledger().add_running(600);
    check_that_it_is_the_answer(&api, &id).await;
}

#[tokio::test]
async fn it_is_completed_and_nothing_changed() {
    let api = start(crate::ledger::Ledger::nothing_changed).await;
    check_that_it_is_the_answer(&api, OLD).await;
}

#[tokio::test]
async fn it_is_completed_and_a_file_was_added() {
    check_that_another_is_made(&start(|_| ()).await, "1 file was added").await;
}

#[tokio::test]
async fn it_is_completed_and_its_configuration_was_changed() {
    let api = start(|ledger| {
        ledger.nothing_changed();
        ledger.configure_again();
    })
    .await;
    check_that_another_is_made(&api, "configuration cfg-chaos was changed").await;
}

#[tokio::test]
async fn it_is_completed_and_the_change_cannot_be_determined() {
    let no_files = start(|ledger| ledger.file_added = None).await;
    check_that_it_is_the_answer(&no_files, OLD).await;
    let no_configuration = start(|ledger| {
        ledger.nothing_changed();
        ledger.configured = None;
    })
    .await;
    check_that_it_is_the_answer(&no_configuration, OLD).await;
}

#[tokio::test]
async fn its_status_is_unknown() {
    let api = start(|_| ()).await;
    let id = api.ledger().add_old("EXPIRED", 600);
    check_that_it_is_the_answer(&api, &id).await;
}

#[tokio::test]
async fn the_list_cannot_be_read() {
    let api = Api::start(Fault::None, Listing::FailsBeforeThePost).await;
    let (first, second, text) = twice(&api).await;
    assert_eq!((first, second), (Verdict::NotCreated, Verdict::NotCreated));
    assert!(text.contains("allow_duplicate: true"), "{text}");
    assert!(api.ledger().posts.is_empty());
    let insisted = once(&api, 3, &json!({ "allow_duplicate": true })).await;
    let [id] = api.ledger().made().try_into().unwrap();
    assert_eq!(Verdict::of(&insisted), Verdict::Created { id });
}

#[tokio::test]
async fn two_calls_spell_the_project_in_two_ways() {
    let spellings = [
        json!({}),
        json!({ "project_id": "5a11ba5e-0000-4000-8000-00000000000a" }),
        json!({ "project_id": "5A11BA5E-0000-4000-8000-00000000000A" }),
        json!({ "organization_id": "5a11ba5e-0000-4000-8000-00000000000b" }),
    ];
    let api = Api::start(Fault::None, Listing::LagsLong).await;
    let mut process = Process::start(&api.url(), 1).await.unwrap();
    for (id, more) in (1..).zip(&spellings) {
        process.create_with(id, more).await;
    }
    process.has_read_all().await.unwrap();
    api.reached().await.unwrap();
    api.go().await;
    let mut ids = Vec::new();
    for id in 1..=4 {
        ids.extend(process.verdict(id).await.unwrap().id().map(str::to_owned));
    }
    process.create_with(5, &spellings[1]).await;
    ids.extend(process.verdict(5).await.unwrap().id().map(str::to_owned));
    let [made] = api.ledger().made().try_into().unwrap();
    assert_eq!(ids, [made.as_str(); 5]);
}

#[tokio::test]
async fn the_answer_to_the_post_is_about_another_directory() {
    let api = start(|ledger| ledger.answers_about_another = true).await;
    let (first, second, text) = twice(&api).await;
    let [id] = api.ledger().made().try_into().unwrap();
    assert_eq!(
        (first, second),
        (Verdict::Recovered { id: id.clone() }, Verdict::AlreadyThere { id }),
        "{text}"
    );
}
