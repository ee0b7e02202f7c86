//! The recorded cases of this provider, run natively.

use introspection::Introspection;
use portcullis_sdk::testing::run;

#[test]
fn recorded_cases() {
    run::<Introspection>(include_str!("../cases/introspection.json"));
}

#[test]
fn constructed_cases() {
    run::<Introspection>(include_str!("../cases/introspection-more.json"));
}
