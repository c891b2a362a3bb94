//! Bytes that are not quite what they should be. Each is answered as the specification says, and the next line works.

use std::time::Duration;

use llamacloud_batches_mcp::mcp::{Limits, Revision};
use serde_json::json;

use super::harness::rpc::initialize;
use super::harness::{Harness, Setup};

const PING: &str = r#"{"jsonrpc":"2.0","id":"ok","method":"ping"}"#;

/// Sends a line and makes sure that it is refused with this code and without an id, and that the next one is served.
async fn refused(harness: &mut Harness, line: impl AsRef<[u8]>, code: i64) {
    let line = line.as_ref();
    let shown = String::from_utf8_lossy(line).chars().take(80).collect::<String>();
    harness.send(line).await;
    let (got, message) = harness.next_refusal().await;
    assert_eq!(got, code, "{shown}: {message}");
    served(harness).await;
}

async fn served(harness: &mut Harness) {
    harness.send(PING).await;
    assert_eq!(harness.result_of("\"ok\"").await, json!({}));
}

#[tokio::test]
async fn what_is_no_json_is_a_parse_error() {
    let mut harness = Harness::start().await;
    for line in [
        &b"{"[..],
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"",
        b"hello",
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"p\xffng\"}",
        b"\xff\xfe{\x00}\x00",
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":NaN}",
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"} {}",
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"pi\x00ng\"}",
        b"{'jsonrpc':'2.0'}",
        b"Content-Length: 44",
    ] {
        refused(&mut harness, line, -32700).await;
    }
    harness.close(0).await;
}

#[tokio::test]
async fn json_that_is_no_request_is_an_invalid_request() {
    let mut harness = Harness::start().await;
    for line in [
        "42",
        "null",
        "\"ping\"",
        "{}",
        r#"{"jsonrpc":"2.0"}"#,
        r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1e400,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"initialize"}"#,
    ] {
        refused(&mut harness, line, -32600).await;
    }
    for line in [
        r#"{"jsonrpc":"2.0","id":9}"#,
        r#"{"jsonrpc":"1.0","id":9,"method":"ping"}"#,
        r#"{"id":9,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":9,"method":7}"#,
        r#"{"jsonrpc":"2.0","id":9,"method":null}"#,
    ] {
        harness.send(line).await;
        assert_eq!(harness.refusal_of("9").await.0, -32600, "{line}");
        served(&mut harness).await;
    }
    harness.close(0).await;
}

#[tokio::test]
async fn params_are_an_object_or_absent() {
    let mut harness = Harness::open(Revision::V2025_06_18).await;
    for params in ["[1]", "7", "\"x\"", "true"] {
        for method in ["ping", "tools/list", "tools/call", "initialize"] {
            harness
                .send(format!(
                    r#"{{"jsonrpc":"2.0","id":3,"method":"{method}","params":{params}}}"#
                ))
                .await;
            assert_eq!(harness.refusal_of("3").await.0, -32602, "{method} {params}");
        }
    }
    harness.close(0).await;
}

/// `null` and an empty array mean that there are no parameters, and `"_meta": null` that there is no `_meta`.
#[tokio::test]
async fn params_and_meta_that_are_null_or_empty_are_absent() {
    let mut harness = Harness::open(Revision::V2025_06_18).await;
    for method in ["ping", "tools/list", "initialize", "tools/call", "resources/list"] {
        let mut answers = Vec::new();
        for params in [
            "",
            r#","params":null"#,
            r#","params":[]"#,
            r#","params":[ ]"#,
            r#","params":{"_meta":null}"#,
        ] {
            harness
                .send(format!(r#"{{"jsonrpc":"2.0","id":3,"method":"{method}"{params}}}"#))
                .await;
            answers.push(format!("{:?}", harness.claim("3").await));
        }
        assert!(
            answers.iter().all(|answer| *answer == answers[0]),
            "{method}: {answers:#?}"
        );
    }
    let mut params = initialize("2025-06-18");
    params["_meta"] = json!(null);
    harness.result("initialize", params).await;
    let call = json!({ "name": "list_batches", "arguments": {}, "_meta": null });
    assert_eq!(harness.result("tools/call", call).await["isError"], json!(false));
    harness.close(1).await;
}

#[tokio::test]
async fn what_needs_no_answer_gets_none() {
    let mut harness = Harness::open(Revision::V2025_11_25).await;
    for line in [
        "",
        "   ",
        "\r",
        r#"{"jsonrpc":"2.0","method":"notifications/unknown"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":[]}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":null}}"#,
        r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"create_batch"}}"#,
        r#"{"jsonrpc":"2.0","id":77,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":""}}"#,
    ] {
        harness.send(line).await;
        harness.settle().await;
    }
    harness.close(0).await;
}

