//! A gateway whose decisions the test makes, an upstream that tells what it saw, and a client that writes raw bytes.

use super::super::{Decide, serve};
use crate::config::{Access, BasicAuth, HeaderValues, RouteConfig, RouteMatch, UpstreamConfig};
use crate::decision::{Decision, Pass, Request as Question};
use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::collections::HashSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

type Judge = dyn Fn(&Arc<RouteConfig>, &Question<'_>) -> Decision + Send + Sync;

/// A snapshot with one route.
pub(super) struct World {
    names: HashSet<String>,
    routes: Vec<Arc<RouteConfig>>,
    judge: Box<Judge>,
}

impl Decide for World {
    async fn decide(&self, request: Question<'_>) -> Decision {
        (self.judge)(&self.routes[0], &request)
    }

    fn identity_names(&self) -> &HashSet<String> {
        &self.names
    }

    fn routes(&self) -> &[Arc<RouteConfig>] {
        &self.routes
    }
}

/// Lets everything through as alice.
pub(super) fn as_alice(route: &Arc<RouteConfig>, _: &Question<'_>) -> Decision {
    let user = (HeaderName::from_static("x-remote-user"), HeaderValue::from_static("alice"));
    Ok(Pass { headers: vec![user], ..as_nobody(route) }).into()
}

/// Lets everything through as nobody, as a public route does.
pub(super) fn as_nobody(route: &Arc<RouteConfig>) -> Pass {
    let route = Arc::clone(route);
    Pass { route, headers: Vec::new(), keep_authorization: false, pass_cookies: false, preflight: false }
}

/// A route to an upstream.
pub(super) fn route(url: &str, timeout: Duration, ca_pem: Option<Vec<u8>>) -> RouteConfig {
    RouteConfig {
        index: 0,
        matches: RouteMatch { host: None, path: String::new(), methods: Vec::new() },
        access: Access::Public,
        require: portcullis_core::policy::Require::default(),
        services: crate::config::Services::Refuse,
        observe: false,
        basic_auth: BasicAuth::Block,
        fall_through: false,
        cors: crate::config::Cors::None,
        upstream: UpstreamConfig { url: url.parse().expect("URL"), timeout, ca_pem },
        identity_headers: Vec::new(),
        header_values: HeaderValues::Refuse,
        keep_authorization: false,
        pass_cookies: false,
        refuse_query: portcullis_core::target::QueryNames::default(),
        allow_in_path: Vec::new(),
    }
}

/// A running gateway.
pub(super) struct Gate {
    pub(super) address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl Gate {
    /// Stops it, and returns when it has ended.
    pub(super) async fn stop(self) {
        self.begin_to_stop().await.expect("no panic");
    }

    /// Tells it to stop.
    pub(super) fn begin_to_stop(self) -> JoinHandle<()> {
        self.stop.send(()).expect("running");
        self.server
    }
}

/// Starts a gateway before an upstream.
pub(super) async fn gate(
    route: RouteConfig,
    judge: impl Fn(&Arc<RouteConfig>, &Question<'_>) -> Decision + Send + Sync + 'static,
) -> Gate {
    gate_with(route, judge, None, Duration::from_secs(3)).await
}

/// Starts a gateway, with TLS or a drain limit of its own.
pub(super) async fn gate_with(
    route: RouteConfig,
    judge: impl Fn(&Arc<RouteConfig>, &Question<'_>) -> Decision + Send + Sync + 'static,
    tls: Option<Arc<rustls::ServerConfig>>,
    drain: Duration,
) -> Gate {
    let names = ["x-remote-user", "x-remote-groups"].into_iter().map(str::to_owned).collect();
    let world = World { names, routes: vec![Arc::new(route)], judge: Box::new(judge) };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let address = listener.local_addr().expect("address");
    let (stop, stopped) = oneshot::channel();
    let stopped = async {
        let _ = stopped.await;
    };
    let server = tokio::spawn(serve(
        listener,
        tls.map(|tls| Arc::new(ArcSwap::new(tls))),
        Arc::new(ArcSwap::from_pointee(world)),
        stopped,
        drain,
    ));
    Gate { address, stop, server }
}

/// Starts a gateway that lets everything through as alice, before the upstream below.
pub(super) async fn gate_as_alice() -> Gate {
    let upstream = upstream().await;
    gate(route(&format!("http://{upstream}"), Duration::from_secs(5), None), as_alice).await
}

/// Starts an upstream. It answers with what it saw: request line, headers, body and trailers, one a line. Some paths do
/// other things.
pub(super) async fn upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let address = listener.local_addr().expect("address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                let _ = builder.serve_connection_with_upgrades(TokioIo::new(stream), service_fn(answer)).await;
            });
        }
    });
    address
}

