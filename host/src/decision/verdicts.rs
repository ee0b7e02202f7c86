//! A provider is asked once for a credential and its lifetime, however many requests carry it.
//!
//! A call runs as a task of its own, so that the client which happened to cause it may go away; whoever comes with the same
//! credential meanwhile waits for the same answer. A question whose call was not made yet when the last of them went away
//! is dropped: nobody fills the queue of a provider with requests that are taken back. Nothing that blames a provider is ever
//! kept, and no lock is held across an await.

use super::cache::{Cache, CredentialId, Entry, Forget, Found, Key, Known};
use super::headers::{Encoded, Need};
use crate::metrics::METRICS;
use crate::provider::{LastVerdict, Provider, Requester, now};
use crate::random;
use portcullis_core::client::ClientNetwork;
use portcullis_core::credential::Credential;
use portcullis_core::facts::Facts;
use portcullis_core::fingerprint::Fingerprint;
use portcullis_core::identity::{Identity, Moment};
use portcullis_core::lease::{Lease, Now};
use portcullis_core::refusal::{Cause, Refusal};
use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// After a renewal that failed, how long until the next attempt for the same credential.
const RENEW_PAUSE_MS: u64 = 1000;

/// A provider as routes use it.
#[derive(Clone)]
pub(super) struct Served {
    pub(super) provider: Arc<Provider>,
    name: Arc<str>,
    needs: Arc<[Need]>,
    /// The provider's name, and what is made of an identity for its routes' headers, as a digest: what is kept depends on it.
    use_digest: [u8; 32],
}

impl Served {
    pub(super) fn new(provider: Arc<Provider>, needs: Arc<[Need]>) -> Self {
        let name = provider.config().name.as_str().into();
        let use_digest = *blake3::hash(format!("{name:?} {needs:?}").as_bytes()).as_bytes();
        Self { provider, name, needs, use_digest }
    }

    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// What its routes put into headers.
    pub(super) fn needs(&self) -> &[Need] {
        &self.needs
    }
}

/// Whose credential it is, or why not.
pub(super) type Outcome = Result<Arc<Known>, Arc<Refusal>>;

/// Where a verdict came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// It was known.
    Hit,
    /// It was known to be no good.
    Negative,
    /// It was known, and is being renewed.
    Renewing,
    /// The provider was asked.
    Asked,
    /// Somebody else's question brought the answer.
    Joined,
}

impl Source {
    /// The word for logs and metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Negative => "negative",
            Self::Renewing => "renewing",
            Self::Asked => "asked",
            Self::Joined => "joined",
        }
    }
}

/// Verdicts, kept and under way. One for the life of the process: what changes of a provider changes its keys.
pub struct Verdicts {
    cache: Cache,
    flights: Mutex<Flights>,
    began: Instant,
}

/// The questions under way, each with where its answer is to be sent.
type Flights = HashMap<Key, watch::Sender<Option<Outcome>>>;

impl std::fmt::Debug for Verdicts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verdicts").finish_non_exhaustive()
    }
}

/// A question under way. However it ends, it is off the list then.
struct Flight {
    verdicts: Arc<Verdicts>,
    key: Key,
    is_listed: bool,
}

impl Flight {
    /// Takes it off the list if nobody waits for its answer. Whether nobody does.
    fn abandon(&mut self) -> bool {
        let mut flights = self.verdicts.flights();
        if flights.get(&self.key).is_some_and(|landing| landing.receiver_count() > 0) {
            return false;
        }
        flights.remove(&self.key);
        // Whoever asks from now on makes a question of its own.
        self.is_listed = false;
        true
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if self.is_listed {
            self.verdicts.flights().remove(&self.key);
        }
    }
}

impl Verdicts {
    /// None yet.
    ///
    /// # Errors
    ///
    /// The system gives no randomness: keys that could be guessed would be worse than no start.
    pub fn new() -> Result<Self, String> {
        let secret = random::bytes().map_err(|problem| format!("{problem} for the cache's keys"))?;
        Ok(Self { cache: Cache::new(secret), flights: Mutex::default(), began: Instant::now() })
    }

