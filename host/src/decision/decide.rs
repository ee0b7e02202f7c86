//! The decision for one request.

use super::cache::Known;
use super::headers::identity_headers;
use super::{Account, Decision, Pass, Request, Snapshot, routing};
use crate::config::{Access, BasicAuth, RouteConfig, Services};
use crate::provider::now;
use http::header::AUTHORIZATION;
use portcullis_core::credential::{Credential, Presented, read_authorization};
use portcullis_core::denial::Denial;
use portcullis_core::identity::{Actor, Identity, Moment};
use portcullis_core::policy::ScopeOrders;
use portcullis_core::refusal::{Cause, Refusal};
use std::sync::Arc;

/// When to come back, where the provider said nothing, in seconds.
const RETRY_AFTER_S: u32 = 5;
/// The longest wait that is passed on, in seconds.
const RETRY_AFTER_S_MAX: i64 = 3600;

/// Decides one request.
pub async fn decide(snapshot: &Snapshot, request: Request<'_>) -> Decision {
    let mut account = Account::default();
    let Some(route) = routing::find(&snapshot.routes, &request) else {
        return Decision::from(Err(Denial::NoRoute));
    };
    account.route = Some(route.index);
    // Two readings of a target are two routes: that is no matter of who asks, and is never let through.
    if let Some(oddity) = request.target.oddities().iter().find(|oddity| !route.allow_in_path.contains(oddity)) {
        let reason = format!("the path holds an {} (allow_in_path)", oddity.name());
        return Decision { outcome: Err(Denial::Ambiguous { reason }), account };
    }
    let mut outcome = pass(snapshot, route, request, &mut account).await;
    if route.observe {
        account.observed = Some(outcome.err());
        outcome = Ok(as_nobody(route, true, true));
    }
    Decision { outcome, account }
}

async fn pass(
    snapshot: &Snapshot,
    route: &Arc<RouteConfig>,
    request: Request<'_>,
    account: &mut Account,
) -> Result<Pass, Denial> {
    let names = match &route.access {
        Access::Public => return Ok(as_nobody(route, false, true)),
        Access::Providers(names) => names,
    };
    if let Some(name) =
        request.target.query_names().find(|name| name == "access_token" || route.refuse_query.contains(name))
    {
        return Err(Denial::Unauthenticated {
            reason: format!("the query parameter `{name}` could be taken for a credential"),
        });
    }
    let values = request.headers.get_all(AUTHORIZATION);
    let credential = match read_authorization(values.iter().map(http::HeaderValue::as_bytes)) {
        Presented::Nothing => return Err(Denial::Unauthenticated { reason: "no credential".to_owned() }),
        Presented::UnknownScheme => return Err(Denial::Unauthenticated { reason: "an unknown scheme".to_owned() }),
        Presented::Malformed(reason) => return Err(Denial::Ambiguous { reason: reason.to_owned() }),
        Presented::Credential(credential) => credential,
    };
    if matches!(credential, Credential::Basic { .. }) {
        return match route.basic_auth {
            BasicAuth::Block => Err(Denial::Unauthenticated { reason: "Basic is blocked on this route".to_owned() }),
            BasicAuth::Pass => Ok(as_nobody(route, true, route.pass_cookies)),
        };
    }
    let served = names.first().and_then(|name| snapshot.served(name)).ok_or_else(|| Denial::Unavailable {
        reason: "the route's provider is not there".to_owned(),
        retry_after_s: RETRY_AFTER_S,
    })?;
    account.provider = Some(Arc::clone(served.name()));
    let (outcome, source, credential) = snapshot.verdicts().of(served, &credential).await;
    (account.source, account.credential) = (Some(source), Some(credential));
    let known = outcome.map_err(|refusal| verdict_denial(Refusal::clone(&refusal), now()))?;
    account.identity = Some(Arc::clone(&known.identity));
    let (identity, pass) = admit(route, &known, &served.provider.config().scope_orders)?;
    account.identity = Some(identity);
    Ok(pass)
}

