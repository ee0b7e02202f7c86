//! What the upstream can do wrong: 502 and 504, never a hang, and never something that looks like a refusal of the token.

use crate::world::{World, assert_refused};
use std::time::{Duration, Instant};

#[test]
fn an_upstream_that_hangs_up_is_502() {
    let world = World::new();
    assert_refused(&world.get_as_alice("/hang-up"), 502, "hang up");
    world.assert_well();
}

#[test]
fn an_upstream_that_is_down_is_502() {
    let World { gateway, provider: _provider, upstream } = World::new();
    drop(upstream);
    let response = portcullis_tests::client::get_as(gateway.address, "/rest", "good-token-alice").unwrap();
    assert_refused(&response, 502, "down");
}

#[test]
fn an_upstream_that_is_silent_is_504() {
    let world = World::new();
    let began = Instant::now();
    assert_refused(&world.get_as_alice("/silent"), 504, "silent");
    // Three seconds by the configuration of these tests.
    assert!(began.elapsed() < Duration::from_millis(3800), "{:?}", began.elapsed());
    world.assert_well();
}
