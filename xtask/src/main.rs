//! What cargo cannot do alone: build adapters, demo, test, e2e, ci, bench, nightly. `cargo xtask --help` lists it.
//!
//! One file a command; what they share is in `workspace.rs`. Nothing here is part of the gateway.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to its terminal")]

mod adapters;
mod bench;
mod cases;
mod ci;
mod demo;
mod e2e;
mod nightly;
mod outside;
mod pages;
mod semver;
mod steps;
mod test;
mod tools;
mod workspace;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Builds, shows and tests Portcullis.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Builds the adapters into adapters/dist (with the flags: dist-wasip2, dist-component, dist-wasip1)
    Adapters(adapters::Arguments),
    /// Starts a stand-in provider, a stand-in API and the gateway between them, and prints curl lines to paste
    Demo(demo::Arguments),
    /// Makes an adapter outside this repository, by what docs/adapters.md says
    Outside,
    /// Checks the contract in wit/ against its released versions: whether adapters built for them still fit
    Semver,
    /// Builds the adapters and writes what they say of themselves into docs/providers
    Pages,
    /// Runs every test that needs no further server
    Test,
    /// Runs the tests against real servers (needs Java 17, Maven, Python 3, Node, Go and more; downloads servers once)
    E2e(e2e::Arguments),
    /// Runs what continuous integration runs: format, semver, clippy, deny, demo --check, test, outside, cases over all builds, e2e
    Ci,
    /// Measures what a request costs, beside plain nginx in the same run (needs nginx, wrk, taskset; two idle cores)
    Bench(bench::Arguments),
    /// Runs what takes too long for every change: bench
    Nightly,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Adapters(arguments) => adapters::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Outside => outside::run(),
        Command::Semver => semver::run(),
        Command::Pages => pages::run(),
        Command::Test => test::run(),
        Command::E2e(arguments) => e2e::run(&arguments),
        Command::Ci => ci::run(),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Nightly => nightly::run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
