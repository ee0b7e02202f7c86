//! What adapters of Portcullis are written with: the contract's types, and everything that providers have in common.
//!
//! An adapter implements [`Adapter`] and calls [`register!`]; it depends on nothing else. What is the same for all
//! providers (URLs, status codes, what may be a username) is here and nowhere else, so that a rule holds for all of them
//! or for none. What is the gateway's (audience, scopes, times against a clock) must never be decided here: an adapter
//! has no clock and knows no route.

mod adapter;
mod answer;
pub mod atlassian;
#[doc(hidden)]
pub mod bindings;
mod challenge;
mod context;
pub mod discovery;
mod facts;
pub mod forms;
mod object;
pub mod pages;
mod plan;
mod refusal;
pub mod request;
mod settings;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod time;
pub mod url;

pub use adapter::{Adapter, warn};
pub use answer::{claims, first, response_to};
pub use bindings::exports::portcullis::adapter::provider::*;
pub use challenge::Complaint;
pub use context::Problems;
pub use facts::Facts;
pub use object::Object;
pub use settings::{attributes, issuer, method, mode, setting};

/// Compiles the adapter that the README shows.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
