//! The recorded cases of this provider, run natively.

use cognito::Cognito;
use portcullis_sdk::testing::run;

#[test]
fn recorded_cases() {
    run::<Cognito>(include_str!("../cases/cognito.json"));
}

#[test]
fn constructed_cases() {
    run::<Cognito>(include_str!("../cases/cognito-more.json"));
}
