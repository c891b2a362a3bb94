//! Every kind of bad answer: its error kind, how often it was requested, whether a POST certainly had no effect.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use tokio::time::Instant;

use super::{
    ErrorKind, Scope,
    test_server::{KEY, Reply, TestServer, reply},
    wire_tests::{create_until, get, get_until, soon},
};

/// What follows the bytes of a bad answer.
#[derive(Debug, Clone, Copy)]
enum Then {
    Wait,
    Close,
    Hang,
    Endless,
}
use Then::{Close, Endless, Hang, Wait};

/// How often GET and POST request a bad answer, and whether a POST certainly had no effect.
#[derive(Debug, Clone, Copy)]
enum Sent {
    OnceInVain,
    OnceWhoKnows,
    OnceByPost,
    AgainInVain,
}
use Sent::{AgainInVain, OnceByPost, OnceInVain, OnceWhoKnows};

async fn check_bad(then: Then, bytes: &[u8], sent: Sent, expected: &str) {
    let (gets, posts, no_effect) = match sent {
        OnceInVain => (1, 1, true),
        OnceWhoKnows => (1, 1, false),
        OnceByPost => (3, 1, false),
        AgainInVain => (3, 3, true),
    };
    for (post, hits) in [(false, gets), (true, posts)] {
        let bytes = bytes.to_vec();
        let server = TestServer::start(move |_, _| match then {
            Wait => Reply::Keep(bytes.clone()),
            Close => Reply::Close(bytes.clone()),
            Hang => Reply::Hang(bytes.clone()),
            Endless => Reply::Endless(bytes.clone()),
        });
        let server = server.await;
        let limit = Duration::from_millis(match then {
            // Windows resolves a name more slowly.
            Hang if cfg!(windows) => 1000,
            Hang => 200,
            _ => 4000,
        });
        let (client, deadline) = (server.client(), Instant::now() + limit);
        let result = if post {
            create_until(&client, deadline).await
        } else {
            get_until(&client, deadline).await
        };
        let error = result.unwrap_err();
        assert_eq!(error.cause(), expected);
        assert_eq!(
            (server.seen().len(), error.attempts()),
            (hits, u32::try_from(hits).unwrap()),
            "{error}"
        );
        assert!(!post || error.had_no_effect() == no_effect, "{error}");
        assert_eq!(
            error.request(),
            if post {
                "POST /api/v2/batches"
            } else {
                "GET /api/v2/batches/{id}"
            }
        );
        assert!(!format!("{error} {error:?} {client:?}").contains(KEY));
    }
}

