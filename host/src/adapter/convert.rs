//! Between the contract's generated types and the words of the core. What an adapter says is checked here once.

use super::contract::{self, Finding};
use portcullis_core::credential::claims_all_jwts;
use portcullis_core::identity::{Actor, Attribute, Email, Identity, Moment};
use portcullis_core::refusal::{Cause, Refusal};
use portcullis_core::setting::{CredentialKind, Description, RESERVED, SettingKind, SettingSpec};
use portcullis_core::text::acts;
use std::fmt::Write as _;

/// A checked description, or what is wrong with it.
pub(super) fn description(found: contract::Description) -> Result<Description, String> {
    let settings: Vec<SettingSpec> = found.settings.into_iter().map(spec).collect();
    let mut seen = std::collections::BTreeSet::new();
    for setting in &settings {
        let name = setting.name.as_str();
        let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !plain {
            return Err(format!("setting `{}`: a name is lower-case letters, digits and `_`", name.escape_debug()));
        }
        if RESERVED.contains(&name) {
            return Err(format!("setting `{name}` belongs to the gateway"));
        }
        if !seen.insert(name) {
            return Err(format!("setting `{name}` is described twice"));
        }
    }
    if let Some(setting) =
        settings.iter().find(|s| s.only_when.as_ref().is_some_and(|(other, _)| !seen.contains(other.as_str())))
    {
        return Err(format!("setting `{}` depends on a setting that is not described", setting.name));
    }
    if found.title.trim().is_empty() || found.title.chars().count() > 64 {
        return Err("the title is empty or longer than 64 characters".to_owned());
    }
    if let Some(what) = acting(&found.title, &found.version, &found.about, found.documentation.as_deref(), &settings) {
        return Err(format!("the text of {what} holds a control character, which would act on a terminal"));
    }
    if let Some(prefix) = found.token_prefixes.iter().find(|prefix| prefix.contains(acts)) {
        return Err(format!("the token prefix `{}` holds a control character", prefix.escape_debug()));
    }
    if let Some(prefix) = found.token_prefixes.iter().find(|prefix| claims_all_jwts(prefix)) {
        return Err(format!("the token prefix `{}` claims the JWTs of every issuer", prefix.escape_debug()));
    }
    if found.credentials.is_empty() {
        return Err("it takes no kind of credential".to_owned());
    }
    Ok(Description {
        title: found.title,
        version: found.version,
        about: found.about,
        documentation: found.documentation,
        credentials: found.credentials.into_iter().map(credential_kind).collect(),
        settings,
        token_prefixes: found.token_prefixes,
    })
}

/// Which text of a description is not one line of visible characters; of `about`, lines.
fn acting(
    title: &str,
    version: &str,
    about: &str,
    documentation: Option<&str>,
    settings: &[SettingSpec],
) -> Option<String> {
    let own = [("its title", title), ("its version", version), ("its link", documentation.unwrap_or_default())];
    if let Some((what, _)) = own.into_iter().find(|(_, text)| text.contains(acts)) {
        return Some(what.to_owned());
    }
    if about.contains(|c| c != '\n' && acts(c)) {
        return Some("what it is about".to_owned());
    }
    let setting = settings.iter().find(|setting| {
        let condition = setting.only_when.iter().flat_map(|(_, values)| values);
        let choices = setting.choices.iter().flat_map(|(value, about)| [value, about]);
        let single = [Some(&setting.about), setting.example.as_ref(), setting.default.as_ref()];
        single.into_iter().flatten().chain(condition).chain(choices).any(|text| text.contains(acts))
    });
    setting.map(|setting| format!("setting `{}`", setting.name))
}

fn spec(found: contract::SettingSpec) -> SettingSpec {
    SettingSpec {
        name: found.name,
        kind: match found.kind {
            contract::SettingKind::Text => SettingKind::Text,
            contract::SettingKind::Flag => SettingKind::Flag,
            contract::SettingKind::Number => SettingKind::Number,
            contract::SettingKind::Texts => SettingKind::Texts,
            contract::SettingKind::Pairs => SettingKind::Pairs,
            contract::SettingKind::Secret => SettingKind::Secret,
            contract::SettingKind::BaseUrl => SettingKind::BaseUrl,
            contract::SettingKind::Url => SettingKind::Url,
        },
        about: found.about,
        example: found.example,
        default: found.default,
        required: found.required,
        only_when: found.only_when.map(|condition| (condition.setting, condition.one_of)),
        choices: found.choices.into_iter().map(|choice| (choice.value, choice.about)).collect(),
    }
}

