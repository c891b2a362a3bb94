//! Networks of a whole process: proxies come from its variables.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::harness::child::{command, run};
use super::terminal::text;

/// What `call list_batches` with these variables says, by an address that is not on this machine.
async fn said(variables: &[(&str, &str)]) -> String {
    let mut command = command(&[
        "call",
        "list_batches",
        "--base-url",
        "https://api.example",
        "--timeout",
        "5s",
    ]);
    command.envs(variables.iter().copied());
    let output = run(command).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    text(&output.stderr).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_proxy_setting_that_cannot_be_used_is_named_by_the_call() {
    for (variable, value) in [
        ("ALL_PROXY", "socks://127.0.0.1:1"),
        ("HTTPS_PROXY", "\"http://127.0.0.1:1\""),
        ("HTTPS_PROXY", "http://"),
        ("HTTPS_PROXY", "${COMPANY_PROXY}"),
    ] {
        let said = said(&[(variable, value)]).await;
        assert!(
            said.contains(&format!("the proxy setting {variable} cannot be used")),
            "{said}"
        );
    }
}

/// It is given the name to resolve, as the `h` says.
#[tokio::test]
async fn a_socks5h_proxy_is_used() {
    let proxy = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = format!("socks5h://{}", proxy.local_addr().unwrap());
    let asked = tokio::spawn(async move {
        let (mut stream, _) = proxy.accept().await.unwrap();
        let mut greeting = [0; 3];
        stream.read_exact(&mut greeting).await.unwrap();
        stream.write_all(&[5, 0]).await.unwrap();
        let mut request = vec![0; 5 + "api.example".len() + 2];
        stream.read_exact(&mut request).await.unwrap();
        (greeting, request)
    });
    said(&[("ALL_PROXY", &address)]).await;
    let (greeting, request) = asked.await.unwrap();
    assert_eq!(greeting, [5, 1, 0]);
    let expected = [&[5, 1, 0, 3, 11][..], b"api.example", &443u16.to_be_bytes()].concat();
    assert_eq!(request, expected);
}

/// On macOS and Windows the system judges, and nothing reads the file.
#[cfg(not(any(target_os = "macos", windows)))]
#[tokio::test]
async fn a_certificate_file_that_is_missing_is_named_by_the_call_and_by_doctor() {
    use serde_json::{Value, json};

    let file = "/no/such/authority.pem";
    let call = said(&[("SSL_CERT_FILE", file)]).await;
    assert!(call.contains("SSL_CERT_FILE") && call.contains(file), "{call}");
    let mut doctor = command(&["doctor", "--json", "--base-url", "https://localhost:1"]);
    doctor.env("SSL_CERT_FILE", file);
    let output = run(doctor).await;
    let report: Value = serde_json::from_str(&text(&output.stdout)).unwrap();
    let check = &report["checks"][4];
    assert_eq!(
        (&check["name"], &check["status"]),
        (&json!("LlamaCloud"), &json!("fail"))
    );
    assert!(check["detail"].as_str().unwrap().contains(file), "{check}");
}
