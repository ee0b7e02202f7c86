//! Takes connections, TLS or plain, HTTP/1.1 or HTTP/2, and ends them gracefully.
//!
//! Every wait for a client's bytes before its request is complete has a limit, so that slow clients cannot hold the door.

use super::places::{ConnectionPlace, Places};
use super::service::{Connection, Door};
use super::stall::{self, CLIENT_STALL_MAX, Unstalled};
use super::{Decide, hangup, upgrade};
use crate::descriptors::{BUDGET, Budget};
use crate::http_client::socket::Io;
use crate::metrics::METRICS;
use arc_swap::ArcSwap;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio_rustls::TlsAcceptor;

/// Until a request's head is complete, counted from the connection's start or the last response: a limit against
/// slowloris, and how long an idle HTTP/1.1 connection is kept.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Until a TLS handshake is complete.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest head of an HTTP/1.1 request and the largest header list of an HTTP/2 one, in bytes. More is 431, and so are more
/// headers than the 100 of hyper's own limit over HTTP/1.1: any other would have it make two lists on the heap for each request.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Requests at a time on one HTTP/2 connection.
const STREAMS_MAX: u32 = 200;
/// How often an HTTP/2 client that is silent is asked whether it is there, and how long it may take to answer.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// After a failed accept (no file descriptors left), before the next.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How often the log says that connections are closed.
const CLOSED_LOG_INTERVAL: Duration = Duration::from_secs(1);

/// Where the gateway is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Serving,
    /// No new connections; requests in flight are finished.
    Draining,
    /// The limit is over.
    Ended,
}

/// Serves until `shutdown` completes, then finishes requests in flight for at most `drain_limit`.
///
/// The snapshot is read afresh from `world` for every request; a request keeps the one it began with.
pub async fn serve<S: Decide>(
    listener: TcpListener,
    tls: Option<Arc<ArcSwap<rustls::ServerConfig>>>,
    world: Arc<ArcSwap<S>>,
    shutdown: impl Future<Output = ()>,
    drain_limit: Duration,
) {
    let (phase, watching) = watch::channel(Phase::Serving);
    // Nothing is ever sent: that all senders are gone tells that all connections have ended.
    let (alive, mut all_ended) = mpsc::channel::<Infallible>(1);
    let door = Arc::new(Door::new(world, tls.is_some()));
    let life = upgrade::Life { phase: watching, _alive: alive, socket: Weak::new(), _place: None };
    let Budget { descriptors, client_places, client_connections, .. } = *BUDGET;
    tracing::info!(
        descriptors,
        connections = client_connections,
        places = client_places,
        "connections and requests in flight are bounded"
    );
    let places = Places::new(&BUDGET);
    let mut closed = Closed::default();
    stall::prepare(&listener);
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted {
            Ok((stream, peer, permit)) => {
                let Some(place) = permit.and_then(|permit| places.admit(peer.ip(), permit)) else {
                    closed.another();
                    continue;
                };
                // The certificate of this moment: it may be swapped.
                let acceptor = tls.as_ref().map(|tls| TlsAcceptor::from(tls.load_full()));
                tokio::spawn(connection(stream, peer, acceptor, Arc::clone(&door), life.clone(), Arc::new(place)));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    drop(life);
    tracing::info!(limit_s = drain_limit.as_secs(), "shutting down: finishing requests in flight");
    phase.send_replace(Phase::Draining);
    if tokio::time::timeout(drain_limit, all_ended.recv()).await.is_err() {
        tracing::warn!("requests were still in flight when the limit was over: they are cut off");
        phase.send_replace(Phase::Ended);
        all_ended.recv().await;
    }
}

/// Connections that were closed at once, since their clients had as many as they may.
#[derive(Default)]
struct Closed {
    count: u64,
    said: Option<Instant>,
}

impl Closed {
    fn another(&mut self) {
        METRICS.connection_refused();
        self.count += 1;
        if self.said.is_none_or(|said| said.elapsed() >= CLOSED_LOG_INTERVAL) {
            let count = std::mem::take(&mut self.count);
            self.said = Some(Instant::now());
            tracing::warn!(
                count,
                "connections were closed: a client has as many as one may have; if that is usual, raise the limit of open files"
            );
        }
    }
}

/// The next connection, once there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Places>,
) -> std::io::Result<(TcpStream, SocketAddr, Option<OwnedSemaphorePermit>)> {
    if places.are_out_of_connections() {
        tracing::warn!("no further connection is taken until one ends: raise the limit of open files");
    }
    let place = places.for_a_connection().await;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, place))
}

async fn connection<S: Decide>(
    stream: TcpStream,
    peer: SocketAddr,
    acceptor: Option<TlsAcceptor>,
    door: Arc<Door<S>>,
    life: upgrade::Life,
    place: Arc<ConnectionPlace>,
) {
    // Fails only on a connection that is already gone, which the next read finds out.
    let _ = stream.set_nodelay(true);
    let stream = Io::new(stream, false);
    let life = upgrade::Life { socket: stream.socket(), ..life };
    let stream = Unstalled::new(stream, CLIENT_STALL_MAX);
    match acceptor {
        None => http(stream, peer, door, life, place).await,
        Some(acceptor) => {
            let mut phase = life.phase.clone();
            let handshake = tokio::select! {
                handshake = tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)) => handshake,
                _ = phase.wait_for(|phase| *phase != Phase::Serving) => return,
            };
            match handshake {
                Ok(Ok(stream)) => http(stream, peer, door, life, place).await,
                Ok(Err(error)) => tracing::debug!(%peer, %error, "a TLS handshake failed"),
                Err(_) => tracing::debug!(%peer, "a TLS handshake took too long"),
            }
        }
    }
}

async fn http<S: Decide, IO>(
    io: IO,
    peer: SocketAddr,
    door: Arc<Door<S>>,
    life: upgrade::Life,
    place: Arc<ConnectionPlace>,
) where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut phase = life.phase.clone();
    let socket = Weak::clone(&life.socket);
    let connection = Arc::new(Connection::new(peer, life, place));
    let io = TokioIo::new(io);
    let service = service_fn(|request| {
        let (door, connection) = (Arc::clone(&door), Arc::clone(&connection));
        async move { door.serve(request, &connection).await }
    });
    let builder = builder();
    let mut served = pin!(builder.serve_connection_with_upgrades(io, service));
    // hyper's own limit begins only once it knows which HTTP it speaks.
    let mut first_request = pin!(tokio::time::sleep(HEAD_TIMEOUT));
    let mut hung_up = pin!(hangup::hung_up(&socket));
    let (mut waiting, mut draining) = (true, false);
    let outcome = loop {
        tokio::select! {
            outcome = served.as_mut() => break outcome,
            () = first_request.as_mut(), if waiting => {
                waiting = false;
                if !connection.has_begun() {
                    return;
                }
            }
            () = connection.downloads.are_too_many() => return,
            () = hung_up.as_mut() => {
                tracing::debug!(%peer, "a client is gone");
                return;
            }
            changed = phase.changed() => match (changed, *phase.borrow()) {
                (Ok(()), Phase::Serving) => {}
                (Ok(()), Phase::Draining) if !draining => {
                    draining = true;
                    served.as_mut().graceful_shutdown();
                }
                (Ok(()), Phase::Draining) => {}
                (Ok(()), Phase::Ended) | (Err(_), _) => return,
            },
        }
    };
    if let Err(error) = outcome {
        // Errors of the connection, not of a request: a client that went away, or that does not speak HTTP.
        tracing::debug!(%peer, %error, "a connection ended with an error");
    }
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX))
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_INTERVAL);
    builder
}
