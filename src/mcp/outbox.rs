//! The only output path. All senders put whole lines in; one task writes all waiting lines at a time.
//!
//! The outbox is bounded in bytes: when the reader at the other end does not read, `send` waits, which slows down the
//! senders' own input. A line larger than the bound passes when the outbox is empty.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Lines waiting to be written.
#[derive(Debug)]
pub(crate) struct Outbox {
    /// Unsent bytes above which `send` waits.
    max_bytes: usize,
    waiting: Mutex<Waiting>,
    /// How many senders wait for room.
    held_back: AtomicUsize,
    /// Something was put in.
    filled: Notify,
    /// Everything was taken out and written.
    emptied: Notify,
    closed: CancellationToken,
    /// The writer failed.
    broken: CancellationToken,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// Lines that were taken out are being written.
    writing: bool,
    /// What is lost if these bytes are lost.
    deliveries: Vec<Arc<Delivery>>,
}

impl Waiting {
    fn put(&mut self, pieces: &[&str]) {
        for piece in pieces {
            self.bytes.extend_from_slice(piece.as_bytes());
        }
        self.bytes.push(b'\n');
    }
}

/// What to log if the answer to a request is never written, such as the ID of a batch that it created.
#[derive(Debug, Default)]
pub(crate) struct Delivery(Mutex<Option<String>>);

impl Delivery {
    /// Says what would be lost. Shape: `created batch bat-1`.
    pub(crate) fn note(&self, words: String) {
        *self.0.lock() = Some(words);
    }

    /// Whether anything would be lost.
    fn matters(&self) -> bool {
        self.0.lock().is_some()
    }

    /// The answer was written.
    fn done(&self) {
        *self.0.lock() = None;
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if let Some(words) = self.0.lock().take() {
            tracing::warn!("{words}, but the answer that reports it was cancelled or could not be written");
        }
    }
}

/// Counts a sender for as long as it waits for room.
struct HeldBack<'a>(&'a AtomicUsize);

