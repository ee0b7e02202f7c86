//! The world as one immutable value (design rule 5): routes, providers and their plans, behind one pointer.

use super::headers::needs;
use super::verdicts::{Served, Verdicts};
use crate::adapter::Catalogue;
use crate::config::{Access, Configuration, Fact, ProviderConfig, RouteConfig};
use crate::provider::{Network, PlanProblem, Provider, Readiness, Wanted, now};
use portcullis_core::header::fold;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// The first wait before documents are asked for again, and the longest.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// How often a task that waits for a provider's documents to become due looks whether the provider is still there.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Everything that decisions are made from.
pub struct Snapshot {
    /// Folded names ([`fold`]) of every identity header of every route. A request header whose folded name is among them
    /// is dropped on every route, public ones too.
    pub identity_names: HashSet<String>,
    /// The routes, in the order of the file.
    pub routes: Vec<Arc<RouteConfig>>,
    /// `throttled_status: 503`: a provider's 429 is answered as if it could not be asked.
    pub(super) throttled_is_unavailable: bool,
    providers: BTreeMap<String, Served>,
    verdicts: Arc<Verdicts>,
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").field("providers", &self.providers.keys()).finish_non_exhaustive()
    }
}

impl Snapshot {
    /// Plans every provider; one that would be the same as in `previous` is that one. Sends nothing.
    ///
    /// # Errors
    ///
    /// All problems, each with the name of its provider.
    pub fn build(
        configuration: &Configuration,
        catalogue: &Catalogue,
        verdicts: &Arc<Verdicts>,
        previous: Option<&Self>,
    ) -> Result<Self, Vec<(String, PlanProblem)>> {
        let mut providers = BTreeMap::new();
        let mut problems = Vec::new();
        for config in &configuration.providers {
            let name = config.name.clone();
            let wanted = wanted(config, &configuration.routes);
            let same = previous.and_then(|previous| previous.provider(&name)).filter(|provider| {
                catalogue.adapter(&config.adapter).is_some_and(|adapter| provider.is_made_of(config, adapter, &wanted))
            });
            let provider =
                same.map_or_else(|| plan(config, catalogue, &wanted).map(Arc::new), |same| Ok(Arc::clone(same)));
            match provider {
                Ok(provider) => {
                    let needs = needs(configuration.routes.iter().filter(|route| uses(route, &name)));
                    providers.insert(name, Served::new(provider, needs));
                }
                Err(found) => problems.extend(found.into_iter().map(|problem| (name.clone(), problem))),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let routes: Vec<Arc<RouteConfig>> = configuration.routes.iter().cloned().map(Arc::new).collect();
        let identity_names = routes
            .iter()
            .flat_map(|route| &route.identity_headers)
            .map(|(name, _)| fold(name.as_str()))
            .chain([fold("X-Remote-User")])
            .collect();
        let throttled_is_unavailable = configuration.throttled_is_unavailable;
        Ok(Self { identity_names, routes, throttled_is_unavailable, providers, verdicts: Arc::clone(verdicts) })
    }

    /// A provider by name.
    #[must_use]
    pub fn provider(&self, name: &str) -> Option<&Arc<Provider>> {
        self.served(name).map(|served| &served.provider)
    }

    /// A provider by name, as routes use it.
    pub(super) fn served(&self, name: &str) -> Option<&Served> {
        self.providers.get(name)
    }

    /// What is known of credentials.
    #[must_use]
    pub fn verdicts(&self) -> &Arc<Verdicts> {
        &self.verdicts
    }

    /// The providers, by name.
    pub fn providers(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.providers.values().map(|served| &served.provider)
    }

    /// Names of providers that a route uses and that have no plan yet, with the reason.
    #[must_use]
    pub fn not_ready(&self) -> Vec<(String, String)> {
        let used: HashSet<&String> = self
            .routes
            .iter()
            .filter_map(|route| if let Access::Providers(names) = &route.access { Some(names) } else { None })
            .flatten()
            .collect();
        self.providers
            .iter()
            .filter(|(name, _)| used.contains(name))
            .filter_map(|(name, served)| match &*served.provider.readiness() {
                Readiness::Ready(_) => None,
                Readiness::Waiting { reason } => Some((name.clone(), reason.clone())),
            })
            .collect()
    }
}

fn plan(config: &ProviderConfig, catalogue: &Catalogue, wanted: &Wanted) -> Result<Provider, Vec<PlanProblem>> {
    let whole = |problem: String, remedy: &str| vec![PlanProblem::new(None, problem, remedy)];
    let adapter = catalogue.adapter(&config.adapter).ok_or_else(|| {
        whole(format!("the adapter `{}` is not in the adapters folder", config.adapter), "drop its .wasm there")
    })?;
    let network = Network::new(config).map_err(|problem| whole(problem, "correct it in the provider"))?;
    Provider::new(config.clone(), Arc::clone(adapter), wanted, Arc::new(network), Arc::new(now))
}

/// Whether a route takes this provider's credentials.
fn uses(route: &RouteConfig, provider: &str) -> bool {
    matches!(&route.access, Access::Providers(names) if names.iter().any(|name| name == provider))
}

/// The facts that a provider's routes need, for their headers and their rules, and that it needs itself.
fn wanted(config: &ProviderConfig, routes: &[RouteConfig]) -> Wanted {
    let fact = |fact: &Fact| match fact {
        Fact::Email => Some("email"),
        Fact::Groups => Some("groups"),
        Fact::Scopes => Some("scopes"),
        Fact::Attribute(_) => Some("attributes"),
        Fact::Username | Fact::Subject => None,
    };
    let of_route = |route: &RouteConfig| {
        let headers = route.identity_headers.iter().filter_map(|(_, header)| fact(header));
        headers.chain(route.require.facts()).map(str::to_owned).collect::<Vec<_>>()
    };
    let own = config.naming.require_verified_email.then(|| "email".to_owned());
    routes.iter().filter(|route| uses(route, &config.name)).flat_map(of_route).chain(own).collect()
}

/// Keeps a provider ready: fetches what its plan is made of, with growing waits until that succeeds, and again when it is due;
/// and its keys, before the first token comes. Ends where nothing has to be fetched, or when the provider is gone.
pub async fn settle(provider: std::sync::Weak<Provider>) {
    let (mut wait, mut ready) = (BACKOFF.0, false);
    while let Some(strong) = provider.upgrade() {
        let name = strong.config().name.clone();
        let due = match strong.complete().await {
            Ok(fresh) => {
                if !std::mem::replace(&mut ready, true) && fresh.is_some() {
                    tracing::info!(provider = name, "the provider is ready");
                }
                strong.prepare();
                wait = BACKOFF.0;
                let Some(fresh) = fresh else { return };
                fresh
            }
            Err(reason) => {
                let stays = if ready { "its last good plan stays" } else { "it is not ready" };
                tracing::warn!(
                    provider = name,
                    retry_s = wait.as_secs(),
                    "the provider's documents: {stays}: {reason}"
                );
                let now = wait;
                wait = (wait * 2).min(BACKOFF.1);
                now
            }
        };
        drop(strong);
        rest(&provider, due).await;
    }
}

/// Waits, and no longer than the provider lives: a reload lets go of many.
async fn rest(provider: &std::sync::Weak<Provider>, mut time: Duration) {
    while !time.is_zero() && provider.strong_count() > 0 {
        let step = time.min(LOOK_EVERY);
        tokio::time::sleep(step).await;
        time -= step;
    }
}
