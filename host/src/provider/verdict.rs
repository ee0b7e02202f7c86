//! Credential -> verdict: choose the check, make the calls, let the adapter read the answers, judge what it says.

use super::answer::{Needles, SecretNeedles, answer};
use super::call::{Call, CallFault, Transport};
use super::generation::generation;
use super::guard::{Called, Caller, Guard, Load};
use super::limits::Limits;
use super::plan::{self, Made, PlanProblem, ReadyPlan, Wanted, vet_request};
use super::render::{render, shown};
use crate::adapter::{self, Adapter, contract};
use crate::config::ProviderConfig;
use crate::metrics::METRICS;
use arc_swap::ArcSwap;
use contract::{Answer, Authorization, Finding, Method, Request, Response, Shape};
use portcullis_core::credential::{Credential, JwtForm, jwt_form};
use portcullis_core::identity::Identity;
use portcullis_core::policy::{self, Rules};
use portcullis_core::problem::NOT_YET;
use portcullis_core::refusal::{Cause, Refusal};
use portcullis_core::setting::CredentialKind;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Rounds of `ask` for one credential.
const ROUNDS_MAX: usize = 4;
/// Calls for one credential, the check among them.
const CALLS_MAX: usize = 16;
/// All calls for one credential together.
const DECISION_MAX: Duration = Duration::from_secs(8);

/// Tells the time, in seconds since 1970. Given from outside, since recorded answers have a time of their own.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// The system's clock.
#[must_use]
pub fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// A configured adapter.
pub struct Provider {
    config: ProviderConfig,
    adapter: Arc<Adapter>,
    context: Arc<contract::Context>,
    rules: Rules,
    secrets: SecretNeedles,
    transport: Arc<dyn Transport>,
    guard: Arc<Guard>,
    generation: [u8; 32],
    clock: Clock,
    readiness: ArcSwap<Readiness>,
}

/// How well a credential fits what a provider's plan declares, the better the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// It cannot be of this provider.
    No,
    /// There is no plan yet.
    Unknown,
    /// The plan takes any.
    Any,
    /// It has an outer shape that the plan takes.
    Shape,
    /// Its prefix or its unverified issuer is this provider's.
    Own,
}

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

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").field("name", &self.config.name).finish_non_exhaustive()
    }
}

/// What passed between gateway and provider, for `probe`; credential and secrets masked.
#[derive(Debug, Default)]
pub struct Seen(Mutex<Vec<Exchange>>);

/// One exchange.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The request, masked, line by line.
    pub request: Vec<String>,
    /// What the adapter saw of the answer, or why there was none.
    pub answer: Result<Response, CallFault>,
}

impl Seen {
    fn push(&self, exchange: Exchange) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(exchange);
    }

    /// The exchanges so far.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

impl Provider {
    /// Plans a provider. One whose documents are still to be fetched is `Waiting`; nothing is sent here.
    ///
    /// # Errors
    ///
    /// All problems of its settings and its plan.
    pub fn new(
        config: ProviderConfig,
        adapter: Arc<Adapter>,
        wanted: &Wanted,
        transport: Arc<dyn Transport>,
        clock: Clock,
    ) -> Result<Self, Vec<PlanProblem>> {
        let context = plan::context(&config, wanted);
        let readiness = match plan::make(&adapter, &config, &context, &[])? {
            Made::Ready(plan) => Readiness::Ready(plan),
            Made::Fetch(lookups) => {
                let urls: Vec<&str> = lookups.iter().map(|lookup| lookup.url.as_str()).collect();
                Readiness::Waiting { reason: format!("{} is not fetched yet", urls.join(", ")) }
            }
            Made::Later(reason) => Readiness::Waiting { reason },
        };
        let secrets = SecretNeedles::of(&config);
        let generation = generation(&config, &context, &adapter);
        let rules = Rules {
            audience: config.audience.clone(),
            required_scopes: config.required_scopes.clone(),
            scope_orders: config.scope_orders.clone(),
        };
        let guard = Arc::new(Guard::new(&config.name, Arc::clone(&transport), Arc::clone(&clock)));
        Ok(Self {
            config,
            adapter,
            context: Arc::new(context),
            rules,
            secrets,
            transport,
            guard,
            generation,
            clock,
            readiness: ArcSwap::from_pointee(readiness),
        })
    }

