//! What stands between requests and a provider in trouble: calls at once are bounded, a provider that is down is not
//! waited for by everybody, and one that limits the gateway as a whole is left alone until it said.
//!
//! It must never blame a credential, and nobody's credentials must ever close the way for others (design rule 3).

use super::call::{Call, CallFault, Raw, Transport};
use super::turns::{Place, Requester, Sizes, Turns};
use super::verdict::Clock;
use crate::descriptors::BUDGET;
use crate::metrics::METRICS;
use http::HeaderValue;
use portcullis_core::breaker::{Breaker, CONTROL_MS};
use portcullis_core::credential::Credential;
use portcullis_core::identity::Moment;
use portcullis_core::limit::Limit;
use portcullis_core::refusal::{Cause, Refusal, wait_s};
use portcullis_core::throttle::{PROBE_MS, Throttle};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, SemaphorePermit};
use url::Url;

/// Calls to one provider at once. With those that are kept it is below the 75 that Okta takes of an organisation; others
/// take more.
const CALLS_MAX: usize = 64;
/// Calls at once beyond these, for credentials that were good until now.
const CALLS_KEPT: usize = 8;
/// Calls that may wait for a turn. More would not be answered within a decision's time.
const WAITING_MAX: usize = 1024;
/// Places beyond these, for credentials that were good until now.
const PLACES_KEPT: usize = 128;
/// How long one waits.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// A provider that limits our own client names a time. So much of it is believed, in seconds, before one call finds
/// out.
const HOLD_S_MAX: u32 = 60;
/// A call as our own client is limited whoever caused it. Two credentials, so that no single odd one can be the reason.
const LIMITED_OURS_MIN: usize = 2;
/// A call with the caller's own credential is limited for that user, unless this many meet it and nobody an answer.
const LIMITED_CALLERS_MIN: usize = 5;

/// A call that is dropped without an answer after so long speaks of the provider as one does that ran into its limit: the calls
/// of one decision together have a limit, too.
const DROPPED_SILENT_MIN: Duration = Duration::from_secs(1);

/// Calls at once, over all providers: as many as there are descriptors for.
static CALLS: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(BUDGET.provider_calls));

/// How it stands with calls to a provider.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Calls under way.
    pub in_flight: usize,
    /// Calls that wait for a turn.
    pub waiting: usize,
    /// Whether the provider is held to be down.
    pub down: bool,
    /// Whether calls are held back since the provider limits the gateway as a whole.
    pub limited: bool,
}

/// As whom a call is made, hence whose allowance it takes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    /// As the provider's client that we are: everybody's.
    Client,
    /// With the presented credential alone: its own.
    Presented,
}

/// One for each provider.
pub(super) struct Guard {
    name: Arc<str>,
    transport: Arc<dyn Transport>,
    clock: Clock,
    turns: Arc<Turns>,
    standing: Mutex<Standing>,
    hasher: RandomState,
    began: Instant,
}

/// What is known of the provider's trouble.
struct Standing {
    breaker: Breaker,
    client: Throttle,
    presented: Throttle,
}

impl Standing {
    fn throttle(&mut self, caller: Caller) -> &mut Throttle {
        match caller {
            Caller::Client => &mut self.client,
            Caller::Presented => &mut self.presented,
        }
    }
}

/// The right to make one call.
struct Turn {
    begun_ms: u64,
    _place: Place,
    _descriptor: SemaphorePermit<'static>,
}

/// What came of a call.
pub(super) struct Called {
    pub(super) answered: Result<Raw, CallFault>,
    /// The limit that it met.
    pub(super) limit: Option<Limit>,
}

impl Guard {
    pub(super) fn new(name: &str, transport: Arc<dyn Transport>, clock: Clock) -> Self {
        // One provider that is slow leaves descriptors for the others.
        let calls = BUDGET.provider_calls * 3 / 4;
        let calls_kept = CALLS_KEPT.min(calls / 4);
        Self {
            name: name.into(),
            transport,
            clock,
            turns: Turns::new(Sizes {
                calls: calls.min(CALLS_MAX + calls_kept),
                calls_kept,
                places: CALLS_MAX + WAITING_MAX + PLACES_KEPT,
                places_kept: PLACES_KEPT,
            }),
            standing: Mutex::new(Standing {
                breaker: Breaker::default(),
                client: Throttle::after(LIMITED_OURS_MIN),
                presented: Throttle::after(LIMITED_CALLERS_MIN),
            }),
            hasher: RandomState::new(),
            began: Instant::now(),
        }
    }

