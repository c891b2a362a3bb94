//! What was saved earlier is checked only while the call has time.

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use super::*;
use crate::files::{Forbidden, Output};
use crate::llamacloud::{Credential, Product, Settings};
use crate::mcp::{self, Json, RequestContext};
use crate::tools::Policy;
use crate::tools::account::Account;
use crate::tools::long_work::LongWork;

/// The API does not exist: whatever is read fails.
fn call() -> Call {
    call_to("http://127.0.0.1:9")
}

fn call_to(base_url: &str) -> Call {
    let credential = Credential::Key("llx-1".into());
    let base_url = base_url.parse().unwrap();
    let account = Account::new(Client::new(Settings::new(base_url, credential)), Policy::default());
    Call {
        context: Arc::new(RequestContext::alone()),
        scope: Scope::default(),
        deadline: account.deadline(),
        account: Arc::new(account),
    }
}

/// A batch of files. An earlier call has saved `a` as markdown, the job of `b` failed, and nothing is known of the others.
fn saving(call: &Call, output: &Output, files: &[&str], formats: &[Format]) -> Saving {
    let folder = output.folder("").unwrap().unwrap();
    let text = b"text\n";
    folder.save("a.md", "a", text).unwrap();
    let saved = SavedFile {
        path: "a.md".to_owned(),
        bytes: text.len() as u64,
        sha256: sha256_hex([text.as_slice()]),
    };
    let file = |id: &str| File {
        id: id.to_owned(),
        name: id.to_owned(),
        path: id.to_owned(),
        job: Ok((Product::Parse, format!("pjb-{id}").parse().unwrap())),
    };
    let entry = |id: &str, status: &str, saved: Option<SavedFile>| Entry {
        file_id: id.to_owned(),
        job_id: Some(format!("pjb-{id}")),
        status: status.to_owned(),
        saved: saved.into_iter().map(|saved| (Format::Markdown, saved)).collect(),
        ..Entry::default()
    };
    let known = [entry("a", "COMPLETED", Some(saved)), entry("b", "FAILED", None)];
    Saving {
        files: files.iter().map(|id| file(id)).collect(),
        known: known.map(|entry| (entry.file_id.clone(), entry)).into(),
        saver: Arc::new(Saver {
            client: call.account.client.clone(),
            scope: Scope::default(),
            batch_id: "bat-1".parse().unwrap(),
            batch_status: BatchStatus::Completed,
            job_type: JobType::ParseV2,
            formats: formats.to_vec(),
            folder: Arc::new(folder),
            deadline: call.deadline,
        }),
    }
}

/// Checks what a call that has this time or none for its work answers: `already_there`, failed files, `remaining`. Returns the manifest.
async fn check(has_time: bool, files: &[&str], formats: &[Format], expected: [usize; 3]) -> Option<Value> {
    let folder = tempfile::tempdir().unwrap();
    let path = std::fs::canonicalize(folder.path()).unwrap();
    let output = Output::open(&path, &Forbidden::default()).unwrap();
    let call = Arc::new(call());
    let saving = saving(&call, &output, files, formats);
    let own = Arc::clone(&call);
    let work = move |pace| async move {
        let pace = if has_time { pace } else { Pace::over() };
        let (summary, output) = saving.save(&own, pace).await?;
        assert_eq!(summary.contains("no time to check"), !has_time && expected[0] > 0);
        Json::of(&output)
    };
    let outcome = LongWork::new(TaskTracker::new()).run(&call, "Saving", work).await;
    let Ok(mcp::Outcome::Done(json)) = outcome else {
        panic!("not answered")
    };
    let answer: Value = serde_json::from_str(json.as_str()).unwrap();
    let failed = answer
        .get("failed")
        .map_or(0, |groups| groups.as_array().unwrap().len());
    assert_eq!(
        [&answer["already_there"], &json!(failed), &answer["remaining"]],
        expected.map(|count| json!(count)).each_ref(),
        "{answer:#}"
    );
    let manifest = std::fs::read(path.join(manifest::NAME)).ok()?;
    Some(serde_json::from_slice(&manifest).unwrap())
}

