//! The recorded cases of this provider, run natively.

use pingone::PingOne;
use portcullis_sdk::testing::run;

#[test]
fn recorded_cases() {
    run::<PingOne>(include_str!("../cases/pingone.json"));
}

#[test]
fn constructed_cases() {
    run::<PingOne>(include_str!("../cases/pingone-more.json"));
}
