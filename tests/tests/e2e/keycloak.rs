//! The table of `cells.rs` over a modern Keycloak, one under `/auth`, and one that goes away and comes back.

use crate::cells::{Doors, GOOD_DOORS, check};
use crate::part::Part;
use crate::tokens::Keycloak;
use portcullis_tests::gateway::free_address;
use std::time::{Duration, Instant};

/// `KEYCLOAK_URL` takes one that runs already, with the realms of `tests/parts` and the administrator admin / admin.
#[test]
fn modern_path() {
    match std::env::var("KEYCLOAK_URL") {
        Ok(url) => {
            let keycloak = Keycloak::at(&url);
            check(&keycloak, &Doors::open(&keycloak));
        }
        Err(_) => {
            let part = Part::start("keycloak.sh", free_address().unwrap(), &[]);
            let keycloak = Keycloak::at(&part.url);
            check(&keycloak, &Doors::open(&keycloak));
        }
    }
}

#[test]
fn legacy_path() {
    let part = Part::start("keycloak.sh", free_address().unwrap(), &[("REL", "/auth")]);
    let keycloak = Keycloak::at(&part.url);
    assert_eq!(keycloak.host_and_base().1, "/auth");
    check(&keycloak, &Doors::open(&keycloak));
}

/// Down is never a bad token, and nothing has to be restarted when it is back.
#[test]
fn stopped_and_started_again() {
    let address = free_address().unwrap();
    let part = Part::start("keycloak.sh", address, &[]);
    let keycloak = Keycloak::at(&part.url);
    let doors = Doors::open(&keycloak);
    let before = keycloak.token("alice");
    for door in GOOD_DOORS {
        doors.assert_in(door, &before, "alice", "before");
    }
    drop(part);
    for door in GOOD_DOORS {
        doors.assert_out(door, &before, 503, None, "stopped");
        doors.assert_out(door, "made-up", 503, None, "stopped");
    }
    let _part = Part::start("keycloak.sh", address, &[]);
    let after = keycloak.token("alice");
    for door in GOOD_DOORS {
        // A breaker may hold back for a moment.
        let limit = Instant::now() + Duration::from_secs(15);
        while doors.ask(door, &after).status == 503 && Instant::now() < limit {
            std::thread::sleep(Duration::from_millis(200));
        }
        doors.assert_in(door, &after, "alice", "started again");
        // Each start is a fresh database: the session of before is gone.
        doors.assert_out(door, &before, 401, Some("error=\"invalid_token\""), "a session of before");
    }
}
