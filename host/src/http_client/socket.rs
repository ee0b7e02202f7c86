//! A TCP socket that can be looked at while hyper owns the connection on it. Also the gateway's own clients' (`gateway/hangup.rs`).

use futures_util::FutureExt as _;
use rustix::net::RecvFlags;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

/// What hyper's connection and the pool share: the pool's reference is weak, so that the socket closes with the connection.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    is_tls: bool,
    /// Whether a TLS record was read in part: its beginning is in the TLS library, and so not to be seen by a look.
    is_torn: AtomicBool,
    /// Bytes read so far.
    received: AtomicU64,
    /// Bytes written so far.
    sent: AtomicU64,
}

impl Socket {
    /// Looks whether anything is left to be read. Does not wait.
    ///
    /// The kernel is asked, by a `recv` that leaves everything where it is. What the runtime knows (readiness from the last
    /// `epoll_wait`) is not enough: bytes that came since then would be read as the response to the next request.
    pub(super) fn look(&self) -> Look {
        match rustix::net::recv(&self.stream, &mut [0_u8; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT) {
            Err(rustix::io::Errno::WOULDBLOCK) if !self.is_torn.load(Ordering::Acquire) => Look::Quiet,
            Ok((_, 1..)) if !self.is_tls => Look::Surplus,
            _ => Look::Unusable,
        }
    }

    /// Bytes read so far; wraps never.
    pub(super) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Bytes written so far; wraps never.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Whether the other side has closed the connection, or its half of it, as far as the runtime has heard. What it sent before
    /// may still be unread.
    pub(crate) fn is_ended_by_peer(&self) -> bool {
        let ready = self.stream.ready(Interest::READABLE).now_or_never();
        ready.is_some_and(|ready| ready.map_or(true, |ready| ready.is_read_closed()))
    }
}

/// What a look finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Nothing to be read, and the other side has not closed.
    Quiet,
    /// Bytes that nobody asked for.
    Surplus,
    /// The end, an error, or over TLS bytes, which may mean anything (a session ticket, an alert before the end).
    Unusable,
}

/// Reads and writes the socket, for the TLS library or for hyper.
#[derive(Debug)]
pub(crate) struct Io {
    socket: Arc<Socket>,
    /// Where TLS is spoken.
    records: Option<Records>,
}

impl Io {
    /// `tls`: whether the bytes are those of TLS, and looked at.
    pub(crate) fn new(stream: TcpStream, tls: bool) -> Self {
        let socket = Socket {
            stream,
            is_tls: tls,
            is_torn: AtomicBool::new(false),
            received: AtomicU64::new(0),
            sent: AtomicU64::new(0),
        };
        Self { socket: Arc::new(socket), records: tls.then(Records::default) }
    }

    /// The socket, for who looks at it.
    pub(crate) fn socket(&self) -> Weak<Socket> {
        Arc::downgrade(&self.socket)
    }

    fn has_read(&mut self, bytes: &[u8]) {
        self.socket.received.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        if let Some(records) = &mut self.records {
            records.advance(bytes);
            self.socket.is_torn.store(!records.is_at_boundary(), Ordering::Release);
        }
    }
}

/// Where in the sequence of TLS records the reading stands: each has five bytes of header, the last two of which are the
/// length of what follows (RFC 8446 5.1).
#[derive(Debug, Default)]
struct Records {
    /// Bytes of the header that were read; 5: all of it, and the content follows.
    header: usize,
    /// The length, as far as it was read; then how much of the content is left.
    left: usize,
}

impl Records {
    const HEADER: usize = 5;

    fn advance(&mut self, mut bytes: &[u8]) {
        while let Some((&byte, rest)) = bytes.split_first() {
            if self.header < Self::HEADER {
                self.left = match self.header {
                    3 => usize::from(byte) << 8,
                    4 => self.left | usize::from(byte),
                    _ => 0,
                };
                self.header += 1;
                bytes = rest;
            } else {
                let taken = self.left.min(bytes.len());
                self.left -= taken;
                bytes = bytes.get(taken..).unwrap_or_default();
            }
            if self.header == Self::HEADER && self.left == 0 {
                self.header = 0;
            }
        }
    }

    fn is_at_boundary(&self) -> bool {
        self.header == 0
    }
}

impl AsyncRead for Io {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let (before, room) = (buf.filled().len(), buf.remaining());
        loop {
            ready!(this.socket.stream.poll_read_ready(cx))?;
            let stream = &this.socket.stream;
            let mut read = None;
            let tried = stream.try_io(Interest::READABLE, || {
                let count = stream.try_read_buf(buf)?;
                read = Some(count);
                // Fewer bytes than there was room for: no more are there, and the readiness is cleared, which saves the call
                // that would say so. `TcpStream` itself does the same; it cannot be used, since it is shared here.
                if count > 0 && count < room { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
            });
            match (read, tried) {
                (Some(_), _) => {
                    this.has_read(buf.filled().get(before..).unwrap_or_default());
                    return Poll::Ready(Ok(()));
                }
                (None, Err(error)) if error.kind() != io::ErrorKind::WouldBlock => return Poll::Ready(Err(error)),
                (None, _) => {}
            }
        }
    }
}

/// Writes until the socket takes no more.
fn poll_write(
    socket: &Socket,
    cx: &mut Context<'_>,
    write: impl Fn(&TcpStream) -> io::Result<usize>,
) -> Poll<io::Result<usize>> {
    loop {
        ready!(socket.stream.poll_write_ready(cx))?;
        match write(&socket.stream) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            written => {
                let count = *written.as_ref().unwrap_or(&0) as u64;
                socket.sent.fetch_add(count, Ordering::Relaxed);
                return Poll::Ready(written);
            }
        }
    }
}

impl AsyncWrite for Io {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        poll_write(&self.socket, cx, |stream| stream.try_write(bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        poll_write(&self.socket, cx, |stream| stream.try_write_vectored(pieces))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = rustix::net::shutdown(&self.socket.stream, rustix::net::Shutdown::Write);
        Poll::Ready(match done {
            // The other side was faster.
            Ok(()) | Err(rustix::io::Errno::NOTCONN) => Ok(()),
            Err(error) => Err(error.into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record is torn at every byte but its last, however it is cut.
    #[test]
    fn a_record_that_was_read_in_part_is_known_to_be() {
        let mut stream = vec![23, 3, 3, 0, 2, 1, 2, 22, 3, 3, 0, 0, 23, 3, 3, 1, 0];
        stream.extend([7; 256]);
        let whole = [7, 12, stream.len()];
        for step in [1, 2, 3, 5, 7, 100, 300] {
            let (mut records, mut read) = (Records::default(), 0);
            for piece in stream.chunks(step) {
                records.advance(piece);
                read += piece.len();
                assert_eq!(records.is_at_boundary(), whole.contains(&read), "{read} bytes, {step} at a time");
            }
        }
    }
}
