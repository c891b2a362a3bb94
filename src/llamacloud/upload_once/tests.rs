//! The protocol against a server that loses answers.

mod directories;

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::*;
use crate::llamacloud::{
    ErrorKind,
    test_server::{Reply, Seen, TestServer, after, reply},
};

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(9)
}

fn directory_id() -> DirectoryId {
    DirectoryId::try_from("dir-1").unwrap()
}

fn file(path: &str) -> NewFile {
    NewFile {
        unique_id: path.to_owned(),
        name: path.rsplit('/').next().unwrap().to_owned(),
        sha256: "ab12".to_owned(),
        length: 5,
    }
}

/// A file of five bytes.
fn hello() -> Open {
    pieces(|| vec![Ok(b"hel".to_vec()), Ok(b"lo".to_vec())])
}

fn pieces(pieces: impl Fn() -> Vec<std::io::Result<Vec<u8>>> + Send + Sync + 'static) -> Open {
    Arc::new(move || {
        let (sender, receiver) = tokio::sync::mpsc::channel(8);
        for piece in pieces() {
            sender.try_send(piece).unwrap();
        }
        receiver
    })
}

fn policy() -> CreatePolicy {
    CreatePolicy {
        first_look: Duration::from_millis(1),
        longest_look: Duration::from_millis(4),
        reconcile_reserve: Duration::from_millis(400),
        ..CreatePolicy::default()
    }
}

struct Api {
    server: TestServer,
    uploads: UploadOnce,
}

impl Api {
    async fn start(handler: impl FnMut(usize, &Seen) -> Reply + Send + 'static) -> Self {
        Self::with(policy(), handler).await
    }

    async fn with(policy: CreatePolicy, handler: impl FnMut(usize, &Seen) -> Reply + Send + 'static) -> Self {
        let server = TestServer::start(handler).await;
        let uploads = UploadOnce::new(&server.client(), policy, TaskTracker::new());
        Self { server, uploads }
    }

    async fn store(&self, file: &NewFile, open: Open) -> Result<DirectoryFile, NotStored> {
        let stored = self
            .uploads
            .store(&Scope::default(), &directory_id(), file, open, soon(), Instant::now())
            .await;
        stored.expect("an outcome in time")
    }

    fn posts(&self) -> usize {
        self.server.seen().iter().filter(|seen| seen.is_post()).count()
    }
}

fn stored(path: &str) -> String {
    let metadata = serde_json::json!({ "sha256": "ab12", "other": 1 });
    serde_json::json!({ "id": "dfl-1", "unique_id": path, "display_name": path, "metadata": metadata }).to_string()
}

