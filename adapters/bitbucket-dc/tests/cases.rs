//! The recorded cases of this provider, run natively.

use bitbucket_dc::BitbucketDc;
use portcullis_sdk::testing::run;

#[test]
fn recorded_cases() {
    run::<BitbucketDc>(include_str!("../cases/bitbucket-dc.json"));
}

#[test]
fn constructed_cases() {
    run::<BitbucketDc>(include_str!("../cases/bitbucket-dc-more.json"));
}
