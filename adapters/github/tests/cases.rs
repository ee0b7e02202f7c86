//! The recorded cases of this provider, run natively.

use github::GitHub;
use portcullis_sdk::testing::run;

#[test]
fn recorded_cases() {
    run::<GitHub>(include_str!("../cases/github.json"));
}

#[test]
fn constructed_cases() {
    run::<GitHub>(include_str!("../cases/github-more.json"));
}
