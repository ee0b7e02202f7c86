//! `portcullis probe`: one token, one provider, everything that passes between them, and the decision that `serve` would
//! make. The administrator sees the attributes and picks the one that holds the username.

use super::out::{complain, say};
use super::{NO, WRONG, YES, world};
use crate::adapter::contract::{Answer, Content, Response};
use crate::decision::verdict_denial;
use crate::provider::{Exchange, Provider, Readiness, Seen, now};
use crate::regular;
use portcullis_core::credential::{Credential, Presented, read_authorization};
use portcullis_core::identity::Identity;
use portcullis_core::json;
use portcullis_core::refusal::Refusal;
use portcullis_core::text::one_line;
use std::path::Path;
use std::sync::Arc;

/// The largest token file, in bytes: more than the longest credential.
const TOKEN_FILE_BYTES_MAX: u64 = 64 * 1024;

pub(super) fn run(file: &Path, name: &str, token_file: &Path) -> u8 {
    let opened = world::machine().and_then(|machine| world::open(file, &machine));
    let world = match opened {
        Ok(world) => world,
        Err(code) => return code,
    };
    let Some(provider) = world.snapshot.provider(name) else {
        let known: Vec<&str> = world.configuration.providers.iter().map(|provider| provider.name.as_str()).collect();
        complain(format_args!("{}: has no provider `{name}`; it has: {}", file.display(), known.join(", ")));
        return WRONG;
    };
    let credential = match credential(token_file) {
        Ok(credential) => credential,
        Err(reason) => {
            complain(reason);
            return WRONG;
        }
    };
    let runtime = match world::runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    runtime.block_on(probe(provider, &credential, now()))
}

async fn probe(provider: &Arc<Provider>, credential: &Credential, now: i64) -> u8 {
    if let Err(reason) = provider.complete().await {
        complain(format_args!("the provider is not ready: {reason}"));
    }
    let seen = Seen::default();
    let verdict = provider.verdict(credential, Some(&seen)).await;
    let exchanges = seen.exchanges();
    for exchange in &exchanges {
        show(exchange);
    }
    if exchanges.is_empty() {
        say("Nobody was asked.");
    }
    let hints = match &*provider.readiness() {
        Readiness::Ready(plan) => {
            plan.plan().username_attributes.iter().map(|hint| (hint.name.clone(), hint.stable)).collect()
        }
        Readiness::Waiting { .. } => Vec::new(),
    };
    attributes(&exchanges, verdict.as_ref().ok(), &hints, provider);
    conclude(verdict, now)
}

fn show(exchange: &Exchange) {
    say("Request (credential and secrets masked):");
    for line in exchange.request.iter().flat_map(|lines| lines.lines()) {
        say(format_args!("  {line}"));
    }
    match &exchange.answer {
        Err(fault) => say(format_args!("No answer: {fault}\n")),
        Ok(Answer::Verified(_)) => say("Verified: the signature, the issuer and the times hold.\n"),
        Ok(Answer::Response(answer)) => {
            say(format_args!("Answer: {}{}", answer.status, content_words(answer)));
            for pair in answer
                .headers
                .iter()
                .filter(|pair| matches!(pair.name.as_str(), "www-authenticate" | "content-type" | "retry-after"))
            {
                say(format_args!("  {}: {}", pair.name, one_line(&pair.value)));
            }
            say("");
        }
    }
}

fn content_words(answer: &Response) -> &'static str {
    match &answer.body {
        Content::Empty => ", without a body",
        Content::Json(_) => ", JSON",
        Content::Other(_) => ", with a body that is no usable JSON",
    }
}

