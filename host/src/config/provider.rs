//! One of `providers`.

use super::resolve::Resolve;
use super::settings::{self, Checked, encrypted};
use super::{CacheConfig, ProviderConfig, files, names, require};
use portcullis_core::base_url::{self, Origin};
use portcullis_core::policy::{Naming, ScopeOrders};
use portcullis_core::problem::Problems;
use portcullis_core::setting::Description;
use portcullis_core::tree::{At, Node, Value, Walker};
use std::time::Duration;

/// How long a call to a provider may take where the file does not say.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);
/// How long verdicts are kept where `cache` does not say.
const CACHE: CacheConfig = CacheConfig { ttl: Duration::from_secs(60), negative_ttl: Duration::from_secs(5) };

/// Reads a provider from its mapping, in which `${NAME}` was replaced already. `None` where something is wrong; what it is
/// was added to `problems`, with `setting` where one is to blame.
pub fn provider(
    name: &str,
    node: &Node,
    description: &Description,
    resolve: &dyn Resolve,
    problems: &mut Problems,
) -> Option<ProviderConfig> {
    let before = problems.len();
    let provider = read(name, &At::new(node, format!("providers.{name}")), Some(description), resolve, problems);
    provider.filter(|_| problems.len() == before)
}

/// As [`provider`]. Without a description, what does not depend on it is checked all the same.
pub(super) fn read(
    name: &str,
    at: &At<'_>,
    description: Option<&Description>,
    resolve: &dyn Resolve,
    problems: &mut Problems,
) -> Option<ProviderConfig> {
    let mut walker = at.mapping(&names::PROVIDER, problems)?;
    let adapter =
        walker.need("adapter", "write the stem of the adapter's file: `keycloak` for keycloak.wasm", problems);
    let adapter = adapter.and_then(|at| adapter_name(&at, problems));
    let allow_http = walker.take("allow_http");
    let allow_http = allow_http.map_or(Some(false), |at| at.flag(problems));
    let settings = walker.take("settings");
    let username_attributes = optional(&mut walker, "username_attribute", |at| at.text_or_texts(problems));
    let naming = walker.take("username").map_or_else(|| Some(Naming::default()), |at| naming(&at, problems));
    let audience = optional(&mut walker, "audience", |at| at.text_or_texts(problems));
    let any_audience = walker.take("any_audience").map_or(Some(false), |at| at.flag(problems));
    let required_scopes = optional(&mut walker, "required_scopes", |at| scopes(at, problems));
    let scope_orders = walker.take("scope_order");
    let scope_orders = scope_orders.map_or_else(|| Some(ScopeOrders::default()), |at| require::orders(&at, problems));
    let origins = walker.take("origins");
    let tls = walker.take("tls").map_or_else(|| Some(files::Tls::default()), |at| files::tls(&at, resolve, problems));
    let proxy = walker.take("proxy").map(|at| proxy(&at, problems));
    let reuse = walker.take("reuse").map_or(Some(true), |at| reuse(&at, problems));
    let timeout = walker.take("timeout").map_or(Some(TIMEOUT), |at| at.duration(problems));
    let cache = walker.take("cache").map_or(Some(Some(CACHE)), |at| cache(&at, problems));
    if let Some(description) = description {
        for name in description.settings.iter().map(|spec| spec.name.as_str()).chain(portcullis_core::setting::RESERVED)
        {
            walker.misplaced(name, "write it under `settings`, one level down", problems);
        }
    }
    walker.finish(problems);
    // Where the flag itself is wrong, http is not a second mistake.
    let http = allow_http.unwrap_or(true);
    let granted_besides = origins.map_or(Some(Vec::new()), |at| granted(&at, http, problems));
    let checked = settings::check(at, settings.as_ref(), description?, http, resolve, problems);
    let Checked { settings, client, granted: mut granted_origins, mut lines } = checked?;
    granted_origins.extend(granted_besides?);
    granted_origins.sort();
    granted_origins.dedup();
    lines.insert(String::new(), at.position().line);
    let files::Tls { ca_pem, client_certificate } = tls?;
    Some(ProviderConfig {
        name: name.to_owned(),
        adapter: adapter?,
        settings,
        granted_origins,
        client,
        username_attributes: username_attributes?,
        naming: naming?,
        audience: audience?,
        any_audience: any_audience?,
        required_scopes: required_scopes?,
        scope_orders: scope_orders?,
        allow_http: allow_http?,
        ca_pem,
        client_certificate,
        proxy: transpose(proxy)?,
        reuse: reuse?,
        timeout: timeout?,
        cache: cache?,
        lines,
    })
}

/// Absent: an empty list. Present and wrong: `None`.
fn optional<'n>(
    walker: &mut Walker<'n>,
    name: &str,
    reader: impl FnOnce(&At<'n>) -> Option<Vec<String>>,
) -> Option<Vec<String>> {
    walker.take(name).map_or_else(|| Some(Vec::new()), |at| reader(&at))
}

