//! The recorded cases of this provider, run natively.

use atlassian_oauth::AtlassianOauth;
use portcullis_sdk::testing::run;

#[test]
fn recorded_cases() {
    run::<AtlassianOauth>(include_str!("../cases/atlassian-oauth.json"));
}

#[test]
fn constructed_cases() {
    run::<AtlassianOauth>(include_str!("../cases/atlassian-oauth-more.json"));
}
