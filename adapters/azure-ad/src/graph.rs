//! Microsoft Graph: whose tokens it is asked about, who the caller is, and in which groups. Its errors are objects of its own,
//! not OAuth's.

use portcullis_sdk::{
    Answer, Check, Context, Facts, Finding, Method, Object, Plan, Refusal, Request, Response, Shape, first, pages,
    request, url,
};

use crate::cloud::Cloud;
use crate::tenants::{CONSUMERS, Tenant};

/// What /me tells without being asked for more.
const DEFAULT_PROPERTIES: [&str; 11] = [
    "businessPhones",
    "displayName",
    "givenName",
    "id",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
];
/// What is asked for beside an attribute that is not among those.
const SELECTED: [&str; 3] = ["id", "mail", "userPrincipalName"];

const GROUPS: &str = "groups";

/// Asks Graph about tokens of the tenants whose ids are `taken`, or of all of them, and refuses all others without asking.
///
/// Graph answers for tokens of every tenant, and what it tells of their owners is what each tenant's administrator wrote. But it
/// verifies the token, so that a token to which it says yes was issued by whom its `iss` names. Tokens of personal accounts are
/// opaque, and no others are.
pub(crate) fn plan(cloud: &Cloud, tenant: &Tenant, taken: Option<&[String]>, request: Request) -> Plan {
    let issuers = |tid: &str| [cloud.v1(tid), cloud.v2(tid)];
    let others = "the token is of no tenant that `tenant` and `allowed_tenants` name";
    let personal = "the token is of a personal account, and `tenant` is organizations";
    let Some(taken) = taken else {
        let checks = match tenant {
            Tenant::Organizations => vec![
                Check { when: Shape::JwtFrom(issuers(CONSUMERS).into()), how: Method::Refuse(personal.into()) },
                Check { when: Shape::Jwt, how: Method::Call(request) },
                Check::refuse_others(personal),
            ],
            _ => vec![Check::any(request)],
        };
        return Plan::of(checks);
    };
    let named: Vec<String> = taken.iter().flat_map(|tid| issuers(tid)).collect();
    let mut checks = vec![Check::jwt_from(named.clone(), request.clone())];
    if taken.iter().any(|tid| tid == CONSUMERS) {
        checks.push(Check::opaque(request));
    }
    checks.push(Check::refuse_others(others));
    named.into_iter().fold(Plan::of(checks), Plan::issuer)
}

/// The call to /me, with `$select` only where an attribute outside the default ones is wanted as username.
pub(crate) fn me(cloud: &Cloud, context: &Context) -> Request {
    let mut properties: Vec<&str> = SELECTED.into();
    for attribute in &context.username_attributes {
        // A path's first member is what Graph calls a property.
        let property = attribute.split('.').next().unwrap_or(attribute);
        if !properties.contains(&property) {
            properties.push(property);
        }
    }
    let base = format!("{}/v1.0/me", cloud.graph);
    if properties.iter().all(|property| DEFAULT_PROPERTIES.contains(property)) {
        return request::userinfo(base);
    }
    let properties: Vec<_> = properties.into_iter().map(url::encode).collect();
    request::userinfo(format!("{base}?$select={}", properties.join(",")))
}

pub(crate) fn identify(context: &Context, answers: &[Answer]) -> Result<Finding, Refusal> {
    let account = account(first(answers)?)?;
    let facts = Facts::of_account(context, &account).username("userPrincipalName").subject("id").email("mail");
    let mut identity = facts.identity()?;
    if !context.wants(GROUPS) {
        return Ok(Finding::Identity(identity));
    }

    let home = Cloud::of(context.text("cloud")).graph;
    let mut next = Some(format!("{home}/v1.0/me/transitiveMemberOf?$select=id"));
    let mut groups = Vec::new();
    let so_far = pages::of(answers, GROUPS);
    for page in &so_far {
        let page = self::account(page)?;
        let members = page.objects("value").ok_or_else(|| Refusal::unavailable("the list of groups has no `value`"))?;
        groups.extend(members.iter().filter_map(|member| member.text("id")));
        next = page.text("@odata.nextLink");
    }
    if let Some(next) = next {
        let label = pages::label(GROUPS, so_far.len() + 1);
        return Ok(Finding::Ask(vec![Request::get(&label, pages::follow(home, &next)?).bearer()]));
    }
    identity.groups = Some(groups);
    Ok(Finding::Identity(identity))
}

/// What /me answers: 400 there is a token without a person.
fn account(response: &Response) -> Result<Object, Refusal> {
    match response.status {
        400 if response.says("Could not find a property") => Err(Refusal::misconfigured(
            "Graph knows no such property: compare `username_attribute` with the properties of a user",
        )),
        // An application's own token: /me needs a delegated one.
        400 => Err(Refusal::invalid("Graph refuses the call: 400, as for a token without a person")),
        _ => object(response),
    }
}

/// What Graph answers: 403 there is a permission that the token lacks.
pub(crate) fn object(response: &Response) -> Result<Object, Refusal> {
    match response.status {
        403 => Err(Refusal::scope("Graph refuses the call: 403, as for a token without the permission", Vec::new())),
        _ => response.object(),
    }
}
