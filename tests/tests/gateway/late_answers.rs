//! A generator of answers that are followed by more than was asked for, by providers and upstreams, in clear and over TLS.
//! The surplus has always arrived before the next request is sent; it must never be the answer to that one.
//!
//! In an idle gateway the HTTP library mostly notices the surplus by itself. That the gateway looks where it could not is
//! tested in process, where the moment can be chosen: `host/src/gateway/tests/late_answers.rs`, `host/src/http_client/tests.rs`.

use crate::world::config;
use portcullis_tests::gateway::{Gateway, any_port};
use portcullis_tests::wire::{Request, Response, read_request};
use portcullis_tests::{client, provider, upstream};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;
use std::io::{self, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

/// Whom the surplus names.
const MALLORY: &str = "mallory";

/// What comes beside an answer.
#[derive(Debug, Clone, Copy)]
enum Surplus {
    /// Nothing.
    None,
    /// A second response.
    Whole,
    /// A second response without its last bytes.
    Half,
    /// An interim response, then a second one.
    AfterInterim,
    /// What is no HTTP.
    Junk,
    /// A second response, although the first said `Connection: close`.
    AfterClose,
    /// A second response after a chunked one with trailers that nobody asked for.
    AfterTrailers,
    /// The first is one byte longer than its length says, and a second one follows.
    LengthTooShort,
    /// The length reaches into the second response.
    LengthTooLong,
}

impl Surplus {
    const ALL: [Self; 8] = [
        Self::Whole,
        Self::Half,
        Self::AfterInterim,
        Self::Junk,
        Self::AfterClose,
        Self::AfterTrailers,
        Self::LengthTooShort,
        Self::LengthTooLong,
    ];

    /// Whether the right answer arrives whole.
    fn is_whole(self) -> bool {
        !matches!(self, Self::LengthTooShort | Self::LengthTooLong)
    }

    /// The answer, and what comes beside it.
    fn messages(self, own: &str, theirs: &str) -> (Vec<u8>, Vec<u8>) {
        let answer = |length: usize, more: &str, body: &str| {
            format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{more}\r\n{body}")
        };
        let second = answer(theirs.len(), "", theirs);
        let trailers = "Transfer-Encoding: chunked\r\nTrailer: X-User";
        let first = match self {
            Self::AfterClose => answer(own.len(), "Connection: close\r\n", own),
            Self::LengthTooShort => answer(own.len() - 1, "", own),
            Self::LengthTooLong => answer(own.len() + 40, "", own),
            Self::AfterTrailers => {
                let chunk = format!("{:x}\r\n{own}\r\n0\r\nX-User: {MALLORY}\r\n\r\n", own.len());
                format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{trailers}\r\n\r\n{chunk}")
            }
            _ => answer(own.len(), "", own),
        };
        let surplus = match self {
            Self::None => String::new(),
            Self::Half => second.split_at(second.len() - 5).0.to_owned(),
            Self::AfterInterim => format!("HTTP/1.1 103 Early Hints\r\n\r\n{second}"),
            Self::Junk => format!("\0\u{1}{MALLORY}\r\n\r\n"),
            _ => second,
        };
        (first.into_bytes(), surplus.into_bytes())
    }
}

/// When the surplus comes.
#[derive(Debug, Clone, Copy)]
enum When {
    /// In the same write.
    With,
    /// In a write of its own, so long after the answer.
    After(Duration),
}

const MOMENTS: [When; 5] = [
    When::With,
    When::After(Duration::ZERO),
    When::After(Duration::from_millis(1)),
    When::After(Duration::from_millis(4)),
    When::After(Duration::from_millis(60)),
];

/// A server that answers as its turn is.
struct Generator {
    address: SocketAddr,
    turn: Arc<Mutex<(Surplus, When)>>,
    /// Says when everything of an answer and its surplus has been sent.
    sent: mpsc::Receiver<()>,
    connections: Arc<AtomicUsize>,
}

impl Generator {
    /// `body` is what this server answers about somebody.
    fn start(
        tls: Option<Arc<ServerConfig>>,
        who: fn(&Request) -> Option<String>,
        body: fn(&str) -> serde_json::Value,
    ) -> Self {
        let listener = TcpListener::bind(any_port()).unwrap();
        let address = listener.local_addr().unwrap();
        let turn = Arc::new(Mutex::new((Surplus::None, When::With)));
        let connections = Arc::new(AtomicUsize::new(0));
        let (tell, sent) = mpsc::channel();
        let (turns, count) = (Arc::clone(&turn), Arc::clone(&connections));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (turns, tell, tls) = (Arc::clone(&turns), tell.clone(), tls.clone());
                count.fetch_add(1, Ordering::SeqCst);
                std::thread::spawn(move || {
                    let stream = stream.unwrap();
                    stream.set_nodelay(true).unwrap();
                    // A connection that the gateway closes is what is wanted.
                    drop(match tls {
                        None => serve(stream, &turns, &tell, who, body),
                        Some(tls) => {
                            let tls = ServerConnection::new(tls).unwrap();
                            serve(StreamOwned::new(tls, stream), &turns, &tell, who, body)
                        }
                    });
                });
            }
        });
        Self { address, turn, sent, connections }
    }

    /// What comes of a request, once everything that the server sends about it has been sent.
    fn ask(&self, turn: (Surplus, When), ask: impl FnOnce() -> Response) -> Response {
        *self.turn.lock().unwrap() = turn;
        let response = ask();
        self.sent.recv_timeout(Duration::from_secs(10)).unwrap();
        response
    }
}

