//! `cargo xtask e2e`: the gateway against a real Keycloak, in front of servers that others wrote, behind a real toxiproxy, watched
//! by a real Prometheus.
//!
//! What is missing is an error that says how to get it. It never passes by skipping.

use crate::adapters::{self, Build};
use crate::tools;
use crate::workspace::{self, Outcome, cargo};

/// What the servers need, the argument that proves it works, and how to get it.
const NEEDED: &[(&str, &str, &str)] = &[
    ("java", "-version", "apt-get install openjdk-17-jre-headless"),
    ("mvn", "-version", "apt-get install maven"),
    ("nginx", "-v", "apt-get install nginx-light"),
    ("php", "-v", "apt-get install php-cli"),
    ("prometheus", "--version", "apt-get install --no-install-recommends prometheus"),
    ("promtool", "--version", "apt-get install --no-install-recommends prometheus"),
    ("curl", "--version", "apt-get install curl"),
    ("go", "version", "apt-get install golang-go"),
    ("python3", "--version", "apt-get install python3 python3-venv"),
];

/// Runs the command.
pub(crate) fn run() -> Outcome {
    // With `KEYCLOAK_URL` too: some tests stop and start a Keycloak of their own.
    for (tool, argument, remedy) in NEEDED {
        if !tools::answers(tool, argument) {
            return Err(format!("`{tool}` is missing, and these tests never pass by skipping; try: {remedy}"));
        }
    }
    adapters::run_builds(&[Build::Pure], None)?;
    workspace::build_gateway()?;
    // The selection of the other tests, so that nothing is compiled twice.
    let arguments = ["test", "--workspace", "--features", "portcullis-tests/e2e", "--test", "e2e"];
    // One at a time: they share one Keycloak, and one of them stops and starts it.
    workspace::run(cargo().args(arguments).args(["--", "--test-threads=1"]).env("PORTCULLIS_BIN", workspace::gateway()))
}
