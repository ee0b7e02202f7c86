//! The recorded cases of this provider, run natively.

use authentik::Authentik;
use portcullis_sdk::testing::run;

#[test]
fn recorded_cases() {
    run::<Authentik>(include_str!("../cases/authentik.json"));
}

#[test]
fn constructed_cases() {
    run::<Authentik>(include_str!("../cases/authentik-more.json"));
}
