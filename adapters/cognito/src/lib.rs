//! AWS Cognito user pools.
//!
//! A pool has two hosts: the domain, where people sign in and userInfo is, and the issuer's, where the keys are. An access
//! token names no audience but `client_id`; an ID token has `aud`, and its claims are named otherwise.

mod pool;

use portcullis_sdk::{
    Adapter, Answer, Check, Context, Description, Facts, Finding, Plan, PlanError, Problems, Refusal, Request,
    Response, Step, claims, mode, register, request, setting,
};

/// The adapter.
#[derive(Debug)]
pub struct Cognito;
register!(Cognito);

impl Adapter for Cognito {
    fn describe() -> Description {
        Description::of(
            "AWS Cognito",
            env!("CARGO_PKG_VERSION"),
            "Checks tokens of a Cognito user pool. Access tokens need the openid scope for `mode: userinfo`; those of InitiateAuth have none.",
        )
        .documentation("https://docs.aws.amazon.com/cognito/latest/developerguide/federation-endpoints.html")
        .settings([
            mode(&[
                ("userinfo", "Ask the pool's userInfo endpoint with the token; takes tokens of any app client of the pool."),
                ("jwt", "Verify the token's signature here, under the pool's published keys."),
            ]),
            setting("domain", "The pool's domain, custom or in full; for userinfo this or `domain_prefix`.")
                .base_url()
                .example("auth.example.com"),
            setting("domain_prefix", "The first part of a prefix domain of Cognito's; needs `region`.").example("mypool"),
            setting("region", "The AWS region of the pool; for `domain_prefix` and `user_pool_id`.").example("eu-west-1"),
            setting("user_pool_id", "The user pool's id; needed for `mode: jwt`. With it tokens of other pools are refused without asking.")
                .example("eu-west-1_aB3dE5fG7"),
            setting("token_use", "Which of the two tokens is taken.")
                .choices(&[
                    ("access", "Access tokens; `audience` is compared with `client_id`."),
                    ("id", "ID tokens; `audience` is compared with `aud`."),
                ])
                .only_when("mode", &["jwt"]),
            setting("groups_attribute", "The attribute that has the groups; userInfo does not tell Cognito's own.")
                .default("cognito:groups"),
        ])
    }

    fn make_plan(context: &Context, _: &[Response]) -> Result<Step, PlanError> {
        let mut problems = Problems::none();
        let domain = pool::domain(context, &mut problems);
        let issuer = pool::issuer(context, &mut problems);
        problems.check()?;

        let mut plan = match context.text("mode") {
            "jwt" => {
                let name = if takes_id(context) { "cognito:username" } else { "username" };
                Plan::verifying(format!("{issuer}/.well-known/jwks.json"), vec![issuer.clone()])
                    .usernames(&[name, "email", "sub"])
            }
            // In this letter case and no other.
            _ => Plan::of(checks(request::userinfo(format!("{domain}/oauth2/userInfo")), &issuer))
                .usernames(&["username", "preferred_username", "email", "sub"])
                .note("userInfo does not tell for whom a token was issued: any app client's token of the pool passes"),
        };
        plan = plan.issuer(issuer);
        if !domain.is_empty() {
            plan = plan
                .endpoints(format!("{domain}/oauth2/authorize"), format!("{domain}/oauth2/token"), &["openid"])
                .revoke(format!("{domain}/oauth2/revoke"))
                .pkce(&["S256"]);
        }
        Ok(plan.ready())
    }

    fn identify(context: &Context, answers: &[Answer]) -> Result<Finding, Refusal> {
        let claims = claims(context, answers)?;
        let facts = Facts::of_token(context, &claims).username("username").groups(context.text("groups_attribute"));
        let facts = match context.mode("jwt") {
            true if claims.text("token_use").as_deref() != Some(context.text("token_use")) => {
                return Err(Refusal::invalid("`token_use` of the token is not that of the settings"));
            }
            true if takes_id(context) => facts.username("cognito:username").id_tokens(),
            true => facts.audience("client_id"),
            false => facts,
        };
        facts.identity().map(Finding::Identity)
    }
}

/// Every access token is a JWT of its pool's issuer, so those of others are nothing to ask the pool about, once it is known.
fn checks(userinfo: Request, issuer: &str) -> Vec<Check> {
    if issuer.is_empty() {
        return vec![Check::any(userinfo)];
    }
    vec![
        Check::jwt_from(vec![issuer.into()], userinfo),
        Check::refuse_others("the token is none of the pool of `user_pool_id`"),
    ]
}

fn takes_id(context: &Context) -> bool {
    context.text("token_use") == "id"
}
