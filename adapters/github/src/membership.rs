//! The further calls: organisations, teams and the e-mail address, each asked for only where somebody needs it.
//!
//! Everything is asked for at once in the first round; a list's next page in the next. The search for an allowed
//! organisation ends where one is found, unless all groups are wanted.

use portcullis_sdk::{
    Answer, Context, Email, Finding, Identity, Object, Problems, Refusal, Request, Response, pages, response_to,
};

use crate::api::{self, Host};

const ORGS: &str = "orgs";
const TEAMS: &str = "teams";
const EMAILS: &str = "emails";

/// The identity, once nothing more has to be asked.
pub(crate) fn complete(context: &Context, mut identity: Identity, answers: &[Answer]) -> Result<Finding, Refusal> {
    let host = Host::of(context, &mut Problems::none());
    let allowed = context.texts("allowed_orgs");
    let groups = context.wants("groups");
    let mut asks = Vec::new();

    let mut orgs = Vec::new();
    if groups || !allowed.is_empty() {
        let (members, next) = read(&host, ORGS, answers)?;
        orgs = members.iter().filter_map(|org| org.text("login")).collect();
        let is_member = orgs.iter().any(|org| allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(org)));
        if groups || !is_member {
            asks.extend(next);
        }
        if asks.is_empty() && !allowed.is_empty() && !is_member {
            return Err(Refusal::invalid("the account is in none of `allowed_orgs`"));
        }
    }
    if groups {
        let (members, next) = read(&host, TEAMS, answers)?;
        orgs.extend(
            members
                .iter()
                .filter_map(|team| Some(format!("{}/{}", team.text("organization.login")?, team.text("slug")?))),
        );
        asks.extend(next);
    }
    if context.wants("email") && identity.email.is_none() {
        match response_to(answers, EMAILS) {
            Some(response) => identity.email = primary(response)?,
            None => asks.push(api::page(EMAILS, &host.list(EMAILS))),
        }
    }

    if !asks.is_empty() {
        return Ok(Finding::Ask(asks));
    }
    if groups {
        identity.groups = Some(orgs);
    }
    Ok(Finding::Identity(identity))
}

/// A list's members so far, and the request for its next page.
fn read(host: &Host, list: &str, answers: &[Answer]) -> Result<(Vec<Object>, Option<Request>), Refusal> {
    let so_far = pages::of(answers, list);
    let mut members = Vec::new();
    let mut next = Some(host.list(list));
    for page in &so_far {
        members.extend(api::list(page)?);
        next = pages::next_link(page).map(Into::into);
    }
    let label = pages::label(list, so_far.len() + 1);
    let request = match next {
        Some(next) => Some(api::page(&label, pages::follow(&host.api, &next)?)),
        None => None,
    };
    Ok((members, request))
}

/// The primary address, if it is verified. A token that may not see addresses is good all the same.
fn primary(response: &Response) -> Result<Option<Email>, Refusal> {
    api::limited(response)?;
    if matches!(response.status, 403 | 404) {
        return Ok(None);
    }
    let addresses = response.list()?;
    let primary = addresses
        .iter()
        .find(|address| address.flag("primary") == Some(true) && address.flag("verified") == Some(true))
        .and_then(|address| address.text("email"));
    Ok(primary.map(|address| Email { address, verified: Some(true) }))
}
