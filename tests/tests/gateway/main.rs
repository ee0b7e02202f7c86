//! The gateway as it is shipped, over real sockets, with real components: what it does for callers, and what it never does.
//!
//! One binary for all of it, so that it is linked once. Each test has a gateway of its own and can do to it what it likes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

mod basic;
mod caching;
mod canary;
mod choosing;
mod client_auth;
mod commands;
mod compiling;
mod cookies;
mod credentials;
mod documents;
mod endurance;
mod exhaustion;
mod faults;
mod flood;
mod forwarding;
mod framing;
mod hangups;
mod hostile;
mod late_answers;
mod leaks;
mod limits;
mod loading;
mod logged;
mod memory;
mod outage;
mod policy;
mod preflight;
mod probing;
mod protocols;
mod quoted;
mod reaching;
mod readings;
mod released;
mod reload;
mod reuse;
mod schema;
mod sharing;
mod shutdown;
mod signatures;
mod signed_answers;
mod signing;
mod spoofing;
mod streams;
mod targets;
mod tenants;
mod upstreams;
mod wasm;
mod watched;
mod websocket;
mod world;
