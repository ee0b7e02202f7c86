//! What stands between requests and a provider in trouble: calls at once are bounded, and a provider that is down is not
//! waited for by everybody.
//!
//! It must never blame a credential, and one credential must never close the way for others (design rule 3).

use super::call::{CallFault, Raw};
use portcullis_core::breaker::Breaker;
use portcullis_core::credential::Credential;
use portcullis_core::identity::Moment;
use portcullis_core::refusal::Refusal;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Calls to one provider at once. Okta takes 75 of an organisation, others more.
const CALLS_MAX: usize = 64;
/// Calls that may wait for a turn. More would not be answered within a decision's time.
const WAITING_MAX: usize = 1024;
/// How long one waits.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// How it stands with calls to a provider.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Calls under way.
    pub in_flight: usize,
    /// Calls that wait for a turn.
    pub waiting: usize,
    /// Whether the provider is held to be down.
    pub down: bool,
}

/// One for each provider.
pub(super) struct Guard {
    turns: Semaphore,
    /// Those who call or wait.
    places: Semaphore,
    breaker: Mutex<Breaker>,
    hasher: RandomState,
    began: Instant,
}

/// The right to make one call.
pub(super) struct Turn<'g> {
    guard: &'g Guard,
    who: u64,
    _place: SemaphorePermit<'g>,
    _turn: SemaphorePermit<'g>,
}

impl Guard {
    pub(super) fn new() -> Self {
        Self {
            turns: Semaphore::new(CALLS_MAX),
            places: Semaphore::new(CALLS_MAX + WAITING_MAX),
            breaker: Mutex::default(),
            hasher: RandomState::new(),
            began: Instant::now(),
        }
    }

    /// Waits for a turn.
    ///
    /// # Errors
    ///
    /// The provider is down, or busy with too many calls of ours; and the word for metrics.
    pub(super) async fn turn(&self, credential: &Credential) -> Result<Turn<'_>, (Refusal, &'static str)> {
        let busy = || {
            let reason = format!("{CALLS_MAX} calls to the provider are under way and none ended in time");
            (Refusal::unavailable(reason), "busy")
        };
        let place = self.places.try_acquire().map_err(|_| busy())?;
        let turn = match self.turns.try_acquire() {
            Ok(turn) => turn,
            Err(_) => match tokio::time::timeout(WAIT_MAX, self.turns.acquire()).await {
                Ok(Ok(turn)) => turn,
                _ => return Err(busy()),
            },
        };
        // After the wait: meanwhile others may have found out.
        if !self.breaker(|breaker, now_ms| breaker.admits(now_ms)) {
            let reason = "the provider did not answer several callers, and is asked once a second until it does";
            return Err((Refusal { retry: Some(Moment::After(1)), ..Refusal::unavailable(reason) }, "breaker"));
        }
        let who = match credential {
            Credential::Bearer(token) => self.hasher.hash_one(token.reveal()),
            Credential::Basic { presented, .. } => self.hasher.hash_one(presented.reveal()),
        };
        Ok(Turn { guard: self, who, _place: place, _turn: turn })
    }

    /// How it stands with calls now.
    pub(super) fn load(&self) -> Load {
        let in_flight = CALLS_MAX - self.turns.available_permits().min(CALLS_MAX);
        let places = CALLS_MAX + WAITING_MAX - self.places.available_permits().min(CALLS_MAX + WAITING_MAX);
        let down = self.breaker(|breaker, _| breaker.is_open());
        Load { in_flight, waiting: places.saturating_sub(in_flight), down }
    }

    fn breaker<R>(&self, with: impl FnOnce(&mut Breaker, u64) -> R) -> R {
        let now_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        with(&mut self.breaker.lock().unwrap_or_else(PoisonError::into_inner), now_ms)
    }
}

impl Turn<'_> {
    /// What came of the call. Says whether the provider is held to be down from now on.
    pub(super) fn came_to(self, answered: &Result<Raw, CallFault>) -> bool {
        let (guard, who) = (self.guard, self.who);
        if is_trouble(answered) {
            return guard.breaker(|breaker, now_ms| breaker.trouble(who, now_ms));
        }
        guard.breaker(|breaker, _| breaker.answered());
        false
    }
}

/// Whether it speaks of the provider as a whole. A 500, junk or an answer too large is an answer: an odd token may provoke it.
fn is_trouble(answered: &Result<Raw, CallFault>) -> bool {
    match answered {
        Ok(raw) => matches!(raw.status, 502..=504),
        Err(CallFault::Unreachable { .. } | CallFault::Silent { .. } | CallFault::Broken { .. }) => true,
        Err(CallFault::TooLarge { .. } | CallFault::NotRecorded(_)) => false,
    }
}