fn serve(
    stream: impl Read + Write,
    turns: &Mutex<(Surplus, When)>,
    tell: &mpsc::Sender<()>,
    who: fn(&Request) -> Option<String>,
    body: fn(&str) -> serde_json::Value,
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read_request(&mut stream, |_| Ok(()))? {
        let Some(user) = who(&request) else {
            // The gateway itself asks how the provider is.
            write(&mut stream, b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")?;
            continue;
        };
        let (surplus, when) = *turns.lock().unwrap();
        let (mut answer, more) = surplus.messages(&body(&user).to_string(), &body(MALLORY).to_string());
        let sent = match when {
            When::With => {
                answer.extend_from_slice(&more);
                write(&mut stream, &answer)
            }
            When::After(pause) => write(&mut stream, &answer).and_then(|()| {
                std::thread::sleep(pause);
                write(&mut stream, &more)
            }),
        };
        tell.send(()).unwrap();
        sent?;
    }
    Ok(())
}

fn write(stream: &mut BufReader<impl Read + Write>, bytes: &[u8]) -> io::Result<()> {
    stream.get_mut().write_all(bytes)?;
    stream.get_mut().flush()
}

/// A certificate for the loopback address, which is its own authority.
fn certificate() -> (String, Arc<ServerConfig>) {
    let pair = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(crypto).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::try_from(pair.signing_key.serialize_der()).unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![pair.cert.der().clone()], key).unwrap();
    (pair.cert.pem(), Arc::new(config))
}

fn of_the_token(request: &Request) -> Option<String> {
    request.bearer()?.strip_prefix("good-token-").map(str::to_owned)
}

fn of_the_header(request: &Request) -> Option<String> {
    request.header("x-remote-user").map(str::to_owned)
}

/// Each surplus at each moment: a server of its own for each, since one that sent a surplus is not trusted afterwards.
fn turns() -> impl Iterator<Item = (Surplus, When)> {
    Surplus::ALL.into_iter().flat_map(|surplus| MOMENTS.map(|when| (surplus, when)))
}

/// A configuration with a provider and a route for each of these; route and provider have the same number.
fn many(providers: &[String], upstreams: &[String], provider_extra: &str, upstream_extra: &str) -> String {
    let mut config = "providers:\n".to_owned();
    for (number, url) in providers.iter().enumerate() {
        config.push_str(&format!(
            "  p{number}: {{adapter: keycloak, settings: {{host: \"{url}\", realm: demo}}, any_audience: true, cache: none{provider_extra}}}\n"
        ));
    }
    config.push_str("routes:\n");
    for (number, url) in upstreams.iter().enumerate() {
        let provider = number.min(providers.len() - 1);
        config.push_str(&format!(
            "  - {{match: {{path: /{number}}}, providers: [p{provider}], upstream: {{url: \"{url}\", timeout: 3s{upstream_extra}}}}}\n"
        ));
    }
    config
}