#[tokio::test]
async fn a_call_with_time_checks_what_was_saved() {
    check(true, &["a", "b"], &[Format::Markdown], [1, 1, 0]).await;
}

#[tokio::test]
async fn a_call_without_time_checks_nothing_and_says_what_remains() {
    check(false, &["a", "b", "c"], &[Format::Markdown], [1, 1, 1]).await;
}

#[tokio::test]
async fn what_was_saved_stays_in_the_manifest_until_its_file_is_read_again() {
    let manifest = check(false, &["a", "b", "c"], &[Format::Text], [0, 1, 2]).await;
    let manifest = manifest.unwrap();
    let files = manifest["files"].as_array().unwrap();
    assert_eq!(files.len(), 2, "{manifest:#}");
    assert_eq!(files[0]["saved"]["markdown"]["path"], json!("a.md"), "{manifest:#}");
}

/// The time of the reads before it counts: the call ends when the host expects it, or says why it cannot go on.
#[tokio::test]
async fn work_has_what_is_left_of_its_calls_time() {
    let until = async |call: &Call| {
        let work = |pace: Pace| async move { Json::of(&pace.until().elapsed().is_zero()) };
        let outcome = LongWork::new(TaskTracker::new())
            .run(call, "Saving results", work)
            .await;
        match outcome {
            Ok(mcp::Outcome::Done(json)) => json.as_str().to_owned(),
            Err(error) => error.text().to_owned(),
            Ok(_) => panic!("neither"),
        }
    };
    let mut call = call();
    assert_eq!(until(&call).await, "true");
    call.deadline -= call.account.policy.timeout * 8 / 9;
    let text = until(&call).await;
    assert!(
        text.starts_with("Saving results did not start") && text.contains("(45 s)"),
        "{text}"
    );
}

/// An upload tells a folder of results by its manifest, also after a save that was interrupted.
#[tokio::test]
async fn the_folder_is_marked_before_a_result_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = std::fs::canonicalize(folder.path()).unwrap();
    let output = Output::open(&path, &Forbidden::default()).unwrap();
    let api = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", api.local_addr().unwrap());
    let call = Arc::new(call_to(&base_url));
    let saving = saving(&call, &output, &["c"], &[Format::Markdown]);
    let own = Arc::clone(&call);
    let work = move |pace| async move { Json::of(&saving.save(&own, pace).await?.1) };
    let long_work = LongWork::new(TaskTracker::new());
    tokio::select! {
        _ = long_work.run(&call, "Saving", work) => panic!("nobody answers"),
        connected = api.accept() => drop(connected.unwrap()),
    }
    let text = std::fs::read(path.join(manifest::NAME)).unwrap();
    assert_eq!((manifest::MARK.saved_paths)(&text), Some(Vec::new()));
}

/// A batch that was cancelled may leave jobs that never start, which no repeated call can save.
#[tokio::test]
async fn a_job_that_never_starts_does_not_remain() {
    let folder = tempfile::tempdir().unwrap();
    let path = std::fs::canonicalize(folder.path()).unwrap();
    let output = Output::open(&path, &Forbidden::default()).unwrap();
    let mut saving = saving(&call(), &output, &["a"], &[Format::Markdown]);
    for (batch, job, ends) in [
        (BatchStatus::Cancelled, JobStatus::Pending, true),
        (BatchStatus::Cancelled, JobStatus::Running, false),
        (BatchStatus::Completed, JobStatus::Pending, false),
    ] {
        let saver = Arc::get_mut(&mut saving.saver).unwrap();
        saver.batch_status = batch;
        let document = Document {
            status: job,
            error: None,
            failed_pages: Vec::new(),
            credits: None,
            contents: Vec::new(),
        };
        match saver.store(&saving.files[0], Entry::default(), document).await {
            Outcome::Failed(entry) => assert!(
                ends && is_final_failure(&Entry {
                    job_id: Some(String::new()),
                    ..entry
                })
            ),
            Outcome::Unfinished => assert!(!ends),
            _ => panic!("neither"),
        }
    }
}
