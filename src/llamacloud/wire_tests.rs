//! The client against an upstream that is written byte by byte: what it sends, when it gives up, what it reads.

use std::time::Duration;

use expect_test::expect;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::Instant,
};

use super::{
    Batch, BatchConfig, BatchId, BatchStatus, Client, CreateBatch, Credential, Error, ErrorKind, JobType, ListBatches,
    NewJob, Scope, Settings, Window,
    test_server::{KEY, Reply, Seen, TestServer, after, reply},
};

const BATCH: &str = r#"{"id":"bat-1","project_id":"prj-1","source_directory_id":"dir-1",
    "config":{"job":{"type":"parse_v2","configuration_id":"cfg-PARSE_AGENTIC"}},"status":"PENDING"}"#;

pub(super) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

pub(super) fn create_request() -> CreateBatch {
    CreateBatch {
        source_directory_id: "dir-1".parse().unwrap(),
        config: BatchConfig {
            job: NewJob {
                job_type: JobType::ParseV2,
                configuration_id: "cfg-PARSE_AGENTIC".parse().unwrap(),
            },
        },
    }
}

pub(super) async fn get(client: &Client) -> Result<Batch, Error> {
    get_until(client, soon()).await
}

pub(super) async fn get_until(client: &Client, deadline: Instant) -> Result<Batch, Error> {
    let id = "bat-1".parse().unwrap();
    client.get_batch(&Scope::default(), &id, deadline).await
}

pub(super) async fn create(client: &Client) -> Result<Batch, Error> {
    create_until(client, soon()).await
}

pub(super) async fn create_until(client: &Client, deadline: Instant) -> Result<Batch, Error> {
    client
        .create_batch(&Scope::default(), &create_request(), deadline)
        .await
}

/// The heads and bodies, without what differs from run to run.
fn transcript(server: &TestServer) -> String {
    let texts = server
        .seen()
        .into_iter()
        .map(|Seen { head, body, .. }| format!("{head}\n{body}"));
    texts
        .collect::<Vec<_>>()
        .join("\n")
        .replace(&server.port.to_string(), "PORT")
        .replace(KEY, "KEY")
}

