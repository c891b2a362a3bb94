//! The tests' HTTP server with what the client's own tests need around it: a key, settings of milliseconds, and answers that are late.

use std::{ops::Deref, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::Notify,
    time::sleep,
};
use url::Url;

use super::{
    Client, Credential, RetryPolicy, Settings,
    http_server::{HttpServer, response},
};

pub(super) use super::http_server::{Reply, Seen};

/// The key that must not show up anywhere but in the `Authorization` header.
pub(super) const KEY: &str = "llx-canary-0123456789";

impl Seen {
    pub(super) fn is_post(&self) -> bool {
        self.head.starts_with("POST ")
    }
}

/// An answer with a body and its length. `head` is the status line's end, with further headers on lines of their own.
pub(super) fn reply(head: &str, body: impl AsRef<[u8]>) -> Reply {
    let (status, headers) = head.split_once('\n').unwrap_or((head, ""));
    let headers = headers.lines().flat_map(|line| [line, "\r\n"]).collect::<String>();
    Reply::Keep(response(status, &headers, body))
}

/// A reply that is given only after `delay`.
pub(super) fn after(delay: Duration, reply: Reply) -> Reply {
    let permit = Arc::new(Notify::new());
    let giving = Arc::clone(&permit);
    tokio::spawn(async move {
        sleep(delay).await;
        giving.notify_one();
    });
    Reply::When(permit, Box::new(reply))
}

/// Listens on loopback until dropped.
pub(super) struct TestServer(HttpServer);

impl TestServer {
    /// Starts it. The handler gets each request with its number, counted from 1.
    pub(super) async fn start(handler: impl FnMut(usize, &Seen) -> Reply + Send + 'static) -> Self {
        Self(HttpServer::start(handler).await)
    }

    /// Settings for it: waits of milliseconds, and timeouts that are reached only in tests of timeouts.
    pub(super) fn settings(&self) -> Settings {
        let key = Credential::Key(KEY.into());
        Settings {
            connect_timeout: Duration::from_secs(2),
            max_body_bytes: 64 * 1024,
            user_agent: "tests/1".to_owned(),
            retry: RetryPolicy {
                min_delay: Duration::from_millis(1),
                max_delay: Duration::from_millis(2),
                max_attempts: 3,
            },
            ..Settings::new(Url::parse(&self.base_url()).unwrap(), key)
        }
    }

    pub(super) fn client(&self) -> Client {
        Client::new(self.settings())
    }
}

impl Deref for TestServer {
    type Target = HttpServer;

    fn deref(&self) -> &HttpServer {
        &self.0
    }
}

#[tokio::test]
async fn a_handler_that_panics_fails_the_test() {
    let server = TestServer::start(|_, seen| panic!("not expected: {}", seen.line())).await;
    let connection = TcpStream::connect(("127.0.0.1", server.port)).await;
    let mut connection = connection.unwrap();
    connection.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert_eq!(connection.read(&mut [0]).await.unwrap(), 0, "no answer");
    let dropped = tokio::spawn(async move { drop(server) }).await;
    assert!(dropped.unwrap_err().is_panic());
}