/// Absent: `Some(None)`. Present and wrong: `None`.
pub(super) fn transpose<T>(value: Option<Option<T>>) -> Option<Option<T>> {
    match value {
        None => Some(None),
        Some(Some(value)) => Some(Some(value)),
        Some(None) => None,
    }
}

/// A file's stem that names no other folder.
fn adapter_name(at: &At<'_>, problems: &mut Problems) -> Option<String> {
    let text = at.text(problems)?;
    let proper = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if let Some(stem) = text.strip_suffix(".wasm").filter(|stem| stem.chars().all(proper)) {
        let remedy = format!("write `{}`", if at.is_expanded() { "the stem alone" } else { stem });
        at.report(problems, "is a file's name, and should be its stem", remedy);
        return None;
    }
    if !text.chars().all(proper) {
        let remedy = "write the stem of a file in the adapters folder: letters, digits, `-` and `_`";
        at.report(problems, format!("`{}` cannot be an adapter's name", at.shown()), remedy);
        return None;
    }
    Some(text)
}

/// `required_scopes`: RFC 6749 3.3, no spaces within one.
pub(super) fn scopes(at: &At<'_>, problems: &mut Problems) -> Option<Vec<String>> {
    let scopes = at.texts(problems)?;
    if scopes.iter().any(|scope| scope.contains(' ')) {
        at.report(problems, "has a scope with a space in it", "write a list, one scope a member: [openid, profile]");
        return None;
    }
    Some(scopes)
}

/// `username`.
fn naming(at: &At<'_>, problems: &mut Problems) -> Option<Naming> {
    let before = problems.len();
    let mut walker = at.mapping(&names::USERNAME, problems)?;
    let lower_case = walker.take("lower_case").map_or(Some(false), |at| at.flag(problems));
    let require_verified_email = walker.take("require_verified_email").map_or(Some(false), |at| at.flag(problems));
    let strip_domain = walker.take("strip_domain").and_then(|at| {
        let domain = at.text(problems)?;
        if domain.contains(['@', ' ', '*']) || domain.starts_with('.') {
            at.report(problems, "is no domain", "write one domain, without `@`: example.com");
        }
        Some(domain)
    });
    walker.finish(problems);
    let naming = Naming { lower_case: lower_case?, strip_domain, require_verified_email: require_verified_email? };
    (problems.len() == before).then_some(naming)
}

/// `cache`: `none`, or how long.
fn cache(at: &At<'_>, problems: &mut Problems) -> Option<Option<CacheConfig>> {
    if matches!(at.node().value, Value::Scalar { .. }) {
        if !at.node().as_text().is_some_and(|text| names::NO_CACHE.contains(&text)) {
            at.report(problems, format!("is `{}`", at.shown()), "write {ttl: 60s, negative_ttl: 5s}, or none");
            return None;
        }
        return Some(None);
    }
    let mut walker = at.mapping(&names::CACHE, problems)?;
    let mut or = |name, default| walker.take(name).map_or(Some(default), |at| at.duration(problems));
    let (ttl, negative_ttl) = (or("ttl", CACHE.ttl), or("negative_ttl", CACHE.negative_ttl));
    walker.finish(problems);
    Some(Some(CacheConfig { ttl: ttl?, negative_ttl: negative_ttl? }))
}

/// `reuse`.
fn reuse(at: &At<'_>, problems: &mut Problems) -> Option<bool> {
    let word = at.choice(&names::REUSE, problems)?;
    Some(word != "none")
}

fn granted(at: &At<'_>, allow_http: bool, problems: &mut Problems) -> Option<Vec<Origin>> {
    let items = at.sequence(problems)?;
    origins(&items, problems, |item, origin, problems| encrypted(item, origin.as_str(), allow_http, problems))
}

/// A list of origins, each of which `admits` lets in or reports.
pub(super) fn origins(
    items: &[At<'_>],
    problems: &mut Problems,
    admits: impl Fn(&At<'_>, &Origin, &mut Problems) -> Option<()>,
) -> Option<Vec<Origin>> {
    let mut origins = Vec::new();
    for item in items {
        let Some(text) = item.text(problems) else { continue };
        match Origin::parse(&text) {
            Ok(origin) => origins.extend(admits(item, &origin, problems).map(|()| origin)),
            Err(flaw) => item.report(problems, flaw.problem, flaw.remedy),
        }
    }
    (origins.len() == items.len()).then_some(origins)
}

/// `http://host[:port]`, an HTTP proxy (RFC 9110 9.3.6): what goes through it stays encrypted from here to the provider.
fn proxy(at: &At<'_>, problems: &mut Problems) -> Option<String> {
    let text = at.text(problems)?;
    let url = match base_url::base_url(&text) {
        Ok(url) => url,
        Err(flaw) => {
            at.report(problems, flaw.problem, flaw.remedy);
            return None;
        }
    };
    let plain = url.strip_prefix("http://").is_some_and(|rest| !rest.contains('/'));
    if !plain {
        at.report(problems, "is no HTTP proxy", "write it like http://proxy.example.com:3128");
        return None;
    }
    Some(url)
}
