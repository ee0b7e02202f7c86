//! The recorded cases of this provider, run natively.

use confluence_dc::ConfluenceDc;
use portcullis_sdk::testing::run;

#[test]
fn recorded_cases() {
    run::<ConfluenceDc>(include_str!("../cases/confluence-dc.json"));
}

#[test]
fn constructed_cases() {
    run::<ConfluenceDc>(include_str!("../cases/confluence-dc-more.json"));
}
