//! Clients that want more than their part: HTTP/2 connections with hundreds of requests, from any loopback address.

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use portcullis_tests::wire::{self, Response};
use std::io::{BufReader, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::Runtime;

/// A client of its own: loopback has many addresses.
pub(crate) fn client_ip(number: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, 0, number).into()
}

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// A connection from this address.
async fn connect(from: IpAddr, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(from, 0)).unwrap();
    socket.connect(to).await.unwrap()
}

/// A GET over HTTP/1.1 from this address, with a bearer token.
pub(crate) fn get_from(from: IpAddr, to: SocketAddr, target: &str, token: &str) -> std::io::Result<Response> {
    let stream = runtime().block_on(async { connect(from, to).await.into_std() })?;
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(std::time::Duration::from_secs(30)))?;
    let head =
        format!("GET {target} HTTP/1.1\r\nHost: {to}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n");
    (&stream).write_all(head.as_bytes())?;
    wire::read_response(&mut BufReader::new(&stream), "GET")
}

/// An HTTP/2 connection.
#[derive(Clone)]
pub(crate) struct H2 {
    to: SocketAddr,
    sender: SendRequest<Empty<Bytes>>,
}

impl H2 {
    /// From this address, without TLS, by prior knowledge. Of each answer the client takes `window` bytes before it reads.
    pub(crate) async fn connect(from: IpAddr, to: SocketAddr, window: u32) -> Self {
        let stream = TokioIo::new(connect(from, to).await);
        let mut builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
        builder.initial_stream_window_size(window).initial_connection_window_size(1 << 30);
        let (sender, connection) = builder.handshake(stream).await.unwrap();
        tokio::spawn(connection);
        Self { to, sender }
    }

    /// Sends a GET with a bearer token. Dropped before it is answered, it is taken back (RST_STREAM).
    pub(crate) async fn get(
        &mut self,
        target: &str,
        token: &str,
    ) -> hyper::Result<http::Response<hyper::body::Incoming>> {
        self.sender.ready().await?;
        let request =
            Request::get(format!("http://{}{target}", self.to)).header("authorization", format!("Bearer {token}"));
        self.sender.send_request(request.body(Empty::new()).unwrap()).await
    }
}
