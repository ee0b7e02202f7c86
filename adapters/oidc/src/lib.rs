//! Any OpenID Connect provider or OAuth 2.0 authorization server that publishes its metadata.
//!
//! The generic adapter, for a provider that has none of its own: the issuer is all that must be known, and its document
//! names the endpoints. A document is believed only where it is the issuer's own, to the letter.

use portcullis_sdk::{
    Adapter, Answer, Binding, Context, Description, Facts, Finding, Plan, PlanError, Problems, Refusal, Response, Step,
    attributes, claims,
    discovery::{self, Metadata},
    method, mode, register, request, setting, url,
};

/// Microsoft Graph, in all clouds: the metadata of each tenant of Entra ID names its userinfo, which answers for every tenant.
const GRAPH: [&str; 4] =
    ["graph.microsoft.com", "graph.microsoft.us", "dod-graph.microsoft.us", "microsoftgraph.chinacloudapi.cn"];

const ANSWERS_FOR_ALL: &str = "is Microsoft Graph's, which answers for tokens of every tenant";
const USE_AZURE_AD: &str = "write `mode: jwt`, or take the adapter azure-ad, which holds the tenant";

/// The adapter.
#[derive(Debug)]
pub struct Oidc;
register!(Oidc);

impl Adapter for Oidc {
    fn describe() -> Description {
        Description::of(
            "OpenID Connect",
            env!("CARGO_PKG_VERSION"),
            "Checks access tokens of any provider that publishes its metadata (OpenID Connect Discovery, RFC 8414).",
        )
        .documentation("https://openid.net/specs/openid-connect-discovery-1_0.html")
        .settings([
            setting("issuer", "The issuer, to the letter as the provider writes it, a slash at its end too.")
                .url()
                .required()
                .example("https://id.example.com"),
            mode(&[
                ("userinfo", "Ask the userinfo endpoint with the token."),
                ("introspection", "Ask about the token, as a client; tells the audience."),
                ("jwt", "Verify the token's signature here, under the published keys."),
            ]),
            discovery::form(),
            setting("userinfo_endpoint", "Written by hand, where there is no metadata; none is fetched then.")
                .url()
                .only_when("mode", &["userinfo"])
                .example("https://id.example.com/oauth2/userinfo"),
            method().only_when("mode", &["userinfo"]),
        ])
        .settings(attributes())
    }

    fn make_plan(context: &Context, documents: &[Response]) -> Result<Step, PlanError> {
        let mut problems = Problems::none();
        let issuer = context.text("issuer");
        if issuer.contains('?') {
            problems.add("issuer", "has a query, and an issuer has none", "write it as the provider's tokens do");
        }
        if context.mode("introspection") {
            problems.client(context);
        }
        let by_hand = context.text("userinfo_endpoint");
        if is_everybodys(by_hand) {
            problems.add("userinfo_endpoint", ANSWERS_FOR_ALL, USE_AZURE_AD);
        }
        problems.check()?;

        if context.mode("userinfo") && !by_hand.is_empty() {
            return Ok(userinfo(context, by_hand).issuer(issuer).ready());
        }
        let Some(metadata) = Metadata::of(issuer, documents)? else { return Ok(discovery::fetch(context, issuer)) };
        let mut plan = match context.text("mode") {
            "introspection" => Plan::asking(request::introspection(metadata.required("introspection_endpoint")?))
                .binding(Binding::Audience)
                .usernames(&["preferred_username", "username", "email", "sub"]),
            "jwt" => Plan::verifying(metadata.required("jwks_uri")?, vec![issuer.into()]).usernames(&[
                "preferred_username",
                "email",
                "sub",
            ]),
            _ => {
                let endpoint = metadata.required("userinfo_endpoint")?;
                if is_everybodys(&endpoint) {
                    let reason = format!("the provider's userinfo {ANSWERS_FOR_ALL}; {USE_AZURE_AD}");
                    return Err(PlanError::Document(Refusal::misconfigured(reason)));
                }
                userinfo(context, endpoint)
            }
        };
        plan.endpoints = metadata.endpoints(&["openid", "profile"]);
        Ok(plan.issuer(issuer).ready())
    }

    fn identify(context: &Context, answers: &[Answer]) -> Result<Finding, Refusal> {
        let claims = claims(context, answers)?;
        Facts::of_token(context, &claims).as_set().identity().map(Finding::Identity)
    }
}

/// Whether an endpoint answers for tokens of issuers that the operator did not name.
fn is_everybodys(endpoint: &str) -> bool {
    url::origin(endpoint).is_some_and(|origin| GRAPH.contains(&url::host(&origin)))
}

fn userinfo(context: &Context, endpoint: impl Into<String>) -> Plan {
    Plan::asking(request::userinfo_as_set(context, endpoint))
        .usernames(&["preferred_username", "email", "sub"])
        .note("userinfo does not tell for whom a token was issued: any token of this provider passes")
}
