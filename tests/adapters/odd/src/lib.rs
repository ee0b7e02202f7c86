//! An adapter that misbehaves as the setting `behave` says, in the call that the word's first half names. Without it, it is
//! an honest adapter for a userinfo endpoint at `/me`.
//!
//! `describe` has no settings: what it does is a word of fixed length in the binary, which tests overwrite there.

mod asking;
mod deeds;
mod planning;
mod search;

use portcullis_sdk::{
    Adapter, Answer, Context, CredentialKind, Description, Facts, Finding, PlanError, Refusal, Response, SettingKind,
    SettingSpec, Step, claims, register, setting,
};

/// The adapter.
#[derive(Debug)]
pub struct Odd;
register!(Odd);

impl Adapter for Odd {
    fn describe() -> Description {
        let mut description =
            Description::of("Odd", env!("CARGO_PKG_VERSION"), "Misbehaves as it is told.").settings([
                setting("host", "The provider.").base_url().required(),
                setting("behave", "What to do.").default("well"),
                setting("elsewhere", "Where a credential should not go; a text, so that it grants nothing.")
                    .default(""),
                setting("search", "What to look for in memory, each in hexadecimal with every bit turned.").texts(),
                SettingSpec { kind: SettingKind::Secret, ..setting("key", "Sent in `X-Key`, where it is set.") },
            ]);
        description.credentials.push(CredentialKind::Basic);
        match std::hint::black_box("describe:well") {
            "describe:loop" => deeds::run_forever(),
            "describe:trap" => panic!("as told"),
            "describe:huge" => description.about = "x".repeat(1024 * 1024),
            "describe:long" => description.title = "x".repeat(65),
            "describe:none" => description.credentials.clear(),
            "describe:name" => description.settings[1].name = "Be Have".into(),
            "describe:dupl" => description.settings[1].name = "host".into(),
            "describe:ours" => description.settings[1].name = "client_secret".into(),
            "describe:esct" => description.title = "Odd\u{1b}]0;owned\u{7}".into(),
            "describe:escv" => description.version = "1\u{9b}31m".into(),
            "describe:esca" => description.about = "Red: \u{1b}[31m".into(),
            "describe:escs" => description.settings[1].about = "x\rHost: safe".into(),
            "describe:escd" => description.settings[1].default = Some("well\u{202e}".into()),
            "describe:pref" => description.token_prefixes = vec!["ey".into()],
            "describe:when" => description.settings[1] = description.settings[1].clone().only_when("nobody", &["x"]),
            _ => {}
        }
        description
    }

    fn make_plan(context: &Context, documents: &[Response]) -> Result<Step, PlanError> {
        planning::plan(context, documents)
    }

    fn identify(context: &Context, answers: &[Answer]) -> Result<Finding, Refusal> {
        let behave = context.text("behave");
        if let Some(ask) = behave.strip_prefix("ask-") {
            return asking::ask(ask, context, answers);
        }
        if behave.starts_with("search") {
            return Ok(Finding::Identity(search::found(context, answers)));
        }
        if answers.len() == 1 && matches!(behave, "half-then-whole" | "plan-signed-ask-own" | "plan-signed-ask-other") {
            return Ok(asking::second(behave, context));
        }
        let claims = claims(context, answers)?;
        let mut identity = Facts::of_token(context, &claims).identity()?;
        deeds::perform(behave, &mut identity);
        Ok(Finding::Identity(identity))
    }
}
