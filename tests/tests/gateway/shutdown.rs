//! SIGTERM: no new connections, what is in flight is finished.

use crate::world::World;
use std::time::{Duration, Instant};

#[test]
fn a_request_in_flight_is_finished() {
    let mut world = World::new();
    world.assert_well();
    let address = world.gateway.address;
    let slow = std::thread::spawn(move || {
        portcullis_tests::client::get_as(address, "/slow?ms=1500", "good-token-alice")
            .map_err(|error| error.to_string())
    });
    let limit = Instant::now() + Duration::from_secs(5);
    while !world.upstream.seen().iter().any(|request| request.path() == "/slow") {
        assert!(Instant::now() < limit, "the slow request never arrived");
        std::thread::sleep(Duration::from_millis(10));
    }
    world.gateway.terminate().unwrap();
    std::thread::sleep(Duration::from_millis(500));
    assert!(portcullis_tests::client::connect(address).is_err(), "still takes connections");
    let response = slow.join().unwrap().unwrap();
    assert_eq!((response.status, &response.json()["user"]), (200, &"alice".into()));
    let status = world.gateway.ended_within(Duration::from_secs(5)).unwrap().expect("still running");
    assert!(status.success(), "{status}: {}", world.gateway.log());
}

#[test]
fn idle_connections_do_not_delay_the_end() {
    let mut world = World::new();
    let idle = portcullis_tests::client::connect(world.gateway.address).unwrap();
    world.assert_well();
    world.gateway.terminate().unwrap();
    let status = world.gateway.ended_within(Duration::from_secs(5)).unwrap().expect("waits for an idle connection");
    assert!(status.success(), "{status}");
    drop(idle);
}
