//! How an adapter describes itself and its settings.
//!
//! Builders, so that a description reads like the table in the provider's documentation. What is described here is
//! checked by the gateway before `make-plan` sees it: an adapter must never repeat those checks.

use crate::{Choice, Condition, CredentialKind, Description, SettingKind, SettingSpec};

impl Description {
    /// An adapter for bearer tokens. `version` is `env!("CARGO_PKG_VERSION")` of the adapter; `about` one to three
    /// sentences.
    #[must_use]
    pub fn of(title: &str, version: &str, about: &str) -> Self {
        Self {
            title: title.into(),
            version: version.into(),
            about: about.into(),
            documentation: None,
            credentials: vec![CredentialKind::Bearer],
            settings: Vec::new(),
            token_prefixes: Vec::new(),
        }
    }

    /// Where the provider documents what the adapter relies on: an https URL.
    #[must_use]
    pub fn documentation(mut self, url: &str) -> Self {
        self.documentation = Some(url.into());
        self
    }

    /// Checks Basic pairs (RFC 7617), and no bearer tokens.
    #[must_use]
    pub fn basic(mut self) -> Self {
        self.credentials = vec![CredentialKind::Basic];
        self
    }

    /// Settings, in the order in which a person would read them, after those that are there.
    #[must_use]
    pub fn settings<const N: usize>(mut self, settings: [SettingSpec; N]) -> Self {
        self.settings.extend(settings);
        self
    }

    /// Starts of tokens that belong to this provider alone.
    #[must_use]
    pub fn token_prefixes(mut self, prefixes: &[&str]) -> Self {
        self.token_prefixes = prefixes.iter().map(ToString::to_string).collect();
        self
    }
}

/// A setting of kind text that may be left out; `about` is one sentence for the administrator.
#[must_use]
pub fn setting(name: &str, about: &str) -> SettingSpec {
    SettingSpec {
        name: name.into(),
        kind: SettingKind::Text,
        about: about.into(),
        example: None,
        default: None,
        required: false,
        only_when: None,
        choices: Vec::new(),
    }
}

/// The setting `mode`: how a credential is checked. The first mode is the default.
#[must_use]
pub fn mode(modes: &[(&str, &str)]) -> SettingSpec {
    setting("mode", "How a token is checked.").choices(modes)
}

/// The setting `issuer`, for [`crate::Problems::issuer`]: beside the setting that says where the provider is reached, since a
/// server that is reached by an internal name signs its tokens under its public one.
#[must_use]
pub fn issuer(example: &str) -> SettingSpec {
    let about = "The issuer to the letter as tokens have it in `iss`, where it is not the one that follows from the address above (a server that is reached by an internal name).";
    setting("issuer", about).example(example)
}

/// The setting `method`, for [`crate::request::userinfo_as_set`].
#[must_use]
pub fn method() -> SettingSpec {
    setting("method", "How the endpoint is asked.").choices(&[("GET", "A GET."), ("POST", "A POST without a body.")])
}

/// The settings of an adapter that knows no provider's own names, for [`crate::Facts::as_set`].
#[must_use]
pub fn attributes() -> [SettingSpec; 3] {
    [
        setting("subject_attribute", "The attribute that is never renamed nor given to another person.").default("sub"),
        setting("email_attribute", "The attribute that is the e-mail address.").default("email"),
        setting("groups_attribute", "The attribute that has the groups: texts, or objects with a `name`.")
            .default("groups")
            .example("realm_access.roles"),
    ]
}

impl SettingSpec {
    /// It must be there, so it has no default.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self.default = None;
        self
    }

    /// `scheme://host[:port][/path]`; the gateway gives it normalised, without a slash at its end.
    #[must_use]
    pub fn base_url(mut self) -> Self {
        self.kind = SettingKind::BaseUrl;
        self
    }

    /// A URL with its query, the path as written.
    #[must_use]
    pub fn url(mut self) -> Self {
        self.kind = SettingKind::Url;
        self
    }

    /// `true` or `false`.
    #[must_use]
    pub fn flag(mut self) -> Self {
        self.kind = SettingKind::Flag;
        self
    }

    /// A list of texts.
    #[must_use]
    pub fn texts(mut self) -> Self {
        self.kind = SettingKind::Texts;
        self
    }

    /// As it would stand in YAML.
    #[must_use]
    pub fn example(mut self, example: &str) -> Self {
        self.example = Some(example.into());
        self
    }

    /// As it would stand in YAML. The gateway fills it in.
    #[must_use]
    pub fn default(mut self, default: &str) -> Self {
        self.default = Some(default.into());
        self
    }

    /// The only values allowed, and what each means; the first is the default.
    #[must_use]
    pub fn choices(mut self, choices: &[(&str, &str)]) -> Self {
        self.default = choices.first().map(|(value, _)| (*value).into());
        self.choices =
            choices.iter().map(|(value, about)| Choice { value: (*value).into(), about: (*about).into() }).collect();
        self
    }

    /// It has a meaning only while that setting has one of these values.
    #[must_use]
    pub fn only_when(mut self, setting: &str, one_of: &[&str]) -> Self {
        self.only_when =
            Some(Condition { setting: setting.into(), one_of: one_of.iter().map(ToString::to_string).collect() });
        self
    }
}