/// One victim after the other, each with a token of their own.
fn assert_each_is_oneself(generators: &[Generator], gateway: &Gateway, what: &str) {
    let mut victims = 0;
    for (number, (generator, turn)) in generators.iter().zip(turns()).enumerate() {
        let what = format!("{what}, {turn:?}");
        let mut get = |turn: (Surplus, When)| {
            victims += 1;
            let ask = || client::get_as(gateway.address, &format!("/{number}"), &format!("good-token-victim{victims}"));
            let response = generator.ask(turn, || ask().unwrap());
            let text = response.text();
            assert!(!text.contains(MALLORY), "{what}: {text}");
            if turn.0.is_whole() {
                assert_eq!(response.status, 200, "{what}: {text}");
                assert_eq!(response.json()["user"], format!("victim{victims}"), "{what}");
            }
        };
        let quiet = (Surplus::None, When::With);
        for _ in 0..2 {
            get(quiet);
            std::thread::sleep(Duration::from_millis(20));
        }
        // Connections are kept at all: else nothing of the rest could go wrong.
        assert_eq!(generator.connections.load(Ordering::SeqCst), 1, "{what}");
        // The one after whose answer the surplus comes, and those after.
        for turn in [turn, quiet, quiet] {
            get(turn);
        }
    }
    assert!(gateway.log().contains("sent more than it was asked for"));
}

#[test]
fn a_provider_that_sends_more_than_was_asked_for_names_nobody_else() {
    let (pem, tls) = certificate();
    let upstream = upstream::start(any_port()).unwrap();
    for (what, tls) in [("in clear", None), ("over TLS", Some(tls))] {
        let (scheme, extra) = if tls.is_some() { ("https", ", tls: {ca_file: ca.pem}") } else { ("http", "") };
        let start = |_| Generator::start(tls.clone(), of_the_token, provider::claims);
        let generators: Vec<_> = turns().map(start).collect();
        let urls: Vec<_> = generators.iter().map(|one| format!("{scheme}://{}", one.address)).collect();
        let config = many(&urls, &vec![upstream.url(); urls.len()], extra, "");
        let gateway = Gateway::start_with(&config, &[("ca.pem", &pem)]).unwrap();
        assert_each_is_oneself(&generators, &gateway, what);
        assert!(upstream.seen().iter().all(|request| request.header("x-remote-user") != Some(MALLORY)));
    }
}

#[test]
fn an_upstream_that_sends_more_than_was_asked_for_answers_nobody_else() {
    let (pem, tls) = certificate();
    let provider = provider::start(any_port()).unwrap();
    for (what, tls) in [("in clear", None), ("over TLS", Some(tls))] {
        let (scheme, extra) = if tls.is_some() { ("https", ", tls: {ca_file: ca.pem}") } else { ("http", "") };
        let start = |_| Generator::start(tls.clone(), of_the_header, |user| json!({"user": user, "to": "somebody"}));
        let generators: Vec<_> = turns().map(start).collect();
        let urls: Vec<_> = generators.iter().map(|one| format!("{scheme}://{}", one.address)).collect();
        let config = many(&[provider.url()], &urls, "", extra);
        let gateway = Gateway::start_with(&config, &[("ca.pem", &pem)]).unwrap();
        assert_each_is_oneself(&generators, &gateway, what);
    }
}

/// A surplus that comes when the next request has been sent already cannot be told from its answer. But what was taken for
/// that is followed by the real one, which nobody waits for; and then no connection is used twice.
#[test]
fn a_provider_that_is_later_with_it_is_found_out_by_the_first_one() {
    let generator = Generator::start(None, of_the_token, provider::claims);
    let upstream = upstream::start(any_port()).unwrap();
    let config = config(&format!("http://{}", generator.address), &upstream.url(), "", "", "");
    let gateway = Gateway::start(&config).unwrap();
    *generator.turn.lock().unwrap() = (Surplus::Whole, When::After(Duration::from_millis(20)));
    let is_wrong = |number: &usize| {
        let response = client::get_as(gateway.address, "/", &format!("good-token-victim{number}")).unwrap();
        response.json()["user"] != format!("victim{number}")
    };
    let wrong = (0..100).filter(is_wrong).count();
    assert!(wrong <= 5, "{wrong} of 100 are somebody else");
    gateway.until_log_says("sent more than it was asked for", 1).unwrap();
}
