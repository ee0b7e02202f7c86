//! `cargo xtask demo`: the whole thing on one machine, with nothing to set up and curl lines to paste.
//!
//! The provider and the API are stand-ins that run as threads here; the gateway is the real binary with the real component
//! and `config/demo.yaml`. Whatever ends this program (Ctrl-C, TERM, an error) ends the gateway too.

mod lines;

use crate::adapters::{self, Build};
use crate::workspace::{self, Outcome, root};
use lines::{LINES, Line};
use portcullis_tests::{client, provider, upstream};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};

/// The gateway's door, as `config/demo.yaml` says.
const GATEWAY: SocketAddr = loopback(18080);
/// Its admin listener.
const ADMIN: SocketAddr = loopback(18081);
/// The stand-in provider.
const PROVIDER: SocketAddr = loopback(18082);
/// The stand-in API.
const UPSTREAM: SocketAddr = loopback(18083);

const fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

/// Flags of the command.
#[derive(clap::Args, Default)]
pub(crate) struct Arguments {
    /// Run the lines, compare with what they promise, and exit by the result
    #[arg(long)]
    check: bool,
}

/// `demo --check`.
pub(crate) fn check() -> Outcome {
    run(&Arguments { check: true })
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Outcome {
    println!("building the adapters");
    adapters::run_builds(&[Build::Pure], None)?;
    println!("building the gateway (the first time takes minutes: it contains a compiler for WebAssembly)");
    workspace::build_gateway()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start a runtime: {error}"))?;
    runtime.block_on(stage(arguments.check))
}

/// Everything up, until it is checked or somebody ends it.
async fn stage(check: bool) -> Outcome {
    let taken = |error: std::io::Error| format!("{error}; the demo needs the ports 18080 to 18083 of 127.0.0.1");
    let unheard = |error: std::io::Error| format!("cannot listen for signals: {error}");
    // Before anything is started, so that there is no moment in which a signal would leave something behind.
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unheard)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(unheard)?;
    for address in [GATEWAY, ADMIN] {
        drop(std::net::TcpListener::bind(address).map_err(|error| {
            format!("cannot listen on {address}: {error}; the demo needs the ports 18080 to 18083 of 127.0.0.1")
        })?);
    }
    let _provider = provider::start(PROVIDER).map_err(taken)?;
    let _upstream = upstream::start(UPSTREAM).map_err(taken)?;
    let mut gateway = Gateway::start()?;

    let work = async {
        ready(&mut gateway).await?;
        if check {
            return tokio::task::spawn_blocking(|| check_lines(LINES))
                .await
                .map_err(|error| format!("the check broke: {error}"))?;
        }
        print_lines(LINES);
        loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            gateway.alive()?;
        }
    };
    tokio::select! {
        outcome = work => outcome,
        _ = interrupt.recv() => stopped(check),
        _ = terminate.recv() => stopped(check),
    }
}

/// Being ended is the demo's ordinary end, but no proof of anything.
fn stopped(check: bool) -> Outcome {
    println!("\nstopped");
    if check { Err("stopped before everything was checked".to_owned()) } else { Ok(()) }
}

/// The gateway's process; it ends with this value.
struct Gateway(Child);

impl Gateway {
    fn start() -> Outcome<Self> {
        let mut command = Command::new(workspace::gateway());
        command.current_dir(root()).args(["serve", "--config", "config/demo.yaml"]);
        command.spawn().map(Self).map_err(|error| format!("cannot start the gateway: {error}"))
    }

    fn alive(&mut self) -> Outcome {
        match self.0.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(format!("the gateway ended ({status}); its last lines are above")),
            Err(error) => Err(format!("cannot watch the gateway: {error}")),
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Waits for `/readyz`.
async fn ready(gateway: &mut Gateway) -> Outcome {
    let limit = Instant::now() + Duration::from_secs(60);
    let mut last = "no answer".to_owned();
    while Instant::now() < limit {
        gateway.alive()?;
        match client::get(ADMIN, "/readyz", &[]) {
            Ok(response) if response.status == 200 => return Ok(()),
            Ok(response) => last = format!("{} {}", response.status, response.text()),
            Err(error) => last = error.to_string(),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(format!("the gateway is not ready after 60 s: /readyz says: {last}"))
}

fn print_lines(lines: &[Line]) {
    println!("\nThe gateway is at http://{GATEWAY}, in front of a small API that shows who it thinks is calling.");
    println!("Paste these, each does what its comment says:\n");
    for line in lines {
        println!("# {}: {}\n{}\n", line.what, line.promise(), line.curl(GATEWAY));
    }
    println!("Ctrl-C stops all of it.");
}

fn check_lines(lines: &[Line]) -> Outcome {
    let with_curl = crate::tools::answers("curl", "--version");
    let mut failed = 0;
    for line in lines {
        match line.check(GATEWAY, with_curl) {
            Ok(()) => println!("ok      {}: {}", line.what, line.promise()),
            Err(message) => {
                failed += 1;
                eprintln!("FAILED  {}: {message}\n        {}", line.what, line.curl(GATEWAY));
            }
        }
    }
    println!("demo: {} lines as promised, {failed} not", lines.len() - failed);
    if failed == 0 { Ok(()) } else { Err("the demo does not do what it says".to_owned()) }
}
