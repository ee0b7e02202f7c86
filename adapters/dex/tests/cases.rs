//! The recorded cases of this provider, run natively.

use dex::Dex;
use portcullis_sdk::testing::run;

#[test]
fn recorded_cases() {
    run::<Dex>(include_str!("../cases/dex.json"));
}

#[test]
fn constructed_cases() {
    run::<Dex>(include_str!("../cases/dex-more.json"));
}
