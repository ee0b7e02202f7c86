//! HTTP/1.1 and HTTP/2, with and without TLS, on the same port and with the same answers.

use crate::world::{ALICE, World, config};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use portcullis_tests::gateway::{Gateway, any_port};
use portcullis_tests::wire::Response;
use portcullis_tests::{provider, upstream};
use rustls::pki_types::{CertificateDer, ServerName};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A GET over HTTP/2 without TLS, by prior knowledge.
pub(crate) fn h2c(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Response {
    h2c_as("GET", address, path, headers)
}

/// As [`h2c`], by any method.
pub(crate) fn h2c_as(method: &str, address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Response {
    runtime().block_on(async {
        let stream = TcpStream::connect(address).await.unwrap();
        over_h2(stream, method, &format!("http://{address}{path}"), headers).await
    })
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

async fn over_h2(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
) -> Response {
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut request = http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
    let (head, body) = response.into_parts();
    assert_eq!(head.version, http::Version::HTTP_2);
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    connection.abort();
    let headers = head.headers.iter();
    Response {
        status: head.status.as_u16(),
        headers: headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect(),
        body_length: body.len() as u64,
        body,
        ..Response::default()
    }
}

#[test]
fn http_2_without_tls() {
    let world = World::new();
    let good = h2c(world.gateway.address, "/rest?q=1", &[("authorization", ALICE.1)]);
    assert_eq!((good.status, &good.json()["user"]), (200, &"alice".into()), "{}", good.text());
    assert_eq!(good.json()["target"], "/rest?q=1");
    let none = h2c(world.gateway.address, "/rest", &[]);
    assert_eq!(none.status, 401);
    assert!(none.header("www-authenticate").is_some_and(|value| value.starts_with("Bearer ")));
    let twice = h2c(world.gateway.address, "/rest", &[("authorization", ALICE.1), ("authorization", "Bearer bad")]);
    assert_eq!(twice.status, 400);
    let hosts = h2c(world.gateway.address, "/rest", &[("authorization", ALICE.1), ("host", "other.example")]);
    assert_eq!(hosts.status, 400, ":authority and Host differ");
    let odd = h2c(world.gateway.address, "/rest/..%2fx", &[("authorization", ALICE.1)]);
    assert_eq!(odd.status, 400);
}

#[test]
fn tls_speaks_what_alpn_agreed_on() {
    let key = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, secret) = (key.cert.pem(), key.signing_key.serialize_pem());
    let provider = provider::start(any_port()).unwrap();
    let upstream = upstream::start(any_port()).unwrap();
    let config =
        config(&provider.url(), &upstream.url(), "", "", "") + "tls: {cert_file: gate.pem, key_file: gate.key}\n";
    let gateway = Gateway::start_with(&config, &[("gate.pem", &certificate), ("gate.key", &secret)]).unwrap();

    let connect = async |protocols: &[&str]| {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from(key.cert.der().to_vec())).unwrap();
        let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder =
            rustls::ClientConfig::builder_with_provider(crypto).with_safe_default_protocol_versions().unwrap();
        let mut tls = builder.with_root_certificates(roots).with_no_client_auth();
        tls.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(gateway.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        tokio_rustls::TlsConnector::from(Arc::new(tls)).connect(name, stream).await.unwrap()
    };
    let agreed = |stream: &tokio_rustls::client::TlsStream<TcpStream>| {
        stream.get_ref().1.alpn_protocol().map(|protocol| String::from_utf8(protocol.to_vec()).unwrap())
    };
    runtime().block_on(async {
        let stream = connect(&["h2", "http/1.1"]).await;
        assert_eq!(agreed(&stream).as_deref(), Some("h2"));
        let url = format!("https://localhost:{}/rest", gateway.address.port());
        let response = over_h2(stream, "GET", &url, &[("authorization", ALICE.1)]).await;
        assert_eq!((response.status, &response.json()["user"]), (200, &"alice".into()), "{}", response.text());

        for protocols in [&["http/1.1"][..], &[]] {
            let stream = connect(protocols).await;
            assert_eq!(agreed(&stream).as_deref(), protocols.first().copied());
            let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
            tokio::spawn(connection);
            let request = http::Request::get("/rest").header("host", "localhost").header("authorization", ALICE.1);
            let response = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
            assert_eq!(response.status(), 200);
        }
    });
    let last = upstream.seen().pop().unwrap();
    assert_eq!(last.header("x-forwarded-proto"), Some("https"));
}

/// The certificate of the next connection is the one that lies there at SIGHUP; a wrong one leaves the last good one.
#[test]
fn a_certificate_is_renewed_without_a_restart() {
    let made = || {
        let pair = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        (pair.cert.pem(), pair.signing_key.serialize_pem(), pair.cert.der().clone())
    };
    let (first, second) = (made(), made());
    let provider = provider::start(any_port()).unwrap();
    let upstream = upstream::start(any_port()).unwrap();
    let rest = format!(
        "tls: {{cert_file: gate.pem, key_file: gate.key}}\n{}",
        config(&provider.url(), &upstream.url(), "", "", "")
    );
    let gateway = Gateway::start_with(&rest, &[("gate.pem", &first.0), ("gate.key", &first.1)]).unwrap();
    let shown = || {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(first.2.clone()).unwrap();
        roots.add(second.2.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let client =
            rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let client = client.with_root_certificates(roots).with_no_client_auth();
        runtime().block_on(async {
            let stream = TcpStream::connect(gateway.address).await.unwrap();
            let name = ServerName::try_from("localhost").unwrap();
            let stream = tokio_rustls::TlsConnector::from(Arc::new(client)).connect(name, stream).await.unwrap();
            stream.get_ref().1.peer_certificates().unwrap().first().unwrap().clone().into_owned()
        })
    };
    assert_eq!(shown(), first.2);
    gateway.write("gate.pem", "no certificate").unwrap();
    gateway.reload(&rest).unwrap();
    gateway.until_log_says("the last good configuration keeps serving", 1).unwrap();
    assert_eq!(shown(), first.2);
    gateway.write("gate.pem", &second.0).unwrap();
    gateway.write("gate.key", &second.1).unwrap();
    gateway.reload(&rest).unwrap();
    gateway.until_log_says(": reloaded", 1).unwrap();
    assert_eq!(shown(), second.2);
}