    /// Makes a call about a credential, when its turn comes.
    ///
    /// # Errors
    ///
    /// It was not made: the provider is down, limits us, or is busy with too many calls of ours.
    pub(super) async fn call(
        self: &Arc<Self>,
        call: Call,
        caller: Caller,
        credential: &Credential,
        requester: &Requester,
    ) -> Result<Called, Refusal> {
        let turn = self.turn(caller, requester).await.map_err(|(refusal, word)| {
            METRICS.called(&self.name, word, None);
            refusal
        })?;
        requester.calls();
        let who = match credential {
            Credential::Bearer(token) => self.hasher.hash_one(token.reveal()),
            Credential::Basic { presented, .. } => self.hasher.hash_one(presented.reveal()),
        };
        let mut under_way = UnderWay { guard: self, who, url: &Arc::clone(&call.url), began: Some(Instant::now()) };
        let answered = self.carry(call).await;
        under_way.began = None;
        let limit = answered
            .as_ref()
            .ok()
            .and_then(|raw| Limit::of(raw.status, |name| raw.headers.get(name).map(HeaderValue::as_bytes)));
        if is_trouble(&answered) {
            self.trouble(who, under_way.url);
        } else {
            self.answered(caller, who, turn.begun_ms, &answered, limit);
        }
        Ok(Called { answered, limit })
    }

    /// Somebody met trouble of the provider as a whole.
    fn trouble(self: &Arc<Self>, who: u64, url: &Arc<Url>) {
        if self.standing(|standing, now_ms| standing.breaker.trouble(who, now_ms)) {
            tokio::spawn(control(Arc::clone(self), Arc::clone(url)));
        }
    }

    /// Waits for a turn; else why not, and the word for metrics.
    async fn turn(&self, caller: Caller, requester: &Requester) -> Result<Turn, (Refusal, &'static str)> {
        let busy = |reason: &str| (Refusal::unavailable(reason), "busy");
        let place = self.turns.enter(requester);
        let mut place =
            place.ok_or_else(|| busy("too many questions to the provider wait, of this client or in all"))?;
        let waited = tokio::time::timeout(WAIT_MAX, async {
            place.turn().await;
            CALLS.acquire().await
        });
        let Ok(Ok(descriptor)) = waited.await else {
            return Err(busy("too many calls are under way, and none ended in time"));
        };
        // After the wait: meanwhile others may have found out.
        let begun_ms = self.standing(|standing, now_ms| {
            if standing.breaker.is_open() {
                let reason =
                    "the provider answers neither callers nor the gateway, which asks once a second until it does";
                let refusal = Refusal { retry: Some(Moment::After(1)), ..Refusal::unavailable(reason) };
                return Err((refusal, "breaker"));
            }
            standing.throttle(caller).admits(now_ms).map_err(|wait_ms| {
                let retry = u32::try_from(wait_ms.div_ceil(1000)).ok().map(Moment::After);
                let reason = "the provider limits the calls of this gateway as a whole";
                (Refusal { retry, ..Refusal::new(Cause::Throttled, reason) }, "held")
            })?;
            Ok(now_ms)
        })?;
        Ok(Turn { begun_ms, _place: place, _descriptor: descriptor })
    }

    async fn carry(&self, call: Call) -> Result<Raw, CallFault> {
        let began = Instant::now();
        let answered = self.transport.carry(call).await;
        METRICS.called(&self.name, outcome_word(&answered), Some(began.elapsed()));
        answered
    }

    /// Somebody was answered, if only that calls are limited.
    fn answered(
        &self,
        caller: Caller,
        who: u64,
        begun_ms: u64,
        answered: &Result<Raw, CallFault>,
        limit: Option<Limit>,
    ) {
        // A limit on one user's calls ends for the next one when somebody is answered; one on ours when it was said.
        let wait_ms = match caller {
            Caller::Client => {
                limit.map_or(0, |limit| u64::from(wait_s(limit.retry, (self.clock)()).min(HOLD_S_MAX))) * 1000
            }
            Caller::Presented => PROBE_MS,
        };
        let caused = self.standing(|standing, now_ms| {
            standing.breaker.answered();
            let throttle = standing.throttle(caller);
            match limit {
                Some(Limit { refused: true, .. }) => return throttle.limited(who, now_ms, wait_ms),
                _ if answered.as_ref().is_ok_and(|raw| raw.status < 500) => throttle.answered(begun_ms),
                _ => {}
            }
            limit.is_some() && caller == Caller::Client && throttle.used_up(now_ms, wait_ms)
        });
        if caused {
            let provider = &*self.name;
            tracing::warn!(provider, wait_ms, "the provider limits the gateway as a whole: its calls are held back");
        }
    }

    /// How it stands with calls now.
    pub(super) fn load(&self) -> Load {
        let (in_flight, waiting) = self.turns.load();
        let (down, limited) = self.standing(|standing, _| {
            (standing.breaker.is_open(), standing.client.is_held() || standing.presented.is_held())
        });
        Load { in_flight, waiting, down, limited }
    }

