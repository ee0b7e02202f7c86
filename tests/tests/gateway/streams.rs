//! Bodies flow through: a gigabyte each way while the gateway stays as small as it was.

use crate::world::{ALICE, World};
use portcullis_tests::{client, wire};
use std::io::{BufReader, Read, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const GIB: u64 = 1024 * 1024 * 1024;
const LIMIT_KIB: u64 = 64 * 1024;

/// The most that the gateway grew while `work` ran.
fn growth_while(world: &World, work: impl FnOnce() + Send) -> u64 {
    world.assert_well();
    let idle = world.gateway.resident_kib();
    assert!(idle > 0, "this test needs /proc");
    let (done, peak) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                peak.fetch_max(world.gateway.resident_kib(), Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        let work = scope.spawn(work).join();
        done.store(true, Ordering::SeqCst);
        work.unwrap();
    });
    peak.load(Ordering::SeqCst).saturating_sub(idle)
}

#[test]
fn a_gibibyte_down() {
    let world = World::new();
    let grown = growth_while(&world, || {
        let response = world.get_as_alice(&format!("/zeros?bytes={GIB}"));
        assert_eq!((response.status, response.body_length), (200, GIB));
        assert_eq!(response.header("content-length"), Some(GIB.to_string().as_str()));
    });
    assert!(grown < LIMIT_KIB, "grew by {grown} KiB");
}

#[test]
fn a_gibibyte_up() {
    let world = World::new();
    let grown = growth_while(&world, || {
        let stream = client::connect(world.gateway.address).unwrap();
        let head = format!(
            "PUT /count HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\nContent-Length: {GIB}\r\n\r\n",
            world.gateway.address, ALICE.1
        );
        (&stream).write_all(head.as_bytes()).unwrap();
        std::io::copy(&mut std::io::repeat(b'x').take(GIB), &mut &stream).unwrap();
        let response = wire::read_response(&mut BufReader::new(&stream), "PUT").unwrap();
        assert_eq!(response.json()["received"], GIB, "{}", response.text());
    });
    assert!(grown < LIMIT_KIB, "grew by {grown} KiB");
}

/// A client that does not read does not make the gateway read ahead.
#[test]
fn a_client_that_does_not_read_holds_the_stream() {
    let world = World::new();
    let grown = growth_while(&world, || {
        let stream = client::connect(world.gateway.address).unwrap();
        let head = format!(
            "GET /zeros?bytes={GIB} HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\n\r\n",
            world.gateway.address, ALICE.1
        );
        (&stream).write_all(head.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_secs(1));
    });
    assert!(grown < LIMIT_KIB, "grew by {grown} KiB");
    world.assert_well();
}

/// The first bytes are there before the last ones are sent, in both directions.
#[test]
fn nothing_waits_for_the_whole() {
    let world = World::new();
    let stream = client::connect(world.gateway.address).unwrap();
    let head = format!(
        "PUT /count HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\nContent-Length: 6\r\n\r\nabc",
        world.gateway.address, ALICE.1
    );
    (&stream).write_all(head.as_bytes()).unwrap();
    let limit = Instant::now() + Duration::from_secs(5);
    // The upstream has the connection before the body is complete.
    while world.upstream.connections() == 0 {
        assert!(Instant::now() < limit, "the gateway waits for the whole body");
        std::thread::sleep(Duration::from_millis(10));
    }
    (&stream).write_all(b"def").unwrap();
    let response = wire::read_response(&mut BufReader::new(&stream), "PUT").unwrap();
    assert_eq!(response.json()["received"], 6);
}
