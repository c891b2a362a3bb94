//! Bytes → lines, bounded.

use std::io;

use tokio::io::AsyncRead;
use tokio_util::bytes::{Bytes, BytesMut};
use tokio_util::codec::{Decoder, FramedRead};

const CHUNK_BYTES: usize = 64 * 1024;
/// The buffer is not kept when it is larger.
const KEPT_BYTES: usize = 1024 * 1024;

/// One line, without its ending.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum InputLine {
    /// The bytes, without `\n`, `\r\n` or a byte order mark; never empty.
    Text(Bytes),
    /// It was longer than the limit, and was skipped.
    TooLong,
}

/// Splits its input into lines. A line longer than the limit is reported once and never buffered whole.
#[derive(Debug)]
pub(crate) struct LineDecoder {
    max_line_bytes: usize,
    /// How many bytes from the start contain no line ending.
    scanned: usize,
    /// The rest of a line that was too long is being skipped.
    skipping: bool,
}

/// The lines of a reader that are not blank; the last line needs no ending.
pub(crate) fn lines<R: AsyncRead>(reader: R, max_line_bytes: usize) -> FramedRead<R, LineDecoder> {
    let decoder = LineDecoder {
        max_line_bytes,
        scanned: 0,
        skipping: false,
    };
    FramedRead::with_capacity(reader, decoder, CHUNK_BYTES)
}

impl Decoder for LineDecoder {
    type Item = InputLine;
    type Error = io::Error;

    fn decode(&mut self, buffer: &mut BytesMut) -> io::Result<Option<InputLine>> {
        loop {
            let fresh = buffer.get(self.scanned..).unwrap_or_default();
            let Some(offset) = memchr::memchr(b'\n', fresh) else {
                self.scanned = buffer.len();
                return Ok(if buffer.len() > self.max_line_bytes {
                    self.skip(buffer)
                } else {
                    None
                });
            };
            let line = buffer.split_to(self.scanned + offset + 1);
            if let Some(line) = self.finish(line, buffer) {
                return Ok(Some(line));
            }
        }
    }

    fn decode_eof(&mut self, buffer: &mut BytesMut) -> io::Result<Option<InputLine>> {
        if let Some(line) = self.decode(buffer)? {
            return Ok(Some(line));
        }
        let rest = buffer.split();
        Ok(self.finish(rest, buffer))
    }
}

impl LineDecoder {
    /// The line in these bytes, if there is one to report. `rest` is what was read beyond it.
    fn finish(&mut self, line: BytesMut, rest: &mut BytesMut) -> Option<InputLine> {
        self.scanned = 0;
        if line.len() > KEPT_BYTES && rest.len() < CHUNK_BYTES {
            let mut smaller = BytesMut::with_capacity(CHUNK_BYTES);
            smaller.extend_from_slice(rest);
            *rest = smaller;
        }
        if std::mem::take(&mut self.skipping) {
            return None;
        }
        let line = line.freeze();
        let text = trim(&line);
        if text.len() > self.max_line_bytes {
            Some(InputLine::TooLong)
        } else {
            (!text.is_empty()).then(|| InputLine::Text(line.slice_ref(text)))
        }
    }

    /// Discards what was read of a line that is too long. Reports the line once.
    fn skip(&mut self, buffer: &mut BytesMut) -> Option<InputLine> {
        buffer.clear();
        self.scanned = 0;
        let first = !std::mem::replace(&mut self.skipping, true);
        first.then_some(InputLine::TooLong)
    }
}

fn trim(line: &[u8]) -> &[u8] {
    line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii()
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;

    use super::*;

    /// Reads `input` in pieces of `piece` bytes, with a limit of 10 bytes a line.
    async fn check(input: &[u8], piece: usize, expected: &[&str]) {
        let (mut writer, reader) = tokio::io::duplex(piece);
        let input = input.to_vec();
        let feeding = tokio::spawn(async move {
            tokio::io::AsyncWriteExt::write_all(&mut writer, &input).await.unwrap();
        });
        let mut lines = lines(reader, 10);
        let mut seen = Vec::new();
        while let Some(line) = lines.next().await {
            seen.push(match line.unwrap() {
                InputLine::Text(text) => String::from_utf8_lossy(&text).into_owned(),
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
        let mut lines = lines(reader, 8 << 20);
        assert!(matches!(lines.next().await.unwrap().unwrap(), InputLine::Text(line) if line.len() == 4 << 20));
        assert_eq!(
            lines.next().await.unwrap().unwrap(),
            InputLine::Text(Bytes::from_static(b"b"))
        );
        assert!(lines.next().await.is_none());
        assert!(lines.read_buffer().capacity() <= KEPT_BYTES);
        feeding.await.unwrap();
    }
}