    /// Its configuration.
    #[must_use]
    pub fn config(&self) -> &ProviderConfig {
        &self.config
    }

    /// What its verdicts depend on, as a digest.
    #[must_use]
    pub fn generation(&self) -> &[u8; 32] {
        &self.generation
    }

    /// Whether it would be the same if it were made of these now: then it stays, with its connections and its state.
    #[must_use]
    pub fn is_made_of(&self, config: &ProviderConfig, adapter: &Adapter, wanted: &Wanted) -> bool {
        let placeless = |config: &ProviderConfig| ProviderConfig { lines: BTreeMap::new(), ..config.clone() };
        self.adapter.digest() == adapter.digest()
            && self.context.wanted.iter().eq(wanted.iter())
            && placeless(&self.config) == placeless(config)
    }

    /// How it stands with calls to it.
    #[must_use]
    pub fn load(&self) -> Load {
        self.guard.load()
    }

    /// How well a credential fits. Nothing is verified by it.
    #[must_use]
    pub fn fit(&self, credential: &Credential) -> Fit {
        if self.admissible(credential).is_err() {
            return Fit::No;
        }
        let readiness = self.readiness.load();
        let Readiness::Ready(plan) = &**readiness else { return Fit::Unknown };
        let plan = plan.plan();
        if let Credential::Bearer(token) = credential
            && !plan.issuers.is_empty()
            && let JwtForm::Jwt { iss: Some(iss), .. } = jwt_form(token.reveal())
        {
            return if plan.issuers.contains(&iss) { Fit::Own } else { Fit::No };
        }
        let prefixes = &self.adapter.description().token_prefixes;
        if let Credential::Bearer(token) = credential
            && prefixes.iter().any(|prefix| !prefix.is_empty() && token.reveal().starts_with(prefix.as_str()))
        {
            return Fit::Own;
        }
        match plan.checks.iter().find(|check| fits(&check.when, credential)).map(|check| &check.when) {
            None => Fit::No,
            Some(Shape::Any) => Fit::Any,
            Some(Shape::Jwt | Shape::Opaque | Shape::Basic | Shape::ApiKey) => Fit::Shape,
            Some(Shape::JwtFrom(_) | Shape::Prefixed(_)) => Fit::Own,
        }
    }

    /// Its adapter.
    #[must_use]
    pub fn adapter(&self) -> &Arc<Adapter> {
        &self.adapter
    }

    /// Whether it can be asked now.
    #[must_use]
    pub fn readiness(&self) -> Arc<Readiness> {
        self.readiness.load_full()
    }

    /// Fetches what the plan waits for, and plans again. Does nothing for a plan that is ready.
    ///
    /// # Errors
    ///
    /// Why it is still waiting.
    pub async fn complete(&self) -> Result<(), String> {
        if matches!(**self.readiness.load(), Readiness::Ready(_)) {
            return Ok(());
        }
        let made = self.fetched().await;
        let (readiness, result) = match made {
            Ok(plan) => (Readiness::Ready(plan), Ok(())),
            Err(reason) => (Readiness::Waiting { reason: reason.clone() }, Err(reason)),
        };
        self.readiness.store(Arc::new(readiness));
        result
    }

