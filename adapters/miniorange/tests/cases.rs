//! The recorded cases of this provider, run natively.

use miniorange::MiniOrange;
use portcullis_sdk::testing::run;

#[test]
fn recorded_cases() {
    run::<MiniOrange>(include_str!("../cases/miniorange.json"));
}

#[test]
fn constructed_cases() {
    run::<MiniOrange>(include_str!("../cases/miniorange-more.json"));
}
