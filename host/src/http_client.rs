//! The HTTP client for upstreams and providers: HTTP/1.1 and HTTP/2 (by ALPN) over hyper's connections, with a pool of our own.
//!
//! HTTP/1.1 has no request ids: a response belongs to a request by its place on the connection alone. If a server sends more
//! than it was asked for, the surplus would be taken for the response to the next request, which may be another user's. So a
//! connection is used again only if nothing unread is on it, and that is looked at just before reuse (`socket.rs`), in the
//! kernel and not in what the runtime has heard of so far. Responses over HTTP/2 belong to streams and need no look.
//!
//! No redirects, no cookies, no proxies, nothing from the environment. Timeouts for a response are the caller's: dropping the
//! future ends the request and, over HTTP/1.1, its connection.

mod body;
mod connect;
mod pool;
mod silence;
pub(crate) mod socket;
mod tls;

pub use body::Body;
pub use tls::{Identity, Tls, TlsError};

use body::Held;
use connect::{Alpn, Stream};
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http::{HeaderValue, Request, Response, StatusCode, Version, header, uri};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use pool::{Connection, Http1, Http2, Pool, Streams};
use silence::Silence;
use socket::Socket;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::AbortHandle;
use url::{Host, Url};

/// The largest head of a response, in bytes. (hyper takes at most 100 fields over HTTP/1.1.)
pub const HEAD_BYTES_MAX: usize = 64 * 1024;
/// As [`HEAD_BYTES_MAX`], as HTTP/2 counts it (RFC 9113 6.5.2).
const HEADER_LIST_MAX: u32 = 64 * 1024;
/// How much of a response over HTTP/2 the server may send before it is taken (RFC 9113 5.2.1): enough for a fast server some
/// milliseconds away, and what one that nobody takes may have in memory.
const STREAM_WINDOW: u32 = 256 * 1024;
/// The same for all responses on a connection together: as much as there is, so that those that nobody takes never stop the
/// others. They are bounded one by one.
const CONNECTION_WINDOW: u32 = (1 << 31) - 1;
/// An HTTP/2 connection with an open stream, on which nothing came for so long, is asked for a sign of life (RFC 9113 6.7).
const PING_AFTER: Duration = Duration::from_secs(10);
/// Without an answer to that within this time, the connection is closed.
const PING_TIMEOUT: Duration = Duration::from_secs(5);

/// What a request's body must be, for a client to send it.
pub trait RequestBody: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + Unpin + 'static {}

impl<B: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + Unpin + 'static> RequestBody for B {}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why there is no response. Messages hold nothing of the request.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// No connection: name resolution, TCP, TLS, or not in time. Nothing of the request was sent.
    #[error("no connection")]
    Connect(#[source] io::Error),
    /// The connection broke before the head of a response was complete, or what came was no HTTP.
    #[error("the connection broke")]
    Broken(#[source] hyper::Error),
}

/// How connections are made, and which of them are kept.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Until a connection is ready for requests: all addresses of the name, TLS included.
    pub connect_timeout: Duration,
    /// `None`: no connection is used for a second request.
    pub keep: Option<Keep>,
}

/// Which idle connections are kept.
#[derive(Debug, Clone, Copy)]
pub struct Keep {
    /// At most so many; the one that was idle for longest is closed for another.
    pub idle_max: usize,
    /// Closed after so long without a request (at the latest after half as long again).
    pub idle_timeout: Duration,
}

/// A server: scheme, host and port.
#[derive(Debug, Clone)]
struct Origin {
    scheme: Scheme,
    /// A name or an address, without brackets.
    host: String,
    port: u16,
    authority: Authority,
    /// The authority, as `Host` has it: without the scheme's own port.
    host_header: HeaderValue,
}

