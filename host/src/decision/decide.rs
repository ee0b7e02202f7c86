//! The decision for one request.

use super::cache::Known;
use super::headers::identity_headers;
use super::verdicts::Served;
use super::{Account, Decision, Pass, Passage, Request, Snapshot, cors, routing, select};
use crate::config::{Access, BasicAuth, Cors, RouteConfig, Services};
use crate::provider::now;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use portcullis_core::client::ClientNetwork;
use portcullis_core::credential::{Credential, Presented, read_authorization};
use portcullis_core::denial::{Denial, Kind};
use portcullis_core::facts::Facts;
use portcullis_core::identity::Actor;
use portcullis_core::refusal::{Cause, Refusal};
use portcullis_core::text::starts_in_any_case;
use std::sync::Arc;
use std::time::Instant;

/// Decides one request.
pub async fn decide(snapshot: &Snapshot, request: Request<'_>) -> Decision {
    let mut account = Account::default();
    // A preflight is the matter of the route of what is to follow it.
    let asked = match cors::asked(&request) {
        Ok(asked) => asked,
        Err(denial) => return Decision::from(Err(denial)),
    };
    let preflight = asked.as_ref().and_then(|method| {
        let following = Request { method, ..request };
        let route = routing::find(&snapshot.routes, &following)?;
        (route.cors != Cors::None).then_some((following, route))
    });
    let found = preflight.or_else(|| Some((request, routing::find(&snapshot.routes, &request)?)));
    let Some((matched, route)) = found else {
        return Decision::from(Err(Denial::new(Kind::NoRoute, "no route matches")));
    };
    account.route = Some(route.index);
    // What is two routes' matter, or two methods', is no matter of who asks, and is never let through: nor where the route
    // only observes, since the other one may be guarded.
    if let Err(denial) = of_one_route(snapshot, route, &matched, preflight.is_some()) {
        return Decision { account, ..Decision::from(Err(denial)) };
    }
    let allow_origin = cors::allowed_origin(&route.cors, request.headers);
    let mut outcome = match preflight {
        Some(_) => answer_preflight(route, &matched, allow_origin.as_ref()),
        None => pass(snapshot, route, request, &mut account).await.map(Passage::Forward),
    };
    if let Err(denial) = &mut outcome {
        denial.offers_basic = route.basic_auth == BasicAuth::Verify;
        if let (Kind::Throttled { retry_after_s }, true) = (&denial.kind, snapshot.throttled_is_unavailable) {
            denial.kind = Kind::Unavailable { retry_after_s: *retry_after_s };
        }
    }
    if route.observe {
        account.observed = Some(outcome.err());
        outcome = Ok(Passage::Forward(as_nobody(route, true, true)));
    }
    Decision { outcome, allow_origin, account }
}

/// Whether all servers take the request for this route's matter.
///
/// # Errors
///
/// 400 with the name of what would have to be allowed, or changed.
fn of_one_route(
    snapshot: &Snapshot,
    route: &RouteConfig,
    matched: &Request<'_>,
    is_preflight: bool,
) -> Result<(), Denial> {
    let refuse = |rule: &'static str, reason: String| Err(Denial::by(rule, Kind::Ambiguous, reason));
    if let Some(oddity) = matched.target.oddities().iter().find(|oddity| !route.allow_in_path.contains(oddity)) {
        return refuse("allow_in_path", format!("the path holds an {} (allow_in_path)", oddity.name()));
    }
    if routing::is_ambiguous(&snapshot.routes, matched, route) {
        return refuse("allow_in_path", "servers read the path as different routes' (allow_in_path)".to_owned());
    }
    // A preflight's headers stay here, but its query goes along, and no credential is asked for.
    if is_preflight && routing::names_a_method(matched) {
        return refuse("match.methods", "the query of a preflight names a method".to_owned());
    }
    if !is_preflight && routing::is_overridden(&snapshot.routes, matched, route) {
        let reason = "a header, or `_method` in the query, asks the upstream to take the request for another method's, and \
                      that has another route";
        return refuse("match.methods", reason.to_owned());
    }
    Ok(())
}

