//! The gateway under load while the world around it changes. The oracle: a request passes only where a provider said yes for its
//! token, and is 401 only where it said no; a fault of anything else is a 503.
//!
//! Short here; `cargo xtask nightly` has the full length (`PORTCULLIS_TESTS_FULL=1`).

use crate::world::config;
use portcullis_tests::gateway::{Folder, Gateway, adapters, any_port, free_address};
use portcullis_tests::server::{Answer, Reply, Server};
use portcullis_tests::wire::{self, Request};
use portcullis_tests::{client, provider, upstream};
use std::fs;
use std::io::{self, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// As many connections share the load.
const CLIENTS: usize = 10;
/// Requests a second, over all of them.
const RATE: u32 = 500;

/// A length: of every run, and of the nightly one.
fn length(short: usize, full: usize) -> usize {
    if std::env::var_os("PORTCULLIS_TESTS_FULL").is_some() { full } else { short }
}

/// A provider that says yes to good tokens, by their name, and no to all others.
fn script(request: &Request) -> Reply {
    match request.bearer() {
        Some(token) if token.starts_with("good-token-") => provider::keycloak(request),
        _ => Answer::status(401).into(),
    }
}

/// What was sent and what came back.
#[derive(Debug, Clone)]
struct Sent {
    token: String,
    begun: Instant,
    ended: Instant,
    status: Result<u16, String>,
}

/// A connection that is kept.
struct Kept {
    address: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
}

impl Kept {
    fn get(&mut self, target: &str, token: &str) -> io::Result<u16> {
        let mut reader = match self.stream.take() {
            Some(reader) => reader,
            None => BufReader::new(client::connect(self.address)?),
        };
        let head = format!("GET {target} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\n\r\n", self.address);
        reader.get_mut().write_all(head.as_bytes())?;
        let response = wire::read_response(&mut reader, "GET")?;
        self.stream = Some(reader);
        Ok(response.status)
    }
}

/// Load from several clients: known tokens, new ones, and bad ones in turn.
struct Load {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Vec<Sent>>>,
}

impl Load {
    fn start(address: SocketAddr) -> Self {
        let (stop, numbers) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let threads = (0..CLIENTS)
            .map(|_| {
                let (stop, numbers) = (Arc::clone(&stop), Arc::clone(&numbers));
                std::thread::spawn(move || {
                    let mut kept = Kept { address, stream: None };
                    let mut sent = Vec::new();
                    let pause = Duration::from_secs(1) / RATE * u32::try_from(CLIENTS).unwrap();
                    let mut next = Instant::now();
                    while !stop.load(Ordering::SeqCst) {
                        let number = numbers.fetch_add(1, Ordering::SeqCst);
                        let token = match number % 4 {
                            0 => format!("bad-{number}"),
                            1 => format!("good-token-new{number}"),
                            _ => format!("good-token-known{}", number % 20),
                        };
                        let begun = Instant::now();
                        let status = kept.get("/rest", &token).map_err(|error| error.to_string());
                        sent.push(Sent { token, begun, ended: Instant::now(), status });
                        next += pause;
                        std::thread::sleep(next.saturating_duration_since(Instant::now()));
                    }
                    sent
                })
            })
            .collect();
        Self { stop, threads }
    }

    fn end(self) -> Vec<Sent> {
        self.stop.store(true, Ordering::SeqCst);
        self.threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    }
}

#[test]
fn an_outage_of_the_provider_is_nobodys_fault_and_over_when_it_is_over() {
    let down_for = Duration::from_secs(u64::try_from(length(6, 60)).unwrap());
    let address = free_address().unwrap();
    let first = Server::start(address, script).unwrap();
    let upstream = upstream::start(any_port()).unwrap();
    let gateway = Gateway::start(&config(
        &first.url(),
        &upstream.url(),
        "cache: {ttl: 5m, negative_ttl: 1s}\ntimeout: 2s",
        "",
        "",
    ))
    .unwrap();
    let load = Load::start(gateway.address);
    std::thread::sleep(Duration::from_secs(3));
    let down = Instant::now();
    drop(first);
    std::thread::sleep(down_for);
    let attempts =
        gateway.metric("portcullis_provider_calls_total{provider=\"staff\",outcome=\"unreachable\"}").unwrap();
    let second = Server::start(address, script).unwrap();
    let up = Instant::now();
    std::thread::sleep(Duration::from_secs(4));
    let sent = load.end();

    let known = |sent: &Sent| sent.token.starts_with("good-token-known");
    let mut refused = 0;
    for one in &sent {
        let good = one.token.starts_with("good");
        // Two seconds after it is back, nothing is left of it.
        let troubled = one.ended >= down && one.begun <= up + Duration::from_secs(2);
        match &one.status {
            Ok(200) if good => {}
            Ok(401) if !good => {}
            Ok(503) if troubled && !known(one) => refused += 1,
            _ => panic!(
                "{one:?}, {:?} after it went down, {:?} after it was back",
                one.begun - down,
                one.begun.saturating_duration_since(up)
            ),
        }
    }
    assert!(refused > 100, "{refused} requests met the outage");
    let new = |sent: &&Sent| sent.token.starts_with("good-token-new") && sent.begun > up && sent.status == Ok(200);
    let back = sent.iter().filter(new).map(|sent| sent.ended).min().expect("no new token passed after it was back");
    println!(
        "{} requests, {refused} refused in {down_for:?}, a new token after {:?}, {attempts} calls",
        sent.len(),
        back - up
    );
    assert!(back - up < Duration::from_secs(2), "{:?}", back - up);
    // Nobody knocks at the closed door but those who found out and one a second; each is tried over a kept connection first.
    let knocks = 2.0 * (64.0 + 5.0 + down_for.as_secs_f64() + 1.0);
    assert!(attempts > 0.0 && attempts <= knocks, "{attempts} calls while it was down");
    // And nobody asks twice when it is back.
    let mut asked: Vec<String> =
        second.seen().iter().filter_map(|request| request.bearer().map(str::to_owned)).collect();
    let count = asked.len();
    asked.sort();
    asked.dedup();
    assert!(count <= asked.len() + 1, "{count} calls about {} tokens", asked.len());
}

/// A provider in all kinds of trouble: for a third of all calls, by their number.
fn troubled(request: &Request, number: usize) -> Reply {
    let whole = || provider::claims("mallory").to_string();
    let half = || whole().chars().take(40).collect::<String>();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n";
    match number % 45 {
        0 => Reply::Silent(Duration::from_secs(3)),
        3 => Reply::HangUp,
        // Within the head, and within the body.
        6 => Reply::Raw(head.as_bytes()[..30].to_vec()),
        9 => Reply::Raw(format!("{head}\r\n{}", half()).into_bytes()),
        12 => Reply::Drip(format!("{head}\r\n{}", whole()).into_bytes(), Duration::from_millis(50)),
        15 => Answer::text(200, "text/html", "<h1>mallory</h1>").into(),
        // A name, in what is no JSON.
        18 => Answer::text(200, "application/json", &format!("{}x", whole())).into(),
        21 => Answer::text(200, "application/json", &half()).into(),
        24 => Answer::status(302).with("Location", "/realms/demo/login").into(),
        27 => Answer::status(500).into(),
        30 => Answer::json(503, &provider::claims("mallory")).into(),
        33 => Reply::Zeros(100 * 1024 * 1024),
        36 => Reply::Chunked(vec![half().into_bytes()], vec![("x-user".to_owned(), "mallory".to_owned())]),
        39 => Reply::Raw(b"\x16\x03\x01\x00\x05hello".to_vec()),
        42 => Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 500\r\n\r\n{\"a\":1}".to_vec()),
        _ => script(request),
    }
}

#[test]
fn whatever_a_provider_does_it_is_a_yes_a_no_or_a_503() {
    let calls = AtomicUsize::new(0);
    let provider = Server::start(any_port(), move |request| troubled(request, calls.fetch_add(1, Ordering::SeqCst)));
    let provider = provider.unwrap();
    let upstream = upstream::start(any_port()).unwrap();
    let extra = "cache: {ttl: 1s, negative_ttl: 1s}\ntimeout: 1s";
    let gateway = Gateway::start(&config(&provider.url(), &upstream.url(), extra, "", "")).unwrap();
    let load = Load::start(gateway.address);
    std::thread::sleep(Duration::from_secs(u64::try_from(length(8, 60)).unwrap()));
    let sent = load.end();
    let mut count = [0; 3];
    for one in &sent {
        let good = one.token.starts_with("good");
        let kind = match &one.status {
            Ok(200) if good => 0,
            Ok(401) if !good => 1,
            // The odd answer that is not this token's no: never a 401 for a good one, never a pass for a bad one.
            Ok(503) => 2,
            _ => panic!("{one:?}"),
        };
        count[kind] += 1;
    }
    println!("{count:?}");
    assert!(count.iter().all(|count| *count > 20), "{count:?}");
    assert!(upstream.seen().iter().all(|request| request.header("x-remote-user") != Some("mallory")));
    let resident = size(&gateway)[0];
    assert!(resident < 150e6, "{resident} bytes after answers of 100 MB");
}

/// Resident memory, open descriptors and threads.
fn size(gateway: &Gateway) -> [f64; 3] {
    ["process_resident_memory_bytes", "process_open_fds", "process_threads"]
        .map(|series| gateway.metric(series).unwrap())
}

#[test]
fn the_world_changes_under_load_and_no_request_suffers() {
    let folder = Folder::new().unwrap();
    let drop_in = |name: &str, bytes: &[u8]| {
        let beside = folder.path().join(format!("{name}.new"));
        fs::write(&beside, bytes).unwrap();
        fs::rename(beside, folder.path().join(format!("{name}.wasm"))).unwrap();
    };
    let built = |name: &str| fs::read(adapters().join(name).with_extension("wasm")).unwrap();
    drop_in("keycloak", &built("keycloak"));
    let (provider, upstream) = (Server::start(any_port(), script).unwrap(), upstream::start(any_port()).unwrap());
    let with = |extra: &str, routes: &str| {
        let provider_extra = format!("cache: {{ttl: 2s, negative_ttl: 1s}}\n{extra}");
        let rest = config(&provider.url(), &upstream.url(), &provider_extra, "", routes);
        format!("adapters: {{folder: \"{}\"}}\n{rest}", folder.path().display())
    };
    let gateway = Gateway::start(&with("", "")).unwrap();
    let load = Load::start(gateway.address);
    let ok = || gateway.metric("portcullis_reloads_total{outcome=\"ok\"}").unwrap();
    let failed = || gateway.metric("portcullis_reloads_total{outcome=\"failed\"}").unwrap();
    let until = |what: &str, count: &dyn Fn() -> f64, wanted: f64| {
        let began = Instant::now();
        while count() < wanted {
            assert!(began.elapsed() < Duration::from_secs(20), "{what}");
            std::thread::sleep(Duration::from_millis(5));
        }
        began.elapsed()
    };
    let added = || client::get_as(gateway.address, "/added", "good-token-alice").unwrap().status;

    // A new adapter and its provider, while requests come.
    let more = format!(
        "  more:\n    adapter: more\n    any_audience: true\n    settings: {{url: \"{}{}\"}}\n    \
         username_attribute: preferred_username\nroutes:\n",
        provider.url(),
        provider::USERINFO
    );
    let route = "  - {match: {path: /added}, providers: [more], upstream: {url: \"{upstream}\"}}\n";
    let with_more = with("", route).replace("routes:\n", &more);
    drop_in("more", &built("userinfo"));
    gateway.replace(&with_more).unwrap();
    let took = until("dropped in", &ok, 1.0);
    assert_eq!(added(), 200);
    // A second beside compiling, which takes about one on a busy machine.
    assert!(took < Duration::from_secs(4), "{took:?} until it was live");
    // Another one (a custom section more), a broken one, the good one again.
    drop_in("more", &[built("userinfo"), b"\0\x03\x01xy".to_vec()].concat());
    until("replaced", &ok, 2.0);
    assert_eq!(added(), 200);
    let whole = built("userinfo");
    drop_in("more", &whole[..whole.len() / 2]);
    until("broken", &failed, 1.0);
    assert_eq!(added(), 200, "the last good one serves");
    drop_in("more", &whole);
    until("restored", &ok, 3.0);
    fs::remove_file(folder.path().join("more.wasm")).unwrap();
    until("deleted in use", &failed, 2.0);
    assert_eq!(added(), 200, "the last good one serves");
    gateway.replace(&with("", "")).unwrap();
    until("removed", &ok, 4.0);

    let rounds = length(60, 1000);
    let mut sizes = Vec::new();
    for round in 0..rounds {
        gateway.reload(&with(&format!("timeout: {}s", 1 + round % 5), "")).unwrap();
        until("reloaded", &ok, 5.0 + f64::from(u32::try_from(round).unwrap()));
        if round % 10 == 0 {
            sizes.push(size(&gateway));
        }
    }
    let sent = load.end();
    assert!(sent.len() > 1000, "{} requests", sent.len());
    for one in &sent {
        let expected = if one.token.starts_with("good") { 200 } else { 401 };
        assert_eq!(one.status, Ok(expected), "{one:?}");
    }
    // The last half: as much at its end as at its beginning.
    let mean = |sizes: &[[f64; 3]], of: usize| {
        sizes.iter().map(|size| size[of]).sum::<f64>() / f64::from(u32::try_from(sizes.len()).unwrap())
    };
    let (_, last) = sizes.split_at(sizes.len() / 2);
    let (early, late) = last.split_at(last.len() / 2);
    let growth = [0, 1, 2].map(|of| mean(late, of) - mean(early, of));
    println!(
        "{} requests, {rounds} reloads, live after {took:?}, growth {growth:?}, at last {:?}",
        sent.len(),
        sizes.last()
    );
    assert!(growth[0] < 6e6, "memory grows: {growth:?} of {sizes:?}");
    assert!(growth[1] < 8.0 && growth[2] < 4.0, "descriptors or threads leak: {growth:?} of {sizes:?}");
}
