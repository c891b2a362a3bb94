//! `doctor`: what it finds, in order, and what it never says or does.

use expect_test::expect;
use llamacloud_batches_mcp::app;
use llamacloud_batches_mcp::cli::Environment;
use llamacloud_batches_mcp::commands::doctor::{Check, Patient, Regions, Status, examine};
use llamacloud_batches_mcp::config::Config;
use llamacloud_batches_mcp::sandbox::{self, PROJECT_ID, Sandbox, Settings};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use super::harness::child::{command, run};
use super::harness::masks::masked;
use super::harness::upstream::{Reply, Upstream};
use super::harness::{CANARY, Setup, flags};
use super::terminal::{check, text, with};

/// What is found with these flags and regions, in which the canary is the key.
async fn examined(arguments: &[&str], regions: &Regions) -> Vec<Check> {
    let environment = Environment {
        api_key: Some(CANARY.into()),
        ..Environment::default()
    };
    let config = Config::resolve(&flags(arguments), &environment).unwrap();
    let server = app::server(&config, &TaskTracker::new()).unwrap();
    let patient = Patient {
        config: &config,
        server: &server,
        key_source: "LLAMA_CLOUD_API_KEY",
        base_url_source: "--base-url",
        is_sandbox: false,
        regions,
    };
    let mut found = Vec::new();
    let checks = examine(&patient, |check| found.push(check.clone())).await;
    assert_eq!(found, checks);
    assert!(!format!("{checks:?}").contains(CANARY), "{checks:?}");
    checks
}

fn elsewhere() -> Regions {
    Regions::known().unwrap()
}

/// What is wrong, a line each.
fn wrong(checks: &[Check]) -> String {
    let lines = checks
        .iter()
        .filter(|check| check.status != Status::Ok && check.name != "name resolution");
    let lines = lines.map(|check| {
        let remedy = check.remedy.as_deref().unwrap_or("-");
        format!("{:?} {}: {} | {remedy}\n", check.status, check.name, check.detail)
    });
    masked(&lines.collect::<String>())
}

async fn accepting(key: &str) -> Sandbox {
    let settings = Settings {
        api_key: Some(key.to_owned()),
        ..Settings::default()
    };
    sandbox::start(settings).await.unwrap()
}

