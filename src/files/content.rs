//! Reading a file: its hash, and its bytes while the hash is checked again.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _};

use ring::digest::{Context, Digest, SHA256};
use tokio::sync::mpsc;

use super::folder::Stamp;
use super::refusal::Refusal;
use super::threads::blocking;
use super::walk::Candidate;

/// How much of a file is in memory at a time. Units: bytes.
const CHUNK_BYTES: usize = 128 << 10;
/// How many chunks wait to be sent.
const CHUNKS_AHEAD: usize = 1;

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// In lower-case hexadecimal.
    pub sha256: String,
    /// Units: bytes.
    pub length: u64,
}

/// A file whose content is no longer what it was when it was hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the file changed while it was sent")]
pub struct Changed;

impl Candidate {
    /// Reads the file and says what it holds.
    ///
    /// Blocks on the file system.
    ///
    /// # Errors
    /// Why it may not be uploaded after all.
    pub fn content(&self) -> Result<Content, Refusal> {
        let (mut file, Stamp { length, .. }) = self.open()?;
        let mut hash = Context::new(&SHA256);
        let mut buffer = vec![0; CHUNK_BYTES];
        let mut read = 0;
        loop {
            let count = read_some(&mut file, &mut buffer).map_err(|error| Refusal::of(&error))?;
            let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else {
                break;
            };
            hash.update(bytes);
            read += count as u64;
            if read > length {
                return Err(Refusal::Changed);
            }
        }
        if read != length {
            return Err(Refusal::Changed);
        }
        Ok(Content {
            sha256: hex(&hash.finish()),
            length,
        })
    }

    /// Reads the file for sending, each piece on a thread for files, which is free while the piece waits for the network. The last
    /// piece comes only if everything is as `content` says; else an error replaces it, so that the receiver never has a complete file
    /// of mixed content. `on_read` gets the length of each piece, and is dropped at the end.
    pub fn stream(
        &self,
        content: &Content,
        on_read: impl Fn(usize) + Send + Sync + 'static,
    ) -> mpsc::Receiver<io::Result<Vec<u8>>> {
        let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
        let (candidate, content) = (self.clone(), content.clone());
        tokio::spawn(async move {
            if let Err(error) = candidate.send(content, &sender, on_read).await {
                // If the receiver is gone, nobody is left to notify.
                let _ = sender.send(Err(error)).await;
            }
        });
        receiver
    }

    async fn send(
        self,
        content: Content,
        sender: &mpsc::Sender<io::Result<Vec<u8>>>,
        on_read: impl Fn(usize),
    ) -> io::Result<()> {
        let mut reading = blocking(move || Reading::begin(&self, content)).await??;
        while reading.left > 0 {
            let next = blocking(move || (reading.next(), reading)).await?;
            let chunk = next.0?;
            reading = next.1;
            on_read(chunk.len());
            if sender.send(Ok(chunk)).await.is_err() {
                break;
            }
        }
        Ok(())
    }
}

/// A file on its way, compared with what it held when it was hashed.
struct Reading {
    file: File,
    hash: Context,
    /// Units: bytes.
    left: u64,
    content: Content,
}

impl Reading {
    fn begin(candidate: &Candidate, content: Content) -> io::Result<Self> {
        let (file, Stamp { length, .. }) = candidate.open().map_err(|_| changed())?;
        if length != content.length {
            return Err(changed());
        }
        Ok(Self {
            file,
            hash: Context::new(&SHA256),
            left: length,
            content,
        })
    }

    /// The next piece of what is left.
    fn next(&mut self) -> io::Result<Vec<u8>> {
        let size = usize::try_from(self.left).map_or(CHUNK_BYTES, |left| left.min(CHUNK_BYTES));
        let mut chunk = vec![0; size];
        self.file.read_exact(&mut chunk).map_err(|_| changed())?;
        self.hash.update(&chunk);
        self.left -= size as u64;
        if self.left == 0 && (hex(&self.hash.clone().finish()) != self.content.sha256 || has_more(&mut self.file)?) {
            return Err(changed());
        }
        Ok(chunk)
    }
}

fn changed() -> io::Error {
    io::Error::other(Changed)
}

fn has_more(file: &mut File) -> io::Result<bool> {
    Ok(read_some(file, &mut [0])? > 0)
}

fn read_some(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

/// The SHA-256 of some parts, one after the other, in lower-case hexadecimal.
pub fn sha256_hex<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash = Context::new(&SHA256);
    for part in parts {
        hash.update(part);
    }
    hex(&hash.finish())
}

fn hex(digest: &Digest) -> String {
    let bytes = digest.as_ref();
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}