/// A request that passes without an identity.
fn as_nobody(route: &Arc<RouteConfig>, keep_authorization: bool, pass_cookies: bool) -> Pass {
    Pass { route: Arc::clone(route), headers: Vec::new(), keep_authorization, pass_cookies }
}

/// The route's own rules about an identity: of every request, whether its verdict was known or not.
fn admit(route: &Arc<RouteConfig>, known: &Known, orders: &ScopeOrders) -> Result<(Arc<Identity>, Pass), Denial> {
    let identity = here(route, &known.identity)?;
    route.require.judge(&identity, orders)?;
    let headers = if Arc::ptr_eq(&identity, &known.identity) {
        identity_headers(route, &known.encoded)?
    } else {
        identity_headers(route, &known.encoded.again(&identity))?
    };
    let (keep_authorization, pass_cookies) = (route.keep_authorization, route.pass_cookies);
    Ok((identity, Pass { route: Arc::clone(route), headers, keep_authorization, pass_cookies }))
}

/// Who somebody is on this route: a client that somebody registered as `alice` must never become the user alice.
fn here(route: &RouteConfig, identity: &Arc<Identity>) -> Result<Arc<Identity>, Denial> {
    let refuse = |reason: &str| Err(Denial::Forbidden { reason: reason.to_owned() });
    match (&route.services, identity.kind) {
        (Services::Refuse, Actor::Service) => {
            refuse("the credential is a program's, and the route admits people (`services`)")
        }
        (Services::Prefix(prefix), Actor::Service) => {
            let username = format!("{prefix}{}", identity.username);
            Ok(Arc::new(Identity { username, ..Identity::clone(identity) }))
        }
        (Services::Prefix(prefix), Actor::User) if identity.username.starts_with(prefix) => {
            refuse("this user's name begins as those of programs do here (`services.prefix`)")
        }
        (Services::Refuse | Services::Prefix(_), Actor::User) | (Services::Pass, _) => Ok(Arc::clone(identity)),
    }
}

/// What a client is told of a provider's refusal. Only a refusal that blames the credential becomes a 401 or 403.
#[must_use]
pub fn verdict_denial(refusal: Refusal, now: i64) -> Denial {
    let Refusal { cause, reason, retry, scopes } = refusal;
    match cause {
        Cause::InvalidToken => Denial::InvalidToken { reason },
        Cause::InsufficientScope => Denial::InsufficientScope { reason, scopes },
        Cause::Throttled | Cause::Unavailable | Cause::Misconfigured => {
            let wait = retry.map(|moment| match moment {
                Moment::At(at) => at.saturating_sub(now),
                Moment::After(seconds) => i64::from(seconds),
            });
            let retry_after_s = wait
                .map_or(RETRY_AFTER_S, |wait| u32::try_from(wait.clamp(1, RETRY_AFTER_S_MAX)).unwrap_or(RETRY_AFTER_S));
            Denial::Unavailable { reason: format!("{}: {reason}", cause.word()), retry_after_s }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_blames_the_credential_is_a_401_or_403() {
        let status = |cause| verdict_denial(Refusal::new(cause, "x"), 0).status();
        assert_eq!(status(Cause::InvalidToken), 401);
        assert_eq!(status(Cause::InsufficientScope), 403);
        assert_eq!([Cause::Throttled, Cause::Unavailable, Cause::Misconfigured].map(status), [503; 3]);
    }

    #[test]
    fn a_retry_time_is_passed_on_within_bounds() {
        let wait = |retry| match verdict_denial(Refusal { retry, ..Refusal::unavailable("x") }, 1000) {
            Denial::Unavailable { retry_after_s, .. } => retry_after_s,
            _ => 0,
        };
        assert_eq!(wait(None), 5);
        assert_eq!(wait(Some(Moment::After(30))), 30);
        assert_eq!(wait(Some(Moment::At(1060))), 60);
        assert_eq!(wait(Some(Moment::At(10))), 1);
        assert_eq!(wait(Some(Moment::At(i64::MAX))), 3600);
    }
}