/// What becomes of a preflight on a route that has `cors`.
fn answer_preflight(
    route: &Arc<RouteConfig>,
    matched: &Request<'_>,
    allow_origin: Option<&HeaderValue>,
) -> Result<Passage, Denial> {
    without_credential_in_query(route, matched)?;
    match (&route.cors, allow_origin) {
        (Cors::Pass, _) => Ok(Passage::Forward(Pass { preflight: true, ..as_nobody(route, false, false) })),
        (_, Some(origin)) => Ok(Passage::Preflight(cors::answer(origin.clone(), matched.method, matched.headers))),
        (_, None) => Err(Denial::by("cors", Kind::Forbidden, "the page's origin is not among `cors.origins`")),
    }
}

/// Refuses a query that the upstream could take for a login (`refuse_query`). On every road that leads upstream: a preflight
/// that is passed on could be used to guess passwords, and a public route may have been given names, too.
fn without_credential_in_query(route: &RouteConfig, request: &Request<'_>) -> Result<(), Denial> {
    let Some(name) = request.target.query_name(&route.refuse_query) else { return Ok(()) };
    let kind = match &route.access {
        Access::Providers(_) => Kind::Unauthenticated,
        Access::Public => Kind::Ambiguous,
    };
    let reason = format!("the query parameter `{name}` could be taken for a credential");
    Err(Denial::by("refuse_query", kind, reason))
}

async fn pass(
    snapshot: &Snapshot,
    route: &Arc<RouteConfig>,
    request: Request<'_>,
    account: &mut Account,
) -> Result<Pass, Denial> {
    without_credential_in_query(route, &request)?;
    let names = match &route.access {
        Access::Public => return Ok(as_nobody(route, route.keep_authorization, route.pass_cookies)),
        Access::Providers(names) => names,
    };
    let values = request.headers.get_all(AUTHORIZATION);
    let unauthenticated = |reason: &str| Denial::new(Kind::Unauthenticated, reason);
    let credential = match read_authorization(values.iter().map(HeaderValue::as_bytes)) {
        Presented::Nothing => return Err(unauthenticated("no credential")),
        Presented::UnknownScheme => return Err(unauthenticated("an unknown scheme")),
        Presented::Malformed(reason) => return Err(Denial::new(Kind::Ambiguous, reason)),
        Presented::Credential(credential) => credential,
    };
    if let Credential::Basic { .. } = &credential {
        match route.basic_auth {
            BasicAuth::Verify => {}
            BasicAuth::Pass => return Ok(as_nobody(route, true, route.pass_cookies)),
            BasicAuth::Block => {
                account.basic = Some(snapshot.verdicts().caller(&credential));
                let reason = "Basic is blocked on this route";
                return Err(Denial::by("basic_auth", Kind::Unauthenticated, reason));
            }
        }
    }
    let (known, served) = vouched(snapshot, route, names, &credential, request.client, account).await?;
    account.username = Some(Arc::clone(&known.facts.username));
    let (username, pass) = admit(route, &known, served)?;
    account.username = Some(username);
    Ok(pass)
}

/// Asks the provider whose credential it is. Another is asked too only where the route says so, and only after one that said
/// that the credential is none of its own.
async fn vouched<'s>(
    snapshot: &'s Snapshot,
    route: &RouteConfig,
    names: &[String],
    credential: &Credential,
    client: ClientNetwork,
    account: &mut Account,
) -> Result<(Arc<Known>, &'s Served), Denial> {
    let candidates =
        select::candidates(snapshot, names, credential).map_err(|refusal| verdict_denial(refusal, now()))?;
    let began = Instant::now();
    let mut last = None;
    for served in &candidates {
        account.provider = Some(Arc::clone(served.name()));
        let (outcome, source, fingerprint) = snapshot.verdicts().of(served, credential, client).await;
        (account.source, account.credential) = (Some(source), Some(fingerprint));
        account.asked_for = Some(began.elapsed());
        match outcome {
            Ok(known) => return Ok((known, served)),
            Err(refusal) if refusal.cause == Cause::InvalidToken && route.fall_through => last = Some(refusal),
            Err(refusal) => {
                let mut denial = verdict_denial(Refusal::clone(&refusal), now());
                if let (Cause::InvalidToken, [_, others @ ..]) = (refusal.cause, candidates.as_slice())
                    && !others.is_empty()
                {
                    let others: Vec<&str> = others.iter().map(|served| &**served.name()).collect();
                    denial.reason.push_str(&format!(" (not asked: {}; see `fall_through`)", others.join(", ")));
                }
                return Err(denial);
            }
        }
    }
    Err(match last {
        Some(refusal) => verdict_denial(Refusal::clone(&refusal), now()),
        None => Denial::new(Kind::InvalidToken, "the credential has the form of none of the route's providers"),
    })
}

