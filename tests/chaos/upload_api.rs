//! LlamaCloud by hand, with one fault: what it holds is in [`crate::stored`].

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::http::{Answer, Connection, Head};
use crate::ledger::date;
use crate::stored::{SOURCE_DIRECTORY, Stored};

/// Which request meets the fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    ListDirectories,
    MakeDirectory,
    ListFiles,
    /// The nth upload to arrive, counted from 1.
    Upload(usize),
    /// The nth stored file to be added, counted from 1.
    AddFile(usize),
    ListBatches,
    CreateBatch,
    /// Reading a batch, the jobs of its files, or the names of the source's files.
    ReadBatch,
    /// The nth result to be read, counted from 1.
    ReadResult(usize),
}

impl Step {
    /// A read has no body to be cut in half, and its answer commits nothing.
    const fn is_read(self) -> bool {
        matches!(
            self,
            Self::ListDirectories | Self::ListFiles | Self::ListBatches | Self::ReadBatch | Self::ReadResult(_)
        )
    }
}

impl Fault {
    /// Whether it can strike such a step.
    pub(crate) const fn can_strike(self, step: Step) -> bool {
        !(step.is_read() && matches!(self, Self::HalfRequest | Self::StatusAfterCommit(_)))
    }
}

/// What that request meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// It is held until the fault may take its course, and then answered normally.
    Late,
    /// Its connection is reset when half of its body was read.
    HalfRequest,
    /// It does what it is for, and the connection is reset.
    LostAfterCommit,
    /// It does what it is for, and nothing is said about it.
    SilenceAfterCommit,
    /// It does what it is for, and the connection ends within the answer.
    HalfAnswer,
    /// It does what it is for, and this status is the answer.
    StatusAfterCommit(u16),
    /// Nothing is done; this status is the answer.
    Status(u16),
}

/// The server of one cell. It stops when dropped.
pub(crate) struct UploadApi {
    shared: Arc<Shared>,
    address: SocketAddr,
}

/// How many requests of each counted kind have arrived.
#[derive(Default)]
struct Counts {
    uploads: usize,
    adds: usize,
    results: usize,
}

struct Shared {
    stored: Mutex<Stored>,
    counts: Mutex<Counts>,
    fault: Mutex<Option<(Step, Fault)>>,
    /// The fault has its request.
    reached: watch::Sender<bool>,
    /// The fault may take its course.
    go: watch::Sender<bool>,
    over: CancellationToken,
}

impl UploadApi {
    pub(crate) async fn start(step: Step, fault: Fault) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            stored: Mutex::default(),
            counts: Mutex::default(),
            fault: Mutex::new(Some((step, fault))),
            reached: watch::Sender::new(false),
            go: watch::Sender::new(false),
            over: CancellationToken::new(),
        });
        tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { shared, address }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn stored(&self) -> MutexGuard<'_, Stored> {
        lock(&self.shared.stored)
    }

    /// Waits until the fault has its request.
    pub(crate) async fn reached(&self) -> Result<(), String> {
        let mut reached = self.shared.reached.subscribe();
        let waited = timeout(Duration::from_secs(30), reached.wait_for(|reached| *reached)).await;
        waited
            .map(drop)
            .map_err(|_| "the fault point was not reached".to_owned())
    }

    /// Lets the fault take its course.
    pub(crate) fn go(&self) {
        self.shared.go.send_replace(true);
    }

    /// The API works from now on.
    pub(crate) fn heal(&self) {
        lock(&self.shared.fault).take();
        self.go();
    }
}

impl Drop for UploadApi {
    fn drop(&mut self) {
        self.shared.over.cancel();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let over = shared.over.clone();
    let accepting = async {
        while let Ok((stream, _)) = listener.accept().await {
            let (over, shared) = (shared.over.clone(), Arc::clone(&shared));
            tokio::spawn(async move { over.run_until_cancelled(serve(stream, shared)).await });
        }
    };
    over.run_until_cancelled(accepting).await;
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    // A client that breaks off is the client's business.
    drop(shared.exchange(Connection::new(stream)).await);
}

impl Shared {
    async fn exchange(&self, mut connection: Connection) -> io::Result<()> {
        while let Some(head) = connection.head().await? {
            let step = self.step(&head);
            let fault = lock(&self.fault)
                .take_if(|(at, _)| *at == step)
                .map_or(Fault::None, |(_, fault)| fault);
            let strikes = lock(&self.fault).is_none() && fault != Fault::None;
            if fault == Fault::HalfRequest {
                connection.body(head.body_bytes / 2).await?;
                self.wait_for_go().await;
                connection.reset();
                return Ok(());
            }
            let body = connection.body(head.body_bytes).await?;
            if strikes {
                self.wait_for_go().await;
            }
            if let Fault::Status(status) = fault {
                connection
                    .answer(&Answer::error(status).with("retry-after-ms", "20"))
                    .await?;
                continue;
            }
            let answer = lock(&self.stored).answer(step, &head, &body).with("date", date());
            match fault {
                Fault::LostAfterCommit => {
                    connection.reset();
                    return Ok(());
                }
                Fault::SilenceAfterCommit => {
                    connection.until_the_client_leaves().await;
                    return Ok(());
                }
                Fault::HalfAnswer => return connection.half_an_answer(&answer).await,
                Fault::StatusAfterCommit(status) => connection.answer(&Answer::error(status)).await?,
                _ => connection.answer(&answer).await?,
            }
        }
        Ok(())
    }

    fn step(&self, head: &Head) -> Step {
        let path = head.target.path();
        lock(&self.stored)
            .requests
            .push(format!("{} {}", head.method, head.target));
        let mut counts = lock(&self.counts);
        let count = |count: &mut usize| {
            *count += 1;
            *count
        };
        match head.method.as_str() {
            "POST" if path.ends_with("/upload") => Step::Upload(count(&mut counts.uploads)),
            "POST" if path == "/api/v2/batches" => Step::CreateBatch,
            "POST" if path.ends_with("/files") => Step::AddFile(count(&mut counts.adds)),
            "POST" => Step::MakeDirectory,
            _ if path == "/api/v2/batches" => Step::ListBatches,
            _ if path.starts_with("/api/v2/parse/") => Step::ReadResult(count(&mut counts.results)),
            _ if path.starts_with("/api/v2/") || path.contains(SOURCE_DIRECTORY) => Step::ReadBatch,
            _ if path.ends_with("/files") => Step::ListFiles,
            _ => Step::ListDirectories,
        }
    }

    /// Tells that the fault has its request, and waits until it may take its course.
    async fn wait_for_go(&self) {
        self.reached.send_replace(true);
        drop(self.go.subscribe().wait_for(|go| *go).await);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}
