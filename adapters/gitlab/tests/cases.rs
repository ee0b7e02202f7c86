//! The recorded cases of this provider, run natively.

use gitlab::GitLab;
use portcullis_sdk::testing::run;

#[test]
fn recorded_cases() {
    run::<GitLab>(include_str!("../cases/gitlab.json"));
}

#[test]
fn constructed_cases() {
    run::<GitLab>(include_str!("../cases/gitlab-more.json"));
}
