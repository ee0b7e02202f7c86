//! The recorded cases of this provider, run natively.

use pingfederate::PingFederate;
use portcullis_sdk::testing::run;

#[test]
fn recorded_cases() {
    run::<PingFederate>(include_str!("../cases/pingfederate.json"));
}

#[test]
fn constructed_cases() {
    run::<PingFederate>(include_str!("../cases/pingfederate-more.json"));
}