fn credential_kind(found: contract::CredentialKind) -> CredentialKind {
    match found {
        contract::CredentialKind::Bearer => CredentialKind::Bearer,
        contract::CredentialKind::Basic => CredentialKind::Basic,
        contract::CredentialKind::ApiKey => CredentialKind::ApiKey,
    }
}

/// The core's identity.
#[must_use]
pub fn identity(found: contract::Identity) -> Identity {
    Identity {
        username: found.username,
        username_attribute: found.username_attribute,
        kind: match found.kind {
            contract::Actor::User => Actor::User,
            contract::Actor::Service => Actor::Service,
        },
        subject: found.subject,
        issuer: found.issuer,
        email: found.email.map(|email| Email { address: email.address, verified: email.verified }),
        groups: found.groups,
        scopes: found.scopes,
        audiences: found.audiences,
        client: found.client,
        confirmation: found.confirmation.into_iter().map(|pair| (pair.name, pair.value)).collect(),
        issued: found.issued.map(moment),
        not_before: found.not_before.map(moment),
        expires: found.expires.map(moment),
        attributes: found.attributes.into_iter().map(|a| Attribute { path: a.path, values: a.values }).collect(),
    }
}

/// The core's refusal.
#[must_use]
pub fn refusal(found: contract::Refusal) -> Refusal {
    Refusal {
        rule: None,
        cause: match found.cause {
            contract::Cause::InvalidToken => Cause::InvalidToken,
            contract::Cause::InsufficientScope => Cause::InsufficientScope,
            contract::Cause::Throttled => Cause::Throttled,
            contract::Cause::Unavailable => Cause::Unavailable,
            contract::Cause::Misconfigured => Cause::Misconfigured,
        },
        reason: super::sandbox::bounded_line(&found.reason),
        retry: found.retry.map(moment),
        scopes: found.scopes,
    }
}

fn moment(found: contract::Moment) -> Moment {
    match found {
        contract::Moment::At(at) => Moment::At(at),
        contract::Moment::After(seconds) => Moment::After(seconds),
    }
}

/// How much text a finding holds, counted without copying it.
pub(super) fn finding_bytes(found: &Result<Finding, contract::Refusal>) -> usize {
    let texts = |list: &Option<Vec<String>>| list.iter().flatten().map(|text| text.len() + 16).sum::<usize>();
    match found {
        Ok(Finding::Identity(identity)) => {
            let attributes =
                identity.attributes.iter().map(|a| a.path.len() + a.values.iter().map(|v| v.len() + 16).sum::<usize>());
            let bound = identity.confirmation.iter().map(|pair| pair.name.len() + pair.value.len());
            let single = [&identity.subject, &identity.issuer, &identity.client];
            identity.username.len()
                + identity.username_attribute.len()
                + single.into_iter().flatten().map(String::len).sum::<usize>()
                + identity.email.as_ref().map_or(0, |email| email.address.len())
                + texts(&identity.groups)
                + texts(&identity.scopes)
                + texts(&identity.audiences)
                + attributes.sum::<usize>()
                + bound.sum::<usize>()
        }
        Ok(asked @ Finding::Ask(_)) => debug_bytes(asked),
        Err(refusal) => refusal.reason.len() + refusal.scopes.iter().map(|scope| scope.len() + 16).sum::<usize>(),
    }
}

/// The same for anything that is made at load time, by what it prints.
pub(super) fn debug_bytes<T: std::fmt::Debug>(found: &T) -> usize {
    struct Count(usize);
    impl std::fmt::Write for Count {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            self.0 += text.len();
            Ok(())
        }
    }
    let mut count = Count(0);
    // Writing into a counter cannot fail.
    let _ = write!(count, "{found:?}");
    count.0 / 2
}