    /// The verdict on a credential, by what is known, by a question under way, or by a new one.
    pub(super) async fn of(
        self: &Arc<Self>,
        served: &Served,
        credential: &Credential,
        client: ClientNetwork,
    ) -> (Outcome, Source, Fingerprint) {
        let id = self.cache.credential(credential);
        let key = self.cache.key(&id, &served.use_digest, &served.provider.generation());
        let (outcome, source) = match self.cache.find(&key, self.now()) {
            Found::Known(known, false) => (Ok(known), Source::Hit),
            Found::Known(known, true) => {
                drop(self.join(key, id, served, credential, client));
                (Ok(known), Source::Renewing)
            }
            Found::Refused(refusal) => (Err(refusal), Source::Negative),
            Found::Expired | Found::Nothing => match self.join(key, id, served, credential, client) {
                Joined::Answered(outcome) => (outcome, Source::Joined),
                Joined::Waiting(answer, source) => (landed(answer).await, source),
            },
        };
        let word = outcome.as_ref().map_or_else(|refusal| refusal.cause.word(), |_| "identity");
        METRICS.verdict(&served.name, source.word(), word);
        (outcome, source, id.fingerprint())
    }

    /// Who came with a Basic pair, for the administrator who looks for the last scripts that do: the name, or the credential's
    /// fingerprint where the "name" may be a token (`curl -u TOKEN:`).
    pub(super) fn caller(&self, credential: &Credential) -> String {
        match credential {
            Credential::Basic { username, password, .. } if is_name(username.reveal(), password.reveal()) => {
                username.reveal().to_owned()
            }
            _ => self.cache.credential(credential).fingerprint().to_string(),
        }
    }

    /// Forgets, and says how many entries that were.
    pub fn forget(&self, what: &Forget) -> usize {
        self.cache.forget(what)
    }

    /// Entries and bytes: of identities, and of refusals.
    #[must_use]
    pub fn size(&self) -> [(usize, u64); 2] {
        self.cache.size()
    }

    /// The question about this credential that is under way, or a new one for this client.
    fn join(
        self: &Arc<Self>,
        key: Key,
        id: CredentialId,
        served: &Served,
        credential: &Credential,
        client: ClientNetwork,
    ) -> Joined {
        let mut flights = self.flights();
        if let Some(landing) = flights.get(&key) {
            return Joined::Waiting(landing.subscribe(), Source::Joined);
        }
        // One may have landed between the first look and the lock.
        let (last_verdict, is_renewal) = match self.cache.find(&key, self.now()) {
            Found::Known(known, false) => return Joined::Answered(Ok(known)),
            Found::Refused(refusal) => return Joined::Answered(Err(refusal)),
            Found::Known(_, true) => (LastVerdict::Good, true),
            Found::Expired => (LastVerdict::Good, false),
            Found::Nothing => (LastVerdict::Unknown, false),
        };
        let (landing, answer) = watch::channel(None);
        flights.insert(key, landing.clone());
        drop(flights);
        let mut flight = Flight { verdicts: Arc::clone(self), key, is_listed: true };
        let (served, credential) = (served.clone(), credential.clone());
        tokio::spawn(async move {
            let verdicts = Arc::clone(&flight.verdicts);
            let (asked, epoch) = (verdicts.now(), verdicts.cache.epoch());
            let requester = Requester::new(Some(client), last_verdict);
            let mut asking = pin!(served.provider.verdict_and_rest(&credential, None, &requester));
            // Nobody waits for a renewal, from the beginning.
            let mut may_be_abandoned = !is_renewal;
            let (verdict, rest) = loop {
                tokio::select! {
                    biased;
                    verdict = asking.as_mut() => break verdict,
                    () = landing.closed(), if may_be_abandoned => {
                        // A call that was made is paid for: its answer is kept.
                        may_be_abandoned = !requester.has_called();
                        if may_be_abandoned && flight.abandon() {
                            return;
                        }
                    }
                }
            };
            let outcome = verdicts.settle(key, &id, &served, asked, epoch, verdict);
            if let (Ok(_), Some(rest)) = (&outcome, rest) {
                verdicts.hold(key, &id, &served, rest);
            }
            landing.send_replace(Some(outcome));
        });
        Joined::Waiting(answer, Source::Asked)
    }

