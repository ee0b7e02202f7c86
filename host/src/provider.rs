//! A configured adapter: settings -> plan, credential -> verdict. The only part of the gateway that calls providers.
//!
//! Invariants: a credential or a secret goes to no origin but those that the operator wrote; documents are fetched without
//! either; every fault that is not the credential's is told apart from those that are.

mod answer;
mod assertion;
mod call;
mod fit;
mod generation;
mod guard;
mod keys;
mod keyset;
mod limits;
mod network;
mod plan;
mod proof;
mod readiness;
mod render;
mod signed;
mod turns;
mod verdict;
mod verify;

pub use call::{BODY_BYTES_MAX, BoxFuture, Call, CallFault, Raw, Transport};
pub use fit::{Declared, Fit};
pub use guard::Load;
pub use network::{Network, innermost};
pub use plan::{PlanProblem, ReadyPlan, Wanted};
pub use readiness::Readiness;
pub use turns::{LastVerdict, Requester};
pub use verdict::{Clock, Exchange, Provider, Seen, now};
