//! Slow, broken or intercepted networks: what still gets an answer, and which error there is otherwise.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    time::{Instant, sleep},
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

use super::{
    Advice, Client, Credential, Error, ErrorKind, ListBatches, Network, Scope, Setting, Settings, TlsProblem,
    test_server::{KEY, Reply, TestServer, after, reply},
    wire_tests::{create, create_until, get_until},
};

const BATCH: &str = r#"{"id":"bat-1","status":"RUNNING"}"#;

async fn get_within(client: &Client, limit: Duration) -> Result<String, Error> {
    get_until(client, Instant::now() + limit).await.map(|batch| batch.id)
}

/// The first connection dies silently after its first answer, as behind a gateway that has forgotten it.
#[tokio::test]
async fn a_kept_connection_that_takes_bytes_and_gives_none() {
    let server = TestServer::start(|number, seen| match (number, seen.connection) {
        (2.., 1) => Reply::Hang(Vec::new()),
        _ => reply("200 OK", BATCH),
    })
    .await;
    let client = server.client();
    for _ in 0..3 {
        assert_eq!(get_within(&client, Duration::from_secs(3)).await.unwrap(), "bat-1");
    }
    let connections: Vec<_> = server.seen().iter().map(|seen| seen.connection).collect();
    // The second read goes out twice, the third over the connection that answered.
    assert_eq!(connections, [1, 1, 2, 2]);
}

/// Waiting for a dead connection says nothing about how long answers take: the next dead one is noticed as early.
#[tokio::test]
async fn every_connection_that_dies_is_noticed_as_early_as_the_first() {
    let mut answered = HashSet::new();
    let server = TestServer::start(move |_, seen| {
        if answered.insert(seen.connection) {
            reply("200 OK", BATCH)
        } else {
            Reply::Hang(Vec::new())
        }
    })
    .await;
    let client = server.client();
    for _ in 0..5 {
        assert_eq!(get_within(&client, Duration::from_millis(900)).await.unwrap(), "bat-1");
    }
    let connections: Vec<_> = server.seen().iter().map(|seen| seen.connection).collect();
    assert_eq!(connections, [1, 1, 2, 2, 3, 3, 4, 4, 5]);
}

#[tokio::test]
async fn a_kept_connection_that_is_only_slow_is_waited_for() {
    let server = TestServer::start(|number, seen| match (number, seen.connection) {
        (2, 1) => after(Duration::from_millis(1500), reply("200 OK", BATCH)),
        (_, 1) => reply("200 OK", BATCH),
        _ => Reply::Hang(Vec::new()),
    })
    .await;
    let client = server.client();
    get_within(&client, Duration::from_secs(3)).await.unwrap();
    assert_eq!(get_within(&client, Duration::from_secs(3)).await.unwrap(), "bat-1");
}

/// Half an answer and then nothing: the other half of the time is for another attempt, over a new connection.
#[tokio::test]
async fn an_answer_that_stops_halfway_is_read_again() {
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{";
    let server = TestServer::start(|number, _| match number {
        1 => Reply::Hang(half.to_vec()),
        _ => reply("200 OK", BATCH),
    })
    .await;
    assert_eq!(
        get_within(&server.client(), Duration::from_secs(2)).await.unwrap(),
        "bat-1"
    );
    assert_eq!(server.seen()[1].connection, 2);
}

#[tokio::test]
async fn a_path_that_must_exist_points_at_the_base_url() {
    for (status, body) in [
        ("404 Not Found", r#"{"detail":"Not Found"}"#),
        ("405 No", r#"{"detail":"Method Not Allowed"}"#),
    ] {
        let server = TestServer::start(move |_, _| reply(status, body)).await;
        let client = server.client();
        let deadline = Instant::now() + Duration::from_secs(5);
        let in_project = Scope {
            project_id: Some("prj-1".parse().unwrap()),
            organization_id: None,
        };
        let list = async |scope: &Scope| {
            let listed = client.list_batches(scope, &ListBatches::default(), deadline).await;
            listed.unwrap_err()
        };
        let error = list(&Scope::default()).await;
        assert!(matches!(error.kind(), ErrorKind::NoSuchPath { .. }), "{error}");
        assert_eq!(error.advice(), Advice::Fix(Setting::BaseUrl));
        // A named resource may be missing (404); a method never is (405).
        for error in [list(&in_project).await, create(&client).await.unwrap_err()] {
            let is_base_url = error.advice() == Advice::Fix(Setting::BaseUrl);
            assert_eq!(is_base_url, status.starts_with("405"), "{error}");
        }
    }
}

/// An authority, the certificate of a server that it issued, and a file with the authority's certificate.
struct Authority {
    file: PathBuf,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        let file = std::env::temp_dir().join(format!("llamacloud-batches-{name}-{}.pem", std::process::id()));
        std::fs::write(&file, certificate.pem()).unwrap();
        let issuer = Issuer::new(params, key);
        Self { file, issuer }
    }

    /// Serves one batch over TLS until the test ends; the handshake begins after `delay`.
    async fn serve(&self, name: &str, years: [i32; 2], delay: Duration) -> u16 {
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{BATCH}", BATCH.len());
        self.serve_answer(name, years, delay, answer).await
    }

    async fn serve_answer(&self, name: &str, years: [i32; 2], delay: Duration, answer: String) -> u16 {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        [params.not_before, params.not_after] = years.map(|year| date_time_ymd(year, 1, 1));
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key.into())
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, answer) = (acceptor.clone(), answer.clone());
                tokio::spawn(async move {
                    sleep(delay).await;
                    let Ok(mut stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let _ = stream.read(&mut [0; 4096]).await;
                    let _ = stream.write_all(answer.as_bytes()).await;
                    let _ = stream.read(&mut [0; 1]).await;
                });
            }
        });
        port
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}

