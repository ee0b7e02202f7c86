//! Keycloak, from the legacy distribution under `/auth` to today's.
//!
//! A realm is an issuer with everything under it. Userinfo needs the `openid` scope since 19.0.2; introspection also says
//! for whom a token was issued, but calls refresh, offline and ID tokens active too, which is why `typ` is looked at. A
//! service account is a user by the name of `service-account-...`.

use portcullis_sdk::{
    Adapter, Answer, Binding, Context, Description, Facts, Finding, Plan, PlanError, Problems, Refusal, Response, Step,
    claims, first, issuer, mode, register, request, setting, url,
};

/// The adapter.
#[derive(Debug)]
pub struct Keycloak;
register!(Keycloak);

impl Adapter for Keycloak {
    fn describe() -> Description {
        Description::of(
            "Keycloak",
            env!("CARGO_PKG_VERSION"),
            "Checks access tokens of one realm of a Keycloak server. Tokens need the `openid` scope for `mode: userinfo`.",
        )
        .documentation("https://www.keycloak.org/securing-apps/oidc-layers")
        .settings([
            setting("host", "The server, with its port; a path is kept.").base_url().required().example("sso.example.com"),
            setting("realm", "The realm's name, in its letter case.").required().example("staff"),
            setting("base_path", "`/auth` for the legacy distribution, where nothing else was configured.")
                .example("/auth"),
            issuer("https://sso.example.com/realms/staff"),
            mode(&[
                ("userinfo", "Ask the realm's userinfo endpoint with the token."),
                ("introspection", "Ask the realm about the token, as a confidential client; tells the audience."),
                ("jwt", "Verify the token's signature here, under the realm's published keys."),
            ]),
        ])
    }

    fn make_plan(context: &Context, _: &[Response]) -> Result<Step, PlanError> {
        let mut problems = Problems::none();
        let server = server(context, &mut problems);
        let realm = format!("{server}/realms/{}", problems.segment(context, "realm"));
        let issuer = problems.issuer(context, &realm);
        problems.check()?;

        let oidc = format!("{realm}/protocol/openid-connect");
        let plan = match context.text("mode") {
            "introspection" => Plan::asking(request::introspection(format!("{oidc}/token/introspect")))
                .binding(Binding::Audience)
                .usernames(&["username", "preferred_username", "email", "sub"]),
            "jwt" => Plan::verifying(format!("{oidc}/certs"), vec![issuer.clone()]).usernames(&[
                "preferred_username",
                "email",
                "sub",
            ]),
            _ => Plan::asking(request::userinfo(format!("{oidc}/userinfo")))
                .usernames(&["preferred_username", "email", "sub"])
                .note(
                    "userinfo takes only tokens with the `openid` scope, and does not tell for whom they were issued",
                ),
        };
        Ok(plan
            .issuer(issuer)
            .endpoints(format!("{oidc}/auth"), format!("{oidc}/token"), &["openid", "profile"])
            .device(format!("{oidc}/auth/device"))
            .revoke(format!("{oidc}/revoke"))
            .pkce(&["S256", "plain"])
            .ready())
    }

    fn identify(context: &Context, answers: &[Answer]) -> Result<Finding, Refusal> {
        if let Ok(response) = first(answers) {
            lightweight(response)?;
        }
        let claims = claims(context, answers)?;
        let username = if context.mode("introspection") { "username" } else { "preferred_username" };
        let facts = Facts::of_token(context, &claims).username(username).services("service-account-");
        facts.identity().map(Finding::Identity)
    }
}

/// Keycloak 26.7 and later say so of a good token that userinfo does not take; a person must act.
fn lightweight(response: &Response) -> Result<(), Refusal> {
    let said = response.header("www-authenticate").is_some_and(|said| said.contains("Lightweight access token"));
    if response.status == 401 && said {
        return Err(Refusal::invalid(
            "userinfo takes no lightweight token: write `mode: introspection`, or switch off lightweight tokens for the client",
        ));
    }
    Ok(())
}

/// The host with the base path, which is not doubled where the host was written with it.
fn server(context: &Context, problems: &mut Problems) -> String {
    let path = context.text("base_path").trim_matches('/');
    let segments: Option<Vec<_>> = path.split('/').map(url::segment).collect();
    match segments {
        _ if path.is_empty() => context.text("host").into(),
        Some(segments) => url::join_once(context.text("host"), &format!("/{}", segments.join("/"))),
        None => {
            problems.add("base_path", format!("is a path, and `{path}` is none"), "write it as in `/auth`");
            String::new()
        }
    }
}
