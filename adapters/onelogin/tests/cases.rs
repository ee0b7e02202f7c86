//! The recorded cases of this provider, run natively.

use onelogin::OneLogin;
use portcullis_sdk::testing::run;

#[test]
fn recorded_cases() {
    run::<OneLogin>(include_str!("../cases/onelogin.json"));
}

#[test]
fn constructed_cases() {
    run::<OneLogin>(include_str!("../cases/onelogin-more.json"));
}
