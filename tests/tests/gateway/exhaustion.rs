//! Whoever opens more connections than anybody needs, and sends less on them: the others are served, and health answers.

use crate::world::{ALICE, World, assert_refused, config};
use portcullis_tests::gateway::{Gateway, any_port};
use portcullis_tests::{client, provider, upstream};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Descriptors that this process may open.
fn descriptors() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    line.split_whitespace().nth(3).unwrap().parse().unwrap()
}

/// Connections that begin a request and do not go on.
fn hang(address: SocketAddr, count: usize, begin: &[u8]) -> Vec<TcpStream> {
    (0..count)
        .map(|_| {
            let mut stream = client::connect(address).unwrap();
            stream.write_all(begin).unwrap();
            stream
        })
        .collect()
}

#[test]
fn slow_heads_are_cut_off_and_hold_nobody_up() {
    let world = World::new();
    let begun = Instant::now();
    let mut slow = hang(world.gateway.address, 300, b"GET / HTTP/1.1\r\nHost: a\r\nX-A: ");
    while begun.elapsed() < Duration::from_secs(9) {
        for stream in &mut slow {
            // One byte now and then: it is the whole head that has its time.
            drop(stream.write_all(b"x"));
        }
        let asked = Instant::now();
        world.assert_well();
        assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
        std::thread::sleep(Duration::from_millis(500));
    }
    for stream in &mut slow {
        stream.set_read_timeout(Some(Duration::from_secs(8))).unwrap();
        let mut rest = Vec::new();
        let ended = stream.read_to_end(&mut rest);
        let still_open = ended.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
        assert!(!still_open, "a head may take longer than ten seconds");
    }
}

#[test]
fn large_heads_are_refused_and_cost_nothing() {
    let world = World::new();
    let before = world.gateway.resident_kib();
    let many: String = (0..200).map(|number| format!("X-{number}: a\r\n")).collect();
    let long = format!("X-A: {}\r\n", "a".repeat(100 * 1024));
    let cookies = format!("Cookie: {}\r\n", "a=b; ".repeat(20_000));
    for _ in 0..50 {
        for bomb in [&many, &long, &cookies] {
            let response = world.raw("GET", &format!("GET / HTTP/1.1\r\nHost: {{host}}\r\n{bomb}\r\n"));
            assert_eq!(response.status, 431, "{}", response.text());
        }
    }
    world.assert_well();
    let grown = world.gateway.resident_kib().saturating_sub(before);
    assert!(grown < 16 * 1024, "{grown} KiB more");
}

#[test]
fn ten_thousand_idle_connections_are_cheap() {
    // One client may have somewhat more than half as many connections as there are descriptors.
    let count = if descriptors() >= 20_000 { 10_000 } else { descriptors().saturating_sub(1000) / 2 };
    assert!(count >= 500, "this machine lets a process open too few files for the test: raise `ulimit -n`");
    let world = World::new();
    assert_eq!(world.get_as_alice("/rest").status, 200);
    let idle = hang(world.gateway.address, count, b"");
    let kib = world.gateway.resident_kib();
    world.assert_well();
    println!("{count} idle connections, {kib} KiB");
    assert!(kib < 200 * 1024, "{kib} KiB for {count} idle connections");
    drop(idle);
    world.assert_well();
}

#[test]
fn when_descriptors_are_short_health_still_answers_and_all_is_well_later() {
    let provider = provider::start(any_port()).unwrap();
    let upstream = upstream::start(any_port()).unwrap();
    let gateway = Gateway::start_after("ulimit -n 160", &config(&provider.url(), &upstream.url(), "", "", "")).unwrap();
    let idle = hang(gateway.address, 150, b"");
    for _ in 0..20 {
        for path in ["/livez", "/readyz", "/metrics"] {
            assert_eq!(client::get(gateway.admin, path, &[]).unwrap().status, 200, "{path}");
        }
    }
    drop(idle);
    let limit = Instant::now() + Duration::from_secs(15);
    loop {
        let response = client::get(gateway.address, "/rest", &[ALICE]);
        if response.as_ref().is_ok_and(|response| response.status == 200) {
            break;
        }
        assert!(Instant::now() < limit, "{response:?}");
    }
    assert!(gateway.log().contains("raise the limit of open files"), "the log does not say it");
    assert_refused(&client::get(gateway.address, "/rest", &[]).unwrap(), 401, "still closed");
}
