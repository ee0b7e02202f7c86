//! What a configuration that is right lets in more easily than its author may think: said by `check`, at start and after a
//! reload.

use crate::config::{Access, Configuration};
use crate::decision::Snapshot;
use crate::provider::{Provider, Readiness};
use portcullis_core::policy::is_email_by_name;
use std::fmt;

/// One warning, and the part of the file that it is about.
pub(super) struct Warning {
    pub(super) place: String,
    pub(super) text: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

/// All warnings about a configuration, in the order of the file.
pub(super) fn of(configuration: &Configuration, snapshot: &Snapshot) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for config in &configuration.providers {
        let mut warn = |text: String| warnings.push(Warning { place: format!("providers.{}", config.name), text });
        match (config.any_audience, config.audience.is_empty()) {
            (true, true) => warn("any_audience: a token passes whatever application it was issued to".to_owned()),
            (true, false) => {
                warn("any_audience: means nothing beside `audience`, which every token is held to".to_owned())
            }
            (false, _) => {}
        }
        if !config.naming.require_verified_email
            && let Some(name) = snapshot.provider(&config.name).and_then(|provider| username_is_email(provider))
        {
            warn(format!(
                "the username is an e-mail address (`{name}`), which whoever has an account may have chosen: set \
                 `username: {{require_verified_email: true}}`, or another `username_attribute`"
            ));
        }
    }
    for route in &configuration.routes {
        let mut warn = |text: String| warnings.push(Warning { place: format!("routes[{}]", route.index), text });
        if let (Access::Providers(names), true) = (&route.access, route.fall_through) {
            let names = names.join(", ");
            warn(format!("falls through: a token that one of these refuses is shown to the next: {names}"));
        }
        if route.observe {
            warn("only observes: every request passes untouched, whoever sends it".to_owned());
        }
    }
    warnings
}

/// The attribute that is an e-mail address, if one of those that may become the username is: those that are configured, or the
/// plan's first one.
fn username_is_email(provider: &Provider) -> Option<String> {
    let configured = &provider.config().username_attributes;
    if !configured.is_empty() {
        return configured.iter().find(|name| is_email_by_name(name)).cloned();
    }
    match &*provider.readiness() {
        Readiness::Ready(plan) => {
            let first = plan.plan().username_attributes.first().map(|hint| hint.name.clone());
            first.filter(|name| is_email_by_name(name))
        }
        Readiness::Waiting { .. } => None,
    }
}
