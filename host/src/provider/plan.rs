//! Settings -> plan, and what a plan must be before a credential is entrusted to it.

use super::proof::{carries_anything, sources};
use super::render::{RESERVED_HEADERS, parsed};
use super::{generation, keyset};
use crate::adapter::{Adapter, CallFault, contract};
use crate::config::{ClientAuth, ProviderConfig};
use contract::{Authorization, Body, Method, Plan, PlanError, Request, Response, Source, Step};
use portcullis_core::base_url::{Origin, is_loopback};
use portcullis_core::credential::claims_all_jwts;
use portcullis_core::jws::issuer_template;
use portcullis_core::setting::SettingValue;
use portcullis_core::text;
use std::sync::Arc;
use url::Url;

/// Documents at most, for one plan.
pub(super) const DOCUMENTS_MAX: usize = 4;

/// A plan that was found fit: every request goes where the operator allows, and nothing is in it that the gateway cannot do.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadyPlan {
    plan: Arc<Plan>,
    generation: [u8; 32],
    /// Where its checks go, parsed.
    urls: Vec<(String, Arc<Url>)>,
}

impl ReadyPlan {
    fn new(plan: Plan, content: &[u8; 32]) -> Self {
        let urls = plan.checks.iter().filter_map(|check| match &check.how {
            Method::Call(request) => Some((request.url.clone(), Arc::new(parsed(request).ok()?))),
            Method::Verify(_) | Method::Refuse(_) => None,
        });
        Self { urls: urls.collect(), generation: generation::of_plan(content, &plan), plan: Arc::new(plan) }
    }

    /// The URL of a request, of the plan or one that was asked for later.
    pub(super) fn url(&self, request: &Request) -> Result<Arc<Url>, String> {
        match self.urls.iter().find(|(text, _)| *text == request.url) {
            Some((_, url)) => Ok(Arc::clone(url)),
            None => parsed(request).map(Arc::new),
        }
    }

    /// The plan itself.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What verdicts by this plan depend on, as a digest.
    pub(super) fn generation(&self) -> [u8; 32] {
        self.generation
    }

    /// Where the keys are that it verifies tokens with.
    pub(super) fn key_urls(&self) -> Vec<&str> {
        let rules = self.plan.checks.iter().filter_map(|check| match &check.how {
            Method::Verify(rules) => Some(rules),
            Method::Call(request) => request.signed.as_ref(),
            Method::Refuse(_) => None,
        });
        rules.map(|rules| rules.keys.as_str()).collect()
    }

    /// What is wrong with a request that `identify` asks for: all that may be wrong with one of the plan, and keys that are not the
    /// plan's own. The plan was made before any answer was there, so its key URLs carry nothing of one to a stranger.
    pub(super) fn vet_further(&self, request: &Request, config: &ProviderConfig) -> Vec<PlanProblem> {
        let mut problems = vet_request(request, config);
        if let Some(rules) = request.signed.as_ref().filter(|rules| !self.key_urls().contains(&rules.keys.as_str())) {
            let problem = format!("asks for keys at `{}`, which its plan does not name", text::shown(&rules.keys));
            problems.push(PlanProblem::new(None, problem, "report it to whoever wrote the adapter"));
        }
        problems
    }

    /// The origins that a credential will go to first, for the start-up log.
    #[must_use]
    pub fn origins(&self) -> Vec<Origin> {
        let mut origins: Vec<Origin> = self.urls.iter().filter_map(|(_, url)| Origin::of(url)).collect();
        origins.sort();
        origins.dedup();
        origins
    }
}

/// What is wrong with what the operator wrote about the audience of tokens, for a plan that calls the provider: a rule is missing,
/// or it cannot be checked.
fn vet_audience(plan: &Plan, config: &ProviderConfig) -> Option<PlanProblem> {
    match plan.binding {
        contract::Binding::Audience => unnamed(config),
        contract::Binding::Client => None,
        contract::Binding::None if !config.audience.is_empty() => {
            let problem = "cannot be checked: this provider's answer does not name a token's audience, so everybody would be refused";
            let remedy = "choose a mode that returns it (introspection, jwt), or remove the line and add `any_audience: true` \
                          if every token of this provider may pass";
            Some(PlanProblem::new(Some("audience"), problem, remedy))
        }
        contract::Binding::None if config.any_audience => None,
        contract::Binding::None => {
            let problem =
                "cannot prove for which application a token was issued: any token of this provider would pass";
            let remedy = "choose a mode that proves it (introspection with `audience`, a token check), or add \
                          `any_audience: true` to the provider if that is right";
            Some(PlanProblem::new(None, problem, remedy))
        }
    }
}

