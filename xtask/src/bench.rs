//! `cargo xtask bench`: what a proxied request costs, beside nginx in the same run, and what a verdict costs by itself.
//!
//! The subject runs alone on core 0; the load, the API and the provider run on core 1. Times are CPU times of the subject's
//! processes, and each is compared with plain nginx in the same round, since a machine is faster one minute than the next.
//! Everything is on loopback and ends by itself.

mod process;
mod subject;
mod wrk;

use crate::adapters::{self, Build};
use crate::tools;
use crate::workspace::{self, Outcome, cargo};
use process::{Folder, Process};
use std::path::PathBuf;
use std::time::Duration;
use wrk::Load;

/// Flags of the command.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Seconds of load for each figure
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How often each figure is taken; the median counts
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Leave out the criterion benches of a single verdict
    #[arg(long)]
    whole_gateway_only: bool,
}

impl Default for Arguments {
    fn default() -> Self {
        Self { seconds: 5, rounds: 5, whole_gateway_only: false }
    }
}

/// Who is measured.
#[derive(Clone, Copy)]
enum Subject {
    Nginx,
    Njs,
    Lua,
    Gateway,
}

/// What the requests carry.
#[derive(Clone, Copy)]
pub(crate) enum Tokens {
    /// No credential.
    None,
    /// One of 16, over and over.
    Hot,
    /// Another one in each request.
    Cold,
}

/// One way to send requests through one of the subjects.
struct Rig {
    name: &'static str,
    subject: Subject,
    path: &'static str,
    tokens: Tokens,
}

const fn rig(name: &'static str, subject: Subject, path: &'static str, tokens: Tokens) -> Rig {
    Rig { name, subject, path, tokens }
}

/// In the order of a round. HOT: 16 tokens; COLD: each token new. The first is what all are compared with.
const RIGS: [Rig; 9] = [
    rig("nginx, plain proxy", Subject::Nginx, "/", Tokens::None),
    rig("nginx, auth_request + njs, HOT", Subject::Njs, "/", Tokens::Hot),
    rig("nginx, auth_request + njs, COLD", Subject::Njs, "/", Tokens::Cold),
    rig("nginx, Lua + shared dictionary, HOT", Subject::Lua, "/", Tokens::Hot),
    rig("nginx, Lua + shared dictionary, COLD", Subject::Lua, "/", Tokens::Cold),
    rig("portcullis, public route", Subject::Gateway, "/public/", Tokens::None),
    rig("portcullis, HOT", Subject::Gateway, "/", Tokens::Hot),
    rig("portcullis, COLD", Subject::Gateway, "/", Tokens::Cold),
    rig("portcullis, HOT again, cache filled", Subject::Gateway, "/", Tokens::Hot),
];

/// Everything that runs.
struct Stage {
    folder: Folder,
    fixed: Process,
    /// A line for each call of the provider.
    calls: PathBuf,
    nginx: Process,
    njs: Process,
    lua: Process,
    gateway: Process,
}

impl Stage {
    fn subject(&mut self, subject: Subject) -> &mut Process {
        match subject {
            Subject::Nginx => &mut self.nginx,
            Subject::Njs => &mut self.njs,
            Subject::Lua => &mut self.lua,
            Subject::Gateway => &mut self.gateway,
        }
    }
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Outcome {
    tools::want_for_bench()?;
    adapters::run_builds(&[Build::Pure], None)?;
    // As users build it. Compiling wasmtime once more takes minutes, and is why nothing else here has this profile.
    workspace::run(cargo().args(["build", "--release", "--workspace", "--bin", "portcullis"]))?;
    if !arguments.whole_gateway_only {
        workspace::run(cargo().args([
            "bench",
            "--profile",
            "dev",
            "--workspace",
            "--bench",
            "verdict",
            "--bench",
            "hit",
        ]))?;
    }
    let mut stage = subject::start()?;
    let mut rounds: Vec<Vec<Figure>> = Vec::new();
    for number in 1..=arguments.rounds {
        let mut round: Vec<Figure> = Vec::new();
        for rig in &RIGS {
            let figure = measure(rig, &mut stage, arguments.seconds)?;
            let ratio = figure.cpu_us / round.first().map_or(figure.cpu_us, |nginx| nginx.cpu_us);
            println!("round {number}: {}: {:.1} us of CPU per request, x {ratio:.2}", rig.name, figure.cpu_us);
            round.push(figure);
        }
        rounds.push(round);
    }
    drop(stage);
    print(&rounds);
    Ok(())
}

struct Figure {
    cpu_us: f64,
    load: Load,
    resident_mib: f64,
    /// Calls of the provider per request.
    calls: f64,
}

#[allow(clippy::cast_precision_loss, reason = "figures for people")]
fn measure(rig: &Rig, stage: &mut Stage, seconds: u64) -> Outcome<Figure> {
    let port = subject::port(rig.subject);
    // Connections are made and pages are touched before anything counts.
    wrk::run(&stage.folder, port, rig.path, rig.tokens, 1)?;
    let calls_before = calls(stage)?;
    let before = stage.subject(rig.subject).cpu()?;
    let load = wrk::run(&stage.folder, port, rig.path, rig.tokens, seconds)?;
    let cpu = stage.subject(rig.subject).cpu()?.saturating_sub(before);
    if load.failed > 0 || load.requests == 0 {
        return Err(format!("{}: {} of {} requests failed", rig.name, load.failed, load.requests));
    }
    let cpu_us = cpu.as_secs_f64() * 1e6 / load.requests as f64;
    let resident_mib = stage.subject(rig.subject).resident_mib()?;
    let calls = calls(stage)?.saturating_sub(calls_before) as f64 / load.requests as f64;
    stage.fixed.alive()?;
    stage.subject(rig.subject).alive()?;
    Ok(Figure { cpu_us, load, resident_mib, calls })
}

/// Calls that the provider has answered so far; its log is written out within half a second.
fn calls(stage: &Stage) -> Outcome<u64> {
    std::thread::sleep(Duration::from_millis(700));
    let file = &stage.calls;
    let size = std::fs::metadata(file).map_err(|error| format!("cannot look at {}: {error}", file.display()))?.len();
    Ok(size / 2)
}

fn print(rounds: &[Vec<Figure>]) {
    println!(
        "\n| what | CPU us/request | x nginx, median (all rounds) | requests/s | p50 ms | p99 ms | calls/request | RSS MiB |"
    );
    println!("|---|--:|---|--:|--:|--:|--:|--:|");
    for (at, rig) in RIGS.iter().enumerate() {
        let column =
            |value: &dyn Fn(&Figure) -> f64| rounds.iter().filter_map(|round| round.get(at)).map(value).collect();
        let ratio = |round: &Vec<Figure>| Some(round.get(at)?.cpu_us / round.first()?.cpu_us);
        let ratios: Vec<f64> = rounds.iter().filter_map(ratio).collect();
        let all: Vec<String> = ratios.iter().map(|ratio| format!("{ratio:.2}")).collect();
        println!(
            "| {} | {:.1} | {:.2} ({}) | {:.0} | {:.2} | {:.2} | {:.4} | {:.0} |",
            rig.name,
            median(column(&|figure| figure.cpu_us)),
            median(ratios),
            all.join(" "),
            median(column(&|figure| figure.load.per_second)),
            median(column(&|figure| figure.load.p50_ms)),
            median(column(&|figure| figure.load.p99_ms)),
            median(column(&|figure| figure.calls)),
            median(column(&|figure| figure.resident_mib)),
        );
    }
}

/// Of an even number, the upper one.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
