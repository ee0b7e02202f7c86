//! The recorded cases of this provider, run natively.

use oidc::Oidc;
use portcullis_sdk::testing::run;

#[test]
fn recorded_cases() {
    run::<Oidc>(include_str!("../cases/oidc.json"));
}

#[test]
fn constructed_cases() {
    run::<Oidc>(include_str!("../cases/oidc-more.json"));
}
