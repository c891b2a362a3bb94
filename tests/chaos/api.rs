//! The fault server: an API that does to the first POST what the cell says, and behaves from then on.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rustix::net::{Shutdown, shutdown};
use serde_json::json;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::http::{Answer, Connection, Head};
use crate::ledger::{DIRECTORY, Ledger, date};
use crate::matrix::{Fault, Listing};

/// The server of one cell. It stops when dropped.
pub(crate) struct Api {
    shared: Arc<Shared>,
    address: SocketAddr,
    /// Keeps the port while nobody listens on it, so that no other cell is given it.
    spare: Option<TcpSocket>,
}

struct Shared {
    ledger: Mutex<Ledger>,
    /// What the first POST will meet; taken by it.
    fault: Mutex<Option<Fault>>,
    /// The fault has its POST.
    reached: watch::Sender<bool>,
    /// The fault may take its course.
    go: watch::Sender<bool>,
    /// The directory's files were asked for.
    files_asked: watch::Sender<bool>,
    /// The fault has made what it makes.
    done: watch::Sender<bool>,
    accepting: Mutex<Option<JoinHandle<()>>>,
    /// Where a redirect leads: another origin, which counts as well.
    elsewhere: SocketAddr,
    over: CancellationToken,
}

impl Api {
    pub(crate) async fn start(fault: Fault, listing: Listing) -> Self {
        let (listener, spare) = listen_twice().unwrap();
        let address = listener.local_addr().unwrap();
        let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let shared = Arc::new(Shared {
            ledger: Mutex::new(Ledger::new(listing)),
            fault: Mutex::new(Some(fault)),
            reached: watch::Sender::new(false),
            go: watch::Sender::new(false),
            files_asked: watch::Sender::new(false),
            done: watch::Sender::new(false),
            accepting: Mutex::default(),
            elsewhere: other.local_addr().unwrap(),
            over: CancellationToken::new(),
        });
        tokio::spawn(accept(other, Arc::clone(&shared)));
        *lock(&shared.accepting) = Some(tokio::spawn(accept(listener, Arc::clone(&shared))));
        let spare = Some(spare);
        Self { shared, address, spare }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.shared.ledger)
    }

    /// Waits until the fault has its POST.
    pub(crate) async fn reached(&self) -> Result<(), String> {
        let mut reached = self.shared.reached.subscribe();
        let waited = timeout(Duration::from_secs(30), reached.wait_for(|reached| *reached)).await;
        waited
            .map(|_| ())
            .map_err(|_| "the fault point was not reached".to_owned())
    }

    /// Lets the fault take its course as soon as it has its POST, if one leaves at all.
    pub(crate) fn go_ahead(&self) {
        self.shared.go.send_replace(true);
    }

    /// Lets the fault take its course, and waits until it has made what it makes.
    pub(crate) async fn go(&self) {
        self.shared.go.send_replace(true);
        drop(self.shared.done.subscribe().wait_for(|done| *done).await);
    }

    /// The API works from now on, and its list shows what there is.
    pub(crate) fn heal(&mut self) {
        lock(&self.shared.fault).take();
        self.ledger().heal();
        if lock(&self.shared.accepting).is_none() {
            let listener = self.spare.take().unwrap().listen(64).unwrap();
            tokio::spawn(accept(listener, Arc::clone(&self.shared)));
        }
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.shared.over.cancel();
    }
}

/// A listener and a second socket that is bound to the same port: without the first, the port refuses connections.
fn listen_twice() -> io::Result<(TcpListener, TcpSocket)> {
    let first = TcpSocket::new_v4()?;
    // Port sharing is enabled only after `bind`: with it enabled earlier, the socket could get the port of another cell.
    first.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    first.set_reuseport(true)?;
    let second = TcpSocket::new_v4()?;
    second.set_reuseport(true)?;
    second.bind(first.local_addr()?)?;
    Ok((first.listen(64)?, second))
}

/// A listener that refuses connections from the moment it is dropped. Closing alone would not do: a child that another cell is just
/// starting has a copy of every socket until it runs its own program, and connections to that copy would stand and then be reset.
struct Listening(TcpListener);

impl Drop for Listening {
    fn drop(&mut self) {
        // Where a listener cannot be shut down, closing it is all there is.
        shutdown(&self.0, Shutdown::Both).ok();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let listener = Listening(listener);
    let over = shared.over.clone();
    let accepting = async {
        while let Ok((stream, _)) = listener.0.accept().await {
            let over = shared.over.clone();
            let serving = serve(stream, Arc::clone(&shared));
            tokio::spawn(async move { over.run_until_cancelled(serving).await });
        }
    };
    over.run_until_cancelled(accepting).await;
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let connection = Connection::new(stream);
    // A client that breaks off is the client's business.
    drop(shared.exchange(connection).await);
}

impl Shared {
    async fn exchange(&self, mut connection: Connection) -> io::Result<()> {
        loop {
            if connection.brings_a_post().await && self.take(|fault| fault == Fault::ResetUnread).is_some() {
                self.wait_for_go().await;
                lock(&self.ledger).post_lost();
                self.done.send_replace(true);
                connection.reset();
                return Ok(());
            }
            let Some(head) = connection.head().await? else {
                return Ok(());
            };
            if head.http2 {
                lock(&self.ledger)
                    .violations
                    .push("HTTP/2 was offered or spoken".to_owned());
            }
            if head.method != "POST" {
                let answer = self.read(&head).await;
                connection.answer(&answer).await?;
                continue;
            }
            if connection.requests > 1 {
                let violation = "a POST was sent on a connection that had been used".to_owned();
                lock(&self.ledger).violations.push(violation);
            }
            if let Some(fault) = self.take(|_| true) {
                return self.strike(fault, &head, connection).await;
            }
            let (post, body) = self.whole_post(&head, &mut connection).await?;
            let answer = self.commit(post, &body);
            connection.answer(&answer).await?;
        }
    }