impl<'a> HeldBack<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for HeldBack<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Outbox {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            waiting: Mutex::default(),
            held_back: AtomicUsize::new(0),
            filled: Notify::new(),
            emptied: Notify::new(),
            closed: CancellationToken::new(),
            broken: CancellationToken::new(),
        }
    }

    /// Puts one line in, waiting for room first. Lines put into a closed outbox are dropped.
    ///
    /// # Cancel safety
    /// A dropped `send` has put in nothing or the whole line.
    pub(crate) async fn send(&self, line: &str) {
        self.deliver(&[line], &[]).await;
    }

    /// The same for a line in pieces that must not be lost silently.
    pub(crate) async fn deliver(&self, pieces: &[&str], deliveries: &[Arc<Delivery>]) {
        let bytes: usize = pieces.iter().map(|piece| piece.len()).sum();
        let mut held_back = None;
        loop {
            let room = self.emptied.notified();
            tokio::pin!(room);
            room.as_mut().enable();
            if self.closed.is_cancelled() {
                return;
            }
            {
                let mut waiting = self.waiting.lock();
                if waiting.bytes.is_empty() || waiting.bytes.len() + bytes < self.max_bytes {
                    waiting.put(pieces);
                    let matters = deliveries.iter().filter(|delivery| delivery.matters());
                    waiting.deliveries.extend(matters.cloned());
                    self.filled.notify_one();
                    return;
                }
            }
            held_back.get_or_insert_with(|| HeldBack::new(&self.held_back));
            tokio::select! {
                () = room => {}
                () = self.closed.cancelled() => {}
            }
        }
    }

    /// Resolves when everything was written and nobody waits for room, so that no unwritten line holds anything up.
    pub(crate) async fn idle(&self) {
        loop {
            let emptied = self.emptied.notified();
            tokio::pin!(emptied);
            emptied.as_mut().enable();
            {
                let waiting = self.waiting.lock();
                if waiting.bytes.is_empty() && !waiting.writing && self.held_back.load(Ordering::Relaxed) == 0 {
                    return;
                }
            }
            emptied.await;
        }
    }

    /// Puts one short line in without waiting, for callers that cannot wait. Callers must keep such lines few.
    pub(crate) fn push(&self, line: &str) {
        if !self.closed.is_cancelled() {
            self.waiting.lock().put(&[line]);
            self.filled.notify_one();
        }
    }

    /// Resolves when the reader is gone.
    pub(crate) async fn closed(&self) {
        self.broken.cancelled().await;
    }

    /// Lets nothing more in; [`Outbox::write_to`] ends once it has written what was there.
    pub(crate) fn close(&self) {
        self.closed.cancel();
    }

    /// Writes what is put in until the outbox is closed or the writer fails.
    ///
    /// # Errors
    /// The writer's. The outbox is closed then.
    pub(crate) async fn write_to(&self, mut writer: impl AsyncWrite + Unpin) -> io::Result<()> {
        let mut batch = Waiting::default();
        loop {
            {
                let mut waiting = self.waiting.lock();
                std::mem::swap(&mut batch, &mut *waiting);
                waiting.writing = !batch.bytes.is_empty();
            }
            if batch.bytes.is_empty() {
                if self.closed.is_cancelled() {
                    return Ok(());
                }
                tokio::select! {
                    () = self.filled.notified() => {}
                    () = self.closed.cancelled() => {}
                }
                continue;
            }
            let written = async {
                writer.write_all(&batch.bytes).await?;
                writer.flush().await
            };
            if let Err(error) = written.await {
                self.close();
                self.broken.cancel();
                return Err(error);
            }
            for delivery in batch.deliveries.drain(..) {
                delivery.done();
            }
            batch.bytes.clear();
            batch.bytes.shrink_to(self.max_bytes);
            self.waiting.lock().writing = false;
            self.emptied.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn lines_come_out_whole_and_in_order() {
        let outbox = Arc::new(Outbox::new(64));
        let (writer, mut reader) = tokio::io::duplex(7);
        let writing = tokio::spawn({
            let outbox = Arc::clone(&outbox);
            async move { outbox.write_to(writer).await }
        });
        let sending = tokio::spawn(async move {
            for number in 0..100 {
                outbox.send(&format!("line {number}")).await;
            }
            outbox.send(&"x".repeat(1000)).await;
            outbox.close();
        });
        let mut text = String::new();
        reader.read_to_string(&mut text).await.unwrap();
        sending.await.unwrap();
        writing.await.unwrap().unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 101);
        assert!(
            lines
                .iter()
                .take(100)
                .enumerate()
                .all(|(number, line)| *line == format!("line {number}"))
        );
    }

    /// Sends a line with a note, to a reader or to nobody. Returns what is logged.
    async fn logged(somebody_reads: bool) -> String {
        let (mut log, writer) = std::io::pipe().unwrap();
        let subscriber = tracing_subscriber::fmt().with_writer(move || writer.try_clone().unwrap());
        let logging = tracing::subscriber::set_default(subscriber.finish());
        let outbox = Outbox::new(64);
        let (writer, reader) = tokio::io::duplex(64);
        let delivery = Arc::new(Delivery::default());
        delivery.note("created batch bat-1".to_owned());
        outbox.deliver(&["a line"], &[delivery]).await;
        let reader = somebody_reads.then_some(reader);
        outbox.close();
        drop(outbox.write_to(writer).await);
        drop((outbox, reader, logging));
        std::io::read_to_string(&mut log).unwrap()
    }

    #[tokio::test]
    async fn what_a_lost_line_would_have_told_is_logged() {
        assert_eq!(logged(true).await, "");
        let log = logged(false).await;
        assert!(log.contains("created batch bat-1, but the answer"), "{log}");
    }

    #[tokio::test]
    async fn a_reader_that_went_away_closes_it() {
        let outbox = Outbox::new(64);
        let (writer, reader) = tokio::io::duplex(7);
        drop(reader);
        outbox.send("a line").await;
        assert!(outbox.write_to(writer).await.is_err());
        outbox.closed().await;
        outbox.send(&"dropped, and not waited for".repeat(10)).await;
    }
}
