//! `doctor`: what it finds, in order, and what it never says or does.

use expect_test::expect;
use llamacloud_batches_mcp::app;
use llamacloud_batches_mcp::cli::Environment;
use llamacloud_batches_mcp::commands::doctor::{Check, Installation, Regions, Status, examine};
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
    let environment = Environment::of([("LLAMA_CLOUD_API_KEY", CANARY)]);
    let config = Config::resolve(&flags(arguments), &environment).unwrap();
    let server = app::server(&config, &TaskTracker::new()).unwrap();
    let installation = Installation {
        config: &config,
        server: &server,
        is_sandbox: false,
        regions,
    };
    let mut found = Vec::new();
    let checks = examine(&installation, |check| found.push(check.clone())).await;
    assert_eq!(found, checks);
    assert!(!format!("{checks:?}").contains(CANARY), "{checks:?}");
    checks
}

fn elsewhere() -> Regions {
    Regions::known().unwrap()
}

/// What is wrong, a line each.
fn wrong(checks: &[Check]) -> String {
    let lines = checks.iter().filter(|check| check.status != Status::Ok);
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
            ok    version     llamacloud-batches-mcp 0.0.0 (system machine)
            ok    API key     the sandbox's key
            ok    base URL    http://127.0.0.1:8017/ (the sandbox)
            ok    proxy       none is used
            ok    LlamaCloud  it accepts the key, and batches can be listed
            ok    tools       create_batch, list_batches, get_batch, list_directories,
                              list_configurations, read_result, retry_failed_files
            No check failed.
        "#]],
    )
    .await;
    check(
        &["doctor", "--sandbox", "--allow-cancel", "--project-id", PROJECT_ID],
        0,
        &expect![[r#"
            ok    version     llamacloud-batches-mcp 0.0.0 (system machine)
            ok    API key     the sandbox's key
            ok    base URL    http://127.0.0.1:8017/ (the sandbox)
            ok    proxy       none is used
            ok    LlamaCloud  it accepts the key, and batches can be listed
            ok    tools       create_batch, list_batches, get_batch, list_directories,
                              list_configurations, read_result, retry_failed_files,
                              cancel_batch
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
        "version, API key, base URL, proxy, LlamaCloud, tools"
    "#]]
    .assert_debug_eq(&names.join(", "));
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
        Fail LlamaCloud: 127.0.0.1 rejected the API key (401): "Invalid authentication token" | Provide a valid API key (the LlamaCloud console lists keys and creates new ones). The key is read from LLAMA_CLOUD_API_KEY.
    "#]].assert_eq(&wrong(&checks));
    // An address that is no region's: the key was sent there alone.
    assert_eq!(sandbox.ledger().total(), 1, "{:?}", sandbox.ledger().lines);
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
        Fail LlamaCloud: 127.0.0.1 rejected the API key (401): "Invalid authentication token"; region eu accepts it | Start the server with --region eu and without --base-url, here and in the host's configuration.
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
        Fail LlamaCloud: 127.0.0.1 rejected the API key (401): "Invalid authentication token"; the other region rejected it too | Provide a valid API key (the LlamaCloud console lists keys and creates new ones). The key is read from LLAMA_CLOUD_API_KEY.
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
        Fail LlamaCloud: 127.0.0.1 could not be reached, or the connection broke: "Connection refused (os error 1)" | Check the network, the proxy and the base URL.
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
        Fail LlamaCloud: no trusted TLS connection to 127.0.0.1 could be made: "received corrupt message of type InvalidContentType" | Correct the base URL (--base-url, --region or LLAMA_CLOUD_BASE_URL): it is https://api.cloud.llamaindex.ai, or https://api.cloud.eu.llamaindex.ai for accounts in the EU.
    "#]].assert_eq(&wrong(&checks));
}

#[tokio::test]
async fn what_answers_is_not_llamacloud() {
    for (reply, expected) in [
        (
            Reply::json("200 OK", "", "\"hello\""),
            expect![[r#"
                Fail LlamaCloud: the response of 127.0.0.1 does not match the LlamaCloud API: "unexpected type of value" | Check the base URL and any proxy in between.
            "#]],
        ),
        (
            Reply::json("302 Found", "location: https://login.example/\r\n", ""),
            expect![[r#"
                Fail LlamaCloud: 127.0.0.1 answered with a redirect to "login.example", which is never followed with an API key | Correct the base URL (--base-url, --region or LLAMA_CLOUD_BASE_URL): it is https://api.cloud.llamaindex.ai, or https://api.cloud.eu.llamaindex.ai for accounts in the EU.
            "#]],
        ),
        (
            Reply::json("429 Too Many Requests", "retry-after: 3600\r\n", ""),
            expect![[r#"
                Warn LlamaCloud: too many requests for the account's plan (429) | Run `doctor` again in a minute.
            "#]],
        ),
        (
            Reply::json("500 Internal Server Error", "", r#"{"detail":"oops"}"#),
            expect![[r#"
                Fail LlamaCloud: LlamaCloud has an internal problem (500): "oops" | Run `doctor` again in a minute. If the problem continues, check LlamaCloud's status page or contact support.
            "#]],
        ),
        (
            Reply::json("400 Bad Request", "", r#"{"detail":"organization_id is required"}"#),
            expect![[r#"
                Fail LlamaCloud: LlamaCloud rejected the request (400): "organization_id is required" | Check the base URL, --project-id and --organization-id. A key without its own project needs --project-id.
            "#]],
        ),
        (
            Reply::Close(Vec::new()),
            expect![[r#"
                Fail LlamaCloud: 127.0.0.1 could not be reached, or the connection broke: "connection closed before message completed" | Check the network, the proxy and the base URL.
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
        Fail LlamaCloud: this API key is not allowed to do that (403): "You do not have access to this project" | Use an API key of a project whose plan includes batches (Pro or Enterprise). Check --project-id and --organization-id.
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
        ok    version     llamacloud-batches-mcp 0.0.0 (system machine)
        ok    API key     found in LLAMA_CLOUD_API_KEY
        ok    base URL    https://api.cloud.eu.llamaindex.ai/ (region eu, from --region)
        ok    proxy       requests go through 127.0.0.1:3128
        fail  LlamaCloud  api.cloud.eu.llamaindex.ai could not be reached, or the
                          connection broke: "tunnel error: proxy authorization required"
              to do:      Check the network, the proxy and the base URL.
        ok    tools       create_batch, list_batches, get_batch, list_directories,
                          list_configurations, read_result, retry_failed_files
        One check failed. Fix the problem above, then run `doctor` again.
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
async fn a_proxy_setting_that_cannot_be_used_is_named() {
    for (variable, value) in [
        ("ALL_PROXY", "socks://127.0.0.1:1"),
        ("HTTPS_PROXY", "\"http://127.0.0.1:1\""),
    ] {
        let mut command = command(&["doctor", "--region", "eu"]);
        command.env(variable, value);
        let output = run(command).await;
        let printed = text(&output.stdout);
        assert!(
            printed.contains(&format!("fail  proxy       {variable} cannot be used")),
            "{printed}"
        );
        assert_eq!(output.status.code(), Some(1));
    }
}

#[tokio::test]
async fn settings_that_withhold_every_tool_are_named() {
    let url = "http://127.0.0.1:1";
    let tools = async |arguments: &[&str]| {
        let checks = examined(&[&["--base-url", url], arguments].concat(), &elsewhere()).await;
        wrong(&checks[checks.len() - 1..])
    };
    expect![[r#"
        Fail tools: with these settings, no tool of --tools (create_batch) is offered | Name other tools, turn --read-only off, or add --allow-dir, --output-dir or --allow-cancel for the tool that needs it.
    "#]].assert_eq(&tools(&["--tools", "create_batch", "--read-only"]).await);
    expect![[r#"
        Fail tools: with these settings, no tool of --tools (cancel_batch, upload_files) is offered | Name other tools, turn --read-only off, or add --allow-dir, --output-dir or --allow-cancel for the tool that needs it.
    "#]].assert_eq(&tools(&["--tools", "cancel_batch,upload_files"]).await);
    assert_eq!(tools(&["--tools", "list_batches", "--read-only"]).await, "");
}

#[tokio::test]
async fn a_key_in_quotation_marks_is_not_sent() {
    let sandbox = Setup::default().start().await;
    let mut command = command(&["doctor", "--base-url", &sandbox.base_url()]);
    command.env("LLAMA_CLOUD_API_KEY", format!("'{CANARY}'"));
    let output = run(command).await;
    assert!(text(&output.stdout).contains("quotation marks"), "{output:?}");
    assert_eq!(output.status.code(), Some(1));
    sandbox.close(0).await;
}
