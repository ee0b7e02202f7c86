//! The recorded cases of this provider, run natively.

use atlassian_cloud::AtlassianCloud;
use portcullis_sdk::testing::run;

#[test]
fn recorded_cases() {
    run::<AtlassianCloud>(include_str!("../cases/atlassian-cloud.json"));
}

#[test]
fn constructed_cases() {
    run::<AtlassianCloud>(include_str!("../cases/atlassian-cloud-more.json"));
}