    /// Does to a POST what the fault says.
    async fn strike(&self, fault: Fault, head: &Head, mut connection: Connection) -> io::Result<()> {
        if fault == Fault::HalfRequest {
            lock(&self.ledger).post_arrived(&head.key, false);
            connection.body(head.body_bytes / 2).await?;
            self.wait_for_go().await;
            self.done.send_replace(true);
            connection.reset();
            return Ok(());
        }
        let (post, body) = self.whole_post(head, &mut connection).await?;
        self.wait_for_go().await;
        let made = fault.commits().then(|| self.commit(post, &body));
        self.done.send_replace(true);
        let answer = match fault {
            Fault::LostAfterCommit => {
                connection.reset();
                return Ok(());
            }
            Fault::SilenceAfterCommit => {
                connection.until_the_client_leaves().await;
                return Ok(());
            }
            Fault::HalfAnswer => {
                return connection
                    .half_an_answer(&made.unwrap_or_else(|| Answer::error(500)))
                    .await;
            }
            Fault::ErrorAfterCommit | Fault::ErrorBeforeCommit => Answer::error(500),
            Fault::Unavailable => Answer::error(503).with("retry-after", "0.02"),
            Fault::TooMany => Answer::error(429).with("retry-after-ms", "20"),
            Fault::RedirectHere => Answer::error(307).with("location", head.target.path()),
            Fault::RedirectElsewhere => {
                Answer::error(307).with("location", format!("http://{}/api/v2/batches", self.elsewhere))
            }
            Fault::SeeOther => Answer::error(303).with("location", "/api/v2/batches/bat-new-6"),
            // The faults that strike earlier do not come here.
            _ => made.unwrap_or_else(|| Answer::error(500)),
        };
        connection.answer(&answer.with("date", date())).await?;
        // Whatever the client does next on this connection is looked at like everything else.
        Box::pin(self.exchange(connection)).await
    }

    async fn read(&self, head: &Head) -> Answer {
        let path = head.target.path();
        let answer = if path == "/api/v2/batches" {
            let (answer, last) = lock(&self.ledger).page(&head.target);
            if last && self.take(|fault| fault == Fault::Refused).is_some() {
                // The create reads both lists at the same time. Only its POST is to be refused.
                drop(self.files_asked.subscribe().wait_for(|asked| *asked).await);
                self.stop_listening().await;
                lock(&self.ledger).post_lost();
                self.wait_for_go().await;
                self.done.send_replace(true);
            }
            answer
        } else if path.ends_with("/files") {
            self.files_asked.send_replace(true);
            lock(&self.ledger).files()
        } else if path.contains("/configurations/") {
            lock(&self.ledger).configuration()
        } else if path.contains("/directories/") {
            Answer::json(200, &json!({ "id": DIRECTORY, "name": "chaos" }))
        } else {
            let batch = path
                .strip_prefix("/api/v2/batches/")
                .and_then(|id| lock(&self.ledger).get(id));
            batch.map_or_else(|| Answer::error(404), |batch| Answer::json(200, &batch))
        };
        answer.with("date", date())
    }

    async fn stop_listening(&self) {
        let accepting = lock(&self.accepting).take();
        if let Some(accepting) = accepting {
            accepting.abort();
            drop(accepting.await);
        }
    }

    async fn whole_post(&self, head: &Head, connection: &mut Connection) -> io::Result<(usize, Vec<u8>)> {
        let body = connection.body(head.body_bytes).await?;
        if head.target.path() != "/api/v2/batches" {
            lock(&self.ledger).violations.push(format!("a POST to {}", head.target));
        }
        let post = lock(&self.ledger).post_arrived(&head.key, true);
        Ok((post, body))
    }

    fn commit(&self, post: usize, body: &[u8]) -> Answer {
        let batch = lock(&self.ledger).commit(post, body);
        if batch.is_null() {
            return Answer::json(422, &json!({ "detail": "no batch" }));
        }
        Answer::json(201, &batch).with("date", date())
    }

    /// The fault, if it is one that strikes here; nobody else meets it then.
    fn take(&self, strikes: impl FnOnce(Fault) -> bool) -> Option<Fault> {
        let mut fault = lock(&self.fault);
        fault.take_if(|fault| strikes(*fault))
    }

    /// Tells that the fault has its POST, and waits until it may take its course.
    async fn wait_for_go(&self) {
        self.reached.send_replace(true);
        drop(self.go.subscribe().wait_for(|go| *go).await);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}
