//! The client with more to do than it does at once.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::{
    Scope,
    client::MAX_AT_ONCE,
    test_server::{Act, TestServer, reply},
    wire_tests::{create_request, get},
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
async fn who_waits_too_long_for_a_turn_has_sent_nothing() {
    let server = TestServer::start(|_, _| Act::Hang(Vec::new())).await;
    let client = server.client();
    let others = join_all((0..MAX_AT_ONCE).map(|_| get(&client)));
    let late = async {
        server.has_seen(MAX_AT_ONCE).await;
        let deadline = Instant::now() + Duration::from_millis(20);
        let batches = client.batches();
        batches.create(&Scope::default(), &create_request(), deadline).await
    };
    let error = tokio::select! {
        error = late => error.unwrap_err(),
        others = others => panic!("{others:?}"),
    };
    assert!(error.had_no_effect(), "{error}");
    assert_eq!(error.attempts(), 0, "{error}");
    assert!(!server.seen().iter().any(super::test_server::Seen::is_post));
}