    async fn fetched(&self) -> Result<ReadyPlan, String> {
        let needles = Needles::new(&self.secrets, None);
        let mut documents: Vec<Response> = Vec::new();
        loop {
            let made = plan::make(&self.adapter, &self.config, &self.context, &documents)
                .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
            let lookups = match made {
                Made::Ready(plan) => return Ok(plan),
                Made::Later(reason) => return Err(reason),
                Made::Fetch(lookups) => lookups,
            };
            for lookup in lookups {
                let url = url::Url::parse(&lookup.url).map_err(|error| error.to_string())?;
                let call = Call::document(&lookup.label, url, &lookup.accept);
                let raw = self.transport.carry(call).await.map_err(|fault| fault.to_string())?;
                documents.push(answer(&lookup.label, &raw, &needles));
            }
        }
    }

    /// Whose credential it is, or why not. Every error ends in a refusal, and only a refusal whose cause says so blames
    /// the credential.
    ///
    /// # Errors
    ///
    /// The refusal.
    pub async fn verdict(&self, credential: &Credential, seen: Option<&Seen>) -> Result<Identity, Refusal> {
        self.verdict_and_rest(credential, seen).await.0
    }

    /// As [`Provider::verdict`]; and where the provider said that it takes no further calls with this credential for a while, the
    /// refusal that holds meanwhile.
    pub async fn verdict_and_rest(
        &self,
        credential: &Credential,
        seen: Option<&Seen>,
    ) -> (Result<Identity, Refusal>, Option<Refusal>) {
        let limits = Limits::default();
        let verdict =
            tokio::time::timeout(DECISION_MAX, self.ask(credential, seen, &limits)).await.unwrap_or_else(|_| {
                Err(Refusal::unavailable(format!(
                    "the calls for one credential took longer than {} s",
                    DECISION_MAX.as_secs()
                )))
            });
        (verdict.map_err(|refusal| limits.explain(refusal)), limits.rest((self.clock)()))
    }

    async fn ask(&self, credential: &Credential, seen: Option<&Seen>, limits: &Limits) -> Result<Identity, Refusal> {
        self.admissible(credential)?;
        let readiness = self.readiness.load_full();
        let plan = match &*readiness {
            Readiness::Ready(plan) => plan.plan(),
            Readiness::Waiting { reason } => {
                return Err(Refusal::unavailable(format!("the provider has no plan yet: {reason}")));
            }
        };
        let check = plan.checks.iter().find(|check| fits(&check.when, credential));
        let first = match check.map(|check| &check.how) {
            None => return Err(Refusal::invalid("the credential does not have the form of this provider's")),
            Some(Method::Refuse(reason)) => return Err(Refusal::invalid(reason.clone())),
            Some(Method::Verify(_)) => {
                return Err(Refusal::new(Cause::Misconfigured, format!("a check by published keys {NOT_YET}")));
            }
            Some(Method::Call(request)) => request,
        };
        let needles = Needles::new(&self.secrets, Some(credential));
        let mut answers = Vec::new();
        let mut labels = BTreeSet::new();
        let mut asked = std::slice::from_ref(first).to_vec();
        for _round in 0..=ROUNDS_MAX {
            if labels.len() + asked.len() > CALLS_MAX {
                break;
            }
            let new = asked.iter().all(|request| labels.insert(request.label.clone()));
            if !new {
                return Err(Refusal::unavailable(format!(
                    "adapter {}: asks twice under one label",
                    self.adapter.name()
                )));
            }
            answers.extend(self.calls(&asked, credential, &needles, seen, limits).await?);
            let began = Instant::now();
            let (returned, found) = self.adapter.identify(&self.context, answers).await;
            METRICS.adapter(self.adapter.name(), began.elapsed());
            answers = returned;
            match found.map_err(|fault| Refusal::unavailable(fault.to_string()))? {
                Ok(Finding::Identity(identity)) => {
                    let identity = self.config.naming.apply(adapter::identity(identity))?;
                    let now = (self.clock)();
                    return policy::judge(&identity, &self.rules, now, now).map(|()| identity);
                }
                Ok(Finding::Ask(requests)) if requests.is_empty() => {
                    return Err(Refusal::unavailable(format!("adapter {}: asks for nothing", self.adapter.name())));
                }
                Ok(Finding::Ask(requests)) => {
                    self.vet(&requests)?;
                    asked = requests;
                }
                Err(refusal) => return Err(adapter::refusal(refusal)),
            }
        }
        Err(Refusal::unavailable(format!(
            "adapter {}: asks for more than {ROUNDS_MAX} rounds or {CALLS_MAX} calls",
            self.adapter.name()
        )))
    }

