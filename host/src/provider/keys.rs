//! The published keys of a provider (JWK sets, RFC 7517): fetched without any credential, kept by their headers, renewed
//! beside the requests that use them.
//!
//! A set that cannot be had is the provider's trouble, never a token's. However many tokens name keys that nobody knows, the
//! provider is asked for its set once in a while only.

use super::call::{Call, Transport};
use super::keyset::{self, Key, KeySet};
use arc_swap::ArcSwapOption;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, ready};
use http::HeaderValue;
use jsonwebtoken::Algorithm;
use portcullis_core::freshness::{Age, Fetched, Freshness};
use portcullis_core::identity::Moment;
use portcullis_core::refusal::{Cause, Refusal};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use url::Url;

/// How long a set is used. A key that was taken out of it is out within twice the freshness that its server tells.
const FRESHNESS: Freshness = Freshness {
    least: Duration::from_secs(30),
    usual: Duration::from_secs(300),
    most: Duration::from_secs(900),
    last: Duration::from_secs(3600),
};
/// Between two fetches for the sake of keys that are not known, or no longer right.
const UNKNOWN_PAUSE_MS: u64 = 10_000;
/// After a fetch that failed, until the next.
const FAILED_PAUSE_MS: u64 = 1000;
/// Sets that one provider may use.
const SETS_MAX: usize = 8;
const ACCEPT: HeaderValue = HeaderValue::from_static("application/jwk-set+json, application/json");

/// All the sets that a provider uses, by their URLs.
pub(super) struct Keyring {
    provider: String,
    transport: Arc<dyn Transport>,
    sets: Mutex<BTreeMap<String, Arc<Keys>>>,
}

impl Keyring {
    pub(super) fn new(provider: &str, transport: Arc<dyn Transport>) -> Self {
        Self { provider: provider.to_owned(), transport, sets: Mutex::default() }
    }

    /// The set at this URL.
    ///
    /// # Errors
    ///
    /// It is none, or the adapter names more of them than a provider can have.
    pub(super) fn set(&self, url: &str) -> Result<Arc<Keys>, Refusal> {
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keys) = sets.get(url) {
            return Ok(Arc::clone(keys));
        }
        if sets.len() >= SETS_MAX {
            return Err(Refusal::unavailable(format!("the adapter names more than {SETS_MAX} key sets")));
        }
        let parsed =
            Url::parse(url).map_err(|_| Refusal::new(Cause::Misconfigured, "the plan names no URL for its keys"))?;
        let keys = Arc::new(Keys::new(&self.provider, parsed, Arc::clone(&self.transport)));
        sets.insert(url.to_owned(), Arc::clone(&keys));
        Ok(keys)
    }

    /// Lets go of the sets that are at none of these URLs.
    pub(super) fn retain(&self, urls: &[&str]) {
        self.sets.lock().unwrap_or_else(PoisonError::into_inner).retain(|url, _| urls.contains(&url.as_str()));
    }
}

/// One set, as it was last fetched.
pub(super) struct Keys {
    provider: String,
    url: Arc<Url>,
    transport: Arc<dyn Transport>,
    began: Instant,
    current: ArcSwapOption<Current>,
    fetching: Mutex<Fetching>,
}

struct Current {
    set: KeySet,
    fetched: Fetched,
}

/// The keys that a token may be signed with.
pub(super) struct Found {
    /// Of its algorithm and its key id.
    pub(super) keys: Vec<Key>,
    /// Why its key may be one that is not among them: then a signature that none of them verifies is not the token's fault.
    pub(super) flaw: Option<String>,
}

#[derive(Default)]
struct Fetching {
    running: Option<Landing>,
    failed: Option<(u64, String)>,
    /// When it was last fetched for the sake of a key that is not known, or no longer right.
    unknown_ms: Option<u64>,
}

/// How a fetch ended; the text says why it failed.
type Landing = Shared<BoxFuture<'static, Result<(), String>>>;

impl Keys {
    fn new(provider: &str, url: Url, transport: Arc<dyn Transport>) -> Self {
        let provider = provider.to_owned();
        let (current, fetching) = (ArcSwapOption::empty(), Mutex::default());
        Self { provider, url: Arc::new(url), transport, began: Instant::now(), current, fetching }
    }

    /// The keys that a token of this algorithm and key id may be signed with: none where the provider has no such key.
    ///
    /// # Errors
    ///
    /// There is no set to look in.
    pub(super) async fn find(self: &Arc<Self>, algorithm: Algorithm, id: Option<&str>) -> Result<Found, Refusal> {
        let (current, just_fetched) = self.current().await?;
        let found = self.found(&current, algorithm, id);
        if just_fetched || current.set.has(id) {
            return Ok(found);
        }
        match self.fetch_for_unknown() {
            Some(landing) => landing.await.map_err(|reason| self.unavailable(&reason))?,
            None => return Ok(found),
        }
        Ok(self.current.load().as_ref().map_or(found, |current| self.found(current, algorithm, id)))
    }

    /// As [`Keys::find`], in a set that is fetched now, for a token whose signature no key verified that was known: a provider may
    /// publish another key under an id of before, or keys without ids. `None` where the set was fetched a short time ago for a
    /// like reason, or cannot be had: what is known decides then.
    pub(super) async fn find_again(self: &Arc<Self>, algorithm: Algorithm, id: Option<&str>) -> Option<Found> {
        self.fetch_for_unknown()?.await.ok()?;
        self.current.load().as_ref().map(|current| self.found(current, algorithm, id))
    }