#[tokio::test]
async fn line_endings_and_marks_are_no_matter() {
    let mut harness = Harness::start().await;
    harness.note(PING.as_bytes());
    harness.write(format!("\u{feff}{PING}\r\n").as_bytes()).await;
    harness.result_of("\"ok\"").await;
    for around in [["\n\n\r\n", "\n"], ["  \t", " \t\n"], ["\r\n", "\r\n"]] {
        harness.note(PING.as_bytes());
        harness.write([around[0], PING, around[1]].concat().as_bytes()).await;
        harness.result_of("\"ok\"").await;
    }
    harness.close(0).await;
}

#[tokio::test]
async fn a_line_may_come_in_any_number_of_pieces() {
    let mut harness = Harness::start().await;
    let line = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": initialize("2025-06-18") });
    let line = format!("{line}\n");
    for split in 1..line.len() {
        harness.note(line.trim().as_bytes());
        harness.write(&line.as_bytes()[..split]).await;
        tokio::task::yield_now().await;
        harness.write(&line.as_bytes()[split..]).await;
        harness.result_of("1").await;
    }
    for byte in line.as_bytes() {
        harness.write(&[*byte]).await;
        tokio::task::yield_now().await;
    }
    harness.note(line.trim().as_bytes());
    harness.result_of("1").await;
    harness.close(0).await;
}

#[tokio::test]
async fn two_lines_may_come_in_one_piece_and_the_last_needs_no_ending() {
    let mut harness = Harness::start().await;
    let lines = [1, 2, 3].map(|id| PING.replace("\"ok\"", &id.to_string()));
    for line in &lines {
        harness.note(line.as_bytes());
    }
    harness.write(lines.join("\n").as_bytes()).await;
    harness.end_input();
    for id in ["1", "2", "3"] {
        harness.result_of(id).await;
    }
    harness.close(0).await;
}

#[tokio::test]
async fn a_line_that_is_too_long_is_skipped_without_being_kept() {
    let mut harness = Harness::start().await;
    let piece = vec![b'x'; 1 << 20];
    for _ in 0..100 {
        harness.write(&piece).await;
    }
    harness.write(b"\n").await;
    let (code, message) = harness.next_refusal().await;
    assert_eq!(code, -32600);
    assert!(message.contains("too long"), "{message}");
    served(&mut harness).await;
    harness.close(0).await;
}

#[tokio::test]
async fn the_longest_line_is_served_and_one_byte_more_is_not() {
    let setup = Setup {
        limits: Limits {
            max_line_bytes: 1000,
            drain: Duration::from_secs(20),
            ..Limits::default()
        },
        ..Setup::default()
    };
    let mut harness = setup.start().await;
    for (length, fits) in [(999, true), (1000, true), (1001, false), (5000, false)] {
        let padding = " ".repeat(length - PING.len());
        let line = PING.replacen(':', &format!(":{padding}"), 1);
        assert_eq!(line.len(), length);
        if fits {
            harness.send(line).await;
            harness.result_of("\"ok\"").await;
        } else {
            refused(&mut harness, line, -32600).await;
        }
    }
    harness.close(0).await;
}