const VALID: [i32; 2] = [2020, 2200];

fn network(cert_file: &Path) -> Network {
    Network {
        cert_file: Some(cert_file.into()),
        ..Network::default()
    }
}

fn settings_for(port: u16, network: Network) -> Settings {
    let base_url = format!("https://localhost:{port}").parse().unwrap();
    Settings {
        network,
        ..Settings::new(base_url, Credential::Key(KEY.into()))
    }
}

async fn get_from(port: u16, network: Network) -> Result<String, Error> {
    get_within(&Client::new(settings_for(port, network)), Duration::from_secs(5)).await
}

#[tokio::test]
async fn tls_that_takes_long_works() {
    let authority = Authority::new("slow");
    let port = authority.serve("localhost", VALID, Duration::from_secs(2)).await;
    assert_eq!(get_from(port, network(&authority.file)).await.unwrap(), "bat-1");
}

/// The deadline says nothing about what was sent: without a connection, that was nothing.
#[tokio::test]
async fn a_change_that_ends_at_its_deadline_had_no_effect_only_without_a_connection() {
    let authority = Authority::new("deadline");
    // It never sends the rest.
    let half = "HTTP/1.1 200 OK\r\n".to_owned();
    let answers = authority.serve_answer("localhost", VALID, Duration::ZERO, half).await;
    // Connections to it stand, but TLS is never spoken.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    for (port, limit, kind, had_no_effect) in [
        (answers, Duration::from_secs(5), ErrorKind::TimedOut, false),
        (
            silent.local_addr().unwrap().port(),
            Duration::from_millis(100),
            ErrorKind::Unreachable,
            true,
        ),
    ] {
        let client = Client::new(settings_for(port, network(&authority.file)));
        let error = create_until(&client, Instant::now() + limit).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.attempts(), error.had_no_effect()),
            (&kind, 1, had_no_effect),
            "{error}"
        );
        let reason = had_no_effect.then_some("no connection could be made in time");
        assert_eq!(error.reason(), reason);
    }
}

#[tokio::test]
async fn certificates_that_are_refused_are_told_apart() {
    let (ours, other) = (Authority::new("ours"), Authority::new("other"));
    let check = async |name: &str, years, trusted: &Authority, expected: TlsProblem, setting: Setting| {
        let port = ours.serve(name, years, Duration::ZERO).await;
        let error = get_from(port, network(&trusted.file)).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Tls(expected), "{error:?}");
        assert_eq!(error.advice(), Advice::Fix(setting));
        assert!(error.had_no_effect());
        let cause = error.cause();
        assert!(!cause.contains("UNIX"), "{cause}");
        cause
    };
    let cause = check(
        "localhost",
        [2150, 2200],
        &ours,
        TlsProblem::NotYetValid,
        Setting::Clock,
    )
    .await;
    assert!(
        cause.contains("this machine's clock") && cause.contains("2150-01-01"),
        "{cause}"
    );
    let cause = check("localhost", [2010, 2011], &ours, TlsProblem::Expired, Setting::Clock).await;
    assert!(
        cause.contains("this machine's clock") && cause.contains("2011-01-01"),
        "{cause}"
    );
    let cause = check("api.example", VALID, &ours, TlsProblem::WrongName, Setting::BaseUrl).await;
    assert!(
        cause.contains("api.example") && !cause.contains("clock") && !cause.contains("SSL_CERT"),
        "{cause}"
    );
    let cause = check(
        "localhost",
        VALID,
        &other,
        TlsProblem::UnknownIssuer,
        Setting::Certificates,
    )
    .await;
    let file = other.file.display().to_string();
    assert!(
        cause.contains("SSL_CERT_FILE") && cause.contains(&file) && cause.contains("replaces"),
        "{cause}"
    );
}

#[tokio::test]
async fn variables_that_give_no_certificate_are_named_with_their_paths() {
    let folder = std::env::temp_dir().join(format!("llamacloud-batches-no-certificates-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let empty_file = folder.with_extension("pem");
    std::fs::write(&empty_file, "no certificate").unwrap();
    let dir = Network {
        cert_dir: Some(folder.clone().into()),
        ..Network::default()
    };
    for (network, variable, path) in [
        (
            network(Path::new("/no/such/file.pem")),
            "SSL_CERT_FILE",
            Path::new("/no/such/file.pem"),
        ),
        (network(&empty_file), "SSL_CERT_FILE", &empty_file),
        (dir, "SSL_CERT_DIR", &folder),
    ] {
        let error = get_from(1, network).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Tls(TlsProblem::NoCertificates));
        let cause = error.cause();
        assert!(
            cause.contains(variable) && cause.contains(path.to_str().unwrap()),
            "{cause}"
        );
    }
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::remove_file(&empty_file).unwrap();
}

#[tokio::test]
async fn an_empty_variable_about_certificates_counts_as_not_set() {
    let empty = Network {
        cert_file: Some("".into()),
        cert_dir: Some("".into()),
        ..Network::default()
    };
    let cause = get_from(1, empty).await.unwrap_err().cause();
    assert!(!cause.contains("SSL_CERT"), "{cause}");
}
