//! The pure rules of Portcullis: data in, data out.
//!
//! Nothing here does I/O, reads a clock, spawns a task or knows HTTP libraries or wasm, so that its tests, properties and
//! fuzz targets build in seconds. Whoever needs the time is given it.

pub mod base_url;
pub mod breaker;
pub mod client;
pub mod copies;
pub mod credential;
pub mod denial;
pub mod facts;
pub mod fingerprint;
pub mod folding;
pub mod freshness;
pub mod header;
pub mod identity;
pub mod json;
pub mod jws;
pub mod lease;
pub mod limit;
pub mod list;
pub mod method;
pub mod policy;
pub mod problem;
pub mod refusal;
pub mod secret;
pub mod setting;
pub mod share;
pub mod target;
pub mod text;
pub mod throttle;
pub mod tree;
