//! Portcullis: an authenticating gateway for REST APIs.
//!
//! Layers, each of which may use only those to its right: `cli` -> `gateway`, `admin` -> `decision` -> `provider` ->
//! `adapter`. `config`, `metrics`, `recent`, `descriptors`, `http_client` and `portcullis_core` are used by all and use none of them.
//! Nothing below `gateway` knows HTTP servers; nothing above `provider` knows wasmtime.

pub mod adapter;
pub mod admin;
pub mod cli;
pub mod config;
pub mod decision;
mod descriptors;
pub mod gateway;
pub mod http_client;
pub mod metrics;
pub mod provider;
mod random;
pub mod recent;
mod regular;
pub mod telemetry;

/// Of the program, and of its tests and benches, so that they measure what is used.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
