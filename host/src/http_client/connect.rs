//! Makes connections: name resolution, TCP, TLS.

use super::Origin;
use super::socket::Io;
use super::tls::Named;
use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// After so long without a sign of life of the server, the kernel asks for one.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Which protocols are offered over TLS (RFC 7301). Without TLS it is HTTP/1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alpn {
    /// HTTP/2, else HTTP/1.1.
    Any,
    /// HTTP/1.1 alone.
    Http1,
}

/// A connection, not yet spoken HTTP on.
pub(super) enum Stream {
    Plain(Io),
    Tls { io: Box<TlsStream<Io>>, http2: bool },
}

/// Connects to a server: to one address of its name after the other.
pub(super) async fn open(origin: &Origin, tls: Option<&Named>, alpn: Alpn, within: Duration) -> io::Result<Stream> {
    let deadline = Instant::now() + within;
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, format!("no connection within {} ms", within.as_millis()));
    let opened = timeout_at(deadline, async {
        let stream = tcp(origin, deadline).await?;
        stream.set_nodelay(true)?;
        // A server may be silent for long, in a WebSocket or an answer that goes on: the kernel finds out whether it is gone.
        SockRef::from(&stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE))?;
        let io = Io::new(stream, tls.is_some());
        let Some(tls) = tls else { return Ok(Stream::Plain(io)) };
        let config = if alpn == Alpn::Any { tls.any() } else { tls.http1() };
        let io = TlsConnector::from(config).connect(tls.name(), io).await?;
        let http2 = io.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok(Stream::Tls { io: Box::new(io), http2 })
    });
    opened.await.map_err(late)?
}

/// Each address has an equal share of the time that is left, so that a silent one does not use up all of it.
async fn tcp(origin: &Origin, deadline: Instant) -> io::Result<TcpStream> {
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((origin.host.as_str(), origin.port)).await?.collect();
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for (tried, address) in addresses.iter().enumerate() {
        let now = Instant::now();
        let untried = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        let share = deadline.saturating_duration_since(now) / untried;
        match timeout_at(now + share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => {
                last = io::Error::new(io::ErrorKind::TimedOut, format!("no connection within {} ms", share.as_millis()))
            }
        }
    }
    Err(last)
}
