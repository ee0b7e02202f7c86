//! `cargo xtask ci`: what must hold before a change is taken, in the order in which it is cheapest to find out.

use crate::adapters::{self, Build};
use crate::steps::Steps;
use crate::workspace::{self, Outcome, cargo, cargo_in, host_triple, root};
use crate::{cases, demo, e2e, outside, semver, test, tools};
use std::path::PathBuf;

/// Runs the command.
pub(crate) fn run() -> Outcome {
    let mut steps = Steps::default();
    steps.run("format", format);
    steps.run("semver", semver::run);
    steps.run("clippy", clippy);
    steps.run("clippy of the adapters", clippy_adapters);
    steps.run("deny", deny);
    steps.run("demo --check", demo::check);
    steps.run("test", test::run);
    steps.run("an adapter from outside", outside::run);
    steps.run("adapters by cargo-component", || adapters::run_builds(&[Build::Component, Build::Wasip1], None));
    steps.run("adapters for wasip2", || adapters::run_builds(&[Build::Wasip2], None));
    steps.run("cases, built by cargo-component", || cases::run(Build::Component));
    steps.run("cases, built by cargo-component for wasip1", || cases::run(Build::Wasip1));
    steps.run("cases, built for wasip2", || cases::run(Build::Wasip2));
    steps.run("e2e", || e2e::run(&e2e::Arguments::default()));
    steps.finish()
}

/// The workspaces of adapters: those that are shipped, and the tests' own.
fn adapter_workspaces() -> [PathBuf; 2] {
    ["adapters", "tests/adapters"].map(|folder| root().join(folder))
}

fn format() -> Outcome {
    workspace::run(cargo().args(["fmt", "--all", "--check"]))?;
    let outside = root().join("tests/outside/slack");
    adapter_workspaces()
        .iter()
        .chain([&outside])
        .try_for_each(|folder| workspace::run(cargo_in(folder, "adapters").args(["fmt", "--all", "--check"])))
}

fn clippy() -> Outcome {
    let arguments = ["clippy", "--workspace", "--all-targets", "--features", "portcullis-tests/e2e"];
    workspace::run(cargo().args(arguments).args(["--", "-D", "warnings"]))
}

/// For the machine, tests included, and for wasm, where the exports are.
fn clippy_adapters() -> Outcome {
    let host = host_triple()?;
    for folder in adapter_workspaces() {
        for (target, all) in [(host.as_str(), true), ("wasm32-unknown-unknown", false)] {
            let mut command = cargo_in(&folder, "adapters");
            command.args(["clippy", "--workspace", "--target", target]);
            if all {
                command.arg("--all-targets");
            }
            workspace::run(command.args(["--", "-D", "warnings"]))?;
        }
    }
    Ok(())
}

/// Licences, bans and sources of the gateway and of the adapters, by the same rules; and advisories, whose database is a git
/// repository of its own. Where only the crate registry can be reached, that part says so and is left out.
fn deny() -> Outcome {
    tools::want_cargo_deny()?;
    let mut checks = vec!["bans", "licenses", "sources"];
    let manifests = ["Cargo.toml", "adapters/Cargo.toml", "tests/adapters/Cargo.toml"];
    let deny = |manifest: &str| {
        let mut command = cargo();
        command.args(["deny", "--manifest-path", manifest, "--config"]).arg(root().join("deny.toml"));
        command
    };
    match workspace::run(deny("Cargo.toml").args(["fetch", "db"])) {
        Ok(()) => checks.push("advisories"),
        Err(error) => eprintln!("ADVISORIES NOT CHECKED: their database cannot be fetched from here ({error})"),
    }
    for manifest in manifests {
        workspace::run(deny(manifest).arg("check").args(&checks))?;
    }
    Ok(())
}
