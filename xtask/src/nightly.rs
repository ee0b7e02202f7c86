//! `cargo xtask nightly`: what takes too long for every change. Its last result, with its date, is in docs/performance.md.

use crate::bench;
use crate::steps::Steps;
use crate::workspace::Outcome;

/// Runs the command.
pub(crate) fn run() -> Outcome {
    let mut steps = Steps::default();
    steps.run("bench", || bench::run(&bench::Arguments::default()));
    steps.finish()
}
