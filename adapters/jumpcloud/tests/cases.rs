//! The recorded cases of this provider, run natively.

use jumpcloud::JumpCloud;
use portcullis_sdk::testing::run;

#[test]
fn recorded_cases() {
    run::<JumpCloud>(include_str!("../cases/jumpcloud.json"));
}

#[test]
fn constructed_cases() {
    run::<JumpCloud>(include_str!("../cases/jumpcloud-more.json"));
}
