//! Makes connections: name resolution, TCP, TLS.

use super::Origin;
use super::socket::Io;
use super::tls::Named;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use socket2::{SockRef, TcpKeepalive};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long an address is waited for before the next one is tried beside it: what RFC 8305 5 recommends.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);
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

/// Connects to a server, by whichever address of its name answers first.
pub(super) async fn open(origin: &Origin, tls: Option<&Named>, alpn: Alpn, within: Duration) -> io::Result<Stream> {
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, format!("no connection within {} ms", within.as_millis()));
    let opened = timeout(within, async {
        let stream = tcp(origin).await?;
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

async fn tcp(origin: &Origin) -> io::Result<TcpStream> {
    let addresses = tokio::net::lookup_host((origin.host.as_str(), origin.port)).await?;
    first_of(interleaved(addresses), TcpStream::connect).await
}

/// The first connection that is made (RFC 8305 5): each address is tried when the one before it has failed, or has not answered for
/// [`ATTEMPT_DELAY`], and goes on beside the next. So an address that is silent (IPv6 that leads nowhere) costs a moment.
async fn first_of<T, F: Future<Output = io::Result<T>>>(
    addresses: Vec<SocketAddr>,
    connect: impl Fn(SocketAddr) -> F,
) -> io::Result<T> {
    let mut addresses = addresses.into_iter();
    let mut attempts = FuturesUnordered::new();
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    loop {
        let next = addresses.next();
        let is_another_due = next.is_some();
        attempts.extend(next.map(&connect));
        tokio::select! {
            attempt = attempts.next() => match attempt {
                Some(Ok(connection)) => return Ok(connection),
                Some(Err(error)) => last = error,
                None => return Err(last),
            },
            () = tokio::time::sleep(ATTEMPT_DELAY), if is_another_due => {}
        }
    }
}

/// The addresses in the resolver's order, but those of the two families in turn (RFC 8305 4): if one family leads nowhere, the
/// second address tried is of the other.
fn interleaved(addresses: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let addresses: Vec<SocketAddr> = addresses.collect();
    let is_first_family = |address: &&SocketAddr| addresses.first().is_some_and(|a| a.is_ipv4() == address.is_ipv4());
    let (mut first, mut second) =
        (addresses.iter().filter(is_first_family), addresses.iter().filter(|address| !is_first_family(address)));
    let pairs = std::iter::from_fn(|| match (first.next(), second.next()) {
        (None, None) => None,
        (first, second) => Some(first.into_iter().chain(second)),
    });
    pairs.flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn families_take_turns_in_the_resolvers_order() {
        let [a, b, c, d] = ["[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8::3]:1", "192.0.2.1:1"].map(address);
        assert_eq!(interleaved([a, b, c, d].into_iter()), [a, d, b, c]);
        assert_eq!(interleaved([d, a, b].into_iter()), [d, a, b]);
        assert_eq!(interleaved([a, b].into_iter()), [a, b]);
        assert_eq!(interleaved(std::iter::empty()), []);
    }

    /// One address never answers, one fails: the next is tried beside the first, and at once after the second.
    #[tokio::test]
    async fn an_address_that_is_silent_or_fails_does_not_stop_the_next() {
        let all = ["192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1"].map(address).to_vec();
        let tried = Mutex::new(Vec::new());
        let connect = |address: SocketAddr| {
            tried.lock().unwrap().push(address);
            async move {
                match address.ip().to_string().as_str() {
                    "192.0.2.1" => std::future::pending().await,
                    "192.0.2.2" => Err(io::ErrorKind::ConnectionRefused.into()),
                    _ => Ok(address),
                }
            }
        };
        let limit = Duration::from_secs(10);
        let found = tokio::time::timeout(limit, first_of(all.clone(), connect)).await.expect("tried in turn");
        assert_eq!(found.unwrap(), address("192.0.2.3:1"));
        assert_eq!(*tried.lock().unwrap(), all);
        let refused = first_of(vec![address("192.0.2.2:1")], connect).await;
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(first_of(Vec::new(), connect).await.unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