/// What is missing where the provider returns a token's audience and nobody wrote which is right.
fn unnamed(config: &ProviderConfig) -> Option<PlanProblem> {
    let problem = "is missing: a token that was issued to any other application would pass";
    let remedy = "add the line `audience: [...]` to the provider, with the `aud` or client id that tokens for your API carry, or \
                  `any_audience: true` if every token of this provider may pass";
    let agreed = !config.audience.is_empty() || config.any_audience;
    (!agreed).then(|| PlanProblem::new(Some("audience"), problem, remedy))
}

/// Why a provider cannot be planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanProblem {
    /// The setting to blame, if a single one is.
    pub setting: Option<String>,
    /// What is wrong.
    pub problem: String,
    /// What would be right.
    pub remedy: String,
    /// The origin that the operator would have to grant, where nothing else is wrong.
    pub ungranted: Option<Origin>,
}

impl PlanProblem {
    /// A problem with a setting, or with the provider as a whole.
    #[must_use]
    pub fn new(setting: Option<&str>, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { setting: setting.map(str::to_owned), problem: problem.into(), remedy: remedy.into(), ungranted: None }
    }
}

impl std::fmt::Display for PlanProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.setting {
            Some(setting) => write!(f, "setting `{setting}` {}; {}", self.problem, self.remedy),
            None => write!(f, "{}; {}", self.problem, self.remedy),
        }
    }
}

/// Facts that some route needs of a provider: `groups`, `email`, `scopes`, `attributes`.
pub type Wanted = std::collections::BTreeSet<String>;

/// Documents that a plan waits for.
pub(super) type Lookups = Vec<contract::Lookup>;

/// The context that every call into the adapter is given.
pub(super) fn context(config: &ProviderConfig, wanted: &Wanted) -> contract::Context {
    let value = |value: &SettingValue| match value {
        SettingValue::Text(text) => contract::SettingValue::Text(text.clone()),
        SettingValue::Flag(flag) => contract::SettingValue::Flag(*flag),
        SettingValue::Number(number) => contract::SettingValue::Number(*number),
        SettingValue::Texts(texts) => contract::SettingValue::Texts(texts.clone()),
        SettingValue::Pairs(pairs) => contract::SettingValue::Pairs(
            pairs.iter().map(|(name, value)| contract::Pair { name: name.clone(), value: value.clone() }).collect(),
        ),
        SettingValue::Secret(_) => contract::SettingValue::Secret,
    };
    contract::Context {
        settings: config
            .settings
            .iter()
            .map(|(name, found)| contract::Setting { name: name.clone(), value: value(found) })
            .collect(),
        username_attributes: config.username_attributes.clone(),
        wanted: wanted.iter().cloned().collect(),
    }
}

/// A plan, or what it still needs.
pub(super) enum Made {
    /// Fit for use.
    Ready(ReadyPlan),
    /// It needs documents first; these may be asked for.
    Fetch(Lookups),
    /// The documents are missing or wrong: later perhaps.
    Later(String),
}

/// Makes and vets the first plan of a provider of this content (`generation`), without any document. It may hold the thread for as
/// long as a call may take.
///
/// # Errors
///
/// All problems at once. A trap of the adapter is one too.
pub(super) fn make(
    adapter: &Adapter,
    config: &ProviderConfig,
    context: &contract::Context,
    content: &[u8; 32],
) -> Result<Made, Vec<PlanProblem>> {
    vetted(adapter.make_plan(context, &[]), config, content, 0)
}

/// As [`make`], of the documents that were fetched, which are returned; other threads than those that serve requests wait for it.
pub(super) async fn make_aside(
    adapter: &Adapter,
    config: &ProviderConfig,
    context: &Arc<contract::Context>,
    content: &[u8; 32],
    documents: Vec<Response>,
) -> (Vec<Response>, Result<Made, Vec<PlanProblem>>) {
    let had = documents.len();
    let (documents, made) = adapter.make_plan_aside(context, documents).await;
    (documents, vetted(made, config, content, had))
}

