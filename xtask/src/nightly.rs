//! `cargo xtask nightly`: what takes too long for every change. Its last result, with its date, is in docs/performance.md.

use crate::bench;
use crate::steps::Steps;
use crate::workspace::{self, Outcome};

/// Inputs of each fuzz target.
const FUZZ_CASES: &str = "300000";

/// The tests under load at their full length.
fn endurance() -> Outcome {
    workspace::build_gateway()?;
    let arguments = [
        "test",
        "--workspace",
        "--test",
        "gateway",
        "--",
        "endurance::",
        "reaching::",
        "--test-threads",
        "1",
        "--nocapture",
    ];
    let mut command = workspace::cargo();
    workspace::run(
        command.args(arguments).env("PORTCULLIS_BIN", workspace::gateway()).env("PORTCULLIS_TESTS_FULL", "1"),
    )
}

/// Every kind of broken connection to a provider, under load, each for half a minute.
fn toxics() -> Outcome {
    workspace::build_gateway()?;
    let arguments = ["test", "--workspace", "--features", "portcullis-tests/e2e", "--test", "e2e", "--", "toxics::"];
    let mut command = workspace::cargo();
    command.args(arguments).arg("--nocapture");
    workspace::run(command.env("PORTCULLIS_BIN", workspace::gateway()).env("PORTCULLIS_TESTS_FULL", "1"))
}

/// Fuzzing of the core at length.
fn fuzz() -> Outcome {
    let arguments = ["test", "--workspace", "--test", "fuzz"];
    workspace::run(workspace::cargo().args(arguments).env("PROPTEST_CASES", FUZZ_CASES))
}

/// Runs the command.
pub(crate) fn run() -> Outcome {
    let mut steps = Steps::default();
    steps.run("endurance", endurance);
    steps.run("toxics", toxics);
    steps.run("fuzz", fuzz);
    steps.run("bench", || bench::run(&bench::Arguments::default()));
    steps.finish()
}