#[tokio::test]
async fn every_refusal() {
    let check = async |head: &str, body: &str, sent: Sent, expected: &str| {
        let bytes = format!(
            "HTTP/1.1 {}\r\nconnection: close\r\n\r\n{body}",
            head.replace('\n', "\r\n")
        );
        check_bad(Close, bytes.as_bytes(), sent, expected).await;
    };
    let body = format!(r#"{{"detail":"Invalid authentication token {KEY}"}}"#);
    let expected = r#"127.0.0.1 rejected the API key (401): "Invalid authentication token [API key]""#;
    check("401 x", &body, OnceInVain, expected).await;
    check("402 x", "", OnceInVain, "the account has no credits left (402)").await;
    check(
        "403 x",
        r#"{"detail":"no"}"#,
        OnceInVain,
        r#"this API key is not allowed to do that (403): "no""#,
    )
    .await;
    check(
        "404 x",
        r#"{"details":"no"}"#,
        OnceInVain,
        r#"LlamaCloud found nothing with that ID in this project (404): "no""#,
    )
    .await;
    check("409 x", "", OnceInVain, "the current state does not allow this (409)").await;
    check("413 x", "", OnceInVain, "the request is too large for LlamaCloud (413)").await;
    let body = r#"{"detail":[{"loc":["query","status"],"msg":"odd","type":"t","input":"secret"}]}"#;
    check(
        "422 x",
        body,
        OnceInVain,
        r#"LlamaCloud rejected the request (422): query.status "odd""#,
    )
    .await;
    check(
        "418 x",
        "short and stout",
        OnceInVain,
        r#"LlamaCloud rejected the request (418): "short and stout""#,
    )
    .await;
    check("408 x", "", OnceByPost, "LlamaCloud has an internal problem (408)").await;
    check(
        "429 x",
        r#"{"detail":"slow"}"#,
        AgainInVain,
        r#"too many requests for the account's plan (429): "slow""#,
    )
    .await;
    let body = r#"{"detail":"Oops! ID: 32763f53-0000-4000-8000-000000000000."}"#;
    let expected = r#"LlamaCloud has an internal problem (500): "Oops! ID: 32763f53-0000-4000-8000-000000000000.""#;
    check("500 x", body, OnceByPost, expected).await;
    check(
        "502 x",
        "<html>Bad Gateway</html>",
        OnceByPost,
        "a proxy, firewall or login page answered in place of LlamaCloud, with a web page (502)",
    )
    .await;
    check(
        "503 x\nretry-after-ms: 1",
        "",
        OnceByPost,
        "LlamaCloud has an internal problem (503)",
    )
    .await;
    let head = "307 x\nlocation: https://u:p@login.example/x?y";
    check(
        head,
        "",
        OnceInVain,
        r#"127.0.0.1 answered with a redirect to "login.example", which is never followed with an API key"#,
    )
    .await;
    check(
        "303 x\nlocation: /x",
        "",
        OnceWhoKnows,
        "127.0.0.1 answered with a redirect, which is never followed with an API key",
    )
    .await;
}

#[tokio::test]
async fn every_broken_exchange() {
    check_bad(
        Close,
        b"",
        OnceByPost,
        r#"127.0.0.1 could not be reached, or the connection broke: "connection closed before message completed""#,
    )
    .await;
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"id\":";
    check_bad(
        Close,
        cut,
        OnceByPost,
        r#"127.0.0.1 could not be reached, or the connection broke: "end of file before message length reached""#,
    )
    .await;
    check_bad(
        Wait,
        b"SSH-2.0-x\r\n\r\n",
        OnceByPost,
        r#"127.0.0.1 could not be reached, or the connection broke: "invalid HTTP version parsed""#,
    )
    .await;
    check_bad(Hang, b"", OnceWhoKnows, "127.0.0.1 did not answer in time").await;
    check_bad(Hang, cut, OnceByPost, "127.0.0.1 did not answer in time").await;
    let endless = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    check_bad(Endless, endless, OnceWhoKnows, "the response is larger than 64 KiB").await;
}

#[tokio::test]
async fn every_unreadable_success() {
    let check = async |body: &str, expected: &str| {
        let bytes = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{body}");
        check_bad(
            Close,
            bytes.as_bytes(),
            OnceWhoKnows,
            &format!(r#"the response of 127.0.0.1 does not match the LlamaCloud API: "{expected}""#),
        )
        .await;
    };
    check(r#"{"detail":"missing"}"#, "no `id`").await;
    check(
        r#"{"id":"b","results":"secret"}"#,
        "unexpected type of value in results",
    )
    .await;
    check(r#"{"id":"b","results":[7]}"#, "unexpected type of value in results[0]").await;
    check("not JSON", "not JSON").await;
    check("{\"id\":", "JSON that ends early").await;
    check("", "JSON that ends early").await;
    check(r#"{"id":"b"} {"id":"b"}"#, "more than one JSON value").await;
}

/// A 403 from a firewall says nothing about the key, and a login page with 200 does not prove that the base URL is wrong.
#[tokio::test]
async fn a_web_page_with_any_status_is_blamed_on_what_is_in_between() {
    for (status, sent) in [
        (200, OnceWhoKnows),
        (401, OnceInVain),
        (403, OnceInVain),
        (404, OnceInVain),
        (503, OnceByPost),
    ] {
        let bytes = format!("HTTP/1.1 {status} x\r\nconnection: close\r\n\r\n\n<!DOCTYPE html><html>Blocked</html>");
        let expected =
            format!("a proxy, firewall or login page answered in place of LlamaCloud, with a web page ({status})");
        check_bad(Close, bytes.as_bytes(), sent, &expected).await;
    }
}

#[tokio::test]
async fn an_endless_error_body_is_not_waited_for() {
    let head = b"HTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\n\r\n";
    let server = TestServer::start(|_, _| Reply::Endless(head.to_vec())).await;
    assert_eq!(get(&server.client()).await.unwrap_err().kind(), &ErrorKind::NotFound);
    let head = b"HTTP/1.1 404 Not Found\r\ncontent-length: 9\r\n\r\n";
    let server = TestServer::start(|_, _| Reply::Hang(head.to_vec())).await;
    let deadline = Instant::now() + Duration::from_millis(400);
    let error = create_until(&server.client(), deadline).await.unwrap_err();
    assert_eq!((error.kind(), error.had_no_effect()), (&ErrorKind::NotFound, true));
}

#[tokio::test]
async fn a_small_answer_that_unpacks_to_a_large_one_is_refused() {
    let bomb = BASE64_STANDARD.decode(GZIP_OF_200000_SPACES).unwrap();
    let server = TestServer::start(move |_, _| reply("200 OK\ncontent-encoding: gzip", &bomb)).await;
    let error = get(&server.client()).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::OversizedBody { limit_bytes: 65536 });
}

const GZIP_OF_200000_SPACES: &str = "H4sIAAAAAAACA+3BMQEAAADCoCrrn9IM/kABAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAK8BMWFiEEANAwA=";

/// Only the case of an ID may differ.
#[tokio::test]
async fn an_answer_about_another_batch_is_not_believed() {
    for (answered, is_right) in [("bat-1", true), ("BAT-1", true), ("bat-11", false), ("", false)] {
        let body = format!(r#"{{"id":"{answered}","status":"CANCELLED"}}"#);
        let server = TestServer::start(move |_, _| reply("200 OK", body.clone())).await;
        let (client, scope, id) = (server.client(), Scope::default(), "bat-1".parse().unwrap());
        for outcome in [
            client.get_batch(&scope, &id, soon()).await,
            client.get_batch_with_results(&scope, &id, soon()).await,
            client.cancel_batch(&scope, &id, soon()).await,
        ] {
            assert_eq!(outcome.is_ok(), is_right, "{outcome:?}");
            if let Err(error) = outcome {
                assert_eq!(
                    (error.kind(), error.reason(), error.attempts(), error.had_no_effect()),
                    (
                        &ErrorKind::UnreadableBody,
                        Some("the response names another batch"),
                        1,
                        false
                    )
                );
            }
        }
        assert_eq!(server.seen().len(), 3);
    }
}
