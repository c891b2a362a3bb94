//! The client with more reads than may run at once.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::{
    Scope,
    client::MAX_AT_ONCE,
    test_server::{Reply, TestServer, reply},
    wire_tests::{create, get},
};

#[tokio::test]
async fn a_crowd_shares_few_connections() {
    let server = TestServer::start(|_, _| reply("200 OK", r#"{"id":"bat-1"}"#)).await;
    let client = server.client();
    let crowd = join_all((0..4 * MAX_AT_ONCE).map(|_| get(&client))).await;
    assert!(crowd.iter().all(Result::is_ok), "{crowd:?}");
    let connections = server.seen().iter().map(|seen| seen.connection).max();
    assert!(connections <= Some(MAX_AT_ONCE), "{connections:?}");
}

#[tokio::test]
async fn a_read_that_waits_too_long_for_its_turn_sends_nothing_and_a_create_does_not_wait() {
    let server = TestServer::start(|_, seen| {
        if seen.is_post() {
            reply("201 Created", r#"{"id":"bat-1"}"#)
        } else {
            Reply::Hang(Vec::new())
        }
    })
    .await;
    let client = server.client();
    let others = join_all((0..MAX_AT_ONCE).map(|_| get(&client)));
    let late = async {
        server.has_seen(MAX_AT_ONCE).await;
        let created = create(&client).await;
        let deadline = Instant::now() + Duration::from_millis(20);
        let id = "bat-1".parse().unwrap();
        let read = client.get_batch(&Scope::default(), &id, deadline).await;
        (created, read)
    };
    let (created, read) = tokio::select! {
        outcomes = late => outcomes,
        others = others => panic!("{others:?}"),
    };
    assert_eq!(created.unwrap().id, "bat-1");
    let error = read.unwrap_err();
    assert!(error.had_no_effect(), "{error}");
    assert_eq!(error.attempts(), 0, "{error}");
    assert_eq!(server.seen().len(), MAX_AT_ONCE + 1);
}