#[tokio::test]
async fn nesting_is_only_a_value() {
    let mut harness = Harness::open(Revision::V2025_06_18).await;
    let deep = "[".repeat(10_000);
    refused(&mut harness, &deep, -32700).await;
    let closed = deep.clone() + &"]".repeat(10_000);
    refused(&mut harness, &closed, -32600).await;
    let call = |arguments: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{{"name":"get_batch","arguments":{arguments}}}}}"#
        )
    };
    harness.send(call(&format!(r#"{{"batch_id":{closed}}}"#))).await;
    assert!(harness.said("8").await.error().contains("`batch_id`"));
    harness
        .send(call(&format!(r#"{{"unknown":{closed},"batch_id":"b"}}"#)))
        .await;
    assert!(harness.said("8").await.error().contains("`unknown`"));
    harness
        .send(format!(
            r#"{{"jsonrpc":"2.0","id":8,"method":"ping","params":{{"_meta":{{"x":{closed}}}}}}}"#
        ))
        .await;
    assert_eq!(harness.result_of("8").await, json!({}));
    harness.close(0).await;
}

#[tokio::test]
async fn numbers_and_members_that_do_not_fit_are_refused() {
    let mut harness = Harness::open(Revision::V2025_06_18).await;
    let call = |arguments: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{{"name":"list_batches","arguments":{arguments}}}}}"#
        )
    };
    for arguments in [
        r#"{"page_size":1e400}"#,
        r#"{"page_size":99999999999999999999}"#,
        r#"{"page_size":1,"page_size":2}"#,
    ] {
        harness.send(call(arguments)).await;
        assert!(harness.said("8").await.error().contains("page_size"), "{arguments}");
    }
    for line in [
        r#"{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{"name":"list_batches","name":"get_batch"}}"#,
        r#"{"jsonrpc":"2.0","id":8,"method":"tools/list","params":{"_meta":{},"_meta":{}}}"#,
    ] {
        harness.send(line).await;
        assert_eq!(harness.refusal_of("8").await.0, -32602, "{line}");
    }
    harness.close(0).await;
}

#[tokio::test]
async fn an_id_comes_back_as_it_went() {
    let mut harness = Harness::start().await;
    for id in [
        "0",
        "-7",
        "-0",
        "18446744073709551616",
        "1180591620717411303424",
        "\"\"",
        "\"1\"",
        r#""a\u0062\n\"é""#,
        "\"null\"",
        &format!("\"{}\"", "x".repeat(100_000)),
    ] {
        harness
            .send(format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#))
            .await;
        harness.result_of(id).await;
        harness
            .send(format!(r#"{{"method":"nonsense","id": {id} ,"jsonrpc":"2.0"}}"#))
            .await;
        harness.refusal_of(id).await;
    }
    harness.close(0).await;
}

#[tokio::test]
async fn arrays_belong_to_one_revision() {
    let array = format!("[{PING}]");
    let mut harness = Harness::start().await;
    refused(&mut harness, &array, -32600).await;
    for revision in Revision::ALL
        .into_iter()
        .take(4)
        .filter(|revision| *revision != Revision::V2025_03_26)
    {
        harness.speak(revision).await;
        refused(&mut harness, &array, -32600).await;
    }
    harness.speak(Revision::V2025_03_26).await;
    harness.send(&array).await;
    harness.result_of("\"ok\"").await;
    refused(&mut harness, "[]", -32600).await;
    harness
        .send(r#"[{"jsonrpc":"2.0","method":"notifications/initialized"},{"jsonrpc":"2.0","id":5,"result":{}}]"#)
        .await;
    harness.settle().await;
    let call = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": { "name": "list_batches" } });
    let again = json!({ "jsonrpc": "2.0", "id": 3, "method": "initialize", "params": initialize("2025-06-18") });
    harness
        .send(format!("[{PING},{call},7,{{\"jsonrpc\":\"2.0\",\"id\":4}}]"))
        .await;
    harness.result_of("\"ok\"").await;
    assert!(!harness.said("2").await.is_error);
    assert_eq!(harness.refusal_of("4").await.0, -32600);
    assert_eq!(harness.next_refusal().await.0, -32600);
    harness.note(PING.as_bytes());
    harness.note(br#"{"id":3}"#);
    harness.write(format!("[{again},{PING}]\n").as_bytes()).await;
    assert_eq!(harness.refusal_of("3").await.0, -32600, "an array opens no session");
    harness.result_of("\"ok\"").await;
    harness.close(1).await;
}
