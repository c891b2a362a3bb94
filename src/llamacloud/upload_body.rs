//! The body of an upload: a multipart form around a file that streams from disk, with a known length.
//!
//! The frame is written here: the HTTP library's own form breaks on file names that contain line breaks, and cannot report that a
//! file could not be read whole. If the file's source fails, the body ends with an error before its announced length, so nothing
//! is stored.

use std::{
    fmt, io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use parking_lot::Mutex;
use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::{error_kind::ErrorKind, failed::Failed, retry::Failure};

/// A file as it comes from the disk, in order. An error in place of a piece means that the file cannot be sent.
pub type Pieces = mpsc::Receiver<io::Result<Vec<u8>>>;

/// Opens the file once more for each attempt.
pub type Open = Arc<dyn Fn() -> Pieces + Send + Sync>;

/// A form with a file, ready to be sent as often as needed.
#[derive(Clone)]
pub(super) struct Form {
    boundary: String,
    head: Bytes,
    tail: Bytes,
    /// Of the file. Units: bytes.
    length: u64,
    open: Open,
    state: Arc<State>,
}

/// What is known of the current attempt.
#[derive(Default)]
struct State {
    /// When a part of the body was last taken for sending; `None` before the first.
    last_taken: Mutex<Option<Instant>>,
    failure: Mutex<Option<io::Error>>,
    /// Whether the last byte was taken for sending.
    is_sent: AtomicBool,
}

impl fmt::Debug for Form {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Form")
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

impl Form {
    /// A form with text fields and then the file, as the official SDKs send it.
    pub(super) fn new(fields: &[(&str, &str)], file_name: &str, length: u64, open: Open) -> Self {
        let boundary = boundary();
        let texts = fields.iter().map(|(name, value)| {
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        });
        let file = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"upload_file\"; filename=\"{}\"\r\nContent-Type: \
             application/octet-stream\r\n\r\n",
            quoted(file_name)
        );
        let head: String = texts.chain([file]).collect();
        let tail = format!("\r\n--{boundary}--\r\n");
        Self {
            boundary,
            head: head.into(),
            tail: tail.into(),
            length,
            open,
            state: Arc::default(),
        }
    }

    pub(super) fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    /// A body for one attempt. The bytes of earlier attempts no longer count.
    pub(super) fn body(&self) -> reqwest::Body {
        *self.state.last_taken.lock() = None;
        self.state.is_sent.store(false, Ordering::Relaxed);
        reqwest::Body::wrap(FormBody {
            form: self.clone(),
            stage: Stage::Head,
        })
    }

    /// Whether the last byte was taken for sending. Where it was not, nothing can have been stored.
    pub(super) fn is_sent(&self) -> bool {
        self.state.is_sent.load(Ordering::Relaxed)
    }

    /// Why the file could not be sent whole, if that is so. Nothing was stored then.
    pub(super) fn failure(&self) -> Option<io::Error> {
        self.state.failure.lock().take()
    }

    /// Runs an attempt, which times out once nothing more of its body is sent and no answer comes for this long. A slow upload
    /// may take as long as it needs.
    pub(super) async fn unless_stalled<T>(
        &self,
        attempt: impl Future<Output = Result<T, Failed>>,
        limit: Duration,
    ) -> Result<T, Failed> {
        tokio::select! {
            outcome = attempt => outcome,
            () = self.stalled(limit) => Err(Failed::new(Failure::TimedOut, ErrorKind::TimedOut, None)),
        }
    }

    async fn stalled(&self, limit: Duration) {
        loop {
            // An attempt that has not begun has its own time limit.
            let last = self.state.last_taken.lock().unwrap_or_else(Instant::now);
            if last.elapsed() >= limit {
                return;
            }
            sleep_until(last + limit).await;
        }
    }
}

/// A file name for a header. As browsers write it, and likewise for all other control characters, which headers must not hold.
fn quoted(name: &str) -> String {
    let quoted = |letter: char| match letter {
        '"' | '\0'..='\x1f' | '\x7f' => format!("%{:02X}", u32::from(letter)),
        _ => letter.to_string(),
    };
    name.chars().map(quoted).collect()
}

/// The line that separates the parts of the form. No file is likely to contain it.
fn boundary() -> String {
    let mut random = [0; 16];
    // Without randomness the boundary is a fixed one, which serves as well with all files that do not hold it.
    let _ = SystemRandom::new().fill(&mut random);
    random.iter().fold("llamacloud-batches-".to_owned(), |text, byte| {
        text + &format!("{byte:02x}")
    })
}

struct FormBody {
    form: Form,
    stage: Stage,
}

enum Stage {
    Head,
    File { pieces: Pieces, left: u64 },
    End,
}

impl FormBody {
    fn fail(&mut self, error: io::Error) -> Result<Frame<Bytes>, io::Error> {
        self.stage = Stage::End;
        let kind = error.kind();
        *self.form.state.failure.lock() = Some(error);
        Err(kind.into())
    }

    fn piece(&mut self, piece: Option<io::Result<Vec<u8>>>) -> Option<Result<Frame<Bytes>, io::Error>> {
        let Stage::File { left, .. } = &mut self.stage else {
            return None;
        };
        match piece {
            Some(Ok(bytes)) => match left.checked_sub(bytes.len() as u64) {
                Some(rest) => {
                    *left = rest;
                    Some(Ok(Frame::data(bytes.into())))
                }
                None => Some(self.fail(io::ErrorKind::InvalidData.into())),
            },
            Some(Err(error)) => Some(self.fail(error)),
            None if *left == 0 => {
                self.stage = Stage::End;
                self.form.state.is_sent.store(true, Ordering::Relaxed);
                Some(Ok(Frame::data(self.form.tail.clone())))
            }
            None => Some(self.fail(io::ErrorKind::UnexpectedEof.into())),
        }
    }
}

impl Body for FormBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let body = &mut *self;
        let frame = match &mut body.stage {
            Stage::Head => {
                body.stage = Stage::File {
                    pieces: (body.form.open)(),
                    left: body.form.length,
                };
                Some(Ok(Frame::data(body.form.head.clone())))
            }
            Stage::File { pieces, .. } => {
                let piece = ready!(pieces.poll_recv(context));
                body.piece(piece)
            }
            Stage::End => None,
        };
        *body.form.state.last_taken.lock() = Some(Instant::now());
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.stage, Stage::End)
    }

    fn size_hint(&self) -> SizeHint {
        let (head, tail) = (self.form.head.len() as u64, self.form.tail.len() as u64);
        SizeHint::with_exact(match &self.stage {
            Stage::Head => head + self.form.length + tail,
            Stage::File { left, .. } => left + tail,
            Stage::End => 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_cannot_break_a_header() {
        for (name, sent) in [
            ("Übersicht 1.pdf", "Übersicht 1.pdf"),
            ("x \"1\".pdf", "x %221%22.pdf"),
            ("a\r\nb.pdf", "a%0D%0Ab.pdf"),
            ("\u{1b}[31m\u{7f}.pdf", "%1B[31m%7F.pdf"),
        ] {
            assert_eq!(quoted(name), sent);
        }
    }
}