fn list(items: &str) -> Reply {
    reply("200 OK", format!(r#"{{"items":[{items}]}}"#))
}

#[tokio::test]
async fn a_file_is_sent_as_a_form_with_a_known_length() {
    let api = Api::start(|_, _| reply("201 Created", stored("a/x \"1\".pdf"))).await;
    let stored = api.store(&file("a/x \"1\".pdf"), hello()).await.unwrap();
    assert_eq!((stored.id.as_str(), stored.sha256()), ("dfl-1", Some("ab12")));
    let [seen] = &api.server.seen()[..] else { panic!() };
    assert!(
        seen.head
            .starts_with("POST /api/v1/beta/directories/dir-1/files/upload HTTP/1.1\n"),
        "{}",
        seen.head
    );
    let header = |name: &str| {
        seen.head
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap()
            .to_owned()
    };
    assert_eq!(header("content-length: "), seen.body.len().to_string());
    let boundary = header("content-type: multipart/form-data; boundary=");
    let part =
        |head: &str, body: &str| format!("--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n{body}\r\n");
    let expected = [
        part(r#"name="display_name""#, "a/x \"1\".pdf"),
        part(r#"name="metadata""#, r#"{"sha256":"ab12"}"#),
        part(r#"name="unique_id""#, "a/x \"1\".pdf"),
        part(
            "name=\"upload_file\"; filename=\"x %221%22.pdf\"\r\nContent-Type: application/octet-stream",
            "hello",
        ),
        format!("--{boundary}--\r\n"),
    ];
    assert_eq!(seen.body, expected.concat());
}

#[tokio::test]
async fn a_lost_answer_is_looked_up_and_the_file_not_sent_again() {
    let api = Api::start(|number, seen| match number {
        1 => Reply::Close(Vec::new()),
        2 | 3 => list(""),
        _ => {
            assert!(
                seen.head
                    .starts_with("GET /api/v1/beta/directories/dir-1/files?unique_id=x.pdf"),
                "{}",
                seen.head
            );
            // An API that ignores the filter.
            list(&[stored("y.pdf"), stored("x.pdf")].join(","))
        }
    })
    .await;
    assert_eq!(api.store(&file("x.pdf"), hello()).await.unwrap().unique_id, "x.pdf");
    assert_eq!(api.posts(), 1);
    // The list lags: what was stored is remembered.
    assert!(api.store(&file("x.pdf"), hello()).await.is_ok());
    assert_eq!(api.posts(), 1);
}

#[tokio::test]
async fn an_unknown_outcome_stays_unknown_until_the_list_shows_the_file() {
    let shown = Arc::new(AtomicUsize::new(0));
    let is_shown = Arc::clone(&shown);
    let api = Api::start(move |_, seen| {
        if seen.is_post() {
            return reply("503 Service Unavailable", "");
        }
        let items = if is_shown.load(Ordering::Relaxed) > 0 {
            stored("x.pdf")
        } else {
            String::new()
        };
        list(&items)
    })
    .await;
    for _ in 0..2 {
        assert!(matches!(
            api.store(&file("x.pdf"), hello()).await,
            Err(NotStored::Unknown(_))
        ));
    }
    shown.store(1, Ordering::Relaxed);
    assert!(api.store(&file("x.pdf"), hello()).await.is_ok());
    assert_eq!(api.posts(), 1);
}

#[tokio::test]
async fn an_unknown_outcome_expires_however_often_it_is_asked_for() {
    let policy = CreatePolicy {
        reconcile_reserve: Duration::from_millis(40),
        list_lag: Duration::from_millis(100),
        ..policy()
    };
    let api = Api::with(policy, |_, seen| {
        if seen.is_post() {
            reply("503 Service Unavailable", "")
        } else {
            list("")
        }
    })
    .await;
    for _ in 0..20 {
        let outcome = api.store(&file("x.pdf"), hello()).await;
        assert!(matches!(outcome, Err(NotStored::Unknown(_))));
        if api.posts() > 1 {
            return;
        }
    }
    panic!("the file is never sent again");
}

#[tokio::test]
async fn what_surely_had_no_effect_is_sent_again_from_the_start() {
    let api = Api::start(|number, _| match number {
        1 => reply("429 Too Many Requests\nretry-after-ms: 1", ""),
        _ => reply("201 Created", stored("x.pdf")),
    })
    .await;
    assert!(api.store(&file("x.pdf"), hello()).await.is_ok());
    let seen = api.server.seen();
    assert!(seen.len() == 2 && seen.iter().all(|seen| seen.body.contains("hello")));
}

#[tokio::test]
async fn a_refusal_is_final_and_a_conflict_is_looked_into() {
    let api = Api::start(|_, seen| match seen {
        seen if !seen.is_post() => list(&stored("x.pdf")),
        seen if seen.body.contains("x.pdf") => reply("409 Conflict", ""),
        seen if seen.body.contains("large") => reply("413 Content Too Large", ""),
        _ => reply("422 Unprocessable Content", r#"{"detail":"no such type"}"#),
    })
    .await;
    assert!(api.store(&file("x.pdf"), hello()).await.is_ok());
    let refusal = |outcome| match outcome {
        Err(NotStored::Refused(error)) => error.kind().clone(),
        _ => panic!("not refused"),
    };
    let large = refusal(api.store(&file("large.pdf"), hello()).await);
    assert!(matches!(large, ErrorKind::TooLarge), "{large:?}");
    let other = refusal(api.store(&file("z.pdf"), hello()).await);
    assert!(matches!(other, ErrorKind::Rejected { status: 422, .. }), "{other:?}");
    assert_eq!(api.posts(), 3);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_whole_is_never_received_whole() {
    let api = Api::start(|_, _| reply("201 Created", stored("x.pdf"))).await;
    let fails = || vec![Ok(b"hel".to_vec()), Err(std::io::ErrorKind::Other.into())];
    let short = || vec![Ok(b"hel".to_vec())];
    let long = || vec![Ok(b"hello and more".to_vec())];
    for open in [pieces(fails), pieces(short), pieces(long)] {
        assert!(matches!(
            api.store(&file("x.pdf"), open).await,
            Err(NotStored::Source(_))
        ));
    }
    assert_eq!(api.server.seen(), [], "no request was whole");
    assert!(
        api.store(&file("x.pdf"), hello()).await.is_ok(),
        "and it can be sent later"
    );
}

#[tokio::test]
async fn calls_at_the_same_time_share_one_upload() {
    let api = Api::start(|_, _| after(Duration::from_millis(20), reply("201 Created", stored("x.pdf")))).await;
    let file = file("x.pdf");
    let (one, other) = tokio::join!(api.store(&file, hello()), api.store(&file, hello()));
    assert!(one.is_ok() && other.is_ok());
    assert_eq!(api.posts(), 1);
}

/// A call that takes long sends files that another call may have stored since it read the list.
#[tokio::test]
async fn the_list_is_asked_again_where_it_was_read_long_ago() {
    let long_ago = CreatePolicy {
        list_lag: Duration::ZERO,
        ..policy()
    };
    for (answer, posts) in [("stored", 0), ("nothing", 1), ("failure", 0)] {
        let api = Api::with(long_ago.clone(), move |_, seen| match answer {
            _ if seen.is_post() => reply("201 Created", stored("x.pdf")),
            "stored" => list(&stored("x.pdf")),
            "nothing" => list(""),
            _ => reply("403 Forbidden", ""),
        })
        .await;
        let outcome = api.store(&file("x.pdf"), hello()).await;
        assert_eq!((outcome.is_ok(), api.posts()), (answer != "failure", posts), "{answer}");
    }
}

#[tokio::test]
async fn a_call_for_another_content_of_a_file_does_not_take_the_outcome_of_the_first() {
    let api = Api::start(|_, _| after(Duration::from_millis(20), reply("201 Created", stored("x.pdf")))).await;
    let (scope, directory_id) = (Scope::default(), directory_id());
    let changed = NewFile {
        sha256: "cd34".to_owned(),
        ..file("x.pdf")
    };
    let second = api
        .uploads
        .store(&scope, &directory_id, &changed, hello(), soon(), Instant::now());
    let first = file("x.pdf");
    let (first, second) = tokio::join!(api.store(&first, hello()), second);
    assert!(first.is_ok() && second.is_none());
    assert_eq!(api.posts(), 1);
}

#[tokio::test]
async fn an_upload_goes_on_beyond_its_call_and_the_next_call_joins_it() {
    let api = Api::start(|_, _| after(Duration::from_secs(2), reply("201 Created", stored("x.pdf")))).await;
    let (file, scope) = (file("x.pdf"), Scope::default());
    let directory_id = directory_id();
    let store = |deadline| {
        api.uploads
            .store(&scope, &directory_id, &file, hello(), deadline, Instant::now())
    };
    assert!(store(Instant::now()).await.is_none());
    assert!(store(soon()).await.unwrap().is_ok());
    assert_eq!(api.posts(), 1);
}

#[tokio::test]
async fn an_answer_about_another_file_is_no_success() {
    let api = Api::start(|_, seen| {
        if seen.is_post() {
            reply("201 Created", stored("other.pdf"))
        } else {
            list("")
        }
    })
    .await;
    assert!(matches!(
        api.store(&file("x.pdf"), hello()).await,
        Err(NotStored::Unknown(_))
    ));
}
