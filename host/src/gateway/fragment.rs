//! Finds request lines whose target holds a fragment (`#`).
//!
//! hyper cuts the fragment off before anybody sees it. Matching and forwarding then agree all the same, but a client that
//! sends one is confused or hostile (RFC 9112 3.2 allows none), and is told so. The bytes of an HTTP/1 connection are looked
//! at as they pass: nothing is altered, and of what looks like a request line with `#` the part before it is remembered,
//! until a request comes with just that method and target. A body that holds such a line can only refuse a request that its
//! own sender makes next on the same connection, with the same method and target.
//!
//! Over HTTP/2 the fragment is cut off unseen.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Lines longer than this are no request lines: hyper takes no longer head.
const LINE_BYTES_MAX: usize = 64 * 1024;
/// Remembered at a time; the oldest is forgotten.
const REMEMBERED_MAX: usize = 16;

/// The request lines with a fragment that were seen on one connection.
#[derive(Clone, Default)]
pub(super) struct Fragments(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    line: Vec<u8>,
    /// The line is too long to be of interest.
    skipping: bool,
    /// HTTP/2: there are no lines.
    http2: bool,
    /// `GET /path`, as it stood before `#`.
    before: VecDeque<Vec<u8>>,
}

impl Fragments {
    /// Whether the request of that method and target, as hyper gives it, had a fragment.
    pub(super) fn take(&self, method: &str, target: &str) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |before: &Vec<u8>| {
            let rest = before.strip_prefix(method.as_bytes()).and_then(|rest| rest.strip_prefix(b" "));
            // An absolute form without a path (`http://host#x`) is given a `/` by hyper.
            rest.is_some_and(|rest| rest == target.as_bytes() || [rest, b"/"].concat() == target.as_bytes())
        };
        match seen.before.iter().position(is_it) {
            Some(place) => seen.before.remove(place).is_some(),
            None => false,
        }
    }

    fn observe(&self, bytes: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).observe(bytes);
    }
}

impl Seen {
    fn observe(&mut self, bytes: &[u8]) {
        if self.http2 {
            return;
        }
        // The way of bodies: without `#`, only what may be the start of a request line is of interest.
        if !bytes.contains(&b'#') && !self.line.contains(&b'#') && !bytes.starts_with(b"PRI ") {
            let tail = match bytes.iter().rposition(|byte| *byte == b'\n') {
                Some(end) => {
                    self.line.clear();
                    self.skipping = false;
                    bytes.get(end + 1..).unwrap_or_default()
                }
                None => bytes,
            };
            return self.extend_line(tail);
        }
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.extend_line(piece);
            if piece.ends_with(b"\n") {
                if !self.skipping {
                    self.end_line();
                }
                self.line.clear();
                self.skipping = false;
            }
        }
    }

    fn extend_line(&mut self, bytes: &[u8]) {
        if !self.skipping {
            self.line.extend_from_slice(bytes);
            self.skipping = self.line.len() > LINE_BYTES_MAX;
            if self.skipping {
                self.line.clear();
            }
        }
    }

    fn end_line(&mut self) {
        let line = self.line.trim_ascii_end();
        if line == b"PRI * HTTP/2.0" {
            self.http2 = true;
        } else if line.ends_with(b" HTTP/1.1") || line.ends_with(b" HTTP/1.0") {
            let mut parts = line.splitn(2, |byte| *byte == b'#');
            if let (Some(before), Some(_)) = (parts.next(), parts.next()) {
                if self.before.len() == REMEMBERED_MAX {
                    self.before.pop_front();
                }
                self.before.push_back(before.to_vec());
            }
        }
    }
}

/// A connection whose incoming bytes are looked at.
pub(super) struct Watched<IO> {
    inner: IO,
    fragments: Fragments,
}

impl<IO> Watched<IO> {
    /// Watches a connection.
    pub(super) fn new(inner: IO, fragments: Fragments) -> Self {
        Self { inner, fragments }
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Watched<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let polled = Pin::new(&mut this.inner).poll_read(cx, buf);
        if let (Poll::Ready(Ok(())), Some(new)) = (&polled, buf.filled().get(before..)) {
            this.fragments.observe(new);
        }
        polled
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Watched<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}
