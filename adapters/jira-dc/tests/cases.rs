//! The recorded cases of this provider, run natively.

use jira_dc::JiraDc;
use portcullis_sdk::testing::run;

#[test]
fn recorded_cases() {
    run::<JiraDc>(include_str!("../cases/jira-dc.json"));
}

#[test]
fn constructed_cases() {
    run::<JiraDc>(include_str!("../cases/jira-dc-more.json"));
}
