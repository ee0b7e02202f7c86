//! `portcullis serve`: says what it will do, listens, and stops in good order.

use super::out::complain;
use super::reload::{Running, settle_waiting};
use super::watch::Watch;
use super::world::World;
use super::{CANNOT, WRONG, YES, warnings, world};
use crate::adapter::Machine;
use crate::config::{Access, Configuration};
use crate::decision::Snapshot;
use crate::metrics::METRICS;
use crate::provider::Readiness;
use crate::{admin, gateway, telemetry};
use arc_swap::ArcSwap;
use portcullis_core::base_url::Origin;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// How long requests in flight may take to finish after SIGTERM.
const DRAIN_MAX: Duration = Duration::from_secs(30);
/// What a slow adapter may hold up the end of the process.
const THREADS_END_MAX: Duration = Duration::from_secs(1);

pub(super) fn run(file: &Path) -> u8 {
    if let Err(error) = telemetry::init() {
        complain(error);
        return WRONG;
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(format_args!("no runtime: {error}"));
            return CANNOT;
        }
    };
    // First of all: a SIGHUP that nobody listens for ends the process, and compiling takes its time.
    let hangup = match runtime.block_on(async { signal(SignalKind::hangup()) }) {
        Ok(hangup) => hangup,
        Err(error) => {
            complain(unheard(&error));
            return CANNOT;
        }
    };
    let machine = match world::machine() {
        Ok(machine) => machine,
        Err(code) => return code,
    };
    for note in machine.notes() {
        tracing::warn!("{note}");
    }
    let (world, watch) = match world::open_watched(file, &machine) {
        Ok(world) => world,
        Err(code) => return code,
    };
    announce(&world.configuration, &world.snapshot);
    let code = match runtime.block_on(serve(file, machine, world, watch, hangup)) {
        Ok(()) => YES,
        Err(reason) => {
            complain(reason);
            CANNOT
        }
    };
    runtime.shutdown_timeout(THREADS_END_MAX);
    code
}

async fn serve(file: &Path, machine: Machine, world: World, watch: Watch, hangup: Signal) -> Result<(), String> {
    let World { configuration, tls, snapshot } = world;
    let door = bind(configuration.listen, "listen").await?;
    let admin_door = bind(configuration.admin_listen, "admin.listen").await?;
    settle_waiting(&snapshot, None);
    let world = Arc::new(ArcSwap::from_pointee(snapshot));
    let tls = tls.map(|tls| Arc::new(ArcSwap::new(tls)));
    METRICS.loaded();
    METRICS.certificate(configuration.tls.as_ref().and_then(gateway::certificate_ends));
    let reloaded = Arc::new(admin::Reloaded::default());
    let running = Running {
        reloaded: Arc::clone(&reloaded),
        file: file.to_owned(),
        machine,
        snapshot: Arc::clone(&world),
        tls: tls.clone(),
        listening: [configuration.listen, configuration.admin_listen],
        watch: Mutex::new(watch),
    };
    tokio::spawn(running.when_due(hangup));
    let (stop, stopped) = watch::channel(false);
    let mut stopped_too = stopped.clone();
    let admin = tokio::spawn(admin::serve(admin_door, Arc::clone(&world), reloaded, async move {
        let _ = stopped_too.wait_for(|stop| *stop).await;
    }));
    let ended = end()?;
    tracing::info!(listen = %configuration.listen, admin = %configuration.admin_listen, tls = tls.is_some(), "listening");
    gateway::serve(
        door,
        tls,
        world,
        async move {
            ended.await;
            tracing::info!("stopping: no new connections, requests in flight finish");
        },
        DRAIN_MAX,
    )
    .await;
    // The admin listener answers until the last request has ended, so that a load balancer sees what happens.
    let _ = stop.send(true);
    let _ = tokio::time::timeout(THREADS_END_MAX, admin).await;
    tracing::info!("stopped");
    Ok(())
}

async fn bind(address: SocketAddr, key: &str) -> Result<TcpListener, String> {
    TcpListener::bind(address)
        .await
        .map_err(|error| format!("cannot listen on {address}: {error}; stop what listens there, or change `{key}`"))
}

/// Completes at SIGTERM or SIGINT.
fn end() -> Result<impl Future<Output = ()>, String> {
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| unheard(&error))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| unheard(&error))?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

fn unheard(error: &std::io::Error) -> String {
    format!("signals cannot be heard: {error}")
}

/// What an operator wants to see at start: who is asked, with what, where credentials go, and what is let through how.
pub(super) fn announce(configuration: &Configuration, snapshot: &Snapshot) {
    for provider in snapshot.providers() {
        let (config, adapter) = (provider.config(), provider.adapter());
        let name = config.name.as_str();
        let imports = adapter.imports().join(", ");
        let origins = |origins: &[Origin]| origins.iter().map(Origin::as_str).collect::<Vec<_>>().join(", ");
        let (version, digest) = (adapter.description().version.as_str(), adapter.digest());
        let readiness = provider.readiness();
        let (where_to, notes) = match &*readiness {
            Readiness::Ready(plan) => {
                (format!("credentials go to {}", origins(&plan.origins())), plan.plan().notes.as_slice())
            }
            Readiness::Waiting { reason } => {
                (format!("{reason}; credentials may go to {}", origins(&config.granted_origins)), [].as_slice())
            }
        };
        tracing::info!(provider = name, adapter = adapter.name(), version, digest, imports, "{where_to}");
        for note in notes {
            tracing::info!(provider = name, "{}", note.escape_debug());
        }
    }
    for route in &configuration.routes {
        let host = route.matches.host.as_deref().unwrap_or("*");
        let path = if route.matches.path.is_empty() { "/" } else { &route.matches.path };
        let methods =
            if route.matches.methods.is_empty() { "all methods".to_owned() } else { route.matches.methods.join(", ") };
        let access = match &route.access {
            Access::Public => "public: everybody, as nobody".to_owned(),
            Access::Providers(names) => format!("tokens of {}", names.join(", ")),
        };
        tracing::info!(route = route.index, basic_auth = ?route.basic_auth, "{host}{path} ({methods}) -> {}: {access}", route.upstream.url);
    }
    for warning in warnings::of(configuration, snapshot) {
        tracing::warn!("{warning}");
    }
}
