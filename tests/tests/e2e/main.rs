//! The gateway between servers that others wrote: a real Keycloak that issues and judges tokens, radicale, Django and PHP that
//! trust the header, nginx and Python's HTTP server that read paths in their own ways, a toxiproxy that spoils connections, a
//! Prometheus that watches. `cargo xtask e2e` runs it; a server that cannot be had is a failure, never a skip.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

mod calendar;
mod cells;
mod dashboard;
mod keycloak;
mod names;
mod part;
mod providers;
mod readings;
mod targets;
mod tokens;
mod toxics;
