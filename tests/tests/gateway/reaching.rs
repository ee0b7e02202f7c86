//! A provider that cannot be reached under load: TLS that fails or is cut off, certificates that are not its own, a
//! name that does not resolve. It is a 503 for new tokens, and nobody's fault.
//!
//! Short here; `cargo xtask nightly` has the full length (`PORTCULLIS_TESTS_FULL=1`).

use crate::world::config;
use portcullis_tests::gateway::{Gateway, any_port};
use portcullis_tests::load::{Load, Spell, judge, length, script};
use portcullis_tests::server::Server;
use portcullis_tests::upstream;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What meets a connection.
#[derive(Clone)]
enum Mode {
    /// TLS with this certificate, and the provider behind it.
    Serve(Arc<ServerConfig>),
    /// The connection is cut when the client has spoken.
    Cut,
    /// Something that is no TLS.
    Plain,
    /// A fatal alert (RFC 8446 6): handshake_failure.
    Alert,
    /// Nothing at all.
    Silent,
}

/// What terminates TLS before a provider, and can be told to fail. Connections end when it is told.
struct Front {
    address: SocketAddr,
    mode: watch::Sender<Mode>,
    _runtime: tokio::runtime::Runtime,
}

impl Front {
    fn start(provider: SocketAddr, mode: Mode) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind(any_port())).unwrap();
        let address = listener.local_addr().unwrap();
        let (mode, watched) = watch::channel(mode);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mut watched = watched.clone();
                let mode = watched.borrow_and_update().clone();
                tokio::spawn(async move {
                    tokio::select! {
                        () = meet(stream, mode, provider) => {}
                        _ = watched.changed() => {}
                    }
                });
            }
        });
        Self { address, mode, _runtime: runtime }
    }
}

/// Whatever breaks here is the client's business: the tests look at what the gateway answers.
async fn meet(mut client: TcpStream, mode: Mode, provider: SocketAddr) {
    match mode {
        Mode::Serve(config) => {
            let Ok(mut client) = tokio_rustls::TlsAcceptor::from(config).accept(client).await else { return };
            let Ok(mut provider) = TcpStream::connect(provider).await else { return };
            drop(tokio::io::copy_bidirectional(&mut client, &mut provider).await);
        }
        Mode::Cut => drop(client.read(&mut [0; 100]).await),
        Mode::Plain => drop(client.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await),
        Mode::Alert => {
            drop(client.read(&mut [0; 2000]).await);
            drop(client.write_all(&[21, 3, 3, 0, 2, 2, 40]).await);
        }
        Mode::Silent => std::future::pending().await,
    }
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

/// TLS with a certificate of this authority for this name, changed at will.
fn tls(authority: &CertifiedIssuer<'static, KeyPair>, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Mode {
    let mut parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
    change(&mut parameters);
    let key = KeyPair::generate().unwrap();
    let certificate = parameters.signed_by(&key, authority).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    Mode::Serve(Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap()))
}

fn seconds(short: usize, full: usize) -> Duration {
    Duration::from_secs(u64::try_from(length(short, full)).unwrap())
}

#[test]
fn tls_that_fails_is_nobodys_fault_and_over_when_it_is_over() {
    let (own, other) = (authority(), authority());
    let good = tls(&own, "127.0.0.1", |_| {});
    let provider = Server::start(any_port(), script).unwrap();
    let front = Front::start(provider.address(), good.clone());
    let upstream = upstream::start(any_port()).unwrap();
    let extra = "timeout: 1s\ncache: {ttl: 1h, negative_ttl: 1s}\ntls: {ca_file: ca.pem}";
    let config = config(&format!("https://{}", front.address), &upstream.url(), extra, "", "");
    let gateway = Gateway::start_with(&config, &[("ca.pem", &own.pem())]).unwrap();
    let load = Load::start(gateway.address);
    std::thread::sleep(Duration::from_secs(1));
    let modes = [
        ("another authority", tls(&other, "127.0.0.1", |_| {})),
        ("expired", tls(&own, "127.0.0.1", |parameters| parameters.not_after = rcgen::date_time_ymd(2020, 1, 1))),
        ("not yet", tls(&own, "127.0.0.1", |parameters| parameters.not_before = rcgen::date_time_ymd(2999, 1, 1))),
        ("another name", tls(&own, "other.example", |_| {})),
        ("cut", Mode::Cut),
        ("no TLS", Mode::Plain),
        ("an alert", Mode::Alert),
        ("silence", Mode::Silent),
    ];
    let spell = |(what, mode)| {
        let spell = Spell::of(
            seconds(2, 20),
            || drop(front.mode.send_replace(mode)),
            || drop(front.mode.send_replace(good.clone())),
        );
        (what, spell)
    };
    let spells: Vec<_> = modes.into_iter().map(spell).collect();
    let sent = load.end();
    judge(&sent, |one| !one.is_known()).unwrap();
    for (what, spell) in spells {
        let (tally, back) = spell.judge(&sent).unwrap_or_else(|wrong| panic!("{what}: {wrong}"));
        println!("{what}: {tally:?}, a new token {back:?} after it was over");
        // Each of ten clients may have waited for the deadline.
        assert!(tally.unavailable >= 5 && tally.passed > 50, "{what}: {tally:?}");
    }
}

#[test]
fn a_name_that_does_not_resolve_is_nobodys_fault() {
    let provider = Server::start(any_port(), script).unwrap();
    let upstream = upstream::start(any_port()).unwrap();
    let with = |host: &str| config(host, &upstream.url(), "timeout: 1s\nallow_http: true\ncache: {}", "", "");
    let gateway = Gateway::start(&with(&format!("http://provider.invalid:{}", provider.address().port()))).unwrap();
    let load = Load::start(gateway.address);
    std::thread::sleep(seconds(3, 20));
    let sent = load.end();
    let tally = judge(&sent, |_| true).unwrap();
    assert!(tally.passed == 0 && tally.bad == 0 && tally.unavailable > 100, "{tally:?}");
    assert!(upstream.seen().is_empty());
    let down = gateway.metric("portcullis_provider_down{provider=\"staff\"}").unwrap();
    assert_eq!(down, 1.0);
    // The operator writes the right name: all is well at once.
    gateway.reload(&with(&provider.url())).unwrap();
    gateway.until_log_says(": reloaded", 1).unwrap();
    let load = Load::start(gateway.address);
    std::thread::sleep(Duration::from_secs(1));
    let sent = load.end();
    let tally = judge(&sent, |_| false).unwrap();
    assert!(tally.passed > 100 && tally.bad > 30, "{tally:?}");
}
