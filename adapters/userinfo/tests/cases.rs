//! The recorded cases of this provider, run natively.

use portcullis_sdk::testing::run;
use userinfo::Userinfo;

#[test]
fn recorded_cases() {
    run::<Userinfo>(include_str!("../cases/userinfo.json"));
}

#[test]
fn constructed_cases() {
    run::<Userinfo>(include_str!("../cases/userinfo-more.json"));
}
