//! Verdicts that were asked for already: the identity of a credential for as long as it may be used, and for a few seconds that
//! a credential is no good.
//!
//! It must never hold a credential, a provider's answer, or a fault of a provider, and never decide anything: what a route
//! demands is judged on every request, hit or not. Times come from outside, so that a test can turn the clock.

use super::headers::Encoded;
use portcullis_core::credential::Credential;
use portcullis_core::facts::Facts;
use portcullis_core::fingerprint::Fingerprint;
use portcullis_core::lease::{Lease, Now, Standing};
use portcullis_core::refusal::Refusal;
use quick_cache::{Weighter, sync};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Identities, in bytes over all providers: 100,000 of them with three groups each, and some more.
const GOOD_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Refusals, in a space of their own: however many bad tokens come, they push nobody's identity out.
const BAD_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// What an entry takes beside its texts: key, pointers, counts, what the allocator rounds up, the cache's own bookkeeping. Measured.
const ENTRY_BYTES: usize = 260;

/// Which verdict: a keyed hash, useless outside this process.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 32]);

/// A credential as the cache knows it.
#[derive(Clone, Copy)]
pub(super) struct CredentialId([u8; 32]);

impl CredentialId {
    pub(super) fn fingerprint(&self) -> Fingerprint {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        Fingerprint::new([a, b, c, d, e, f, g, h])
    }

    /// Somewhere between 0 and 255, by which leases differ.
    pub(super) fn spread(&self) -> u8 {
        let [.., last] = self.0;
        last
    }
}

/// Somebody whom a provider vouched for, with the values of identity headers rendered once.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) facts: Facts,
    pub(super) encoded: Encoded,
}

struct Kept<T> {
    what: T,
    provider: Arc<str>,
    fingerprint: Fingerprint,
    lease: Lease,
    /// Not before then is it renewed.
    renew_from_ms: AtomicU64,
    bytes: usize,
}

/// What is known of a credential.
pub(super) enum Found {
    /// Whose it is; and whether it is time to ask again.
    Known(Arc<Known>, bool),
    /// That it is no good.
    Refused(Arc<Refusal>),
    /// That it was good, which no longer holds.
    Expired,
    /// Nothing, or a refusal that no longer holds.
    Nothing,
}

/// What is to be forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forget {
    /// Everything.
    All,
    /// What this provider said.
    Provider(String),
    /// Everything of this user.
    User(String),
    /// One credential.
    Credential(Fingerprint),
}

/// The two caches.
pub(super) struct Cache {
    secret: [u8; 32],
    good: sync::Cache<Key, Arc<Kept<Arc<Known>>>, Bytes>,
    bad: sync::Cache<Key, Arc<Kept<Arc<Refusal>>>, Bytes>,
    /// Counts what was forgotten, so that an answer which was under way then is not kept.
    forgotten: AtomicU64,
}

#[derive(Clone)]
struct Bytes;

impl<T> Weighter<Key, Arc<Kept<T>>> for Bytes {
    fn weight(&self, _: &Key, kept: &Arc<Kept<T>>) -> u64 {
        u64::try_from(kept.bytes).unwrap_or(u64::MAX)
    }
}

/// How many entries to expect of a cache of that many bytes.
fn entries(bytes: u64) -> usize {
    usize::try_from(bytes / 640).unwrap_or(1)
}

impl Cache {
    /// An empty one. `secret` is random and this process's own.
    pub(super) fn new(secret: [u8; 32]) -> Self {
        Self {
            secret,
            good: sync::Cache::with_weighter(entries(GOOD_BYTES_MAX), GOOD_BYTES_MAX, Bytes),
            bad: sync::Cache::with_weighter(entries(BAD_BYTES_MAX), BAD_BYTES_MAX, Bytes),
            forgotten: AtomicU64::new(0),
        }
    }

    /// What stands for a credential: a keyed hash over its kind and its parts, each with its length, in this order.
    pub(super) fn credential(&self, credential: &Credential) -> CredentialId {
        let parts: [&str; 3] = match credential {
            Credential::Bearer(token) => ["bearer", token.reveal(), ""],
            Credential::Basic { username, password, .. } => ["basic", username.reveal(), password.reveal()],
        };
        CredentialId(self.hash(parts.map(str::as_bytes)))
    }

    /// The key of a credential's verdict for this use of a provider of this content and plan (`generation`).
    pub(super) fn key(&self, credential: &CredentialId, of: &[u8], generation: &[u8]) -> Key {
        Key(self.hash([&credential.0, of, generation]))
    }

