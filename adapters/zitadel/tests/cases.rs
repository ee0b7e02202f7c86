//! The recorded cases of this provider, run natively.

use portcullis_sdk::testing::run;
use zitadel::Zitadel;

#[test]
fn recorded_cases() {
    run::<Zitadel>(include_str!("../cases/zitadel.json"));
}

#[test]
fn constructed_cases() {
    run::<Zitadel>(include_str!("../cases/zitadel-more.json"));
}