#[tokio::test]
async fn all_is_well_in_the_sandbox() {
    check(
        &["doctor", "--sandbox"],
        0,
        &expect![[r#"
            ok    version          llamacloud-batches-mcp 0.0.0 (system machine)
            ok    API key          the sandbox's own
            skip  key shape        the sandbox accepts its own key alone
            ok    base URL         http://127.0.0.1:8017/ (the sandbox)
            ok    proxy            none is used
            skip  name resolution  the base URL names an address
            ok    connection       it stands, without TLS, which never leaves this machine
            ok    key accepted     LlamaCloud accepts it
            ok    project          "Sandbox" (00000000-0000-4000-8000-000000000001), the
                                   key's own
            ok    batches          they can be listed; there are none yet
            ok    protocol         sessions and 2026-07-28 are both answered, and list the
                                   same tools
            ok    tools            create_batch, list_batches, get_batch
            No check failed.
        "#]],
    )
    .await;
    check(
        &["doctor", "--sandbox", "--allow-cancel", "--project-id", PROJECT_ID],
        0,
        &expect![[r#"
            ok    version          llamacloud-batches-mcp 0.0.0 (system machine)
            ok    API key          the sandbox's own
            skip  key shape        the sandbox accepts its own key alone
            ok    base URL         http://127.0.0.1:8017/ (the sandbox)
            ok    proxy            none is used
            skip  name resolution  the base URL names an address
            ok    connection       it stands, without TLS, which never leaves this machine
            ok    key accepted     LlamaCloud accepts it
            ok    project          "Sandbox" (00000000-0000-4000-8000-000000000001), pinned
                                   by the settings
            ok    batches          they can be listed; there are none yet
            ok    protocol         sessions and 2026-07-28 are both answered, and list the
                                   same tools
            ok    tools            create_batch, list_batches, get_batch, cancel_batch
                                   (--allow-cancel adds the last; the project or
                                   organization is pinned)
            No check failed.
        "#]],
    )
    .await;
}

#[tokio::test]
async fn json_has_every_check() {
    let output = with(&["doctor", "--sandbox", "--json"]).await;
    let report: Value = serde_json::from_str(&text(&output.stdout)).unwrap();
    assert_eq!((&report["ok"], output.status.code()), (&json!(true), Some(0)));
    let names: Vec<_> = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| check["name"].as_str().unwrap())
        .collect();
    expect![[r#"
        "version, API key, key shape, base URL, proxy, name resolution, connection, key accepted, project, batches, protocol, tools"
    "#]].assert_debug_eq(&names.join(", "));
    let mut no_key = command(&["doctor", "--json", "--base-url", "http://127.0.0.1:1"]);
    no_key.env_remove("LLAMA_CLOUD_API_KEY");
    let output = run(no_key).await;
    let report: Value = serde_json::from_str(&text(&output.stdout)).unwrap();
    assert_eq!((&report["ok"], output.status.code()), (&json!(false), Some(1)));
    assert_eq!(report["checks"][1]["status"], json!("fail"));
    assert!(report["checks"][1]["remedy"].is_string());
}

#[tokio::test]
async fn a_key_that_is_rejected() {
    let sandbox = accepting("llx-another").await;
    let url = sandbox.base_url();
    let checks = examined(&["--base-url", &url], &elsewhere()).await;
    expect![[r#"
        Fail key accepted: it is rejected (401) | Put a valid key into LLAMA_CLOUD_API_KEY: the LlamaCloud console shows which there are and makes new ones.
        Skip project: a check above has to succeed first | -
        Skip batches: a check above has to succeed first | -
    "#]].assert_eq(&wrong(&checks));
    // An address that is no region's: the key was sent there alone.
    assert_eq!(sandbox.ledger().total(), 2, "{:?}", sandbox.ledger().lines);
}

#[tokio::test]
async fn a_key_of_the_other_region() {
    let (us, eu) = (accepting("llx-another").await, accepting(CANARY).await);
    let regions = Regions {
        us: us.base_url().parse().unwrap(),
        eu: eu.base_url().parse().unwrap(),
    };
    let checks = examined(&["--base-url", &us.base_url()], &regions).await;
    expect![[r#"
        Fail key accepted: it is rejected (401) here, and accepted in region eu | Start the server with --region eu, here and in the host's configuration.
        Skip project: a check above has to succeed first | -
        Skip batches: a check above has to succeed first | -
    "#]].assert_eq(&wrong(&checks));
    let checks = examined(&["--base-url", &eu.base_url()], &regions).await;
    assert_eq!(wrong(&checks), "");
    let third = accepting("llx-a-third").await;
    let neither = Regions {
        eu: third.base_url().parse().unwrap(),
        ..regions
    };
    let checks = examined(&["--base-url", &us.base_url()], &neither).await;
    expect![[r#"
        Fail key accepted: it is rejected (401) here and in the other region | Put a valid key into LLAMA_CLOUD_API_KEY: the LlamaCloud console shows which there are and makes new ones.
        Skip project: a check above has to succeed first | -
        Skip batches: a check above has to succeed first | -
    "#]].assert_eq(&wrong(&checks));
}

#[tokio::test]
async fn nothing_listens_there() {
    let port = {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        listener.local_addr().unwrap().port()
    };
    let url = format!("http://127.0.0.1:{port}");
    let checks = examined(&["--base-url", &url], &elsewhere()).await;
    expect![[r#"
        Fail connection: no connection could be made: "Connection refused (os error 1)" | Check the network, a firewall, and the base URL. Where a proxy is needed, HTTPS_PROXY names it.
        Skip key accepted: a check above has to succeed first | -
        Skip project: a check above has to succeed first | -
        Skip batches: a check above has to succeed first | -
    "#]].assert_eq(&wrong(&checks));
}

#[tokio::test]
async fn what_listens_there_speaks_no_tls() {
    let plain = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("https://{}", plain.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = plain.accept().await {
            let _ = stream.read(&mut [0; 512]).await;
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let checks = examined(&["--base-url", &url], &elsewhere()).await;
    expect![[r#"
        Fail connection: no trusted TLS connection could be made: "received corrupt message of type InvalidContentType" | If a proxy or a firewall intercepts TLS, or the certificate is your own, put its certificate authority into the system's store or into the file that SSL_CERT_FILE names. If the base URL is your own, check that TLS is spoken there.
        Skip key accepted: a check above has to succeed first | -
        Skip project: a check above has to succeed first | -
        Skip batches: a check above has to succeed first | -
    "#]].assert_eq(&wrong(&checks));
}

#[tokio::test]
async fn what_answers_is_not_llamacloud() {
    for (reply, expected) in [
        (
            Reply::json("200 OK", "", "\"hello\""),
            expect![[r#"
                Fail key accepted: it is not known, since what answers is not LlamaCloud: response not readable: "unexpected type of value" | Check the base URL, and whether a network asks for a login first.
                Skip project: a check above has to succeed first | -
                Skip batches: a check above has to succeed first | -
            "#]],
        ),
        (
            Reply::json("302 Found", "location: https://login.example/\r\n", ""),
            expect![[r#"
                Fail key accepted: it is not known, since what answers is not LlamaCloud: redirected | Check the base URL, and whether a network asks for a login first.
                Skip project: a check above has to succeed first | -
                Skip batches: a check above has to succeed first | -
            "#]],
        ),
        (
            Reply::json("429 Too Many Requests", "retry-after: 3600\r\n", ""),
            expect![[r#"
                Warn key accepted: it is not known: too many requests (429), wait 3600 s | Run this again in a minute. If it stays so, LlamaCloud's status page or support may know more.
                Warn project: the key's own is not known: too many requests (429), wait 3600 s | If calls fail for want of a project, pin one with --project-id; its ID is in the LlamaCloud console.
                Fail batches: they cannot be listed: too many requests (429), wait 3600 s | Run this again in a minute. If it stays so, LlamaCloud's status page or support may know more.
            "#]],
        ),
        (
            Reply::json("500 Internal Server Error", "", r#"{"detail":"oops"}"#),
            expect![[r#"
                Fail key accepted: it is not known: unavailable (500): "oops" | Run this again in a minute. If it stays so, LlamaCloud's status page or support may know more.
                Skip project: a check above has to succeed first | -
                Skip batches: a check above has to succeed first | -
            "#]],
        ),
        (
            Reply::json("400 Bad Request", "", r#"{"detail":"organization_id is required"}"#),
            expect![[r#"
                Warn project: the key's own is not known: rejected (400): "organization_id is required" | If calls fail for want of a project, pin one with --project-id; its ID is in the LlamaCloud console.
                Fail batches: they cannot be listed: rejected (400): "organization_id is required" | Check the base URL, --project-id and --organization-id. A key without a project of its own needs --project-id.
            "#]],
        ),
        (
            Reply::Bytes(Vec::new()),
            expect![[r#"
            Fail connection: no connection could be made: "connection closed before message completed" | Check the network, a firewall, and the base URL. Where a proxy is needed, HTTPS_PROXY names it.
            Skip key accepted: a check above has to succeed first | -
            Skip project: a check above has to succeed first | -
            Skip batches: a check above has to succeed first | -
        "#]],
        ),
    ] {
        let upstream = Upstream::start([reply]).await;
        let checks = examined(&["--base-url", &upstream.base_url()], &elsewhere()).await;
        expected.assert_eq(&wrong(&checks));
    }
}

#[tokio::test]
async fn a_project_that_is_not_the_keys() {
    let sandbox = accepting(CANARY).await;
    let url = sandbox.base_url();
    let other = "5a11ba5e-0000-4000-8000-00000000dead";
    let checks = examined(&["--base-url", &url, "--project-id", other], &elsewhere()).await;
    expect![[r#"
        Fail project: 00000000-0000-4000-8000-00000000dead, which is pinned by the settings, cannot be read: not found (404): "Project 00000000-0000-4000-8000-00000000dead not found" | Correct --project-id (or LLAMA_CLOUD_PROJECT_ID), or leave it out for the key's own project. The key can see "Sandbox" (00000000-0000-4000-8000-000000000001).
        Fail batches: they cannot be listed: forbidden (403): "You do not have access to this project" | Use a key of a project with a Pro or Enterprise plan, which batches need; check --project-id and --organization-id.
    "#]].assert_eq(&wrong(&checks));
}

/// The proxy is on loopback and lets nothing through, so that nothing leaves this machine.
#[tokio::test]
async fn a_proxy_does_the_resolving_and_its_password_is_not_told() {
    let proxy = Upstream::start([Reply::json("407 Proxy Authentication Required", "", "")]).await;
    let mut command = command(&["doctor", "--region", "eu"]);
    let address = proxy.base_url().replace("http://", "http://me:secret@");
    command.env("HTTPS_PROXY", &address);
    let output = run(command).await;
    let printed = masked(&text(&output.stdout));
    let printed = printed.replace(proxy.base_url().trim_start_matches("http://"), "127.0.0.1:3128");
    assert!(!printed.contains("secret"), "{printed}");
    expect![[r#"
        ok    version          llamacloud-batches-mcp 0.0.0 (system machine)
        ok    API key          found in LLAMA_CLOUD_API_KEY
        ok    key shape        it looks like a key of LlamaCloud
        ok    base URL         https://api.cloud.eu.llamaindex.ai/ (region eu, from
                               --region)
        ok    proxy            requests go through the proxy 127.0.0.1:3128
        skip  name resolution  the proxy 127.0.0.1:3128 does that, and not this machine
        fail  connection       no connection could be made through the proxy
                               127.0.0.1:3128: "tunnel error: proxy authorization
                               required"
              to do:           Check the proxy 127.0.0.1:3128 (HTTPS_PROXY, ALL_PROXY
                               or the system's settings); NO_PROXY names hosts that need
                               none.
        skip  key accepted     a check above has to succeed first
        skip  project          a check above has to succeed first
        skip  batches          a check above has to succeed first
        ok    protocol         sessions and 2026-07-28 are both answered, and list the
                               same tools
        ok    tools            create_batch, list_batches, get_batch
        One check failed. Do what stands below it, and run this again.
    "#]]
    .assert_eq(&printed);
    assert!(
        proxy.lines().iter().all(|line| line.starts_with("CONNECT ")),
        "{:?}",
        proxy.lines()
    );
    assert_eq!(output.status.code(), Some(1));
}

#[tokio::test]
async fn a_key_in_quotation_marks_is_not_sent() {
    let sandbox = Setup::default().start().await;
    let mut command = command(&["doctor", "--base-url", &sandbox.base_url()]);
    command.env("LLAMA_CLOUD_API_KEY", format!("'{CANARY}'"));
    let output = run(command).await;
    assert!(text(&output.stdout).contains("quotation marks"), "{output:?}");
    assert_eq!(output.status.code(), Some(1));
    // The connection alone was tried.
    sandbox.close(1).await;
}
