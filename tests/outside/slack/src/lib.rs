//! Slack, which answers 200 to everything: whose a token is, and that it is nobody's, both stand in the body of `auth.test`.

use exports::portcullis::adapter::provider::*;
use serde_json::{Map, Value};

wit_bindgen::generate!({ path: "wit", world: "adapter" });
export!(Slack);

struct Slack;

impl Guest for Slack {
    /// What people see; the gateway checks settings against it before `make_plan`.
    fn describe() -> Description {
        let teams = SettingSpec {
            name: "teams".into(),
            kind: SettingKind::Texts,
            about: "Ids of the workspaces whose members may pass.".into(),
            example: Some("[T12345678]".into()),
            default: None,
            required: true,
            only_when: None,
            choices: Vec::new(),
        };
        Description {
            title: "Slack".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            about: "Checks Slack's user tokens by asking Slack whose they are; they need no scope for that.".into(),
            documentation: Some("https://docs.slack.dev/reference/methods/auth.test".into()),
            credentials: vec![CredentialKind::Bearer],
            settings: vec![teams],
            token_prefixes: vec!["xoxp-".into(), "xoxb-".into(), "xoxe.xoxp-".into(), "xoxe.xoxb-".into()],
        }
    }

    /// How a token is checked. The first check whose shape fits is made.
    fn make_plan(context: Context, _: Vec<Response>) -> Result<Step, PlanError> {
        if let Some(team) = teams(&context).iter().find(|team| !team.starts_with('T')) {
            return Err(PlanError::Settings(vec![Problem {
                setting: Some("teams".into()),
                problem: format!("has `{team}`, which is no workspace's id"),
                remedy: "write the ids, which begin with T: the `team_id` that `auth.test` answers".into(),
            }]));
        }
        let asked = Request {
            label: "auth.test".into(),
            method: Verb::Post,
            url: "https://slack.com/api/auth.test".into(),
            headers: vec![Header { name: "Accept".into(), value: vec![Source::Text("application/json".into())] }],
            authorization: Authorization::Bearer,
            body: Body::None,
            signed: None,
        };
        let refresh = "a refresh token (xoxe-) is nobody's credential".into();
        Ok(Step::Ready(Plan {
            checks: vec![
                Check { when: Shape::Prefixed(vec!["xoxe-".into()]), how: Method::Refuse(refresh) },
                Check { when: Shape::Opaque, how: Method::Call(asked) },
            ],
            origins: Vec::new(),
            username_attributes: vec![
                AttributeHint { name: "user".into(), stable: false },
                AttributeHint { name: "user_id".into(), stable: true },
            ],
            // `auth.test` does not tell to which application a user gave the token.
            binding: Binding::None,
            issuers: Vec::new(),
            endpoints: Endpoints {
                authorize: Some("https://slack.com/oauth/v2/authorize".into()),
                token: Some("https://slack.com/api/oauth.v2.access".into()),
                device: None,
                revoke: None,
                scopes: Vec::new(),
                pkce: Vec::new(),
                authorize_parameters: Vec::new(),
            },
            notes: vec!["members can change the name `user`; `user_id` stays".into()],
        }))
    }

    /// What the answer means. In doubt the provider is to blame, never the token.
    fn identify(context: Context, answers: Vec<Answer>) -> Result<Finding, Refusal> {
        let Some(Answer::Response(response)) = answers.first() else {
            return Err(refusal(Cause::Unavailable, "no answer"));
        };
        let said = said(response)?;
        match (said.get("ok"), said.get("error").and_then(Value::as_str)) {
            (Some(Value::Bool(true)), _) => {}
            (Some(Value::Bool(false)), Some(error)) => return Err(refusal(cause(error), error)),
            _ => return Err(refusal(Cause::Unavailable, "the answer has no `ok`")),
        }
        let text = |name: &str| said.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        // A token of anybody's workspace is a good one to Slack.
        if !text("team_id").is_some_and(|team| teams(&context).iter().any(|allowed| allowed == team)) {
            return Err(refusal(Cause::InvalidToken, "is of a workspace that is not in `teams`"));
        }
        let default = ["user".to_owned()];
        let names = if context.username_attributes.is_empty() { &default[..] } else { &context.username_attributes };
        // The first that is there; another is never taken for it.
        let there = |name: &String| said.get(name).filter(|value| !value.is_null() && *value != "");
        let Some((name, username)) = names.iter().find_map(|name| Some((name, there(name)?))) else {
            return Err(refusal(Cause::InvalidToken, "the answer has none of the username's attributes"));
        };
        let Some(username) = username.as_str() else {
            return Err(refusal(Cause::InvalidToken, "the username's attribute is no text"));
        };
        let scopes = response.headers.iter().find(|header| header.name == "x-oauth-scopes");
        let wanted = context.wanted.iter().any(|wanted| wanted == "attributes");
        let texts = said.iter().filter_map(|(name, value)| Some((name, value.as_str()?)));
        let attributes = texts.map(|(name, text)| Attribute { path: name.clone(), values: vec![text.into()] });
        Ok(Finding::Identity(Identity {
            username: username.into(),
            username_attribute: name.clone(),
            kind: if said.contains_key("bot_id") { Actor::Service } else { Actor::User },
            subject: text("user_id").map(str::to_owned),
            issuer: None,
            email: None,
            groups: None,
            scopes: scopes.map(|header| header.value.split(',').map(|scope| scope.trim().to_owned()).collect()),
            audiences: None,
            client: None,
            confirmation: Vec::new(),
            issued: None,
            not_before: None,
            expires: None,
            attributes: if wanted { attributes.collect() } else { Vec::new() },
        }))
    }
}

/// The object that Slack answered. The gateway has checked it: UTF-8, not too deep, no member twice.
fn said(response: &Response) -> Result<Map<String, Value>, Refusal> {
    let retry = response.headers.iter().find(|header| header.name == "retry-after");
    let retry = retry.and_then(|header| Some(Moment::After(header.value.parse().ok()?)));
    match (response.status, &response.body) {
        (200, Content::Json(text)) => {
            serde_json::from_str(text).map_err(|_| refusal(Cause::Unavailable, "the answer is no JSON object"))
        }
        (429, _) => Err(Refusal { retry, ..refusal(Cause::Throttled, "429") }),
        (status, _) => Err(refusal(Cause::Unavailable, &format!("{status}, where 200 and JSON are expected"))),
    }
}

/// Which of Slack's errors speak of the token.
fn cause(error: &str) -> Cause {
    match error {
        "invalid_auth" | "token_expired" | "token_revoked" | "account_inactive" | "not_allowed_token_type" => {
            Cause::InvalidToken
        }
        "ratelimited" => Cause::Throttled,
        _ => Cause::Unavailable,
    }
}

fn teams(context: &Context) -> &[String] {
    let found = context.settings.iter().find(|setting| setting.name == "teams").map(|setting| &setting.value);
    if let Some(SettingValue::Texts(teams)) = found { teams } else { &[] }
}

fn refusal(cause: Cause, reason: &str) -> Refusal {
    Refusal { cause, reason: reason.into(), retry: None, scopes: Vec::new() }
}
