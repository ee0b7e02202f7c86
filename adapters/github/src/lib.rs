//! GitHub: github.com, data residency (ghe.com) and GitHub Enterprise Server.
//!
//! No token is a JWT (`ghs_` may be followed by one). Any token of any application passes `/user`; only the token check says that it was issued to ours. An App's
//! installation has no account, so it is asked by GraphQL who it is. Membership is a further, paged call.

mod api;
mod membership;

use portcullis_sdk::{
    Actor, Adapter, Answer, Binding, Check, Context, Description, Facts, Finding, Identity, Object, Plan, PlanError,
    Problems, Refusal, Response, Step, first, mode, register, setting, time, url,
};

use crate::api::{Host, VIEWER};

/// The adapter.
#[derive(Debug)]
pub struct GitHub;
register!(GitHub);

impl Adapter for GitHub {
    fn describe() -> Description {
        Description::of(
            "GitHub",
            env!("CARGO_PKG_VERSION"),
            "Checks access tokens of GitHub, in its three hostings. `mode: token_check` takes only tokens of your own app; `allowed_orgs` and `allowed_teams` need the scope read:org.",
        )
        .documentation("https://docs.github.com/rest/apps/oauth-applications#check-a-token")
        .token_prefixes(&["gho_", "ghp_", "github_pat_", "ghu_", "ghs_"])
        .settings([
            setting("host", "github.com, your subdomain of ghe.com, or your GitHub Enterprise Server.")
                .base_url()
                .default("https://github.com")
                .example("octocorp.ghe.com"),
            mode(&[
                ("user", "Ask whose the token is; takes any valid token, of whatever application."),
                ("token_check", "Ask as your app whether the token is its own."),
            ]),
            setting("allowed_orgs", "Organisations, one of which the account must be a member of.").texts().example("[acme]"),
            setting("allowed_teams", "Teams by `org/slug`, one of which the account must be a member of.").texts().example("[acme/ops]"),
        ])
    }

    fn make_plan(context: &Context, _: &[Response]) -> Result<Step, PlanError> {
        let mut problems = Problems::none();
        membership::check(context, &mut problems);
        let client = url::segment(context.text("client_id")).unwrap_or_default();
        if context.mode("token_check") && client.is_empty() {
            let problem = "is missing or no client id, and the token check is made as your app";
            problems.add("client_id", problem, "write your app's client id");
        }
        let host = Host::of(context, &mut problems);
        problems.check()?;

        let no_access_token = Check::refuse("ghr_", "`ghr_` is a refresh token");
        let (checks, binding) = if context.mode("token_check") {
            (vec![no_access_token, Check::opaque(host.token_check(&client))], Binding::Client)
        } else {
            let installation = if membership::is_demanded(context) {
                Check::refuse("ghs_", "an App's installation is a member of no organisation and no team")
            } else {
                Check::prefixed("ghs_", host.viewer())
            };
            (vec![no_access_token, installation, Check::opaque(host.user())], Binding::None)
        };
        let mut plan = Plan::of(checks).binding(binding).usernames(&["login", "id", "email"]);
        if !context.mode("token_check") {
            plan = plan.note(
                "any valid token of GitHub passes, of whatever application; `mode: token_check` takes only your app's",
            );
        }
        let lists = membership::is_demanded(context) || context.wants("groups");
        let scopes = [(lists, "read:org"), (context.wants("email"), "user:email")];
        let scopes: Vec<_> = scopes.iter().filter_map(|(needed, scope)| needed.then_some(*scope)).collect();
        Ok(plan
            .endpoints(
                format!("{}/login/oauth/authorize", host.web),
                format!("{}/login/oauth/access_token", host.web),
                &scopes,
            )
            .device(format!("{}/login/device/code", host.web))
            .pkce(&["S256"])
            .ready())
    }

    fn identify(context: &Context, answers: &[Answer]) -> Result<Finding, Refusal> {
        let check = first(answers)?;
        if check.to == VIEWER {
            return api::object(check)?.object("data.viewer").map_or_else(
                || Err(Refusal::unavailable("GraphQL answered without a viewer")),
                |viewer| program(context, &viewer.with("id", "databaseId")).map(Finding::Identity),
            );
        }
        let identity =
            if context.mode("token_check") { of_our_app(context, check)? } else { of_account(context, check)? };
        membership::complete(context, identity, answers)
    }
}

fn account(context: &Context, account: &Object) -> Result<Identity, Refusal> {
    if account.has("suspended_at") {
        return Err(Refusal::invalid("the account is suspended"));
    }
    let mut identity = Facts::of_account(context, account).username("login").subject("id").identity()?;
    if account.text("type").as_deref() == Some("Bot") {
        identity.kind = Actor::Service;
    }
    Ok(identity)
}

fn program(context: &Context, viewer: &Object) -> Result<Identity, Refusal> {
    Ok(Identity { kind: Actor::Service, ..account(context, viewer)? })
}

/// `GET /user`. The header tells the scopes of classic tokens and OAuth apps; fine-grained tokens have none.
fn of_account(context: &Context, response: &Response) -> Result<Identity, Refusal> {
    let mut identity = account(context, &api::object(response)?)?;
    identity.scopes = response
        .header("x-oauth-scopes")
        .map(|scopes| scopes.split([',', ' ']).filter(|scope| !scope.is_empty()).map(Into::into).collect());
    Ok(identity)
}

/// The token check: 404 is GitHub's no; 401 and 422 speak of the app, not of the token.
fn of_our_app(context: &Context, response: &Response) -> Result<Identity, Refusal> {
    if response.status == 404 {
        return Err(Refusal::invalid("GitHub says that this is no token of the app: 404"));
    }
    api::limited(response)?;
    response.accepted_as_client()?;
    let answer = Object::parse(&response.body)?;
    let owner =
        answer.object("user").ok_or_else(|| Refusal::invalid("the token belongs to nobody: `user` is empty"))?;
    let mut identity = account(context, &owner)?;
    identity.scopes = answer.texts("scopes");
    identity.client = answer.text("app.client_id");
    identity.expires = match answer.text("expires_at") {
        Some(at) => Some(time::rfc3339(&at).ok_or_else(|| Refusal::unavailable("`expires_at` is no date"))?),
        None => None,
    };
    Ok(identity)
}
