//! Which connections to providers and upstreams are used again, over HTTP/1.1 and HTTP/2, and which never.

use crate::world::{ALICE, World, assert_refused, config};
use bytes::Bytes;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use portcullis_tests::gateway::{Gateway, any_port};
use portcullis_tests::server::{Answer, Reply, Server};
use portcullis_tests::{client, provider};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// An upstream that speaks HTTP/2 over TLS, behind a balancer that can forget connections without a word.
struct Http2 {
    address: SocketAddr,
    pem: String,
    connections: Arc<AtomicUsize>,
    /// The number of those who are forgotten: all before it.
    forgotten: watch::Sender<usize>,
    _runtime: tokio::runtime::Runtime,
}

impl Http2 {
    fn start() -> Self {
        let pair = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ServerConfig::builder_with_provider(crypto).with_safe_default_protocol_versions().unwrap();
        let key = PrivateKeyDer::try_from(pair.signing_key.serialize_der()).unwrap();
        let mut tls = tls.with_no_client_auth().with_single_cert(vec![pair.cert.der().clone()], key).unwrap();
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(tls));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (inner, outer) = runtime
            .block_on(async { tokio::try_join!(TcpListener::bind(any_port()), TcpListener::bind(any_port())) })
            .unwrap();
        let (server, address) = (inner.local_addr().unwrap(), outer.local_addr().unwrap());
        runtime.spawn(async move {
            while let Ok((stream, _)) = inner.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                    drop(builder.serve_connection(TokioIo::new(stream), service_fn(version)).await);
                });
            }
        });
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        let (forgotten, watched) = watch::channel(0);
        runtime.spawn(async move {
            while let Ok((mut client, _)) = outer.accept().await {
                let number = count.fetch_add(1, Ordering::SeqCst);
                let mut watched = watched.clone();
                tokio::spawn(async move {
                    let Ok(mut server) = TcpStream::connect(server).await else { return };
                    let is_forgotten = tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => false,
                        _ = watched.wait_for(|forgotten| number < *forgotten) => true,
                    };
                    if is_forgotten {
                        std::future::pending().await
                    }
                });
            }
        });
        Self { address, pem: pair.cert.pem(), connections, forgotten, _runtime: runtime }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Says in which version it was asked, as whom, and where.
async fn version(request: http::Request<hyper::body::Incoming>) -> Result<http::Response<Full<Bytes>>, Infallible> {
    let (authority, user) =
        (request.uri().authority().map(ToString::to_string), request.headers().get("x-remote-user"));
    let host = request.headers().contains_key("host");
    let text =
        format!("{:?} {} {} {user:?} {host}", request.version(), authority.unwrap_or_default(), request.uri().path());
    Ok(http::Response::new(Full::new(Bytes::from(text))))
}

#[test]
fn an_http_2_upstream_has_one_connection_and_one_that_went_silent_is_left() {
    let upstream = Http2::start();
    let provider = provider::start(any_port()).unwrap();
    let config = config(&provider.url(), &format!("https://{}", upstream.address), "", "", "");
    let config = config.replace(", timeout: 3s", ", timeout: 1500ms, tls: {ca_file: ca.pem}");
    let gateway = Gateway::start_with(&config, &[("ca.pem", &upstream.pem)]).unwrap();
    let get = || client::get(gateway.address, "/rest", &[ALICE]).unwrap();
    let expected = format!("HTTP/2.0 {} /rest Some(\"alice\") false", upstream.address);
    assert_eq!(get().text(), expected);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..20).map(|_| scope.spawn(get)).collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap().text(), expected);
        }
    });
    assert_eq!(upstream.connections(), 1);
    // From now on nothing comes on it, not even its end.
    upstream.forgotten.send_replace(1);
    assert_refused(&get(), 504, "silence");
    assert_eq!(get().text(), expected);
    assert_eq!(upstream.connections(), 2);
}

