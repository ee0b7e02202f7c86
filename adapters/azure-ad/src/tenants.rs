//! Tokens that are verified here: whose tenant they are of, and who acts.
//!
//! With `common` and `organizations` anybody's tenant may sign, so `allowed_tenants` is what shuts the gate.

use portcullis_sdk::{Actor, Context, Facts, Identity, Object, Problems, Refusal, forms::is_guid};

use crate::cloud::CONSUMERS;

/// Refuses a list that could not be kept, since it is there to shut somebody out.
pub(crate) fn check(context: &Context, problems: &mut Problems) {
    let allowed = context.texts("allowed_tenants");
    if !allowed.is_empty() && !context.mode("jwt") {
        let problem = "needs `mode: jwt`: Graph does not tell of which tenant a token is";
        problems.add("allowed_tenants", problem, "leave it out, and write the one `tenant`");
    }
    if let Some(other) = allowed.iter().find(|tenant| !is_guid(tenant)) {
        let problem = format!("is a list of GUIDs, and `{other}` is none");
        problems.add("allowed_tenants", problem, "write the tenant's GUID, as the Entra admin center shows it");
    }
}

/// Who is named by the claims.
pub(crate) fn identify(context: &Context, claims: &Object) -> Result<Identity, Refusal> {
    let tenant = claims.text("tid").unwrap_or_default();
    let is = |other: &str| tenant.eq_ignore_ascii_case(other);
    let allowed = context.texts("allowed_tenants");
    if !allowed.is_empty() && !allowed.iter().any(|allowed| is(allowed)) {
        return Err(Refusal::invalid("the token is of none of `allowed_tenants`"));
    }
    if context.text("tenant") == "organizations" && is(CONSUMERS) {
        return Err(Refusal::invalid("the token is of a personal account, and `tenant` is organizations"));
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
