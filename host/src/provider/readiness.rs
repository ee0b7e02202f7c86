//! Whether a provider can be asked: its plan, and the documents that some plans are made of, fetched again from time to time.
//!
//! Documents are fetched without any credential. What cannot be fetched or is wrong leaves the last good plan in use.

use super::answer::{Needles, answer};
use super::call::Call;
use super::plan::{self, Made, ReadyPlan};
use super::verdict::Provider;
use crate::adapter::contract::{Context, Response};
use portcullis_core::freshness::Freshness;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

/// How long a document is good.
const FRESHNESS: Freshness = Freshness {
    least: Duration::from_secs(300),
    usual: Duration::from_secs(3600),
    most: Duration::from_secs(24 * 3600),
    // A plan stays until there is a better one.
    last: Duration::MAX,
};

/// Whether a provider can be asked.
#[derive(Debug)]
pub enum Readiness {
    /// It can.
    Ready(ReadyPlan),
    /// Its documents are not there yet.
    Waiting {
        /// What they are, for `/readyz` and the log.
        reason: String,
    },
}

impl Readiness {
    pub(super) fn of(made: Made) -> Self {
        let reason = match made {
            Made::Ready(plan) => return Self::Ready(plan),
            Made::Later(reason) => reason,
            Made::Fetch(lookups) => {
                let urls: Vec<&str> = lookups.iter().map(|lookup| lookup.url.as_str()).collect();
                format!("{} is not fetched yet", urls.join(", "))
            }
        };
        Self::Waiting { reason }
    }
}

impl Provider {
    /// Whether it can be asked now.
    #[must_use]
    pub fn readiness(&self) -> Arc<Readiness> {
        self.readiness.load_full()
    }

    /// What every call into its adapter is given.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// What its verdicts depend on now, as a digest: what its operator wrote, its adapter, and the plan that they come to.
    #[must_use]
    pub fn generation(&self) -> [u8; 32] {
        match &**self.readiness.load() {
            Readiness::Ready(plan) => plan.generation(),
            Readiness::Waiting { .. } => self.content,
        }
    }

    /// Fetches what the plan is made of and plans again; says how long that is good, `None` for a plan that needs no documents.
    ///
    /// # Errors
    ///
    /// Why there is no new plan. An old one stays in use.
    pub async fn complete(&self) -> Result<Option<Duration>, String> {
        if !self.reads_documents {
            return Ok(None);
        }
        match self.planned_anew().await {
            Ok((plan, fresh)) => {
                let same = matches!(&**self.readiness.load(), Readiness::Ready(current) if *current == plan);
                if !same {
                    self.keyring.retain(&plan.key_urls());
                    self.readiness.store(Arc::new(Readiness::Ready(plan)));
                }
                // Gateways that were started together do not come together for ever.
                let tenth = fresh / 10;
                let part = u32::try_from(RandomState::new().hash_one(()) % 256).unwrap_or(0);
                Ok(Some(fresh.saturating_sub(tenth * part / 256)))
            }
            Err(reason) => {
                if matches!(&**self.readiness.load(), Readiness::Waiting { .. }) {
                    self.readiness.store(Arc::new(Readiness::Waiting { reason: reason.clone() }));
                }
                Err(reason)
            }
        }
    }

    /// Fetches the keys that the plan verifies with, before the first token comes.
    pub fn prepare(&self) {
        let readiness = self.readiness();
        let Readiness::Ready(plan) = &*readiness else { return };
        for url in plan.key_urls() {
            if let Ok(keys) = self.keyring.set(url) {
                keys.prepare();
            }
        }
    }

    async fn planned_anew(&self) -> Result<(ReadyPlan, Duration), String> {
        let needles = Needles::new(&self.secrets, None);
        let mut documents: Vec<Response> = Vec::new();
        let mut fresh = FRESHNESS.most;
        loop {
            let made;
            (documents, made) =
                plan::make_aside(&self.adapter, &self.config, &self.context, &self.content, documents).await;
            let made =
                made.map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
            let lookups = match made {
                Made::Ready(plan) => return Ok((plan, fresh)),
                Made::Later(reason) => return Err(reason),
                Made::Fetch(lookups) => lookups,
            };
            for lookup in lookups {
                let url = url::Url::parse(&lookup.url).map_err(|error| error.to_string())?;
                let accept = http::HeaderValue::from_str(&lookup.accept).map_err(|error| error.to_string())?;
                let call = Call::document(&lookup.label, Arc::new(url), accept);
                let raw = self.transport.carry(call).await.map_err(|fault| fault.to_string())?;
                let headers = raw.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
                fresh = fresh.min(FRESHNESS.of(headers));
                documents.push(answer(&lookup.label, &raw, &needles));
            }
        }
    }
}
