//! Tokens that are verified here: for an application of one's own.

use portcullis_sdk::{Actor, Context, Facts, Identity, Object, Plan, Refusal};

use crate::cloud::Cloud;
use crate::tenants::{self, Tenant};

/// How a token is verified. `login` is the tenant's sign-in address.
pub(crate) fn plan(context: &Context, cloud: &Cloud, login: &str, tenant: &Tenant) -> Plan {
    let tid = if let Tenant::One(tid) = tenant { tid.as_str() } else { "{tid}" };
    let (issuer, keys, usernames) = match context.text("version") {
        "v1" => (cloud.v1(tid), "discovery/keys", ["upn", "unique_name", "oid", "sub"].as_slice()),
        _ => (cloud.v2(tid), "discovery/v2.0/keys", ["preferred_username", "oid", "sub"].as_slice()),
    };
    let plan = Plan::verifying(format!("{login}/{keys}"), vec![issuer.clone()]).usernames(usernames);
    // One that holds for any tenant names none.
    if matches!(tenant, Tenant::One(_)) { plan.issuer(issuer) } else { plan }
}

/// Who is named by the claims.
pub(crate) fn identify(context: &Context, claims: &Object) -> Result<Identity, Refusal> {
    tenants::hold(context, &claims.text("tid").unwrap_or_default())?;
    // Access tokens name the application that acts, in v2.0 and v1.0; ID tokens, which are signed by the same keys and may be
    // for the same application, do not, and have no scopes either.
    if !["azp", "appid", "scp"].iter().any(|name| claims.has(name)) {
        return Err(Refusal::invalid(
            "this is no access token: it has neither `azp` nor `appid` nor `scp`, as an ID token",
        ));
    }
    let username = if context.text("version") == "v1" { "upn" } else { "preferred_username" };
    let mut identity = Facts::of_token(context, claims).username(username).subject("oid").identity()?;
    // Of an application: there `sub` is not made for each recipient, but is the object's id.
    let object = claims.text("oid");
    if claims.text("idtyp").as_deref() == Some("app") || (object.is_some() && object == claims.text("sub")) {
        identity.kind = Actor::Service;
    }
    Ok(identity)
}