type Answer = Response<BoxBody<Bytes, hyper::Error>>;

fn text(text: impl Into<Bytes>) -> BoxBody<Bytes, hyper::Error> {
    Full::new(text.into()).map_err(|never| match never {}).boxed()
}

async fn answer(mut request: Request<Incoming>) -> Result<Answer, Infallible> {
    let path = request.uri().path().to_owned();
    match path.as_str() {
        "/echo" => Ok(Response::new(request.into_body().boxed())),
        "/slow" => {
            tokio::time::sleep(Duration::from_millis(600)).await;
            Ok(Response::new(text("slow")))
        }
        "/silent" => std::future::pending().await,
        "/sized" => Ok(Response::new(text("0123456789"))),
        "/websocket" => {
            let mut response = Response::new(text(""));
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            response.headers_mut().insert("upgrade", HeaderValue::from_static("websocket"));
            response.headers_mut().insert("connection", HeaderValue::from_static("upgrade"));
            tokio::spawn(async move {
                let mut upgraded = TokioIo::new(hyper::upgrade::on(&mut request).await.expect("upgrade"));
                let mut bytes = [0; 64];
                while let Ok(count @ 1..) = upgraded.read(&mut bytes).await {
                    upgraded.write_all(&bytes[..count].to_ascii_uppercase()).await.expect("echo");
                }
            });
            Ok(response)
        }
        "/headers" => {
            let mut response = Response::new(text("x"));
            for (name, value) in [
                ("connection", "x-hop"),
                ("x-hop", "1"),
                ("keep-alive", "timeout=5"),
                ("proxy-authenticate", "Basic"),
                ("set-cookie", "session=alice"),
                ("x-request-id", "upstreams-own"),
                ("x-end", "1"),
                ("x-end", "2"),
            ] {
                response.headers_mut().append(name, HeaderValue::from_static(value));
            }
            Ok(response)
        }
        "/trailers" => {
            let trailers: HeaderMap = [("x-sum", "42"), ("set-cookie", "session=alice")]
                .into_iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
                .collect();
            let frames = [Ok(Frame::data(Bytes::from_static(b"body"))), Ok(Frame::trailers(trailers))];
            let mut response = Response::new(StreamBody::new(futures_util::stream::iter(frames)).boxed());
            response.headers_mut().insert("trailer", HeaderValue::from_static("x-sum, set-cookie"));
            Ok(response)
        }
        _ => Ok(Response::new(text(report(request).await))),
    }
}

async fn report(request: Request<Incoming>) -> String {
    let (parts, body) = request.into_parts();
    let mut lines = format!("line: {} {}\n", parts.method, parts.uri);
    for (name, value) in &parts.headers {
        lines.push_str(&format!("header: {name}={}\n", String::from_utf8_lossy(value.as_bytes())));
    }
    if let Ok(body) = body.collect().await {
        for (name, value) in body.trailers().into_iter().flatten() {
            lines.push_str(&format!("trailer: {name}={}\n", String::from_utf8_lossy(value.as_bytes())));
        }
        lines.push_str(&format!("body: {}\n", String::from_utf8_lossy(&body.to_bytes())));
    }
    lines
}

/// Writes bytes as they are, and reads until the other side closes.
pub(super) async fn raw(address: SocketAddr, bytes: impl AsRef<[u8]>) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connect");
    stream.write_all(bytes.as_ref()).await.expect("write");
    let mut answer = Vec::new();
    // A reset after the answer is no matter.
    let _ = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await.expect("closes");
    String::from_utf8_lossy(&answer).into_owned()
}

/// One request with these header lines, closed after it.
pub(super) async fn get(address: SocketAddr, target: &str, lines: &str) -> String {
    raw(address, format!("GET {target} HTTP/1.1\r\nHost: api.example.com\r\nConnection: close\r\n{lines}\r\n")).await
}

/// The status of a raw answer.
pub(super) fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("no status: {answer:?}"))
}

/// A request over HTTP/2 without TLS: status, headers and body.
pub(super) async fn http2(address: SocketAddr, request: Request<Full<Bytes>>) -> (http::response::Parts, String) {
    let stream = TcpStream::connect(address).await.expect("connect");
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("handshake");
    tokio::spawn(connection);
    let (parts, body) = sender.send_request(request).await.expect("response").into_parts();
    let body = body.collect().await.expect("body").to_bytes();
    (parts, String::from_utf8_lossy(&body).into_owned())
}
