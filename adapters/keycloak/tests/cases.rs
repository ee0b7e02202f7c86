//! The recorded cases of this provider, run natively.

use keycloak::Keycloak;
use portcullis_sdk::testing::run;

#[test]
fn recorded_cases() {
    run::<Keycloak>(include_str!("../cases/keycloak.json"));
}

#[test]
fn recorded_from_a_live_server() {
    run::<Keycloak>(include_str!("../cases/keycloak-live.json"));
}

#[test]
fn constructed_cases() {
    run::<Keycloak>(include_str!("../cases/keycloak-more.json"));
}
