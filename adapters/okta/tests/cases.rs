//! The recorded cases of this provider, run natively.

use okta::Okta;
use portcullis_sdk::testing::run;

#[test]
fn recorded_cases() {
    run::<Okta>(include_str!("../cases/okta.json"));
}

#[test]
fn constructed_cases() {
    run::<Okta>(include_str!("../cases/okta-more.json"));
}
