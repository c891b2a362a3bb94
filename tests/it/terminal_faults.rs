//! Commands for people, and everything that is hard on them: input, output, LlamaCloud, Ctrl-C.

use std::fs::File;
use std::process::{Output, Stdio};

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::harness::child::{command, run};
use super::harness::upstream::{Reply, Upstream, response};
use super::harness::{PATIENCE, rpc};
use super::terminal::{CREATE, text, with};

/// Runs a command to its end with this input.
async fn with_input(arguments: &[&str], input: &[u8]) -> Output {
    let mut command = command(arguments);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let mut stdin = process.stdin.take().unwrap();
    let writing = async {
        // A command that has read enough closes the pipe.
        drop(stdin.write_all(input).await);
        drop(stdin);
    };
    let (output, ()) = tokio::join!(
        async {
            tokio::time::timeout(PATIENCE, process.wait_with_output())
                .await
                .expect("the process hangs")
                .unwrap()
        },
        writing
    );
    output
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("no signal ended it")
}

fn is_refused_with_a_sentence(output: &Output) {
    assert!([1, 2].contains(&code(output)), "{output:?}");
    assert!(text(&output.stderr).split_whitespace().count() > 3, "{output:?}");
    assert_eq!(text(&output.stdout), "");
}

#[tokio::test]
async fn call_with_17_mib_on_stdin() {
    let input = format!(r#"{{"status":"{}"}}"#, "x".repeat(17 << 20));
    let output = with_input(&["call", "list_batches", "-", "--sandbox"], input.as_bytes()).await;
    is_refused_with_a_sentence(&output);
    assert!(text(&output.stderr).contains("longer than 16 MiB"), "{output:?}");
}

#[tokio::test]
async fn call_with_a_line_just_above_what_the_server_reads() {
    let input = format!(r#"{{"status":"{}"}}"#, "x".repeat((16 << 20) - 100));
    let output = with_input(&["call", "list_batches", "-", "--sandbox"], input.as_bytes()).await;
    is_refused_with_a_sentence(&output);
}

#[tokio::test]
async fn call_with_half_a_surrogate_pair() {
    let output = with_input(&["call", "get_batch", "-", "--sandbox"], br#"{"batch_id":"\ud800"}"#).await;
    is_refused_with_a_sentence(&output);
}

#[tokio::test]
async fn call_with_200_and_with_100_000_levels() {
    for levels in [200, 100_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let inner = if open == "[" { "" } else { "1" };
            let input = format!(r#"{{"expand":{}{inner}{}}}"#, open.repeat(levels), close.repeat(levels));
            let output = with_input(&["call", "get_batch", "-", "--sandbox"], input.as_bytes()).await;
            is_refused_with_a_sentence(&output);
        }
    }
}

#[tokio::test]
async fn call_with_a_key_twice_is_refused_as_the_server_does() {
    let twice = br#"{"page_size":1,"page_size":2}"#;
    let output = with_input(&["call", "list_batches", "-", "--sandbox"], twice).await;
    is_refused_with_a_sentence(&output);
    assert!(text(&output.stderr).contains("page_size"), "{output:?}");
}

#[tokio::test]
async fn call_with_json_after_a_byte_order_mark() {
    let input = "\u{feff}{\n  \"batch_id\": \"bat-sandbox-small\"\r\n}\r\n";
    let output = with_input(&["call", "get_batch", "-", "--sandbox"], input.as_bytes()).await;
    assert_eq!(code(&output), 0, "{output:?}");
}

#[tokio::test]
async fn call_with_text_that_is_not_utf_8() {
    let output = with_input(&["call", "get_batch", "-", "--sandbox"], b"{\"batch_id\":\"\xff\"}").await;
    is_refused_with_a_sentence(&output);
}

/// A stdout that takes nothing.
fn full() -> Stdio {
    File::options().write(true).open("/dev/full").unwrap().into()
}

/// A stdout that nobody reads.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

async fn into(arguments: &[&str], stdout: Stdio) -> Output {
    let mut command = command(arguments);
    command.stdout(stdout).stderr(Stdio::piped());
    tokio::time::timeout(PATIENCE, command.spawn().unwrap().wait_with_output())
        .await
        .expect("the process hangs")
        .unwrap()
}

/// A batch that was paid for is not lost with its answer.
#[tokio::test]
async fn call_create_batch_into_a_full_or_closed_stdout_leaves_the_id_on_stderr() {
    for format in [&[][..], &["--json"], &["--raw"]] {
        for stdout in [full, closed] {
            let arguments = [&["call", "create_batch", CREATE, "--sandbox"], format].concat();
            let output = into(&arguments, stdout()).await;
            assert_eq!(code(&output), 1, "{output:?}");
            let told = text(&output.stderr);
            let ids = told.split_whitespace().filter(|word| word.starts_with("bat-"));
            assert!(ids.count() >= 1, "{told}");
            assert!(told.contains("stdout cannot be written"), "{told}");
        }
    }
}

#[tokio::test]
async fn every_command_into_a_full_or_closed_stdout_fails() {
    for arguments in [
        &["call", "list_batches", "--sandbox"][..],
        &["call", "list_batches", "--help", "--sandbox"],
        &["call", "--help"],
        &["tools", "--sandbox"],
        &["tools", "--sandbox", "--json"],
        &["watch", "bat-sandbox-one", "--sandbox", "--sandbox-speed", "instant"],
        &[
            "watch",
            "bat-sandbox-one",
            "--sandbox",
            "--sandbox-speed",
            "instant",
            "--json",
        ],
        &["doctor", "--sandbox"],
        &["doctor", "--sandbox", "--json"],
        &["host-config", "cursor"],
        &["host-config", "--list"],
        &["completions", "bash"],
        &["man"],
        &["--help"],
        &["watch", "--help"],
        &["--version"],
    ] {
        for stdout in [full, closed] {
            let output = into(arguments, stdout()).await;
            assert_eq!(code(&output), 1, "{arguments:?}: {output:?}");
            assert!(!text(&output.stderr).is_empty(), "{arguments:?}");
        }
    }
}

/// The server counts as a command, too: what it answered is lost.
#[tokio::test]
async fn serve_into_a_full_stdout_fails() {
    let mut command = command(&["--sandbox"]);
    let line = rpc::request(1, "initialize", rpc::initialize("2025-06-18")) + "\n";
    command.stdin(Stdio::piped()).stdout(full()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let mut stdin = process.stdin.take().unwrap();
    stdin.write_all(line.as_bytes()).await.unwrap();
    drop(stdin);
    let output = tokio::time::timeout(PATIENCE, process.wait_with_output()).await;
    assert_eq!(code(&output.expect("the process hangs").unwrap()), 1);
}

/// Watches a batch of an API that answers so, the last answer again and again.
async fn watch(replies: Vec<Reply>) -> (Output, usize) {
    let upstream = Upstream::start(replies).await;
    let url = upstream.base_url();
    let output = with(&[
        "watch",
        "bat-1",
        "--base-url",
        &url,
        "--poll-interval",
        "5ms",
        "--timeout",
        "2s",
    ])
    .await;
    (output, upstream.lines().len())
}

fn failed_batch() -> Reply {
    Reply::json("200 OK", "", r#"{"id":"bat-1","status":"FAILED"}"#)
}

/// Whatever `Retry-After` says, there is no panic: the command goes on until Ctrl-C.
#[cfg(unix)]
#[tokio::test]
async fn watch_with_a_retry_after_of_1e19_seconds_goes_on() {
    for seconds in ["1e19", "10000000000000000000", "9223372036854775807"] {
        let limited = Reply::json("429 Too Many Requests", &format!("retry-after: {seconds}\r\n"), "{}");
        let upstream = Upstream::start([limited]).await;
        let url = upstream.base_url();
        let output = interrupt(
            &[
                "watch",
                "bat-1",
                "--base-url",
                &url,
                "--timeout",
                "200ms",
                "--poll-interval",
                "5ms",
            ],
            &upstream,
            "trying again",
        )
        .await;
        assert_eq!(code(&output), 130, "{output:?}");
    }
}

#[tokio::test]
async fn watch_of_a_failed_batch_with_a_job_that_stays_pending_ends_with_1() {
    let output = with(&[
        "watch",
        "bat-sandbox-broken",
        "--sandbox",
        "--sandbox-speed",
        "instant",
        "--poll-interval",
        "5ms",
    ])
    .await;
    assert_eq!(code(&output), 1, "{output:?}");
    let batch = r#"{"id":"bat-1","status":"FAILED","results":[{"source_directory_file_id":"dfl-1","job_id":"pjb-1"}],
        "config":{"job":{"type":"parse_v2","configuration_id":"cfg-1"}},"source_directory_id":"dir-1","project_id":"p-1"}"#;
    let batch = || Reply::json("200 OK", "", batch);
    let pending = Reply::json("200 OK", "", r#"{"items":[{"id":"pjb-1","status":"PENDING"}]}"#);
    let (output, _) = watch(vec![batch(), batch(), pending]).await;
    assert_eq!(code(&output), 1, "{output:?}");
}

/// The wording of LlamaCloud's error does not decide whether `watch` continues.
#[tokio::test]
async fn watch_ends_with_1_on_404_403_and_401_whose_reason_says_call_again() {
    for status in ["404 Not Found", "403 Forbidden", "401 Unauthorized"] {
        let detail = r#"{"detail":"Wait for approval and call again. Call again in a minute."}"#;
        let (output, requests) = watch(vec![Reply::json(status, "", detail)]).await;
        assert_eq!(code(&output), 1, "{output:?}");
        assert_eq!(requests, 1, "{output:?}");
    }
}

#[tokio::test]
async fn watch_waits_out_a_web_page_in_between_as_it_does_503() {
    let page = || {
        Reply::Keep(response(
            "200 OK",
            "content-type: text/html\r\n",
            "<html>Sign in</html>",
        ))
    };
    let unavailable = || Reply::json("503 Service Unavailable", "", "{}");
    for trouble in [vec![page(), page()], vec![unavailable(); 30]] {
        let replies = trouble.into_iter().chain([failed_batch()]).collect();
        let (output, requests) = watch(replies).await;
        assert_eq!(code(&output), 1, "{output:?}");
        assert!(text(&output.stdout).contains("FAILED"), "{output:?}");
        assert!(requests > 3, "{output:?}");
    }
}

/// Presses Ctrl-C once the API was asked for something and these words are on stderr.
#[cfg(unix)]
async fn interrupt(arguments: &[&str], upstream: &Upstream, words: &str) -> Output {
    use tokio::io::AsyncReadExt;

    let mut command: Command = command(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    upstream.arrived(1).await;
    let mut stderr = process.stderr.take().unwrap();
    let mut told = Vec::new();
    let reading = async {
        while !String::from_utf8_lossy(&told).contains(words) {
            let count = stderr.read_buf(&mut told).await.unwrap();
            assert!(count > 0, "{:?}", String::from_utf8_lossy(&told));
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("no such words");
    let id = process.id().unwrap().to_string();
    let kill = tokio::process::Command::new("kill").args(["-INT", &id]).status().await;
    assert!(kill.unwrap().success());
    let ending = async { tokio::join!(stderr.read_to_end(&mut told), process.wait_with_output()) };
    let (_, output) = tokio::time::timeout(PATIENCE, ending).await.expect("the process hangs");
    Output {
        stderr: told,
        ..output.unwrap()
    }
}

#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_keeps_the_flags_in_the_command_to_go_on() {
    let upstream = Upstream::start([Reply::running()]).await;
    let url = upstream.base_url();
    let key = super::command_line::scratch("key of mine");
    std::fs::write(&key, "llx-of-a-file-0123456789").unwrap();
    let key = key.to_str().unwrap();
    let flags = [
        "--project-id",
        "p-1",
        "--base-url",
        &url,
        "--api-key-file",
        key,
        "--poll-interval",
        "5ms",
    ];
    let expected = format!(
        "\n  llamacloud-batches-mcp watch bat-1 --api-key-file '{key}' --base-url {url} --project-id p-1 --poll-interval 5ms\n"
    );
    let output = interrupt(&[&["watch", "bat-1"], &flags[..]].concat(), &upstream, "RUNNING").await;
    assert_eq!(code(&output), 130, "{output:?}");
    let told = text(&output.stderr);
    assert!(
        told.contains("The batch keeps running.") && told.ends_with(&expected),
        "{told}\n{expected}"
    );

    let call = ["call", "get_batch", "batch_id=bat-1"];
    let held = Upstream::start([Reply::silence()]).await;
    let of_held = held.base_url();
    let output = interrupt(
        &[&call[..], &["--base-url", &of_held, "--project-id", "p-1"]].concat(),
        &held,
        "",
    )
    .await;
    assert_eq!(code(&output), 130, "{output:?}");
    let told = text(&output.stderr);
    let expected = format!("\n  llamacloud-batches-mcp watch bat-1 --base-url {of_held} --project-id p-1\n");
    assert!(told.ends_with(&expected), "{told}\n{expected}");
}

#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_in_a_sandbox_says_that_the_batch_ends_with_it() {
    let upstream = Upstream::start([Reply::running()]).await;
    // `interrupt` waits until this API was asked for something, but the watched sandbox is in the process itself, so the API is
    // asked beforehand.
    with(&[
        "call",
        "get_batch",
        "batch_id=bat-1",
        "--base-url",
        &upstream.base_url(),
    ])
    .await;
    let arguments = [
        "watch",
        "bat-sandbox-small",
        "--sandbox",
        "--sandbox-speed",
        "real",
        "--poll-interval",
        "5ms",
    ];
    let output = interrupt(&arguments, &upstream, "PENDING").await;
    assert_eq!(code(&output), 130, "{output:?}");
    let told = text(&output.stderr);
    let words: Vec<_> = told.split_whitespace().collect();
    assert!(words.join(" ").contains("its batch end with this command"), "{told}");
    assert!(!told.contains("keeps running"), "{told}");
}

/// A create under way is not torn, and what goes on is named.
#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_in_a_call_that_may_have_created_says_where_to_look() {
    let upstream = Upstream::start([Reply::silence()]).await;
    let url = upstream.base_url();
    let output = interrupt(&["call", "create_batch", CREATE, "--base-url", &url], &upstream, "").await;
    assert_eq!(code(&output), 130, "{output:?}");
    let told = text(&output.stderr);
    assert!(
        told.contains(&format!(
            "\n  llamacloud-batches-mcp call list_batches --base-url {url}\n"
        )),
        "{told}"
    );
    let upstream = Upstream::start([Reply::silence()]).await;
    let url = upstream.base_url();
    let output = interrupt(&["call", "list_batches", "--base-url", &url], &upstream, "").await;
    assert!(text(&output.stderr).ends_with("Cancelled.\n"), "{output:?}");
}

/// Help that is asked for is no error, and is the tool's own.
#[tokio::test]
async fn help_of_a_tool_that_does_not_exist_names_those_that_do() {
    let output = run(command(&["call", "get_bach", "--help", "--sandbox"])).await;
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).contains("get_batch"), "{output:?}");
}