    fn standing<R>(&self, with: impl FnOnce(&mut Standing, u64) -> R) -> R {
        let now_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        with(&mut self.standing.lock().unwrap_or_else(PoisonError::into_inner), now_ms)
    }
}

/// A call that is under way. One that is dropped is counted, and where it was silent until then, the breaker hears of it.
struct UnderWay<'c> {
    guard: &'c Arc<Guard>,
    who: u64,
    url: &'c Arc<Url>,
    /// `None` once it was answered.
    began: Option<Instant>,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let Some(took) = self.began.map(|began| began.elapsed()) else { return };
        METRICS.called(&self.guard.name, "dropped", Some(took));
        if took >= DROPPED_SILENT_MIN {
            self.guard.trouble(self.who, self.url);
        }
    }
}

/// Asks a provider that is suspected, at the address where callers met trouble and without any credential, once a
/// second until somebody is answered. It ends with the provider.
async fn control(guard: Arc<Guard>, url: Arc<Url>) {
    let weak = Arc::downgrade(&guard);
    drop(guard);
    loop {
        let Some(guard) = weak.upgrade() else { return };
        let next = tokio::time::Instant::now() + Duration::from_millis(CONTROL_MS);
        let call = Call::document("control", Arc::clone(&url), HeaderValue::from_static("*/*"));
        let asking = Arc::clone(&guard);
        let control = tokio::spawn(async move {
            if !is_trouble(&asking.carry(call).await) {
                asking.standing(|standing, _| standing.breaker.answered());
            }
        });
        // One that takes longer goes on, and its answer counts when it comes.
        drop(tokio::time::timeout_at(next, control).await);
        if guard.standing(|standing, _| standing.breaker.control_failed()) {
            let provider = &*guard.name;
            tracing::warn!(provider, "the provider is down: it is asked once a second until it answers");
        }
        drop(guard);
        tokio::time::sleep_until(next).await;
        if weak.upgrade().is_none_or(|guard| guard.standing(|standing, _| standing.breaker.rests())) {
            return;
        }
    }
}

/// Whether it speaks of the provider as a whole, where enough credentials and a control meet it. A 500, junk or an
/// answer too large is an answer: the provider is there.
fn is_trouble(answered: &Result<Raw, CallFault>) -> bool {
    match answered {
        Ok(raw) => matches!(raw.status, 502..=504),
        Err(CallFault::Unreachable { .. } | CallFault::Silent { .. } | CallFault::Broken { .. }) => true,
        Err(CallFault::TooLarge { .. } | CallFault::NotRecorded(_)) => false,
    }
}

/// The word for metrics.
fn outcome_word(answered: &Result<Raw, CallFault>) -> &'static str {
    match answered {
        Ok(raw) => match raw.status {
            200..=299 => "2xx",
            300..=399 => "3xx",
            429 => "429",
            400..=499 => "4xx",
            _ => "5xx",
        },
        Err(CallFault::Unreachable { .. }) => "unreachable",
        Err(CallFault::Silent { .. }) => "silent",
        Err(CallFault::Broken { .. }) => "broken",
        Err(CallFault::TooLarge { .. }) => "too_large",
        Err(CallFault::NotRecorded(_)) => "not_recorded",
    }
}

#[cfg(test)]
mod tests {
    use super::super::call::BoxFuture;
    use super::super::turns::LastVerdict;
    use super::*;
    use portcullis_core::credential::BearerToken;

    /// It answers nobody, the gateway neither.
    struct Silent;

    impl Transport for Silent {
        fn carry(&self, _: Call) -> BoxFuture<'_, Result<Raw, CallFault>> {
            Box::pin(std::future::pending())
        }
    }

    /// The limit of all calls for one credential may end a call before its own does.
    #[tokio::test]
    async fn calls_that_are_dropped_without_an_answer_are_heard_of() {
        let guard = Arc::new(Guard::new("silent", Arc::new(Silent), Arc::new(|| 0)));
        let url: Arc<Url> = Arc::new("https://idp.example/userinfo".parse().expect("URL"));
        let calls = (0..6).map(|number| {
            let (guard, url) = (Arc::clone(&guard), Arc::clone(&url));
            async move {
                let call = Call::document("check", url, HeaderValue::from_static("*/*"));
                let credential = Credential::Bearer(BearerToken::new(format!("token-{number}")));
                let requester = Requester::new(None, LastVerdict::Unknown);
                let call = guard.call(call, Caller::Presented, &credential, &requester);
                let dropped = tokio::time::timeout(DROPPED_SILENT_MIN + Duration::from_millis(50), call).await;
                assert!(dropped.is_err() && requester.has_called());
            }
        });
        futures_util::future::join_all(calls).await;
        assert_eq!((guard.load().in_flight, guard.load().waiting), (0, 0));
        for _ in 0..100 {
            if guard.load().down {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the breaker did not hear of it");
    }
}