    fn found(&self, current: &Current, algorithm: Algorithm, id: Option<&str>) -> Found {
        let keys = current.set.fitting(algorithm, id);
        let flaw = current.set.flaw(algorithm, id).map(|flaw| format!("the keys at {} {flaw}", self.url));
        Found { keys, flaw }
    }

    /// The set as it may be used, and whether this call fetched it.
    async fn current(self: &Arc<Self>) -> Result<(Arc<Current>, bool), Refusal> {
        let known = self.current.load_full();
        match known.as_ref().map(|known| (known, known.fetched.age(self.now_ms()))) {
            Some((known, Age::Fresh)) => return Ok((Arc::clone(known), false)),
            Some((known, Age::Stale)) => {
                drop(self.fetch());
                return Ok((Arc::clone(known), false));
            }
            Some((known, Age::Old)) => {
                if self.fetch().await.is_err() {
                    return Ok((Arc::clone(known), false));
                }
            }
            Some((_, Age::Over)) | None => self.fetch().await.map_err(|reason| self.unavailable(&reason))?,
        }
        let fetched = self.current.load_full().ok_or_else(|| self.unavailable("the fetch was lost"))?;
        Ok((fetched, true))
    }

    /// Fetches the set before anybody needs it.
    pub(super) fn prepare(self: &Arc<Self>) {
        if self.current.load().is_none() {
            drop(self.fetch());
        }
    }

    fn unavailable(&self, reason: &str) -> Refusal {
        let reason = format!("the provider's keys cannot be had: {reason}");
        Refusal { retry: Some(Moment::After(1)), ..Refusal::unavailable(reason) }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn fetching(&self) -> MutexGuard<'_, Fetching> {
        self.fetching.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The fetch that is under way, or a new one. It runs as a task of its own: whoever caused it may go away.
    fn fetch(self: &Arc<Self>) -> Landing {
        let mut fetching = self.fetching();
        self.fetch_locked(&mut fetching)
    }

    fn fetch_locked(self: &Arc<Self>, fetching: &mut Fetching) -> Landing {
        if let Some(running) = &fetching.running {
            return running.clone();
        }
        if let Some((failed_ms, reason)) = &fetching.failed
            && self.now_ms() < failed_ms.saturating_add(FAILED_PAUSE_MS)
        {
            return ready(Err(reason.clone())).boxed().shared();
        }
        let this = Arc::clone(self);
        let task = tokio::spawn(async move {
            let fetched = this.fetched().await;
            this.land(fetched)
        });
        let lost = |_| Err("the fetch was lost; that is a fault of the gateway".to_owned());
        let landing = async move { task.await.unwrap_or_else(lost) }.boxed().shared();
        fetching.running = Some(landing.clone());
        landing
    }

    /// A fetch for the sake of a key that is not known, or no longer right; `None` where the last one was too short a time ago to make another.
    fn fetch_for_unknown(self: &Arc<Self>) -> Option<Landing> {
        let mut fetching = self.fetching();
        if let Some(running) = &fetching.running {
            return Some(running.clone());
        }
        let now_ms = self.now_ms();
        if fetching.unknown_ms.is_some_and(|last_ms| now_ms < last_ms.saturating_add(UNKNOWN_PAUSE_MS)) {
            // A set that could not be had then says nothing of a key that it may hold.
            let failed = fetching.failed.as_ref().filter(|(failed_ms, _)| Some(*failed_ms) >= fetching.unknown_ms);
            return failed.map(|(_, reason)| ready(Err(reason.clone())).boxed().shared());
        }
        fetching.unknown_ms = Some(now_ms);
        Some(self.fetch_locked(&mut fetching))
    }

    async fn fetched(&self) -> Result<Current, String> {
        let raw = self.transport.carry(Call::document("keys", Arc::clone(&self.url), ACCEPT)).await;
        let raw = raw.map_err(|fault| fault.to_string())?;
        let set = keyset::read(&raw).map_err(|flaw| format!("{}: {flaw}", self.url))?;
        let fresh = FRESHNESS.of(raw.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())));
        Ok(Current { set, fetched: FRESHNESS.fetched(self.now_ms(), fresh) })
    }

    fn land(&self, fetched: Result<Current, String>) -> Result<(), String> {
        let mut fetching = self.fetching();
        fetching.running = None;
        match fetched {
            Ok(current) => {
                let count = current.set.count();
                tracing::debug!(provider = self.provider, url = %self.url, count, "the provider's keys were fetched");
                // A flaw is logged when it is new, and not with every fetch.
                let known = self.current.load();
                for flaw in current.set.flaws_beyond(known.as_ref().map(|known| &known.set)) {
                    tracing::warn!(provider = self.provider, url = %self.url, "the provider's key set {flaw}");
                }
                self.current.store(Some(Arc::new(current)));
                fetching.failed = None;
                Ok(())
            }
            Err(reason) => {
                let serves = self.current.load().is_some();
                tracing::warn!(provider = self.provider, serves, "the provider's keys cannot be had: {reason}");
                fetching.failed = Some((self.now_ms(), reason.clone()));
                Err(reason)
            }
        }
    }
}
