//! Bytes → lines, bounded.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

const CHUNK_BYTES: usize = 64 * 1024;
const KEPT_BYTES: usize = 1024 * 1024;

/// Cuts what it reads into lines.
#[derive(Debug)]
pub(crate) struct LineReader<R> {
    reader: R,
    max_line_bytes: usize,
    /// Initialised throughout; `start..end` is read and not yet handed out.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// No line ending in `start..scanned`.
    scanned: usize,
    /// The rest of a line that was too long is being skipped.
    skipping: bool,
    at_end: bool,
}

/// One line, without its ending.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum InputLine<'a> {
    /// The bytes, without `\n`, `\r\n` or a byte order mark; never empty.
    Text(&'a [u8]),
    /// It was longer than the limit, and is gone.
    TooLong,
}

impl<R: AsyncRead + Unpin> LineReader<R> {
    pub(crate) fn new(reader: R, max_line_bytes: usize) -> Self {
        Self {
            reader,
            max_line_bytes,
            buffer: vec![0; CHUNK_BYTES],
            start: 0,
            end: 0,
            scanned: 0,
            skipping: false,
            at_end: false,
        }
    }

    /// The next line that is not blank; a last line needs no ending. `None` at end of input.
    ///
    /// A line longer than the limit is skipped and reported once, never buffered whole.
    ///
    /// # Errors
    /// Only those of the reader. What a line holds is not looked at.
    ///
    /// # Cancel safety
    /// Safe: what was read stays in the buffer, and the next call goes on there.
    pub(crate) async fn next(&mut self) -> io::Result<Option<InputLine<'_>>> {
        loop {
            if let Some(range) = self.take_line() {
                let Some(range) = range else {
                    return Ok(Some(InputLine::TooLong));
                };
                let line = trim(self.buffer.get(range.clone()).unwrap_or_default());
                if line.is_empty() {
                    continue;
                }
                let line = trim(self.buffer.get(range).unwrap_or_default());
                return Ok(Some(InputLine::Text(line)));
            }
            if self.at_end {
                return Ok(None);
            }
            self.make_room();
            let free = self.buffer.get_mut(self.end..).unwrap_or_default();
            match self.reader.read(free).await? {
                0 => self.at_end = true,
                count => self.end += count,
            }
        }
    }

    /// The next whole line in the buffer (`Some(None)` for one that was too long), or `None` if more has to be read.
    #[expect(clippy::option_option, reason = "no line yet, a line without bytes to show, a line")]
    fn take_line(&mut self) -> Option<Option<std::ops::Range<usize>>> {
        let fresh = self.buffer.get(self.scanned..self.end).unwrap_or_default();
        let ending = memchr::memchr(b'\n', fresh).map(|offset| self.scanned + offset);
        let (line_end, next_start) = match ending {
            Some(position) => (position, position + 1),
            None if self.at_end && self.start < self.end => (self.end, self.end),
            None => {
                self.scanned = self.end;
                return if self.end - self.start > self.max_line_bytes {
                    self.skip()
                } else {
                    None
                };
            }
        };
        let line = self.start..line_end;
        self.start = next_start;
        self.scanned = next_start;
        if std::mem::take(&mut self.skipping) {
            return self.take_line();
        }
        Some((line.len() <= self.max_line_bytes).then_some(line))
    }

    /// Forgets what there is of a line that is too long. Reports it the first time.
    #[expect(clippy::option_option, reason = "as take_line")]
    fn skip(&mut self) -> Option<Option<std::ops::Range<usize>>> {
        self.start = 0;
        self.end = 0;
        self.scanned = 0;
        let first = !std::mem::replace(&mut self.skipping, true);
        first.then_some(None)
    }

    /// Moves the unread bytes to the front, and grows or shrinks the buffer to what they need.
    fn make_room(&mut self) {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.scanned -= self.start;
        self.start = 0;
        if self.end == self.buffer.len() {
            let larger = (self.buffer.len() * 2).min(self.max_line_bytes + CHUNK_BYTES);
            self.buffer.resize(larger.max(self.end + 1), 0);
        } else if self.buffer.len() > KEPT_BYTES && self.end < CHUNK_BYTES {
            self.buffer.truncate(CHUNK_BYTES);
            self.buffer.shrink_to_fit();
        }
    }
}

fn trim(line: &[u8]) -> &[u8] {
    line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `input` in pieces of `piece` bytes, with a limit of 10 bytes a line.
    async fn check(input: &[u8], piece: usize, expected: &[&str]) {
        let (mut writer, reader) = tokio::io::duplex(piece);
        let input = input.to_vec();
        let feeding = tokio::spawn(async move {
            tokio::io::AsyncWriteExt::write_all(&mut writer, &input).await.unwrap();
        });
        let mut lines = LineReader::new(reader, 10);
        let mut seen = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            seen.push(match line {
                InputLine::Text(text) => String::from_utf8_lossy(text).into_owned(),
                InputLine::TooLong => "(too long)".to_owned(),
            });
        }
        feeding.await.unwrap();
        assert_eq!(seen, expected, "in pieces of {piece}");
    }

    #[tokio::test]
    async fn lines_are_cut_wherever_the_pieces_end() {
        for piece in 1..40 {
            check(b"", piece, &[]).await;
            check(b"\n\r\n  \n", piece, &[]).await;
            check(b"a\nbc\r\n\ndef", piece, &["a", "bc", "def"]).await;
            check(b"\xef\xbb\xbfa\n", piece, &["a"]).await;
            check(b"0123456789\nb\n", piece, &["0123456789", "b"]).await;
            check(b"0123456789A\nb\n", piece, &["(too long)", "b"]).await;
            check(b"0123456789012345678901234567890123\nb", piece, &["(too long)", "b"]).await;
            check(b"b\n01234567890123456789", piece, &["b", "(too long)"]).await;
        }
    }

    #[tokio::test]
    async fn a_large_line_does_not_keep_its_memory() {
        let (mut writer, reader) = tokio::io::duplex(1 << 16);
        let feeding = tokio::spawn(async move {
            tokio::io::AsyncWriteExt::write_all(&mut writer, &vec![b'a'; 4 << 20])
                .await
                .unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut writer, b"\nb\n")
                .await
                .unwrap();
        });
        let mut lines = LineReader::new(reader, 8 << 20);
        assert!(matches!(lines.next().await.unwrap(), Some(InputLine::Text(line)) if line.len() == 4 << 20));
        assert_eq!(lines.next().await.unwrap(), Some(InputLine::Text(b"b")));
        assert_eq!(lines.next().await.unwrap(), None);
        assert!(lines.buffer.len() <= KEPT_BYTES);
        feeding.await.unwrap();
    }
}