    /// Keeps what may be kept of a verdict.
    fn settle(
        &self,
        key: Key,
        id: &CredentialId,
        served: &Served,
        asked: Now,
        epoch: u64,
        verdict: Result<Identity, Refusal>,
    ) -> Outcome {
        let kept_for = served.provider.config().cache.as_ref();
        let entry = |lease: Lease| Entry { provider: &served.name, credential: id, lease };
        // Entries of different credentials do not end together.
        let spread = id.spread();
        match verdict {
            Ok(identity) => {
                let expires = identity.expires.map(|moment| moment.resolve(asked.wall_s));
                let encoded = Encoded::of(&identity, &served.needs);
                let known = Arc::new(Known { facts: Facts::of(&identity), encoded });
                if let Some(lease) = kept_for.and_then(|kept| Lease::grant(asked, kept.ttl, expires, spread)) {
                    self.cache.keep(key, entry(lease), &known, epoch);
                }
                Ok(known)
            }
            Err(refusal) => {
                let refusal = Arc::new(refusal);
                match refusal.cause {
                    Cause::InvalidToken => {
                        let lease = kept_for.and_then(|kept| Lease::grant(asked, kept.negative_ttl, None, spread));
                        self.cache.keep_refused(key, lease.map(entry), &refusal);
                    }
                    Cause::InsufficientScope => self.cache.keep_refused(key, None, &refusal),
                    Cause::Throttled => return Err(self.hold(key, id, served, Refusal::clone(&refusal))),
                    Cause::Unavailable | Cause::Misconfigured => {
                        let now = self.now();
                        self.cache.renewal_failed(&key, now.running_ms.saturating_add(RENEW_PAUSE_MS));
                    }
                }
                Err(refusal)
            }
        }
    }

    /// The provider takes no more calls about this credential: none is made before it said. What is known holds on.
    fn hold(&self, key: Key, id: &CredentialId, served: &Served, refusal: Refusal) -> Arc<Refusal> {
        let now = self.now();
        let wait_s = refusal.wait_s(now.wall_s);
        let until = now.wall_s.saturating_add(wait_s.into());
        let refusal = Arc::new(Refusal { retry: Some(Moment::At(until)), ..refusal });
        let lease = Lease::exactly(now, Duration::from_secs(wait_s.into()));
        self.cache.renewal_failed(&key, now.running_ms.saturating_add(u64::from(wait_s) * 1000));
        self.cache.hold(key, Entry { provider: &served.name, credential: id, lease }, &refusal);
        refusal
    }

    fn flights(&self) -> MutexGuard<'_, Flights> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Now {
        Now { running_ms: u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX), wall_s: now() }
    }
}

/// Whether a pair's first half is a name and no secret: short, with a real password beside it.
fn is_name(username: &str, password: &str) -> bool {
    let short = (1..=32).contains(&username.len());
    short && !matches!(password, "" | "x-oauth-basic" | "api_token") && !username.starts_with("eyJ")
}

enum Joined {
    Answered(Outcome),
    Waiting(watch::Receiver<Option<Outcome>>, Source),
}

/// Waits for an answer. One that never comes, since its task ended badly, blames nobody's credential.
async fn landed(mut answer: watch::Receiver<Option<Outcome>>) -> Outcome {
    let lost =
        || Err(Arc::new(Refusal::unavailable("the question to the provider was lost; that is a fault of the gateway")));
    match answer.wait_for(Option::is_some).await {
        Ok(landed) => landed.as_ref().map_or_else(lost, Clone::clone),
        Err(_) => lost(),
    }
}
