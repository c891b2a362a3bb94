//! How long the answers about a batch's files are, beside the API's own, as a table in Markdown; and how long the longest takes.
//!
//! `cargo run --example answer_sizes`
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a program for developers, whose output is the table"
)]

#[path = "../../tests/support/rpc.rs"]
#[expect(dead_code, reason = "a legacy session that is asked nothing")]
mod rpc;
mod session;
#[path = "../../tests/support/tools.rs"]
mod tools;

use std::time::Instant;

use llamacloud_batches_mcp::sandbox::{DIR_HUNDRED, DIR_ONE, DIR_TEN, DIR_THOUSAND, PRESET_PARSE, Speed};
use serde_json::Value;
use session::Session;
use tools::Tools;

const MAX_RESULT_CHARS: usize = 6000;
const ROUND_TRIP_MS: u32 = 500;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    println!("| files | what | characters | tokens | answers | requests to the API |");
    println!("|---:|---|---:|---:|---:|---:|");
    for (files, directory) in [
        ("1", DIR_ONE),
        ("10", DIR_TEN),
        ("100", DIR_HUNDRED),
        ("1,000", DIR_THOUSAND),
    ] {
        let mut session = Session::start(Speed::Instant, "", MAX_RESULT_CHARS).await;
        let id = session.create(directory, "parse_v2", PRESET_PARSE).await;
        let raw = raw(&session, &id).await;
        row(files, "API's own body, `expand=results`", &[raw], 1);
        for expand in ["results", "outcomes"] {
            // What is known of a final batch costs no request: each row has a batch of its own.
            let id = session.create(directory, "parse_v2", PRESET_PARSE).await;
            let before = session.sandbox.ledger().total();
            let first = session.call("get_batch", serde_json::json!({ "batch_id": id, "expand": [expand] }));
            let first = first.await.unwrap().to_string();
            let requests = session.sandbox.ledger().total() - before;
            row(files, &format!("`{expand}`, first page"), &[first], requests);
            let id = session.create(directory, "parse_v2", PRESET_PARSE).await;
            let before = session.sandbox.ledger().total();
            let pages = session.pages(&id, expand).await;
            let requests = session.sandbox.ledger().total() - before;
            let pages: Vec<String> = pages.iter().map(Value::to_string).collect();
            row(files, &format!("`{expand}`, all pages"), &pages, requests);
        }
        if directory == DIR_THOUSAND {
            let id = session.create(directory, "parse_v2", PRESET_PARSE).await;
            let round_trips = round_trips(&mut session, &id).await;
            println!();
            println!(
                "`outcomes` of 1,000 files take {round_trips:.1} times as long as one request to the API ({ROUND_TRIP_MS} ms)."
            );
        }
    }
}

/// How many round trips the first page of the outcomes takes.
async fn round_trips(session: &mut Session, batch_id: &str) -> f64 {
    let fault = format!("slow={ROUND_TRIP_MS}").parse().unwrap();
    session.sandbox.inject(fault);
    let begun = Instant::now();
    session.outcomes(batch_id).await;
    begun.elapsed().as_secs_f64() * 1000.0 / f64::from(ROUND_TRIP_MS)
}

/// The body of the API's answer, byte for byte.
async fn raw(session: &Session, batch_id: &str) -> String {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!(
        "{}/api/v2/batches/{batch_id}?expand=results",
        session.sandbox.base_url()
    );
    let answer = client
        .get(url)
        .bearer_auth(session.sandbox.api_key())
        .send()
        .await
        .unwrap();
    answer.text().await.unwrap()
}

/// Tokens are estimated, as a quarter of the bytes.
fn row(files: &str, what: &str, answers: &[String], requests: usize) {
    let chars: usize = answers.iter().map(|answer| answer.chars().count()).sum();
    let tokens = answers.iter().map(String::len).sum::<usize>() / 4;
    let answers = answers.len();
    println!(
        "| {files} | {what} | {} | {} | {answers} | {requests} |",
        grouped(chars),
        grouped(tokens)
    );
}

fn grouped(number: usize) -> String {
    match (number / 1000, number % 1000) {
        (0, rest) => rest.to_string(),
        (thousands, rest) => format!("{},{rest:03}", grouped(thousands)),
    }
}
