//! How the file descriptors that the process may open are shared out beforehand, so that no part of it takes another's.
//!
//! Everything that holds a descriptor for long is counted against one of these numbers, and together they are no more than
//! the limit (`RLIMIT_NOFILE`). So an accept, a connect or an open never fails for want of descriptors, whoever fills
//! whichever part.

use crate::metrics::descriptors_max;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::sync::LazyLock;

/// The soft limit is raised to so many at the start, as far as the hard one allows: systems set it to 1024 for the sake of programs
/// that use `select(2)`. What takes memory for each client is bounded by it, so it is not raised to whatever there is.
const WANTED: u64 = 65_536;
/// The limit where the system does not tell it.
const UNKNOWN: usize = 1024;
/// Kept for the process itself: standard streams, listeners, the runtime's own, files that are read at a reload, look-ups of
/// names, calls for documents and keys.
const OWN: usize = 64;
/// The most connections that the administrator's listener serves at once.
const ADMIN_MAX: usize = 32;
/// The most calls to providers at once, over all of them.
const PROVIDER_CALLS_MAX: usize = 1024;
/// The most connections to upstreams and providers that are kept open while nothing uses them.
const KEPT_MAX: usize = 1024;
/// Places for clients at least, however few descriptors there are.
const CLIENT_PLACES_MIN: usize = 24;

/// The shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Budget {
    /// The limit that they were made of.
    pub(crate) descriptors: usize,
    /// Connections at once to the administrator's listener.
    pub(crate) admin: usize,
    /// Calls to providers at once, over all of them; each has a connection.
    pub(crate) provider_calls: usize,
    /// Connections to upstreams and providers that are kept open while nothing uses them.
    pub(crate) kept: usize,
    /// Connections of clients and requests in flight together: each connection takes a descriptor, and each request in
    /// flight the one of its connection to an upstream.
    pub(crate) client_places: usize,
    /// How many of these places may be connections: requests always have some.
    pub(crate) client_connections: usize,
}

impl Budget {
    /// The shares of so many descriptors.
    pub(crate) fn of(descriptors: usize) -> Self {
        let rest = descriptors.saturating_sub(OWN);
        let admin = (rest / 8).clamp(4, ADMIN_MAX);
        let provider_calls = (rest / 6).clamp(8, PROVIDER_CALLS_MAX);
        let kept = (rest / 8).clamp(4, KEPT_MAX);
        let client_places = rest.saturating_sub(admin + provider_calls + kept).max(CLIENT_PLACES_MIN);
        let client_connections = client_places / 3 * 2;
        Self { descriptors, admin, provider_calls, kept, client_places, client_connections }
    }
}

/// The shares of this process, of the limit at its start, which is raised first.
pub(crate) static BUDGET: LazyLock<Budget> = LazyLock::new(|| {
    raise();
    Budget::of(descriptors_max().unwrap_or(UNKNOWN))
});

fn raise() {
    let limits = getrlimit(Resource::Nofile);
    let wanted = limits.maximum.map_or(WANTED, |hard| hard.min(WANTED));
    if limits.current.is_some_and(|soft| soft < wanted)
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), ..limits })
    {
        tracing::debug!(%error, "the limit of open files cannot be raised");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_are_no_more_than_the_limit() {
        for descriptors in (128..5000).chain([20_000, 65_536, 1_048_576, 1 << 30]) {
            let Budget { admin, provider_calls, kept, client_places, client_connections, .. } = Budget::of(descriptors);
            let all = OWN + admin + provider_calls + kept + client_places;
            assert!(all <= descriptors, "{all} of {descriptors}");
            // A request needs a connection, and another one for its upstream.
            assert!(client_connections + 8 <= client_places && client_connections >= 16, "{descriptors}");
        }
    }
}
