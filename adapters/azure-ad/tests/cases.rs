//! The recorded cases of this provider, run natively.

use azure_ad::AzureAd;
use portcullis_sdk::testing::run;

#[test]
fn recorded_cases() {
    run::<AzureAd>(include_str!("../cases/azure-ad.json"));
}

#[test]
fn constructed_cases() {
    run::<AzureAd>(include_str!("../cases/azure-ad-more.json"));
}
