//! The recorded cases of this provider, run natively.

use google::Google;
use portcullis_sdk::testing::run;

#[test]
fn recorded_cases() {
    run::<Google>(include_str!("../cases/google.json"));
}

#[test]
fn constructed_cases() {
    run::<Google>(include_str!("../cases/google-more.json"));
}