    fn hash(&self, parts: [&[u8]; 3]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.secret);
        for part in parts {
            hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            hasher.update(part);
        }
        *hasher.finalize().as_bytes()
    }

    /// What is known, as it stands now. An identity that is over is of no more use than to tell that there was one: it stays
    /// until it is pushed out, or the next verdict takes its place.
    pub(super) fn find(&self, key: &Key, now: Now) -> Found {
        let mut was_good = false;
        if let Some(kept) = self.good.get(key) {
            match kept.lease.standing(now) {
                Standing::Good => return Found::Known(Arc::clone(&kept.what), false),
                Standing::Renew => {
                    let due = kept.renew_from_ms.load(Ordering::Relaxed) <= now.running_ms;
                    return Found::Known(Arc::clone(&kept.what), due);
                }
                Standing::Over => was_good = true,
            }
        }
        if let Some(kept) = self.bad.get(key) {
            if kept.lease.standing(now) != Standing::Over {
                return Found::Refused(Arc::clone(&kept.what));
            }
            self.bad.remove(key);
        }
        if was_good { Found::Expired } else { Found::Nothing }
    }

    /// To be given back to [`Cache::keep`] by who asks from now on.
    pub(super) fn epoch(&self) -> u64 {
        self.forgotten.load(Ordering::Acquire)
    }

    /// Keeps an identity, unless something was forgotten since `epoch`.
    pub(super) fn keep(&self, key: Key, entry: Entry<'_>, known: &Arc<Known>, epoch: u64) {
        let bytes = size_of::<Known>() + known.facts.bytes() + known.encoded.bytes();
        self.bad.remove(&key);
        insert(&self.good, key, entry, Arc::clone(known), bytes);
        if self.epoch() != epoch {
            self.good.remove(&key);
        }
    }

    /// The credential is no good: what was known of it is dropped, and that much is kept.
    pub(super) fn keep_refused(&self, key: Key, entry: Option<Entry<'_>>, refusal: &Arc<Refusal>) {
        self.good.remove(&key);
        if let Some(entry) = entry {
            insert(&self.bad, key, entry, Arc::clone(refusal), refusal.reason.len());
        }
    }

    /// Nothing new is to be had of the credential for a while: what is known holds on, and afterwards this is said.
    pub(super) fn hold(&self, key: Key, entry: Entry<'_>, refusal: &Arc<Refusal>) {
        insert(&self.bad, key, entry, Arc::clone(refusal), refusal.reason.len());
    }

    /// A renewal failed and said nothing of the credential: what is known holds on, and the next attempt waits until then.
    pub(super) fn renewal_failed(&self, key: &Key, from_ms: u64) {
        if let Some(kept) = self.good.peek(key) {
            kept.renew_from_ms.store(from_ms, Ordering::Relaxed);
        }
    }

    /// Forgets, and says how many entries that were.
    pub(super) fn forget(&self, what: &Forget) -> usize {
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        let count = std::cell::Cell::new(0);
        self.good.retain(|_, kept| {
            let goes = what.covers(kept) || matches!(what, Forget::User(name) if *kept.what.facts.username == **name);
            count.set(count.get() + usize::from(goes));
            !goes
        });
        self.bad.retain(|_, kept| {
            let goes = what.covers(kept);
            count.set(count.get() + usize::from(goes));
            !goes
        });
        count.get()
    }

    /// Entries and bytes: of identities, and of refusals.
    pub(super) fn size(&self) -> [(usize, u64); 2] {
        [(self.good.len(), self.good.weight()), (self.bad.len(), self.bad.weight())]
    }
}

/// Whose entry it is, and for how long.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) provider: &'a Arc<str>,
    pub(super) credential: &'a CredentialId,
    pub(super) lease: Lease,
}

impl Forget {
    fn covers<T>(&self, kept: &Kept<T>) -> bool {
        match self {
            Self::All => true,
            Self::Provider(name) => *kept.provider == **name,
            Self::Credential(fingerprint) => kept.fingerprint == *fingerprint,
            Self::User(_) => false,
        }
    }
}

fn insert<T>(cache: &sync::Cache<Key, Arc<Kept<T>>, Bytes>, key: Key, entry: Entry<'_>, what: T, text_bytes: usize) {
    let bytes = ENTRY_BYTES + size_of::<Kept<T>>() + text_bytes;
    let Entry { provider, credential, lease } = entry;
    let fingerprint = credential.fingerprint();
    let kept =
        Kept { what, provider: Arc::clone(provider), fingerprint, lease, renew_from_ms: AtomicU64::new(0), bytes };
    cache.insert(key, Arc::new(kept));
}

#[cfg(test)]
mod tests;
