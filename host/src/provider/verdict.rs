//! Credential -> verdict: choose the check, make the calls, let the adapter read the answers, judge what it says.

use super::answer::{Needles, SecretNeedles, masked};
use super::assertion::Signer;
use super::call::{CallFault, Transport};
use super::fit::{Declared, Fit, check_for};
use super::guard::{Called, Caller, Guard, Load};
use super::keys::Keyring;
use super::limits::Limits;
use super::plan::{self, Made, PlanProblem, ReadyPlan, Wanted};
use super::proof::Evidence;
use super::readiness::Readiness;
use super::render::{Asker, render, shown};
use super::turns::{LastVerdict, Requester};
use super::verify::{VerifiedClaims, verify};
use super::{generation, signed};
use crate::adapter::{self, Adapter, contract};
use crate::config::ProviderConfig;
use crate::metrics::METRICS;
use arc_swap::ArcSwap;
use contract::{Answer, Authorization, Finding, Method, Request};
use portcullis_core::credential::Credential;
use portcullis_core::identity::Identity;
use portcullis_core::policy::Rules;
use portcullis_core::refusal::{Cause, Refusal};
use portcullis_core::setting::CredentialKind;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Rounds of `ask` for one credential.
const ROUNDS_MAX: usize = 4;
/// Calls for one credential, the check among them.
const CALLS_MAX: usize = 16;
/// All calls for one credential together, at least.
const DECISION_MIN: Duration = Duration::from_secs(8);
/// All calls for one credential together, beyond the limit of one: a call that is made at once always runs into its own
/// limit first, of which metrics and breaker hear.
const DECISION_BEYOND_CALL: Duration = Duration::from_secs(3);

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
    pub(super) config: ProviderConfig,
    pub(super) adapter: Arc<Adapter>,
    pub(super) context: Arc<contract::Context>,
    rules: Rules,
    pub(super) secrets: SecretNeedles,
    pub(super) transport: Arc<dyn Transport>,
    guard: Arc<Guard>,
    pub(super) keyring: Keyring,
    signer: Option<Signer>,
    /// What its operator wrote, and the adapter, as a digest.
    pub(super) content: [u8; 32],
    clock: Clock,
    /// Whether plans are made of documents, which have to be fetched again from time to time.
    pub(super) reads_documents: bool,
    pub(super) readiness: ArcSwap<Readiness>,
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
    pub answer: Result<Answer, CallFault>,
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
        let content = generation::of_content(&config, &context, &adapter);
        let made = plan::make(&adapter, &config, &context, &content)?;
        let reads_documents = !matches!(made, Made::Ready(_));
        let signer = Signer::of(&config.client).map_err(|problem| vec![problem])?;
        let secrets = SecretNeedles::of(&config);
        let keyring = Keyring::new(&config.name, Arc::clone(&transport));
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
            keyring,
            signer,
            content,
            clock,
            reads_documents,
            readiness: ArcSwap::from_pointee(Readiness::of(made)),
        })
    }

    /// Its configuration.
    #[must_use]
    pub fn config(&self) -> &ProviderConfig {
        &self.config
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
        let readiness = self.readiness.load();
        let plan = match &**readiness {
            Readiness::Ready(plan) => Some(plan.plan()),
            Readiness::Waiting { .. } => None,
        };
        let description = self.adapter.description();
        Declared { credentials: &description.credentials, prefixes: &description.token_prefixes, plan }.fit(credential)
    }

    /// Its adapter.
    #[must_use]
    pub fn adapter(&self) -> &Arc<Adapter> {
        &self.adapter
    }

    /// Whose credential it is, or why not. Every error ends in a refusal, and only a refusal whose cause says so blames
    /// the credential.
    ///
    /// # Errors
    ///
    /// The refusal.
    pub async fn verdict(&self, credential: &Credential, seen: Option<&Seen>) -> Result<Identity, Refusal> {
        self.verdict_and_rest(credential, seen, &Requester::new(None, LastVerdict::Unknown)).await.0
    }

    /// As [`Provider::verdict`]; and where the provider said that it takes no further calls with this credential for a while, the
    /// refusal that holds meanwhile. `requester` is for whom.
    pub async fn verdict_and_rest(
        &self,
        credential: &Credential,
        seen: Option<&Seen>,
        requester: &Requester,
    ) -> (Result<Identity, Refusal>, Option<Refusal>) {
        let limits = Limits::default();
        let limit = DECISION_MIN.max(self.config.timeout.saturating_add(DECISION_BEYOND_CALL));
        let asking = self.ask(credential, seen, &limits, requester);
        let verdict = tokio::time::timeout(limit, asking).await.unwrap_or_else(|_| {
            Err(Refusal::unavailable(format!("the calls for one credential took longer than {limit:?}")))
        });
        (verdict.map_err(|refusal| limits.explain(refusal)), limits.rest((self.clock)()))
    }

    async fn ask(
        &self,
        credential: &Credential,
        seen: Option<&Seen>,
        limits: &Limits,
        requester: &Requester,
    ) -> Result<Identity, Refusal> {
        self.admissible(credential)?;
        let readiness = self.readiness.load_full();
        let plan = match &*readiness {
            Readiness::Ready(plan) => plan,
            Readiness::Waiting { reason } => {
                return Err(Refusal::unavailable(format!("the provider has no plan yet: {reason}")));
            }
        };
        let check = check_for(plan.plan(), credential);
        let needles = Needles::new(&self.secrets, Some(credential));
        let (mut answers, mut evidence) = (Vec::new(), Evidence::default());
        let mut further: Vec<Request>;
        let mut asked: &[Request] = &[];
        match check.map(|check| &check.how) {
            None => return Err(Refusal::invalid("the credential does not have the form of this provider's")),
            Some(Method::Refuse(reason)) => return Err(Refusal::invalid(reason.clone())),
            Some(Method::Call(request)) => asked = std::slice::from_ref(request),
            Some(Method::Verify(rules)) => {
                let (verified, found) = self.verified(rules, credential, seen).await?;
                answers.push(verified);
                evidence = Evidence::verified(found);
            }
        }
        let mut labels = BTreeSet::new();
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
            answers.extend(self.calls(plan, asked, credential, &needles, seen, limits, requester).await?);
            evidence.answered(asked, credential);
            let began = Instant::now();
            let (returned, found) = self.adapter.identify(&self.context, answers).await;
            METRICS.adapter(self.adapter.name(), began.elapsed());
            answers = returned;
            match found.map_err(|fault| Refusal::unavailable(fault.to_string()))? {
                Ok(Finding::Identity(identity)) => {
                    let proof = evidence.proof().ok_or_else(|| {
                        let problem = "names somebody without having shown the credential to the provider";
                        Refusal::new(Cause::Misconfigured, format!("adapter {}: {problem}", self.adapter.name()))
                    })?;
                    let identity = adapter::identity(identity);
                    return proof.judge(identity, &self.config.naming, &self.rules, (self.clock)());
                }
                Ok(Finding::Ask(requests)) if requests.is_empty() => {
                    return Err(Refusal::unavailable(format!("adapter {}: asks for nothing", self.adapter.name())));
                }
                Ok(Finding::Ask(requests)) => {
                    self.vet(plan, &requests)?;
                    further = requests;
                    asked = &further;
                }
                Err(refusal) => return Err(adapter::refusal(refusal)),
            }
        }
        Err(Refusal::unavailable(format!(
            "adapter {}: asks for more than {ROUNDS_MAX} rounds or {CALLS_MAX} calls",
            self.adapter.name()
        )))
    }

    /// Verifies the credential itself.
    async fn verified(
        &self,
        rules: &contract::SignatureRules,
        credential: &Credential,
        seen: Option<&Seen>,
    ) -> Result<(Answer, VerifiedClaims), Refusal> {
        let Credential::Bearer(token) = credential else {
            return Err(Refusal::invalid("the provider verifies tokens, and a Basic pair is none"));
        };
        let token = verify(token.reveal(), rules, &self.keyring, (self.clock)()).await?;
        let proof = VerifiedClaims::of(&token);
        // The claims are of what the client presented, and may hold a further token all the same.
        let needles = Needles::new(&self.secrets, None);
        let (Some(header), Some(claims)) = (masked(&token.header, &needles), masked(&token.claims, &needles)) else {
            return Err(Refusal::invalid("the token repeats a secret where it cannot be masked"));
        };
        let verified = Answer::Verified(contract::Verified { to: "credential".to_owned(), header, claims });
        if let Some(seen) = seen {
            let request = vec![format!("nobody: the token was verified here, under the keys of {}", rules.keys)];
            seen.push(Exchange { request, answer: Ok(verified.clone()) });
        }
        Ok((verified, proof))
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
            && token.form().is_unsigned()
        {
            // Keycloak answers such a token with 500: nobody without a credential may make a provider look down.
            return Err(Refusal::invalid("the token is an unsigned JWT, or its header is none that a signed one has"));
        }
        Ok(())
    }

    /// What an adapter asks for is held to what holds of a plan, all of it before any of it is sent.
    fn vet(&self, plan: &ReadyPlan, requests: &[Request]) -> Result<(), Refusal> {
        match requests.iter().flat_map(|request| plan.vet_further(request, &self.config)).next() {
            None => Ok(()),
            Some(problem) => {
                Err(Refusal::new(Cause::Misconfigured, format!("adapter {}: {problem}", self.adapter.name())))
            }
        }
    }

    /// Makes calls at once; the answers come in the order of the requests. The first fault ends them all.
    #[allow(clippy::too_many_arguments, reason = "what one verdict is made of")]
    async fn calls(
        &self,
        plan: &ReadyPlan,
        requests: &[Request],
        credential: &Credential,
        needles: &Needles<'_>,
        seen: Option<&Seen>,
        limits: &Limits,
        requester: &Requester,
    ) -> Result<Vec<Answer>, Refusal> {
        let calls = requests.iter().map(|request| async move {
            let misconfigured = |reason| Refusal::new(Cause::Misconfigured, reason);
            let asker = Asker { config: &self.config, signer: self.signer.as_ref(), now: (self.clock)() };
            let url = plan.url(request).map_err(misconfigured)?;
            let call = render(request, url, asker, credential).map_err(misconfigured)?;
            let assertion = call.assertion.clone();
            let signed_needles = assertion.as_ref().map(|assertion| needles.clone().and(assertion));
            let needles = signed_needles.as_ref().unwrap_or(needles);
            let caller = match request.authorization {
                Authorization::Client => Caller::Client,
                _ => Caller::Presented,
            };
            let Called { answered, limit } = self.guard.call(call, caller, credential, requester).await?;
            limits.meet(limit.filter(|limit| limit.refused || caller == Caller::Presented));
            let answer = match &answered {
                Ok(raw) => {
                    Ok(signed::answer(request, raw, needles, &self.config, &self.keyring, (self.clock)()).await?)
                }
                Err(fault) => Err(fault.clone()),
            };
            if let Some(seen) = seen {
                let request = shown(request, &self.config, credential).map_err(misconfigured)?;
                seen.push(Exchange { request, answer: answer.clone() });
            }
            answer.map_err(|fault| Refusal::unavailable(fault.to_string()))
        });
        futures_util::future::try_join_all(calls).await
    }
}