/// The table of attributes, the username's marked, and what to do where it is absent.
fn attributes(exchanges: &[Exchange], identity: Option<&Identity>, hints: &[(String, bool)], provider: &Provider) {
    let answers = exchanges.iter().filter_map(|exchange| exchange.answer.as_ref().ok());
    let told = answers.filter_map(|answer| match answer {
        Answer::Verified(verified) => Some(&verified.claims),
        Answer::Response(response) => match &response.body {
            Content::Json(text) if (200..300).contains(&response.status) => Some(text),
            _ => None,
        },
    });
    let found: Vec<(String, String)> = told.flat_map(|text| json::flatten(text)).collect();
    if found.is_empty() {
        return;
    }
    let configured = &provider.config().username_attributes;
    let wanted: Vec<&str> = match configured.is_empty() {
        true => hints.iter().take(1).map(|(name, _)| name.as_str()).collect(),
        false => configured.iter().map(String::as_str).collect(),
    };
    let used = identity.map(|identity| identity.username_attribute.as_str());
    let width = found.iter().map(|(path, _)| path.chars().count()).max().unwrap_or(0).min(48);
    say("Attributes (* is the username):");
    for (path, value) in &found {
        let mark = if used == Some(path.as_str()) { '*' } else { ' ' };
        say(format_args!(" {mark} {path:width$}  {}", one_line(value)));
    }
    say("");
    if identity.is_none() && !wanted.iter().any(|name| found.iter().any(|(path, _)| path == name)) {
        say(format_args!("The username attribute {} is not in the answer.", wanted.join(", ")));
        let usable: Vec<String> = found
            .iter()
            .filter(|(path, value)| looks_usable(path, value, hints))
            .map(|(path, _)| match hints.iter().any(|(name, stable)| name == path && *stable) {
                true => format!("{path} (never given to anybody else)"),
                false => path.clone(),
            })
            .collect();
        match usable.is_empty() {
            true => say("None of the attributes looks like a username."),
            false => say(format_args!("These look usable, as `username_attribute`: {}", usable.join(", "))),
        }
        say("");
    }
}

/// A hint of the plan, or a short single word or address.
fn looks_usable(path: &str, value: &str, hints: &[(String, bool)]) -> bool {
    const NAMES: [&str; 9] =
        ["username", "user_name", "login", "preferred_username", "email", "upn", "sub", "nickname", "name"];
    let known = hints.iter().any(|(name, _)| name == path) || NAMES.contains(&path.rsplit('.').next().unwrap_or(path));
    known && !value.is_empty() && value.chars().count() <= 256 && !value.chars().any(|c| c.is_control())
}

fn conclude(verdict: Result<Identity, Refusal>, now: i64) -> u8 {
    match verdict {
        Ok(identity) => {
            say(format_args!(
                "Decision: yes, as {} (from {})",
                one_line(&identity.username),
                one_line(&identity.username_attribute)
            ));
            YES
        }
        Err(refusal) => {
            let cause = refusal.cause.word();
            let denial = verdict_denial(refusal, now);
            let (status, word, reason) = (denial.status(), denial.word(), one_line(&denial.reason));
            if let Some(rule) = denial.rule {
                say(format_args!("Refused by: `{rule}` of the provider"));
            }
            say(format_args!("Decision: no, {status} {word} ({cause}): {reason}"));
            NO
        }
    }
}

/// The token of a file, read as if it had come in a header.
fn credential(file: &Path) -> Result<Credential, String> {
    let read = match file == Path::new("-") {
        true => regular::read_input(TOKEN_FILE_BYTES_MAX),
        false => regular::read(file, TOKEN_FILE_BYTES_MAX),
    };
    let bytes =
        read.map_err(|unread| format!("{}: cannot be read: {unread}; `-` is standard input", file.display()))?;
    let text = String::from_utf8(bytes).map_err(|_| format!("{}: is no token: it is not UTF-8", file.display()))?;
    let text = text.trim();
    if text.is_empty() {
        return Err(format!("{}: is empty; put the bare token into it", file.display()));
    }
    let lower = text.get(..7).unwrap_or_default().to_ascii_lowercase();
    let header =
        if lower == "bearer " || lower.starts_with("basic ") { text.to_owned() } else { format!("Bearer {text}") };
    match read_authorization(std::iter::once(header.as_bytes())) {
        Presented::Credential(credential) => Ok(credential),
        Presented::Malformed(reason) => Err(format!("{}: is no token: {reason}", file.display())),
        Presented::Nothing | Presented::UnknownScheme => Err(format!("{}: is no token", file.display())),
    }
}
