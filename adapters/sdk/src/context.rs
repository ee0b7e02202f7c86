//! Reading what every call is given: the settings, the attributes wanted as username, the facts wanted.
//!
//! The gateway has checked the settings against `describe`. A getter must never fail on what a description rules out: it
//! gives the empty value, and the plan that comes of it is refused, not trusted.

use crate::{Context, Problem, Setting, SettingValue, url};

impl Context {
    /// A setting of kind text, base-url or url; the empty text where it is not set.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        match self.value(name) {
            Some(SettingValue::Text(text)) => text,
            _ => "",
        }
    }

    /// A setting of kind texts; empty where it is not set.
    #[must_use]
    pub fn texts(&self, name: &str) -> &[String] {
        match self.value(name) {
            Some(SettingValue::Texts(texts)) => texts,
            _ => &[],
        }
    }

    /// A setting of kind flag; false where it is not set.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.value(name), Some(SettingValue::Flag(true)))
    }

    /// Whether the setting is there, of whatever kind.
    #[must_use]
    pub fn is_set(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// Whether the setting `mode` has this value.
    #[must_use]
    pub fn mode(&self, mode: &str) -> bool {
        self.text("mode") == mode
    }

    /// Whether some route needs this fact (`groups`, `email`, `scopes`, `attributes`).
    #[must_use]
    pub fn wants(&self, fact: &str) -> bool {
        self.wanted.iter().any(|wanted| wanted == fact)
    }

    fn value(&self, name: &str) -> Option<&SettingValue> {
        self.settings.iter().find_map(|Setting { name: set, value }| (set == name).then_some(value))
    }
}

/// What is wrong with the settings, collected: an administrator wants to hear all of it at once.
#[derive(Debug, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Nothing is wrong yet.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Blames a setting: what is wrong with it, and what would be right.
    pub fn add(&mut self, setting: &str, problem: impl Into<String>, remedy: impl Into<String>) {
        self.0.push(Problem { setting: Some(setting.into()), problem: problem.into(), remedy: remedy.into() });
    }

    /// A setting's value as one segment of a path; blames it where it is none.
    pub fn segment(&mut self, context: &Context, setting: &str) -> String {
        let value = context.text(setting);
        url::segment(value).unwrap_or_else(|| {
            let problem = if value.is_empty() {
                "is empty".into()
            } else {
                format!("is one path segment, and `{value}` is none")
            };
            self.add(setting, problem, "write the name as the provider's console shows it");
            String::new()
        })
    }

    /// A base-url that must be a host alone, without a path; blames it where there is one.
    pub fn host_only<'a>(&mut self, context: &'a Context, setting: &str) -> &'a str {
        let base = context.text(setting);
        if !url::path(base).is_empty() {
            self.add(setting, "has a path, and only a host is wanted", "write the host alone, as in `id.example.com`");
        }
        base
    }

    /// The issuer of the setting [`crate::issuer`], else `derived`; blames the setting where its value is no issuer.
    ///
    /// Braces are refused, since rules for signatures take a `{claim}` in an issuer for that claim of the token.
    pub fn issuer(&mut self, context: &Context, derived: impl Into<String>) -> String {
        let issuer = context.text("issuer");
        if issuer.is_empty() {
            return derived.into();
        }
        let plain = issuer.bytes().all(|byte| byte.is_ascii_graphic()) && !issuer.contains(['?', '#', '{', '}']);
        if !plain || url::origin(issuer).is_none() {
            let problem = format!("is no issuer: `{issuer}`");
            self.add("issuer", problem, "write it as tokens have it in `iss`, as in `https://id.example.com`");
        }
        issuer.into()
    }

    /// What a call made as a client needs, for a plan that has such a call only once its documents are there: what is
    /// missing is said before anybody is asked. (Of every other plan the gateway sees it by itself.)
    pub fn client(&mut self, context: &Context) {
        let needed: &[&str] = match context.text("client_auth") {
            "none" => &[],
            "private_key_jwt" => &["client_id", "client_key"],
            "mtls" => &["client_id"],
            _ => &["client_id", "client_secret"],
        };
        for name in needed.iter().filter(|name| !context.is_set(name)) {
            self.add(name, "is missing: this check is made as a client of the provider", "write that of your client");
        }
    }

    /// # Errors
    /// The problems, if there are any.
    pub fn check(self) -> Result<(), crate::PlanError> {
        if self.0.is_empty() { Ok(()) } else { Err(crate::PlanError::Settings(self.0)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn an_issuer_is_taken_to_the_letter_or_refused() {
        let read = |issuer: &str| {
            let mut problems = Problems::none();
            let issuer = problems.issuer(&testing::context(&[("issuer", issuer)], &[], &[]), "https://derived");
            problems.check().map(|()| issuer).map_err(|_| ())
        };
        assert_eq!(read(""), Ok("https://derived".into()));
        for issuer in ["https://Sso.example/realms/staff", "https://x.example/", "http://x.example:8080/a%20b"] {
            assert_eq!(read(issuer), Ok(issuer.into()));
        }
        for other in [
            "sso.example.com",
            "https://x.example/{tid}/v2.0",
            "https://x.example/a b",
            "https://x.example/ü",
            "https://x.example/\n",
            "https://x.example/?a",
            "https://x.example/#a",
            "https://u@x.example/",
            "https://",
            "ftp://x.example",
        ] {
            assert!(read(other).is_err(), "{other}");
        }
    }
}
