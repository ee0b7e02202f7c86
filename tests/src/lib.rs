//! Stand-in servers and a raw client, for the whole-gateway tests and for `cargo xtask demo`.
//!
//! They are threads over `std::net` on purpose: a test must be able to send and to answer what no HTTP library would (half
//! a body, two Authorization headers, a drip of single bytes), and nothing here may share code with what it tests.
//! Nothing here listens beyond loopback, and nothing here is part of the gateway.

pub mod client;
pub mod gateway;
pub mod load;
pub mod pages;
pub mod provider;
pub mod server;
pub mod spellings;
pub mod sums;
pub mod upstream;
pub mod wire;
