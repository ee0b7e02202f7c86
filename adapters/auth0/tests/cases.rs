//! The recorded cases of this provider, run natively.

use auth0::Auth0;
use portcullis_sdk::testing::run;

#[test]
fn recorded_cases() {
    run::<Auth0>(include_str!("../cases/auth0.json"));
}

#[test]
fn constructed_cases() {
    run::<Auth0>(include_str!("../cases/auth0-more.json"));
}