/// `reuse: none`: each call has a connection of its own, and says so.
#[test]
fn a_provider_whose_connections_are_not_reused_has_one_for_each_call() {
    let kept = World::build(provider::keycloak, "", "", "");
    let unkept = World::build(provider::keycloak, "reuse: none", "", "");
    for (world, reused) in [(kept, true), (unkept, false)] {
        let before = world.provider.connections();
        for number in 0..6 {
            let response = client::get_as(world.gateway.address, "/rest", &format!("good-token-user{number}")).unwrap();
            assert_eq!(response.json()["user"], format!("user{number}"));
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(world.provider.connections() - before, if reused { 1 } else { 6 });
        let close = world.provider.seen().iter().filter(|seen| seen.header("connection") == Some("close")).count();
        assert_eq!(close, if reused { 0 } else { 6 });
    }
}

/// What is on a connection to a proxy cannot be looked at.
#[test]
fn calls_through_a_proxy_have_connections_of_their_own() {
    let proxy = Server::start(any_port(), |request| {
        let mut request = request.clone();
        request.target = request.target.strip_prefix("http://provider.invalid").unwrap_or("/").to_owned();
        provider::keycloak(&request)
    })
    .unwrap();
    let upstream = portcullis_tests::upstream::start(any_port()).unwrap();
    let extra = format!("allow_http: true\nproxy: {}", proxy.url());
    let gateway = Gateway::start(&config("http://provider.invalid", &upstream.url(), &extra, "", "")).unwrap();
    let before = proxy.connections();
    for number in 0..3 {
        let response = client::get_as(gateway.address, "/rest", &format!("good-token-user{number}")).unwrap();
        assert_eq!(response.json()["user"], format!("user{number}"));
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(proxy.connections() - before, 3);
}

/// Connections to a provider that a reload dropped end with it.
#[test]
fn a_provider_that_is_dropped_keeps_no_connection() {
    let (old, new) = (provider::start(any_port()).unwrap(), provider::start(any_port()).unwrap());
    let World { gateway, provider: _first, upstream } = World::new();
    for (provider, reloads) in [(&old, 1), (&new, 2)] {
        gateway.reload(&config(&provider.url(), &upstream.url(), "", "", "")).unwrap();
        gateway.until_log_says(": reloaded", reloads).unwrap();
        assert_eq!(client::get(gateway.address, "/rest", &[ALICE]).unwrap().status, 200);
    }
    let to = |server: &Server| connections_to(&gateway, server.address());
    let limit = Instant::now() + Duration::from_secs(10);
    while to(&old) > 0 {
        assert!(Instant::now() < limit, "{} connections to a provider that is gone", to(&old));
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(to(&new), 1);
}

/// How many established connections the gateway has to there.
fn connections_to(gateway: &Gateway, address: SocketAddr) -> usize {
    // `local remote state`, addresses as hexadecimal words; 01 is established. The network is the whole machine's, and the
    // port is the test's alone.
    let port = format!(":{:04X}", address.port());
    let table = gateway.proc("net/tcp").unwrap();
    let fields = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    table.lines().map(fields).filter(|line| line.len() > 3 && line[2].ends_with(&port) && line[3] == "01").count()
}

/// RFC 9110 5.4 leaves limits to the recipient: what is beyond them is said for what it is.
#[test]
fn an_answer_with_too_many_fields_is_502_and_the_log_says_so() {
    let provider = provider::start(any_port()).unwrap();
    let upstream = Server::start(any_port(), |request| {
        let count = request.path().trim_start_matches('/').parse().unwrap_or(0);
        let answer = (0..count).fold(Answer::status(200), |answer, number| answer.with(&format!("X-{number}"), "1"));
        Reply::Answer(answer)
    })
    .unwrap();
    let gateway = Gateway::start(&config(&provider.url(), &upstream.url(), "", "", "")).unwrap();
    assert_eq!(client::get(gateway.address, "/90", &[ALICE]).unwrap().status, 200);
    assert_refused(&client::get(gateway.address, "/120", &[ALICE]).unwrap(), 502, "120 fields");
    gateway.until_log_says("the head of the upstream's answer is too large", 1).unwrap();
}
