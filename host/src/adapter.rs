//! Compiled components: loading, limits, calls. The only part of the gateway that knows wasmtime.
//!
//! Invariants: every verdict gets a fresh instance; an adapter is given neither a credential nor a secret, since the types
//! that enter it have no place for one; a trap or a limit is an error of the adapter and never blames a credential.

pub mod bindings;
mod call;
mod catalogue;
mod compile;
mod compiled;
mod convert;
mod engine;
mod fault;
mod file;
mod inspect;
pub mod limits;
mod measure;
mod pace;
mod private;
mod sandbox;

pub use bindings::exports::portcullis::adapter::provider as contract;
pub use call::Adapter;
pub use catalogue::{Catalogue, Entry};
pub use compile::compile;
pub use compiled::COMMAND;
pub use convert::{identity, refusal};
pub use engine::Machine;
pub use fault::{CallFault, LoadFault};