impl Origin {
    fn of(url: &Url) -> Option<Self> {
        let scheme = if url.scheme() == "https" { Scheme::HTTPS } else { Scheme::HTTP };
        let host = match url.host()? {
            Host::Domain(name) => name.to_owned(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        let written = url.host_str()?;
        let authority = url.port().map_or_else(|| written.to_owned(), |port| format!("{written}:{port}"));
        Some(Self {
            scheme,
            host,
            port: url.port_or_known_default()?,
            host_header: HeaderValue::from_str(&authority).ok()?,
            authority: Authority::try_from(authority).ok()?,
        })
    }
}

/// A client for one server. Dropping it closes its idle connections.
#[derive(Debug)]
pub struct Client<B> {
    origin: Origin,
    /// For `https`.
    tls: Option<tls::Named>,
    connect_timeout: Duration,
    /// `None`: nothing is kept.
    pool: Option<Arc<Pool<B>>>,
}

impl<B: RequestBody> Client<B> {
    /// A client for the server of this URL, whose path does not matter. `tls` is needed for `https` alone.
    ///
    /// # Errors
    ///
    /// When the URL has no host that can be connected to, or `https` has no `tls`.
    pub fn new(url: &Url, tls: Option<&Tls>, options: Options) -> Result<Self, TlsError> {
        let origin = Origin::of(url).ok_or(TlsError::Host)?;
        let tls = match tls {
            _ if origin.scheme == Scheme::HTTP => None,
            Some(tls) => Some(tls.named(&origin.host)?),
            None => return Err(TlsError::NoRoots),
        };
        let pool = options.keep.map(|keep| Arc::new(Pool::new(origin.authority.to_string(), keep)));
        Ok(Self { origin, tls, connect_timeout: options.connect_timeout, pool })
    }

    /// Whether a connection is open and idle, or shared.
    pub fn is_connected(&self) -> bool {
        self.pool.as_ref().is_some_and(|pool| !pool.is_empty())
    }

    /// Sends a request and waits for the head of its response. Of its URI, path and query count; `Host` is set here.
    ///
    /// A request is sent again, on another connection, only where a kept connection turned out to be closed and hyper gave the
    /// request back, since nothing of it had been written.
    ///
    /// # Errors
    ///
    /// See [`Fault`].
    pub async fn send(&self, mut request: Request<B>) -> Result<Response<Body<B>>, Fault> {
        loop {
            let kept = self.pool.as_ref().and_then(|pool| pool.take());
            let is_kept = kept.is_some();
            let connection = match kept {
                Some(connection) => connection,
                None => self.connect().await?,
            };
            let sent = match connection {
                Connection::Http1(connection) => self.send_http1(connection, request).await,
                Connection::Http2(connection) => self.send_http2(connection, request).await,
            };
            match sent {
                Ok(response) => return Ok(response),
                Err(mut error) => match error.take_message() {
                    Some(unsent) if is_kept => {
                        if let Some(pool) = self.pool.as_ref().filter(|_| is_surplus(error.error())) {
                            pool.distrust();
                        }
                        request = unsent;
                    }
                    _ => return Err(Fault::Broken(error.into_error())),
                },
            }
        }
    }

    /// As [`Client::send`], for a request that asks to switch protocols (RFC 9110 7.8): on a connection of its own, and over
    /// HTTP/1.1, since HTTP/2 has no `Upgrade`.
    ///
    /// # Errors
    ///
    /// See [`Fault`].
    pub async fn upgrade(&self, mut request: Request<B>) -> Result<Response<Body<B>>, Fault> {
        let mut sender = match self.open(Alpn::Http1).await? {
            Stream::Plain(io) => start_upgradeable(io).await?,
            Stream::Tls { io, .. } => start_upgradeable(io).await?,
        };
        self.address(&mut request, Version::HTTP_11);
        let response = sender.send_request(request).await.map_err(Fault::Broken)?;
        Ok(response.map(Body::last))
    }

    async fn send_http1(
        &self,
        mut connection: Http1<B>,
        mut request: Request<B>,
    ) -> Result<Response<Body<B>>, TrySendError<Request<B>>> {
        self.address(&mut request, Version::HTTP_11);
        if self.pool.is_none() {
            request.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        let response = connection.sender.try_send_request(request).await?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Ok(response.map(Body::last));
        }
        // Without a pool it is closed at the end.
        let pool = self.pool.as_ref().map(Arc::downgrade).unwrap_or_default();
        Ok(response.map(|body| Body::returning(body, connection, pool)))
    }

    async fn send_http2(
        &self,
        mut connection: Http2<B>,
        mut request: Request<B>,
    ) -> Result<Response<Body<B>>, TrySendError<Request<B>>> {
        self.address(&mut request, Version::HTTP_2);
        let socket = Weak::clone(&connection.socket);
        let mut silence = Silence::new(self.pool.as_ref(), &connection);
        let sent = connection.sender.try_send_request(request).await;
        silence.is_over();
        if let (Err(error), Some(pool)) = (&sent, &self.pool)
            && error.message().is_some()
        {
            // It takes no more requests, whether or not it has ended already.
            pool.retire(&socket);
        }
        Ok(sent?.map(|body| Body::shared(body, connection.streams)))
    }

    /// Writes where the request goes as the version has it: `Host` and a path, or `:scheme` and `:authority`.
    fn address(&self, request: &mut Request<B>, version: Version) {
        let path = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        *request.version_mut() = version;
        if version == Version::HTTP_2 {
            request.headers_mut().remove(header::HOST);
            let mut parts = uri::Parts::default();
            parts.scheme = Some(self.origin.scheme.clone());
            parts.authority = Some(self.origin.authority.clone());
            parts.path_and_query = Some(path.clone());
            *request.uri_mut() = Uri::from_parts(parts).unwrap_or_else(|_| Uri::from(path));
        } else {
            request.headers_mut().insert(header::HOST, self.origin.host_header.clone());
            *request.uri_mut() = Uri::from(path);
        }
    }

    async fn open(&self, alpn: Alpn) -> Result<Stream, Fault> {
        connect::open(&self.origin, self.tls.as_ref(), alpn, self.connect_timeout).await.map_err(Fault::Connect)
    }

    async fn connect(&self) -> Result<Connection<B>, Fault> {
        match self.open(Alpn::Any).await? {
            Stream::Plain(io) => {
                let socket = io.socket();
                self.start_http1(io, socket).await
            }
            Stream::Tls { io, http2: false } => {
                let socket = io.get_ref().0.socket();
                self.start_http1(io, socket).await
            }
            Stream::Tls { io, http2: true } => {
                let socket = io.get_ref().0.socket();
                let connection = start_http2(io, socket).await?;
                if let Some(pool) = &self.pool {
                    pool.share(&connection);
                }
                Ok(Connection::Http2(connection))
            }
        }
    }

    async fn start_http1(
        &self,
        io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        socket: Weak<Socket>,
    ) -> Result<Connection<B>, Fault> {
        let (sender, connection) = http1().handshake(TokioIo::new(io)).await.map_err(Fault::Broken)?;
        let pool = self.pool.as_ref().map(Arc::downgrade).unwrap_or_default();
        let task = run(async move {
            let ended = connection.await;
            if let Some(pool) = ended.as_ref().err().filter(|error| is_surplus(error)).and_then(|_| pool.upgrade()) {
                pool.distrust();
            }
            ended
        });
        Ok(Connection::Http1(Http1 { sender, socket, task }))
    }
}

async fn start_upgradeable<B: RequestBody>(
    io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> Result<http1::SendRequest<B>, Fault> {
    let (sender, connection) = http1().handshake(TokioIo::new(io)).await.map_err(Fault::Broken)?;
    run(connection.with_upgrades());
    Ok(sender)
}

async fn start_http2<B: RequestBody>(
    io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    socket: Weak<Socket>,
) -> Result<Http2<B>, Fault> {
    let (sender, mut connection) = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_header_list_size(HEADER_LIST_MAX)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(PING_AFTER)
        .keep_alive_timeout(PING_TIMEOUT)
        .handshake(TokioIo::new(io))
        .await
        .map_err(Fault::Broken)?;
    let streams = Streams::new(connection.current_max_send_streams());
    let max = streams.max();
    run(poll_fn(move |cx| {
        let ended = Pin::new(&mut connection).poll(cx);
        if let Some(max) = max.upgrade() {
            max.store(connection.current_max_send_streams(), Ordering::Relaxed);
        }
        ended
    }));
    Ok(Http2 { sender, socket, streams })
}

fn http1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.max_header_size(HEAD_BYTES_MAX);
    builder
}

/// Whether a connection ended since something came on it that nobody had asked for. hyper says so in words alone; a test knows
/// if it ever changes them.
fn is_surplus(error: &hyper::Error) -> bool {
    const WORDS: &str = "received unexpected message from connection";
    let own = error.to_string() == WORDS;
    own || std::error::Error::source(error).is_some_and(|cause| cause.to_string() == WORDS)
}

/// Drives a connection until it ends. It does when its sender is gone and nothing is on its way, too.
fn run(connection: impl Future<Output = hyper::Result<()>> + Send + 'static) -> AbortHandle {
    let task = tokio::spawn(async move {
        if let Err(error) = connection.await {
            // hyper's errors name what was wrong and repeat nothing of it.
            tracing::debug!(%error, "a connection ended with an error");
        }
    });
    task.abort_handle()
}

impl<B: Send + 'static> Body<B> {
    /// The body of a response whose connection serves no other request.
    fn last(incoming: Incoming) -> Self {
        Self::new(incoming, Held::Nothing)
    }

    /// The body of a response on a connection that others use, too.
    fn shared(incoming: Incoming, streams: Streams) -> Self {
        Self::new(incoming, Held::Stream(streams))
    }

    /// A body at whose end the connection goes back to the pool.
    fn returning(incoming: Incoming, connection: Http1<B>, pool: Weak<Pool<B>>) -> Self {
        Self::new(incoming, Held::Connection(connection, pool))
    }
}

#[cfg(test)]
mod tests;
