//! `cargo xtask bench`: what a proxied request costs, beside plain nginx in the same run, and what a verdict costs by itself.
//!
//! The subject runs alone on core 0; the load, the API and the provider run on core 1. Times are CPU times of the subject's
//! processes, so that a busy machine shows in the spread and not in the figure. Everything is on loopback and ends by itself.

mod process;
mod wrk;

use crate::adapters::{self, Build};
use crate::tools;
use crate::workspace::{self, Outcome, cargo, root};
use process::{Folder, Process};
use std::path::Path;
use std::time::Duration;
use wrk::Load;

/// The API and the provider, a fixed answer each.
const FIXED: u16 = 18090;
const NGINX: u16 = 18091;
const GATEWAY: u16 = 18092;
const ADMIN: u16 = 18093;

/// Flags of the command.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Seconds of load for each figure
    #[arg(long, default_value_t = 6)]
    seconds: u64,
    /// How often each figure is taken; the quietest counts
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Leave out the criterion benches of a single verdict
    #[arg(long)]
    whole_gateway_only: bool,
}

impl Default for Arguments {
    fn default() -> Self {
        Self { seconds: 6, rounds: 3, whole_gateway_only: false }
    }
}

/// One way to send requests through one of the two proxies.
struct Rig {
    name: &'static str,
    port: u16,
    path: &'static str,
    tokens: Tokens,
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

const RIGS: [Rig; 4] = [
    Rig { name: "nginx, plain proxy", port: NGINX, path: "/", tokens: Tokens::None },
    Rig { name: "portcullis, public route", port: GATEWAY, path: "/public/", tokens: Tokens::None },
    Rig { name: "portcullis, 16 known tokens", port: GATEWAY, path: "/known/", tokens: Tokens::Hot },
    Rig { name: "portcullis, each token new", port: GATEWAY, path: "/asked/", tokens: Tokens::Cold },
];

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Outcome {
    tools::want_for_bench()?;
    adapters::run_builds(&[Build::Pure], None)?;
    // As users build it. Compiling wasmtime once more takes minutes, and is why nothing else here has this profile.
    workspace::run(cargo().args(["build", "--release", "--workspace", "--bin", "portcullis"]))?;
    if !arguments.whole_gateway_only {
        workspace::run(cargo().args(["bench", "--profile", "dev", "--workspace", "--bench", "verdict"]))?;
    }
    let folder = Folder::new()?;
    let fixed = nginx(&folder, "fixed", FIXED, 1, include_str!("bench/fixed.conf"))?;
    let plain =
        nginx(&folder, "plain", NGINX, 0, &include_str!("bench/plain.conf").replace("FIXED", &FIXED.to_string()))?;
    let gateway = gateway(&folder)?;
    let mut best: Vec<Option<Figure>> = RIGS.iter().map(|_| None).collect();
    for round in 1..=arguments.rounds {
        for (rig, best) in RIGS.iter().zip(&mut best) {
            let subject = if rig.port == NGINX { &plain } else { &gateway };
            let figure = measure(rig, subject, &folder, arguments.seconds)?;
            println!("round {round}: {}: {:.1} us of CPU per request", rig.name, figure.cpu_us);
            if best.as_ref().is_none_or(|best| figure.cpu_us < best.cpu_us) {
                *best = Some(figure);
            }
        }
    }
    drop((fixed, plain, gateway));
    print(&best);
    Ok(())
}

struct Figure {
    cpu_us: f64,
    load: Load,
    resident_mib: f64,
}

fn measure(rig: &Rig, subject: &Process, folder: &Folder, seconds: u64) -> Outcome<Figure> {
    // Connections are made and pages are touched before anything counts.
    wrk::run(folder, rig.port, rig.path, rig.tokens, 1)?;
    let before = subject.cpu()?;
    let load = wrk::run(folder, rig.port, rig.path, rig.tokens, seconds)?;
    let cpu = subject.cpu()?.saturating_sub(before);
    if load.failed > 0 || load.requests == 0 {
        return Err(format!("{}: {} of {} requests failed", rig.name, load.failed, load.requests));
    }
    #[allow(clippy::cast_precision_loss, reason = "a figure for people")]
    let cpu_us = cpu.as_secs_f64() * 1e6 / load.requests as f64;
    Ok(Figure { cpu_us, load, resident_mib: subject.resident_mib()? })
}

fn print(figures: &[Option<Figure>]) {
    let nginx = figures.first().and_then(Option::as_ref).map_or(f64::NAN, |figure| figure.cpu_us);
    println!("\n| what | CPU us/request | x nginx | requests/s | p50 ms | p99 ms | RSS MiB |");
    println!("|---|--:|--:|--:|--:|--:|--:|");
    for (rig, figure) in RIGS.iter().zip(figures) {
        let Some(Figure { cpu_us, load, resident_mib }) = figure else { continue };
        let ratio = cpu_us / nginx;
        let Load { per_second, p50_ms, p99_ms, .. } = load;
        println!(
            "| {} | {cpu_us:.1} | {ratio:.2} | {per_second:.0} | {p50_ms:.2} | {p99_ms:.2} | {resident_mib:.0} |",
            rig.name
        );
    }
}

/// nginx with one worker on this core.
fn nginx(folder: &Folder, name: &str, port: u16, core: usize, server: &str) -> Outcome<Process> {
    let base = folder.path().join(name);
    std::fs::create_dir_all(&base).map_err(|error| format!("cannot make {}: {error}", base.display()))?;
    let text = format!(
        "daemon off; worker_processes 1; pid {base}/pid; error_log {base}/error.log;\nevents {{ worker_connections 1024; }}\n\
         http {{\n  access_log off; keepalive_requests 100000000; client_body_temp_path {base}/body; proxy_temp_path {base}/proxy;\n  \
         fastcgi_temp_path {base}/f; uwsgi_temp_path {base}/u; scgi_temp_path {base}/s;\n{}\n}}\n",
        server.replace("PORT", &port.to_string()),
        base = base.display(),
    );
    let file = base.join("nginx.conf");
    std::fs::write(&file, text).map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    let file = file.display().to_string();
    let process = Process::start(core, Path::new("nginx"), &["-c", &file, "-p", &base.display().to_string()])?;
    process::until_it_listens(port, Duration::from_secs(10))?;
    Ok(process)
}

/// The gateway, with the access log off as nginx's is.
fn gateway(folder: &Folder) -> Outcome<Process> {
    let adapters = root().join("adapters/dist");
    let text = include_str!("bench/gateway.yaml")
        .replace("FIXED", &FIXED.to_string())
        .replace("GATEWAY", &GATEWAY.to_string())
        .replace("ADMIN", &ADMIN.to_string())
        .replace("ADAPTERS", &adapters.display().to_string());
    let file = folder.path().join("gateway.yaml");
    std::fs::write(&file, text).map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    let binary = workspace::target_dir().join("release/portcullis");
    let process = Process::start(0, &binary, &["serve", "--config", &file.display().to_string()])?;
    process::until_it_listens(GATEWAY, Duration::from_secs(30))?;
    Ok(process)
}
