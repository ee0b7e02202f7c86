//! What stands between requests and a provider in trouble: calls at once are bounded, and a provider that is down is not
//! waited for by everybody.
//!
//! It must never blame a credential, and nobody's credentials must ever close the way for others (design rule 3).

use super::call::{Call, CallFault, Raw, Transport};
use super::verdict::outcome_word;
use crate::metrics::METRICS;
use portcullis_core::breaker::{Breaker, CONTROL_MS};
use portcullis_core::credential::Credential;
use portcullis_core::identity::Moment;
use portcullis_core::refusal::Refusal;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, SemaphorePermit};
use url::Url;

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
        if self.breaker(|breaker, _| breaker.is_open()) {
            let reason = "the provider answers neither callers nor the gateway, which asks once a second until it does";
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
    /// What came of the call. Says whether the provider is suspected from now on: then [`control`] is to be run.
    pub(super) fn came_to(self, answered: &Result<Raw, CallFault>) -> bool {
        let (guard, who) = (self.guard, self.who);
        if is_trouble(answered) {
            return guard.breaker(|breaker, now_ms| breaker.trouble(who, now_ms));
        }
        guard.breaker(|breaker, _| breaker.answered());
        false
    }
}

/// Asks a provider that is suspected, at the address where callers met trouble and without any credential, once a second until
/// somebody is answered. It ends with the provider, whose name is `provider`.
pub(super) async fn control(guard: Weak<Guard>, transport: Arc<dyn Transport>, url: Url, provider: Arc<str>) {
    loop {
        let next = tokio::time::Instant::now() + Duration::from_millis(CONTROL_MS);
        let (asked, carrier) = (Weak::clone(&guard), Arc::clone(&transport));
        let (url, name) = (url.clone(), Arc::clone(&provider));
        let answer = tokio::spawn(async move {
            let began = Instant::now();
            let answered = carrier.carry(Call::document("control", url, "*/*")).await;
            METRICS.called(&name, outcome_word(&answered), Some(began.elapsed()));
            if let (false, Some(guard)) = (is_trouble(&answered), asked.upgrade()) {
                guard.breaker(|breaker, _| breaker.answered());
            }
        });
        // One that takes longer goes on, and its answer counts when it comes.
        drop(tokio::time::timeout_at(next, answer).await);
        let opened = guard.upgrade().map(|guard| guard.breaker(|breaker, _| breaker.control_failed()));
        if opened == Some(true) {
            tracing::warn!(provider = &*provider, "the provider is down: it is asked once a second until it answers");
        }
        tokio::time::sleep_until(next).await;
        if guard.upgrade().is_none_or(|guard| guard.breaker(|breaker, _| breaker.rests())) {
            return;
        }
    }
}

/// Whether it speaks of the provider as a whole, where enough credentials and a control meet it. A 500, junk or an answer too
/// large is an answer: the provider is there.
fn is_trouble(answered: &Result<Raw, CallFault>) -> bool {
    match answered {
        Ok(raw) => matches!(raw.status, 502..=504),
        Err(CallFault::Unreachable { .. } | CallFault::Silent { .. } | CallFault::Broken { .. }) => true,
        Err(CallFault::TooLarge { .. } | CallFault::NotRecorded(_)) => false,
    }
}