/// What an adapter made, vetted; `had` is how many documents it was given.
fn vetted(
    made: Result<Result<Step, PlanError>, CallFault>,
    config: &ProviderConfig,
    content: &[u8; 32],
    had: usize,
) -> Result<Made, Vec<PlanProblem>> {
    let made = made.map_err(|fault| {
        vec![PlanProblem::new(
            None,
            format!("{fault}"),
            "report it to whoever wrote the adapter, or use another version of it",
        )]
    })?;
    match made {
        Ok(Step::Ready(plan)) => {
            let mut problems = vet(&plan, config);
            let verifies = plan.checks.iter().any(|check| matches!(check.how, Method::Verify(_)));
            problems.extend(if verifies { unaddressed(config) } else { vet_audience(&plan, config) });
            if problems.is_empty() { Ok(Made::Ready(ReadyPlan::new(plan, content))) } else { Err(problems) }
        }
        Ok(Step::Fetch(lookups)) => {
            let mut problems = vet_lookups(&lookups, config, had);
            // Reported at load, by the modes that all our adapters share, and not only once the documents are there.
            let mode = config.settings.iter().find_map(|(name, value)| match value {
                SettingValue::Text(mode) if name == "mode" => Some(mode.as_str()),
                _ => None,
            });
            problems.extend(match mode {
                Some("jwt") => unaddressed(config),
                Some("introspection") => unnamed(config),
                _ => None,
            });
            if problems.is_empty() { Ok(Made::Fetch(lookups)) } else { Err(problems) }
        }
        Err(PlanError::Document(refusal)) => Ok(Made::Later(crate::adapter::refusal(refusal).reason)),
        Err(PlanError::Settings(problems)) if problems.is_empty() => Err(vec![PlanProblem::new(
            None,
            "the adapter refuses these settings and does not say why",
            "compare them with `portcullis adapter show`",
        )]),
        Err(PlanError::Settings(problems)) => {
            Err(problems.into_iter().map(|p| PlanProblem::new(p.setting.as_deref(), p.problem, p.remedy)).collect())
        }
    }
}

fn vet(plan: &Plan, config: &ProviderConfig) -> Vec<PlanProblem> {
    let mut problems = Vec::new();
    if plan.checks.is_empty() {
        problems.push(PlanProblem::new(None, "the plan checks nothing", "report it to whoever wrote the adapter"));
    }
    for check in &plan.checks {
        if let contract::Shape::Prefixed(prefixes) = &check.when
            && let Some(prefix) = prefixes.iter().find(|prefix| claims_all_jwts(prefix))
        {
            let problem = format!(
                "the plan's prefix `{}` claims the JWTs of every issuer, those of the route's other providers too",
                prefix.escape_debug()
            );
            problems.push(PlanProblem::new(None, problem, "report it to whoever wrote the adapter"));
        }
        match &check.how {
            Method::Call(request) => {
                problems.extend(vet_request(request, config));
                if !carries_anything(request) {
                    let problem = "the plan checks a credential without showing it to the provider: the answer would be the \
                                   same for everybody";
                    problems.push(PlanProblem::new(None, problem, "report it to whoever wrote the adapter"));
                }
            }
            Method::Verify(rules) => problems.extend(vet_rules(rules, config)),
            Method::Refuse(_) => {}
        }
    }
    // Announced now rather than met at the first request.
    problems.extend(plan.origins.iter().filter_map(|origin| vet_url(origin, config, "credentials")));
    problems.dedup();
    problems
}

/// What is missing where tokens are verified here: for whom they have to be.
fn unaddressed(config: &ProviderConfig) -> Option<PlanProblem> {
    let problem = "is missing: tokens that are verified here may be for any other application, and ID tokens too";
    let remedy = "write for whom tokens have to be (`aud`)";
    config.audience.is_empty().then(|| PlanProblem::new(Some("audience"), problem, remedy))
}

