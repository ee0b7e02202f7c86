//! The gateway under load while the world around it changes. The oracle: a request passes only where a provider said yes for its
//! token, and is 401 only where it said no; a fault of anything else is a 503.
//!
//! Short here; `cargo xtask nightly` has the full length (`PORTCULLIS_TESTS_FULL=1`).

use crate::world::config;
use portcullis_tests::gateway::{Folder, Gateway, adapters, any_port, free_address};
use portcullis_tests::load::{Load, Sent, judge, length, script};
use portcullis_tests::server::{Answer, Reply, Server};
use portcullis_tests::wire::Request;
use portcullis_tests::{client, provider, upstream};
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

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

    // Two seconds after it is back, nothing is left of it.
    let trouble = |one: &Sent| !one.is_known() && one.ended >= down && one.begun <= up + Duration::from_secs(2);
    let refused = judge(&sent, trouble).unwrap_or_else(|one| {
        let (down, up) = (one.begun - down, one.begun.saturating_duration_since(up));
        panic!("{one:?}, {down:?} after it went down, {up:?} after it was back")
    });
    let refused = refused.unavailable;
    assert!(refused > 100, "{refused} requests met the outage");
    let new = |sent: &&Sent| sent.is_new_and_passed() && sent.begun > up;
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
    // The odd answer that is not this token's no: never a 401 for a good one, never a pass for a bad one.
    let tally = judge(&sent, |_| true).unwrap();
    println!("{tally:?}");
    assert!([tally.passed, tally.bad, tally.unavailable].iter().all(|count| *count > 20), "{tally:?}");
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
    judge(&sent, |_| false).unwrap();
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
