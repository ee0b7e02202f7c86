//! At SIGHUP, and when one of the files has changed: the file is read again, a new world is built beside the running one, and
//! swapped in. What fails leaves the running one serving, and is said in the log. Requests in flight finish on the snapshot that
//! they began with.

use super::serve::announce;
use super::watch::{LOOK_EVERY, Watch};
use super::world::{self, World};
use crate::adapter::Machine;
use crate::admin::Reloaded;
use crate::decision::{Snapshot, settle};
use crate::gateway;
use crate::metrics::METRICS;
use arc_swap::ArcSwap;
use rustls::ServerConfig;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::signal::unix::Signal;

/// What a running gateway was started with, and what of it can be swapped.
pub(super) struct Running {
    pub(super) file: PathBuf,
    pub(super) machine: Machine,
    pub(super) snapshot: Arc<ArcSwap<Snapshot>>,
    pub(super) tls: Option<Arc<ArcSwap<ServerConfig>>>,
    /// `listen` and `admin.listen`, which need a restart.
    pub(super) listening: [SocketAddr; 2],
    /// How that ended the last time.
    pub(super) reloaded: Arc<Reloaded>,
    /// What it was made of.
    pub(super) watch: Mutex<Watch>,
}

impl Running {
    /// Reloads at each SIGHUP and each change, one after the other, for as long as the process lives.
    pub(super) async fn when_due(self, mut hangup: Signal) {
        let running = Arc::new(self);
        loop {
            let told = tokio::select! {
                heard = hangup.recv() => heard.is_some(),
                () = tokio::time::sleep(LOOK_EVERY) => false,
            };
            let (running, reloaded) = (Arc::clone(&running), Arc::clone(&running.reloaded));
            // A file system may hang, and an adapter may have to be compiled: not on a thread that serves requests.
            if tokio::task::spawn_blocking(move || running.reload_if_due(told)).await.is_err() {
                let problem = "the reload broke off; the last good configuration keeps serving";
                tracing::error!("{problem}");
                reloaded.badly(vec![problem.to_owned()]);
            }
        }
    }

    fn reload_if_due(&self, told: bool) {
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        if told || watch.has_settled() {
            self.reload(&mut watch);
        }
    }

    fn reload(&self, watch: &mut Watch) {
        self.reloaded.begun();
        METRICS.reloading();
        watch.begin();
        let current = self.snapshot.load_full();
        let World { configuration, tls, snapshot } =
            match world::assemble(&self.file, &self.machine, Some(&current), watch) {
                Ok(world) => world,
                Err(problems) => {
                    let problems: Vec<String> = problems.to_string().lines().map(str::to_owned).collect();
                    for problem in &problems {
                        tracing::error!("{problem}");
                    }
                    self.reloaded.badly(problems);
                    METRICS.reloaded(false);
                    return tracing::error!("nothing was reloaded: the last good configuration keeps serving");
                }
            };
        if self.listening != [configuration.listen, configuration.admin_listen] {
            tracing::warn!("`listen` and `admin.listen` need a restart: they stay as they are");
        }
        match (&self.tls, tls) {
            (Some(running), Some(tls)) => {
                running.store(tls);
                METRICS.certificate(configuration.tls.as_ref().and_then(gateway::certificate_ends));
            }
            (None, None) => {}
            (Some(_), None) | (None, Some(_)) => {
                tracing::warn!("`tls` on or off needs a restart: it stays as it is");
            }
        }
        announce(&configuration, &snapshot);
        self.snapshot.store(Arc::new(snapshot));
        settle_waiting(&self.snapshot.load(), Some(&current));
        self.reloaded.well();
        METRICS.reloaded(true);
        METRICS.loaded();
        tracing::info!("reloaded");
    }
}

/// Fetches what the plans of a snapshot are made of; for those that were taken over from `previous` that is under way.
pub(super) fn settle_waiting(snapshot: &Snapshot, previous: Option<&Snapshot>) {
    for provider in snapshot.providers() {
        let taken_over = previous
            .and_then(|previous| previous.provider(&provider.config().name))
            .is_some_and(|previous| Arc::ptr_eq(previous, provider));
        if !taken_over {
            tokio::spawn(settle(Arc::downgrade(provider)));
        }
    }
}
