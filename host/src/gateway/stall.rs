//! A connection to a client that ends when the client takes nothing for a while.
//!
//! A client that does not read holds an upstream's connection as long as its own is open. What counts is that something
//! is taken, not how fast.

use socket2::TcpKeepalive;
use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
use tokio::time::Sleep;

/// For so long a client may take nothing of an answer, over HTTP/1.1 and of one stream over HTTP/2, and send nothing of a
/// request's body once its answer has ended. (While an answer goes on, both sides may be silent: so are streams of gRPC.)
pub(crate) const CLIENT_STALL_MAX: Duration = Duration::from_secs(60);

/// Bytes that the kernel holds for a client beyond what is on its way. The system wakes a writer when half of it was taken:
/// with the buffers that it chooses by itself (megabytes) a slow client could not be told from one that takes nothing.
const UNSENT_BYTES_MAX: u32 = 128 * 1024;

/// After so long without a sign of life of the other side, the kernel asks for one, and closes the connection when none comes.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Has the kernel find out that a client is gone without a word (a NAT that forgot it), and bounds what it holds for each; the
/// listener's connections inherit both.
pub(super) fn prepare(listener: &TcpListener) {
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE);
    if let Err(error) = socket2::SockRef::from(listener).set_tcp_keepalive(&keepalive) {
        tracing::debug!(%error, "clients that are gone without a word will not be noticed");
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Err(error) = socket2::SockRef::from(listener).set_tcp_notsent_lowat(UNSENT_BYTES_MAX) {
        tracing::debug!(%error, "the buffers of connections cannot be bounded");
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = (listener, UNSENT_BYTES_MAX);
}

/// A connection whose writes have a limit of time.
pub(crate) struct Unstalled<IO> {
    inner: IO,
    limit: Duration,
    /// While a write waits.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<IO> Unstalled<IO> {
    /// Limits how long a write may wait.
    pub(crate) fn new(inner: IO, limit: Duration) -> Self {
        Self { inner, limit, waiting: None }
    }

    fn watch(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.waiting = None;
            return written;
        }
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(self.limit)));
        waiting.as_mut().poll(cx).map(|()| Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing")))
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Unstalled<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_read(cx, buf)
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Unstalled<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.inner).poll_write(cx, bytes);
        this.watch(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.inner).poll_write_vectored(cx, slices);
        this.watch(cx, written)
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

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// A byte now and then is enough; nothing is not.
    #[tokio::test]
    async fn a_slow_reader_goes_on_and_one_that_takes_nothing_ends() {
        const LIMIT: Duration = Duration::from_secs(1);
        let (ours, mut theirs) = tokio::io::duplex(16);
        let mut ours = Unstalled::new(ours, LIMIT);
        let writing = tokio::spawn(async move { ours.write_all(&[0; 64]).await.map_err(|error| error.kind()) });
        for _ in 0..16 {
            tokio::time::sleep(LIMIT / 8).await;
            theirs.read_u8().await.expect("a byte");
        }
        assert!(!writing.is_finished());
        assert_eq!(writing.await.expect("no panic"), Err(io::ErrorKind::TimedOut));
    }
}