#[tokio::test]
async fn the_exact_requests() {
    let server = TestServer::start(|_, request| {
        let list = request.head.starts_with("GET /prefix/api/v2/batches?");
        reply("200 OK", if list { r#"{"items":[]}"# } else { BATCH })
    })
    .await;
    let mut settings = server.settings();
    settings.base_url = settings.base_url.join("/prefix/").unwrap();
    let client = Client::new(settings);
    let scope = Scope {
        project_id: Some("p-1".parse().unwrap()),
        organization_id: Some("o-1".parse().unwrap()),
    };
    let id: BatchId = "bat-1".parse().unwrap();
    let query = ListBatches {
        status: Some(BatchStatus::Running),
        source_directory_id: Some("dir-1".parse().unwrap()),
        created_at_on_or_after: Some("2026-11-24T01:00:00+01:00".parse().unwrap()),
        created_at_on_or_before: Some("2026-11-25T00:00:00.5Z".parse().unwrap()),
        window: Window {
            page_size: Some(20),
            page_token: Some("a b/+=&#é".to_owned()),
        },
    };
    client.create_batch(&scope, &create_request(), soon()).await.unwrap();
    client.list_batches(&scope, &query, soon()).await.unwrap();
    client.get_batch_with_results(&scope, &id, soon()).await.unwrap();
    client.cancel_batch(&Scope::default(), &id, soon()).await.unwrap();
    expect![[r#"
        POST /prefix/api/v2/batches?project_id=p-1&organization_id=o-1 HTTP/1.1
        accept: application/json
        authorization: Bearer KEY
        content-type: application/json
        user-agent: tests/1
        accept-encoding: gzip
        host: 127.0.0.1:PORT
        content-length: 107
        {"source_directory_id":"dir-1","config":{"job":{"type":"parse_v2","configuration_id":"cfg-PARSE_AGENTIC"}}}
        GET /prefix/api/v2/batches?project_id=p-1&organization_id=o-1&page_size=20&page_token=a+b%2F%2B%3D%26%23%C3%A9&created_at_on_or_after=2026-11-24T00%3A00%3A00Z&created_at_on_or_before=2026-11-25T00%3A00%3A00.5Z&status=RUNNING&source_directory_id=dir-1 HTTP/1.1
        accept: application/json
        authorization: Bearer KEY
        user-agent: tests/1
        accept-encoding: gzip
        host: 127.0.0.1:PORT

        GET /prefix/api/v2/batches/bat-1?project_id=p-1&organization_id=o-1&expand=results HTTP/1.1
        accept: application/json
        authorization: Bearer KEY
        user-agent: tests/1
        accept-encoding: gzip
        host: 127.0.0.1:PORT

        POST /prefix/api/v2/batches/bat-1/cancel HTTP/1.1
        accept: application/json
        authorization: Bearer KEY
        content-length: 0
        user-agent: tests/1
        accept-encoding: gzip
        host: 127.0.0.1:PORT
    "#]].assert_eq(&transcript(&server));
}

#[tokio::test]
async fn unset_parameters_are_left_out() {
    let server = TestServer::start(|_, _| reply("200 OK", r#"{"items":[]}"#)).await;
    let client = server.client();
    client
        .list_batches(&Scope::default(), &ListBatches::default(), soon())
        .await
        .unwrap();
    assert!(
        server.seen()[0].head.starts_with("GET /api/v2/batches HTTP/1.1\n"),
        "{:?}",
        server.seen()
    );
}

#[tokio::test]
async fn reads_keep_a_connection_and_creates_never_reuse_one() {
    let server = TestServer::start(|_, _| reply("200 OK", BATCH)).await;
    let client = server.client();
    for _ in 0..3 {
        get(&client).await.unwrap();
        create(&client.clone()).await.unwrap();
    }
    let connections: Vec<_> = server
        .seen()
        .iter()
        .map(|seen| (seen.is_post(), seen.connection))
        .collect();
    assert_eq!(
        connections,
        [(false, 1), (true, 2), (false, 1), (true, 3), (false, 1), (true, 4)]
    );
}

#[tokio::test]
async fn a_slow_answer_is_in_time_and_a_dropped_read_leaves_nothing_behind() {
    let server = TestServer::start(|number, _| match number {
        1 => Reply::Hang(Vec::new()),
        _ => after(Duration::from_millis(20), reply("200 OK", BATCH)),
    });
    let server = server.await;
    let client = server.client();
    let dropped = tokio::spawn({
        let client = client.clone();
        async move { get(&client).await }
    });
    server.has_seen(1).await;
    dropped.abort();
    assert!(dropped.await.unwrap_err().is_cancelled());
    assert_eq!(get(&client).await.unwrap().id, "bat-1");
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn failures_heal_and_attempts_are_counted() {
    let server = TestServer::start(|number, _| match number {
        1 => reply("429 Too Many Requests\nretry-after: 0.001", ""),
        2 => Reply::Close(Vec::new()),
        _ => reply("200 OK\nserver: llamacloud-sandbox/1", BATCH),
    })
    .await;
    let client = server.client();
    assert!(!client.is_sandbox());
    assert_eq!(get(&client).await.unwrap().id, "bat-1");
    assert!(client.is_sandbox());
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn a_wait_beyond_the_deadline_is_not_begun() {
    let server = TestServer::start(|_, _| reply("429 x\nretry-after: 3600", "")).await;
    let begun = Instant::now();
    let error = create(&server.client()).await.unwrap_err();
    assert_eq!(
        error.kind(),
        &ErrorKind::RateLimited {
            retry_after: Some(Duration::from_hours(1))
        }
    );
    assert!(begun.elapsed() < Duration::from_secs(2) && error.attempts() == 1);
}

#[tokio::test]
async fn the_deadline_ends_everything() {
    let server = TestServer::start(|_, _| Reply::Hang(Vec::new())).await;
    let client = server.client();
    let id = "bat-1".parse().unwrap();
    let deadline = Instant::now() + Duration::from_millis(50);
    let get = |deadline| async move { client.get_batch(&Scope::default(), &id, deadline).await };
    let error = get.clone()(deadline).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (&ErrorKind::TimedOut, 1));
    let error = get(Instant::now()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts(), error.had_no_effect()),
        (&ErrorKind::TimedOut, 0, true)
    );
}

/// If the last attempt times out, a read reports the answer to the attempt before it. A create reports the timeout, because its
/// last attempt may have had an effect.
#[tokio::test]
async fn the_end_of_a_read_does_not_hide_what_the_api_said_before() {
    let server = TestServer::start(|number, _| match number {
        1 => reply("500 x", ""),
        _ => Reply::Hang(Vec::new()),
    });
    let time = || Instant::now() + Duration::from_millis(if cfg!(windows) { 1000 } else { 200 });
    let error = get_until(&server.await.client(), time()).await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Unavailable { status: 500, .. }),
        "{error}"
    );
    assert!(error.attempts() > 1, "{error}");
    let server = TestServer::start(|number, _| match number {
        1 => reply("429 x", ""),
        _ => Reply::Hang(Vec::new()),
    });
    let error = create_until(&server.await.client(), time()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts(), error.had_no_effect()),
        (&ErrorKind::TimedOut, 2, false)
    );
}

#[tokio::test]
async fn no_connection_is_tried_again_by_both_methods() {
    let server = TestServer::start(|_, _| Reply::Close(Vec::new())).await;
    let mut settings = server.settings();
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    settings.base_url.set_port(Some(free)).unwrap();
    let client = Client::new(settings);
    for error in [get(&client).await.unwrap_err(), create(&client).await.unwrap_err()] {
        assert_eq!((error.kind(), error.attempts()), (&ErrorKind::Unreachable, 3));
        assert!(
            error.had_no_effect() && error.reason().unwrap().starts_with("Connection refused"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_peer_that_does_not_speak_tls_is_not_trusted() {
    let server = TestServer::start(|_, _| Reply::Close(Vec::new())).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let peer = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_buf(&mut Vec::with_capacity(4096)).await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    });
    let mut settings = server.settings();
    settings.base_url = format!("https://localhost:{port}").parse().unwrap();
    settings.connect_timeout = Duration::from_secs(3);
    let error = create(&Client::new(settings)).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts(), error.had_no_effect()),
        (&ErrorKind::Tls(super::error_kind::TlsProblem::Other), 1, true),
        "{error}"
    );
    peer.await.unwrap();
}

#[tokio::test]
async fn the_key_goes_over_https_only() {
    let settings = Settings::new("http://api.example".parse().unwrap(), Credential::Key(KEY.into()));
    let error = get(&Client::new(settings)).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (&ErrorKind::Unreachable, 1));
    assert!(error.reason().unwrap().contains("https is required"), "{error}");
}

#[tokio::test]
async fn without_a_usable_key_nothing_is_sent() {
    let server = TestServer::start(|_, _| reply("200 OK", BATCH)).await;
    let missing = Credential::Missing {
        reason: "LLAMA_CLOUD_API_KEY is not set".to_owned(),
    };
    let control = "it holds characters that no API key has, such as a space, a line break or a typographic quote";
    for (credential, expected) in [
        (missing, "LLAMA_CLOUD_API_KEY is not set"),
        (Credential::Key("".into()), "it is empty"),
        (Credential::Key("llx-a\nb".into()), control),
        (Credential::Key("llx-é".into()), control),
    ] {
        let error = create(&Client::new(Settings {
            credential,
            ..server.settings()
        }))
        .await
        .unwrap_err();
        assert_eq!(
            error.kind(),
            &ErrorKind::MissingKey {
                reason: expected.to_owned()
            }
        );
        assert_eq!((error.attempts(), error.had_no_effect()), (0, true));
    }
    assert_eq!(server.seen(), []);
    assert!(!format!("{:?}", server.settings()).contains(KEY));
}

#[tokio::test]
async fn reading_is_lenient() {
    let check = async |body: &'static str, expected: &str| {
        let server = TestServer::start(move |_, _| reply("200 OK", body)).await;
        let batch = get(&server.client()).await.unwrap();
        assert_eq!(
            format!("{} {} {}", batch.id, batch.status, batch.status.is_final()),
            expected,
            "{body}"
        );
        batch
    };
    let batch = check(BATCH, "bat-1 PENDING false").await;
    assert_eq!(batch.config.job.job_type, JobType::ParseV2);
    assert_eq!(batch.config.job.configuration_id, "cfg-PARSE_AGENTIC");
    check(r#"{"id":"bat-1","status":"ARCHIVED"}"#, "bat-1 ARCHIVED false").await;
    check(r#"{"id":"bat-1","status":7}"#, "bat-1 7 false").await;
    check(r#"{"id":"bat-1","status":null}"#, "bat-1  false").await;
    check(r#"{"id":"bat-1","status":{"a":[1]}}"#, "bat-1 an object false").await;
    check(r#"{"id":"bat-1"}"#, "bat-1  false").await;
    let odd = r#"{"id":"bat-1","status":"FAILED","config":null,"created_at":1,"project_id":{},"source_directory_id":[],"new":1,"results":[{"source_directory_file_id":"f","job_reference":{"type":"x_v9","id":"j"},"error_message":null},{"error_message":"e"}]}"#;
    let batch = check(odd, "bat-1 FAILED true").await;
    assert_eq!(batch.config.job.job_type, JobType::Other(String::new()));
    let results = batch.results.unwrap();
    assert_eq!(results[0].job_reference.as_ref().unwrap().job_type.as_str(), "x_v9");
    assert_eq!(results[1].error_message.as_deref(), Some("e"));
    let half_a_character = r#"{"id":"bat-1","project_id":"\ud800","results":[{"error_message":"\udc00"}]}"#;
    let batch = check(half_a_character, "bat-1  false").await;
    assert_eq!(
        (batch.project_id, batch.results.unwrap()[0].error_message.as_deref()),
        (None, None)
    );
}

#[tokio::test]
async fn an_empty_page_token_ends_the_list() {
    let server = TestServer::start(|number, _| {
        let token = if number == 1 { r#""next""# } else { r#""""# };
        let body = format!(r#"{{"items":[{BATCH}],"next_page_token":{token},"total_size":null}}"#);
        reply("200 OK", body)
    })
    .await;
    let client = server.client();
    let list = async || {
        client
            .list_batches(&Scope::default(), &ListBatches::default(), soon())
            .await
            .unwrap()
    };
    let page = list().await;
    assert_eq!(page.items[0].id, "bat-1");
    assert_eq!(page.next_page_token.as_deref(), Some("next"));
    assert_eq!(list().await.next_page_token, None);
}
