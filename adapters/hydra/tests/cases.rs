//! The recorded cases of this provider, run natively.

use hydra::Hydra;
use portcullis_sdk::testing::run;

#[test]
fn recorded_cases() {
    run::<Hydra>(include_str!("../cases/hydra.json"));
}

#[test]
fn constructed_cases() {
    run::<Hydra>(include_str!("../cases/hydra-more.json"));
}