    /// What holds of a credential before anybody is asked.
    fn admissible(&self, credential: &Credential) -> Result<(), Refusal> {
        let (kind, word) = match credential {
            Credential::Bearer(_) => (CredentialKind::Bearer, "bearer tokens"),
            Credential::Basic { .. } => (CredentialKind::Basic, "Basic pairs"),
        };
        if !self.adapter.description().credentials.contains(&kind) {
            return Err(Refusal::invalid(format!("this provider takes no {word}")));
        }
        if let Credential::Bearer(token) = credential
            && jwt_form(token.reveal()).is_unsigned()
        {
            // Keycloak answers such a token with 500: nobody without a credential may make a provider look down.
            return Err(Refusal::invalid("the token is an unsigned JWT"));
        }
        Ok(())
    }

    /// What an adapter asks for is held to what holds of a plan, all of it before any of it is sent.
    fn vet(&self, requests: &[Request]) -> Result<(), Refusal> {
        match requests.iter().flat_map(|request| vet_request(request, &self.config)).next() {
            None => Ok(()),
            Some(problem) => {
                Err(Refusal::new(Cause::Misconfigured, format!("adapter {}: {problem}", self.adapter.name())))
            }
        }
    }

    /// Makes calls at once; the answers come in the order of the requests. The first fault ends them all.
    async fn calls(
        &self,
        requests: &[Request],
        credential: &Credential,
        needles: &Needles<'_>,
        seen: Option<&Seen>,
        limits: &Limits,
    ) -> Result<Vec<Answer>, Refusal> {
        let calls = requests.iter().map(|request| async move {
            let misconfigured = |reason| Refusal::new(Cause::Misconfigured, reason);
            let call = render(request, &self.config, credential).map_err(misconfigured)?;
            let caller = match request.authorization {
                Authorization::Client => Caller::Client,
                _ => Caller::Presented,
            };
            let Called { answered, limit } = self.guard.call(call, caller, credential).await?;
            limits.meet(limit.filter(|limit| limit.refused || caller == Caller::Presented));
            let answered = answered.map(|raw| answer(&request.label, &raw, needles));
            if let Some(seen) = seen {
                let request = shown(request, &self.config, credential).map_err(misconfigured)?;
                seen.push(Exchange { request, answer: answered.clone() });
            }
            answered.map(Answer::Response).map_err(|fault| Refusal::unavailable(fault.to_string()))
        });
        futures_util::future::try_join_all(calls).await
    }
}

/// Whether a credential has a shape.
fn fits(shape: &Shape, credential: &Credential) -> bool {
    let Credential::Bearer(token) = credential else {
        return matches!(shape, Shape::Any | Shape::Basic);
    };
    let token = token.reveal();
    match shape {
        Shape::Any => true,
        Shape::Basic | Shape::ApiKey => false,
        Shape::Jwt => matches!(jwt_form(token), JwtForm::Jwt { .. }),
        Shape::JwtFrom(issuers) => {
            matches!(jwt_form(token), JwtForm::Jwt { iss: Some(iss), .. } if issuers.contains(&iss))
        }
        Shape::Opaque => !matches!(jwt_form(token), JwtForm::Jwt { .. }),
        Shape::Prefixed(prefixes) => {
            prefixes.iter().any(|prefix| !prefix.is_empty() && token.starts_with(prefix.as_str()))
        }
    }
}
