//! The further calls: organisations, teams and the e-mail address, each asked for only where somebody needs it.
//!
//! Everything is asked for at once in the first round; a list's next page in the next. The search for an allowed
//! organisation or team ends where one is found, unless all groups are wanted.

use portcullis_sdk::{
    Answer, Context, Email, Finding, Identity, Object, Problems, Refusal, Request, Response, pages, response_to,
};

use crate::api::{self, Host};

const ORGS: &str = "orgs";
const TEAMS: &str = "teams";
const EMAILS: &str = "emails";

/// What is wrong with the lists of who is allowed. A name of another form would match nobody.
pub(crate) fn check(context: &Context, problems: &mut Problems) {
    if let Some(org) = context.texts("allowed_orgs").iter().find(|org| org.contains('/')) {
        problems.add("allowed_orgs", format!("is a list of logins, and `{org}` is none"), "write it as in `acme`");
    }
    let is_team = |team: &str| team.split('/').filter(|part| !part.is_empty()).count() == 2;
    if let Some(team) = context.texts("allowed_teams").iter().find(|team| !is_team(team)) {
        let problem = format!("is a list of teams, and `{team}` is none");
        problems.add("allowed_teams", problem, "write it as in `acme/ops`: the organisation's login, the team's slug");
    }
}

/// Whether only members of something pass.
pub(crate) fn is_demanded(context: &Context) -> bool {
    !context.texts("allowed_orgs").is_empty() || !context.texts("allowed_teams").is_empty()
}

/// The identity, once nothing more has to be asked.
pub(crate) fn complete(context: &Context, mut identity: Identity, answers: &[Answer]) -> Result<Finding, Refusal> {
    let host = Host::of(context, &mut Problems::none());
    let all = context.wants("groups");
    let mut groups = Vec::new();
    let mut asks = Vec::new();
    for (list, setting, name) in [(ORGS, "allowed_orgs", org as Name), (TEAMS, "allowed_teams", team)] {
        let allowed = context.texts(setting);
        if allowed.is_empty() && !all {
            continue;
        }
        let (members, next) = read(&host, list, answers)?;
        let names: Vec<_> = members.iter().filter_map(name).collect();
        let is_member =
            allowed.is_empty() || names.iter().any(|name| allowed.iter().any(|one| one.eq_ignore_ascii_case(name)));
        match next {
            Some(next) if all || !is_member => asks.push(next),
            _ if !is_member => return Err(Refusal::invalid(format!("the account is in none of `{setting}`"))),
            _ => {}
        }
        groups.extend(names);
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
    if all {
        identity.groups = Some(groups);
    }
    Ok(Finding::Identity(identity))
}

/// How a member of a list is named as a group.
type Name = fn(&Object) -> Option<String>;

fn org(member: &Object) -> Option<String> {
    member.text("login")
}

fn team(member: &Object) -> Option<String> {
    Some(format!("{}/{}", member.text("organization.login")?, member.text("slug")?))
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