/// A request that passes without an identity.
fn as_nobody(route: &Arc<RouteConfig>, keep_authorization: bool, pass_cookies: bool) -> Pass {
    Pass { route: Arc::clone(route), headers: Vec::new(), keep_authorization, pass_cookies, preflight: false }
}

/// The route's own rules about an identity: of every request, whether its verdict was known or not. And the name that it passes
/// under.
fn admit(route: &Arc<RouteConfig>, known: &Known, served: &Served) -> Result<(Arc<str>, Pass), Denial> {
    let (facts, needs) = (&known.facts, served.needs());
    let renamed = name_of_program(route, facts)?;
    let username = Arc::clone(renamed.as_ref().unwrap_or(&facts.username));
    route.require.judge(&username, facts, &served.provider.config().scope_orders)?;
    let headers = match renamed {
        None => identity_headers(route, &known.encoded, needs)?,
        Some(name) => identity_headers(route, &known.encoded.renamed(&name, needs), needs)?,
    };
    let (keep_authorization, pass_cookies) = (route.keep_authorization, route.pass_cookies);
    Ok((username, Pass { route: Arc::clone(route), headers, keep_authorization, pass_cookies, preflight: false }))
}

/// The name that a program has on this route, where it is another than the provider's: a client that somebody registered as
/// `alice` must never become the user alice.
fn name_of_program(route: &RouteConfig, facts: &Facts) -> Result<Option<Arc<str>>, Denial> {
    let refuse = |reason: &str| Err(Denial::by("services", Kind::Forbidden, reason));
    match (&route.services, facts.kind) {
        (Services::Refuse, Actor::Service) => {
            refuse("the credential is a program's, and the route admits people (`services`)")
        }
        (Services::Prefix(prefix), Actor::Service) => Ok(Some(format!("{prefix}{}", facts.username).into())),
        (Services::Prefix(prefix), Actor::User) if starts_in_any_case(&facts.username, prefix) => {
            refuse("this user's name begins as those of programs do here (`services.prefix`)")
        }
        (Services::Refuse | Services::Prefix(_), Actor::User) | (Services::Pass, _) => Ok(None),
    }
}

/// What a client is told of a provider's refusal. Only a refusal that blames the credential becomes a 401 or 403.
#[must_use]
pub fn verdict_denial(refusal: Refusal, now: i64) -> Denial {
    let retry_after_s = refusal.wait_s(now);
    let Refusal { cause, reason, rule, retry: _, scopes } = refusal;
    let (kind, reason) = match cause {
        Cause::InvalidToken => (Kind::InvalidToken, reason),
        Cause::InsufficientScope => (Kind::InsufficientScope { scopes }, reason),
        Cause::Throttled => (Kind::Throttled { retry_after_s }, reason),
        Cause::Unavailable | Cause::Misconfigured => {
            (Kind::Unavailable { retry_after_s }, format!("{}: {reason}", cause.word()))
        }
    };
    Denial { rule, ..Denial::new(kind, reason) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_blames_the_credential_is_a_401_or_403() {
        let status = |cause| verdict_denial(Refusal::new(cause, "x"), 0).status();
        assert_eq!(status(Cause::InvalidToken), 401);
        assert_eq!(status(Cause::InsufficientScope), 403);
        assert_eq!(status(Cause::Throttled), 429);
        assert_eq!([Cause::Unavailable, Cause::Misconfigured].map(status), [503; 2]);
    }
}
