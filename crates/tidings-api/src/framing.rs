//! How a request is framed on the wire, watched before the HTTP parser sees it. The parser forgives
//! what two servers may read in two ways (RFC 9112, section 11.2): a bare line feed, and a body
//! with two lengths. Here such a request is refused.
//!
//!   head: line by line ─► blank line ─► body of Content-Length bytes ─► head …
//!                             └─ Transfer-Encoding ─► nothing more is watched:
//!                                                     the connection ends with that answer

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The longest piece of a header line that is looked at: names and lengths are shorter.
const LINE_BYTES_MAX: usize = 64;

/// What was seen on a connection, told to its handler.
#[derive(Clone, Debug, Default)]
pub struct Framing {
    broken: Arc<AtomicBool>,
}

impl Framing {
    /// Whether a request was framed in a way that is refused.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }
}

/// A stream whose incoming bytes are watched.
#[derive(Debug)]
pub struct Watched<S> {
    stream: S,
    watch: Watch,
    framing: Framing,
}

impl<S> Watched<S> {
    /// Watches a stream.
    pub fn new(stream: S) -> (Watched<S>, Framing) {
        let framing = Framing::default();
        (Watched { stream, watch: Watch::default(), framing: framing.clone() }, framing)
    }
}

/// Where in the stream it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Part {
    Head,
    Body { bytes_left: u64 },
    Unwatched,
}

#[derive(Debug)]
struct Watch {
    part: Part,
    line: Vec<u8>,
    line_bytes: usize,
    ends_in_return: bool,
    lines: usize,
    length: Option<u64>,
    is_chunked: bool,
}

impl Default for Watch {
    fn default() -> Watch {
        Watch {
            part: Part::Head,
            line: Vec::new(),
            line_bytes: 0,
            ends_in_return: false,
            lines: 0,
            length: None,
            is_chunked: false,
        }
    }
}

impl Watch {
    /// Looks at bytes that came; false when they break a rule.
    fn look(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            match self.part {
                Part::Unwatched => return true,
                Part::Body { bytes_left } => {
                    let taken = bytes.len().min(usize::try_from(bytes_left).unwrap_or(usize::MAX));
                    bytes = &bytes[taken..];
                    let bytes_left = bytes_left - taken as u64;
                    self.part =
                        if bytes_left == 0 { Part::Head } else { Part::Body { bytes_left } };
                }
                Part::Head => {
                    let end = bytes.iter().position(|byte| *byte == b'\n');
                    let piece = &bytes[..end.unwrap_or(bytes.len())];
                    self.take(piece);
                    bytes = &bytes[end.map_or(bytes.len(), |end| end + 1)..];
                    if end.is_some() && !self.end_line() {
                        self.part = Part::Unwatched;
                        return false;
                    }
                }
            }
        }
        true
    }

    fn take(&mut self, piece: &[u8]) {
        let room = LINE_BYTES_MAX - self.line.len();
        self.line.extend_from_slice(&piece[..piece.len().min(room)]);
        self.line_bytes += piece.len();
        if let Some(last) = piece.last() {
            self.ends_in_return = *last == b'\r';
        }
    }

    fn end_line(&mut self) -> bool {
        let is_whole = self.ends_in_return;
        let is_blank = self.line_bytes == 1;
        let line = std::mem::take(&mut self.line);
        (self.line_bytes, self.ends_in_return) = (0, false);
        if !is_whole {
            return false;
        }
        if is_blank && self.lines == 0 {
            return true; // A blank line before a request is passed over (RFC 9112, section 2.2).
        }
        if is_blank {
            self.end_head();
            return true;
        }
        self.lines += 1;
        self.header(&line)
    }

    fn header(&mut self, line: &[u8]) -> bool {
        let text = String::from_utf8_lossy(line);
        let Some((name, value)) = text.split_once(':') else { return true };
        if name.eq_ignore_ascii_case("transfer-encoding") {
            self.is_chunked = true;
        } else if name.eq_ignore_ascii_case("content-length") {
            // Two lengths are refused by the parser, one that is no number too.
            self.length = value.trim().parse().ok().or(self.length);
        }
        !(self.is_chunked && self.length.is_some())
    }

    fn end_head(&mut self) {
        self.part = match (self.is_chunked, self.length.take()) {
            (true, _) => Part::Unwatched,
            (false, None | Some(0)) => Part::Head,
            (false, Some(bytes_left)) => Part::Body { bytes_left },
        };
        self.lines = 0;
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if !self.watch.look(&buffer.filled()[before..]) {
            self.framing.broken.store(true, Ordering::Release);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However the bytes are cut into reads.
    fn check(stream: &str, is_taken: bool) {
        for size in [1, 2, 7, stream.len()] {
            let mut watch = Watch::default();
            let taken = stream.as_bytes().chunks(size).all(|piece| watch.look(piece));
            assert_eq!(taken, is_taken, "in pieces of {size}: {stream:?}");
        }
    }

    #[test]
    fn plain_requests_one_after_the_other_are_taken() {
        check("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", true);
        let body = "{\n\"a\":\n1}";
        let post = format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        check(&format!("{post}\r\n{post}"), true);
        check("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\n\na\n", true);
        check(&format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "content-length: 1".repeat(99)), true);
    }

    #[test]
    fn two_lengths_and_bare_line_feeds_are_not() {
        let start = "POST / HTTP/1.1\r\n";
        check(&format!("{start}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"), false);
        check(&format!("{start}transfer-encoding: xchunked\r\ncontent-length: 1\r\n\r\n"), false);
        check("POST / HTTP/1.1\nHost: a\r\n\r\n", false);
        check(&format!("{start}Host: a\n\r\n"), false);
        check(&format!("{start}Content-Length: 1\r\n\r\n1GET / HTTP/1.1\n"), false);
    }
}
