//! `cargo xtask test`: everything that needs no further server, and no network beyond crates.

use crate::adapters::{self, Build};
use crate::cases;
use crate::steps::Steps;
use crate::workspace::{self, Outcome, cargo, cargo_in, host_triple, root};

/// Runs the command.
pub(crate) fn run() -> Outcome {
    let mut steps = Steps::default();
    steps.run("build the adapters", || adapters::run_builds(&[Build::Pure], None));
    steps.run("build the tests' adapters", adapters::run_test_adapters);
    steps.run("build the gateway", workspace::build_gateway);
    if !steps.all_passed() {
        return steps.finish();
    }
    steps.run("tests of the gateway", gateway);
    steps.run("tests of the adapters, natively", native);
    steps.run("cases through the components", || cases::run(Build::Pure));
    steps.finish()
}

/// Tests of the gateway's workspace, those over real sockets and real components among them.
fn gateway() -> Outcome {
    workspace::run(cargo().args(["test", "--workspace"]).env("PORTCULLIS_BIN", workspace::gateway()))
}

/// The adapters' own tests. Their workspace builds for wasm unless told otherwise.
fn native() -> Outcome {
    workspace::run(cargo_in(&root().join("adapters"), "adapters").args(["test", "--target", &host_triple()?]))
}