/// What is wrong with a request, before any credential is near it. The same for plans and for what `identify` asks.
pub(super) fn vet_request(request: &Request, config: &ProviderConfig) -> Vec<PlanProblem> {
    let mut problems = Vec::new();
    let author = "report it to whoever wrote the adapter";
    if request.label.is_empty() {
        problems.push(PlanProblem::new(None, "a request of the plan has no label", author));
    }
    problems.extend(vet_url(&request.url, config, "credentials"));
    for header in &request.headers {
        let name = header.name.to_ascii_lowercase();
        if http::HeaderName::from_bytes(name.as_bytes()).is_err() || RESERVED_HEADERS.contains(&name.as_str()) {
            problems.push(PlanProblem::new(
                None,
                format!("the plan sets the header `{}`, which is not the adapter's to set", name.escape_debug()),
                author,
            ));
        }
        let text = |source: &Source| matches!(source, Source::Text(text) if text.chars().any(|c| c.is_control()));
        if header.value.iter().any(text) {
            problems.push(PlanProblem::new(
                None,
                format!("the plan's value for the header `{}` holds control characters", name.escape_debug()),
                author,
            ));
        }
    }
    if let Authorization::Scheme(scheme) = &request.authorization
        && (scheme.name.is_empty() || !scheme.name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
    {
        problems.push(PlanProblem::new(None, "the plan's authorization scheme is no token", author));
    }
    for name in secrets(request) {
        let known =
            config.settings.iter().any(|(known, value)| known == name && matches!(value, SettingValue::Secret(_)));
        if !known {
            problems.push(PlanProblem::new(
                Some(name),
                "is needed for this check and is not set",
                "set it, as `${NAME}` from the environment or `file:path`",
            ));
        }
    }
    if matches!(&request.body, Body::Json(json) if fills_twice(&json.slots)) {
        problems.push(PlanProblem::new(None, "the plan fills one member of its JSON body twice", author));
    }
    if request.authorization == Authorization::Client {
        problems.extend(vet_client(request, config));
    }
    if let Some(rules) = &request.signed {
        problems.extend(vet_rules(rules, config));
    }
    problems
}

/// What is wrong with rules for signatures. Keys may be anywhere: they are fetched without a credential, and whoever could forge
/// them in transit could forge the plan's other documents as well.
fn vet_rules(rules: &contract::SignatureRules, config: &ProviderConfig) -> Vec<PlanProblem> {
    let author = "report it to whoever wrote the adapter";
    let mut problems: Vec<PlanProblem> =
        vet_form(&rules.keys, config, "the plan fetches keys from").err().into_iter().collect();
    let unknown: Vec<&str> =
        rules.algorithms.iter().map(String::as_str).filter(|name| keyset::algorithm(name).is_none()).collect();
    if !unknown.is_empty() {
        let unknown = unknown.join(", ");
        let problem =
            format!("the plan accepts signatures by `{}`, which prove nothing or are unknown", unknown.escape_debug());
        problems.push(PlanProblem::new(None, problem, author));
    }
    if rules.algorithms.is_empty() || rules.issuers.is_empty() {
        problems.push(PlanProblem::new(None, "the plan verifies tokens of no issuer, or by no algorithm", author));
    }
    let open = |issuer: &&String| {
        let bare = issuer_template(issuer).map_or(issuer.to_string(), |(before, _, after)| format!("{before}{after}"));
        issuer.is_empty()
            || bare.contains(['{', '}'])
            || issuer_template(issuer).is_some_and(|(before, claim, _)| before.is_empty() || claim.is_empty())
    };
    if let Some(issuer) = rules.issuers.iter().find(open) {
        let problem = format!("the plan trusts the issuer `{}`, which is no exact one", issuer.escape_debug());
        problems.push(PlanProblem::new(None, problem, author));
    }
    problems
}

fn vet_client(request: &Request, config: &ProviderConfig) -> Vec<PlanProblem> {
    let mut problems = Vec::new();
    let client = &config.client;
    let mut missing = |setting: &str, remedy: &str| {
        let problem = "is missing: this check is made as a client of the provider";
        problems.push(PlanProblem::new(Some(setting), problem, remedy));
    };
    if client.auth != ClientAuth::None && client.id.is_none() {
        missing("client_id", "set it to the client's id at the provider");
    }
    match client.auth {
        ClientAuth::Basic | ClientAuth::Post if client.secret.is_none() => missing(
            "client_secret",
            "set it, as `${NAME}` from the environment or `file:path`; for a public client write `client_auth: none`",
        ),
        ClientAuth::PrivateKeyJwt if client.key.is_none() => {
            missing("client_key", "set it to the private key, as `file:path` or `${NAME}`");
        }
        ClientAuth::Mtls if config.client_certificate.is_none() => problems.push(PlanProblem::new(
            Some("client_auth"),
            "is mtls, and there is no certificate to show",
            "write `tls: {client_cert: ..., client_key: ...}` beside `settings`",
        )),
        _ => {}
    }
    if client.auth != ClientAuth::Basic
        && !matches!(request.body, Body::Form(_))
        && !(client.auth == ClientAuth::None && client.id.is_none())
    {
        problems.push(PlanProblem::new(
            Some("client_auth"),
            "needs a form to put the client into, and this check sends none",
            "write `client_auth: basic`",
        ));
    }
    problems
}

fn secrets(request: &Request) -> impl Iterator<Item = &str> {
    sources(request).filter_map(|piece| if let Source::Secret(name) = piece { Some(name.as_str()) } else { None })
}

/// Whether two slots of a JSON body fill the same place, or one a place within the other's, by which the one would replace the
/// other: the credential, say.
fn fills_twice(slots: &[contract::Slot]) -> bool {
    let place = |slot: &contract::Slot| -> Vec<String> {
        slot.pointer.split('/').map(|name| name.replace("~1", "/").replace("~0", "~")).collect()
    };
    let mut places: Vec<Vec<String>> = slots.iter().map(place).collect();
    // What begins with a place follows it at once, or follows another that begins with it.
    places.sort();
    !places.is_sorted_by(|place, next| !next.starts_with(place))
}

/// What is wrong with documents that a plan asks for. They carry no credential, yet may be asked for only where the
/// operator allows: an adapter must not make the gateway talk to whatever it likes.
#[must_use]
pub(super) fn vet_lookups(lookups: &[contract::Lookup], config: &ProviderConfig, had: usize) -> Vec<PlanProblem> {
    let mut problems: Vec<PlanProblem> =
        lookups.iter().filter_map(|lookup| vet_url(&lookup.url, config, "a request for a document")).collect();
    if had + lookups.len() > DOCUMENTS_MAX || lookups.is_empty() {
        problems.push(PlanProblem::new(
            None,
            format!("the plan asks for {} documents after {had}", lookups.len()),
            format!("at most {DOCUMENTS_MAX} are fetched"),
        ));
    }
    if lookups.iter().any(|lookup| http::HeaderValue::from_str(&lookup.accept).is_err()) {
        problems.push(PlanProblem::new(
            None,
            "a document's `accept` cannot stand in a header",
            "report it to whoever wrote the adapter",
        ));
    }
    problems
}

fn vet_url(text: &str, config: &ProviderConfig, what: &str) -> Option<PlanProblem> {
    let origin = match vet_form(text, config, &format!("the plan sends {what} to")) {
        Ok(origin) => origin,
        Err(problem) => return Some(problem),
    };
    if config.granted_origins.contains(&origin) {
        return None;
    }
    let (problem, remedy) = (
        format!("the plan sends {what} to {}, which this file does not grant", origin.as_str()),
        format!(
            "if that is right, add the line `origins: [{}]` to the provider, or the origin to the list that is there",
            origin.as_str()
        ),
    );
    Some(PlanProblem { ungranted: Some(origin), ..PlanProblem::new(None, problem, remedy) })
}

/// The origin of a URL that has the form of one to be called: absolute, without user info and fragment, and encrypted unless
/// the operator says otherwise.
fn vet_form(text: &str, config: &ProviderConfig, what: &str) -> Result<Origin, PlanProblem> {
    let wrong = |problem: String| PlanProblem::new(None, problem, "report it to whoever wrote the adapter");
    let Ok(url) = Url::parse(text) else {
        return Err(wrong(format!("the plan names `{}`, which is no absolute URL", text.escape_debug())));
    };
    let Some(origin) = Origin::of(&url).filter(|_| url.has_host()) else {
        return Err(wrong(format!("the plan names a URL with the scheme `{}`", url.scheme())));
    };
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(wrong("the plan names a URL with user info or a fragment".to_owned()));
    }
    if url.scheme() == "http" && !config.allow_http && !url.host_str().is_some_and(is_loopback) {
        let problem = format!("{what} {} in clear text", origin.as_str());
        return Err(PlanProblem::new(None, problem, "use https, or write `allow_http: true`"));
    }
    Ok(origin)
}
