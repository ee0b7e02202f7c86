//! An identity as the headers that an upstream is given.

use crate::config::{Fact, HeaderValues, RouteConfig};
use http::{HeaderName, HeaderValue};
use portcullis_core::denial::{Denial, Kind};
use portcullis_core::header;
use portcullis_core::identity::Identity;
use portcullis_core::list::List;
use std::collections::HashSet;
use std::sync::Arc;

/// A fact in one of the two encodings: what some route puts into a header.
pub(super) type Need = (Fact, HeaderValues);

/// The values that a provider's routes need of an identity, rendered once: for each need one text, of which the first byte says
/// what the rest is.
#[derive(Debug)]
pub(super) struct Encoded(List);

/// The provider does not tell the fact.
const UNTOLD: &str = "-";
/// The value follows.
const VALUE: &str = "=";
/// It cannot stand in a header; why follows.
const UNFIT: &str = "!";

impl Encoded {
    /// Of the facts that are told.
    pub(super) fn of(identity: &Identity, needs: &[Need]) -> Self {
        Self(List::of(needs.iter().map(|(fact, mode)| match rendered(fact, identity, *mode) {
            None => UNTOLD.to_owned(),
            Some(Ok(value)) => VALUE.to_owned() + &value,
            Some(Err(reason)) => UNFIT.to_owned() + &reason,
        })))
    }

    /// The same, but of this name.
    pub(super) fn renamed(&self, username: &str, needs: &[Need]) -> Self {
        let name = Self::of(&Identity::named(username, ""), needs);
        let both = needs.iter().zip(self.0.iter().zip(name.0.iter()));
        Self(List::of(both.map(|((fact, _), (old, new))| if *fact == Fact::Username { new } else { old })))
    }

    /// What it takes on the heap, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.0.bytes()
    }
}

/// A fact as the value of a header; `None` where the provider does not tell it.
fn rendered(fact: &Fact, identity: &Identity, mode: HeaderValues) -> Option<Result<String, String>> {
    let encode = mode == HeaderValues::PercentEncode;
    let one = |text: &str| header::render_one(text, encode);
    let list = |values: &[String], separator: char| {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        header::render(&values, separator, encode)
    };
    let rendered = match fact {
        Fact::Username => Some(one(&identity.username)),
        Fact::Subject => identity.subject.as_deref().map(one),
        Fact::Email => identity.email.as_ref().map(|email| one(&email.address)),
        Fact::Groups => identity.groups.as_ref().map(|groups| list(groups, ',')),
        Fact::Scopes => identity.scopes.as_ref().map(|scopes| list(scopes, ' ')),
        Fact::Attribute(path) => {
            let found = identity.attributes.iter().find(|attribute| attribute.path == *path);
            found.map(|attribute| list(&attribute.values, ','))
        }
    };
    rendered.map(|rendered| rendered.map_err(|error| error.to_string()))
}

/// The identity headers of a route, one value each. A fact that the provider does not tell has no header. `encoded` is of
/// `needs`.
///
/// # Errors
///
/// 403 for a value that is not all visible ASCII or holds a comma, unless the route has it encoded: two people must never become one.
pub(super) fn identity_headers(
    route: &RouteConfig,
    encoded: &Encoded,
    needs: &[Need],
) -> Result<Vec<(HeaderName, HeaderValue)>, Denial> {
    let mut headers = Vec::with_capacity(route.identity_headers.len());
    for (name, fact) in &route.identity_headers {
        let mut values = needs.iter().zip(encoded.0.iter());
        let found = values.find(|((of, mode), _)| *mode == route.header_values && of == fact);
        let Some((_, text)) = found else { continue };
        let refuse = |reason: &str| Denial::by("header_values", Kind::Forbidden, format!("header {name}: {reason}"));
        if let Some(value) = text.strip_prefix(VALUE) {
            let value = HeaderValue::from_str(value).map_err(|error| refuse(&error.to_string()))?;
            headers.push((name.clone(), value));
        } else if let Some(reason) = text.strip_prefix(UNFIT) {
            return Err(refuse(reason));
        }
    }
    Ok(headers)
}

/// What a provider's routes put into headers.
pub(super) fn needs<'r>(routes: impl Iterator<Item = &'r RouteConfig>) -> Arc<[Need]> {
    let mut seen = HashSet::new();
    let all =
        routes.flat_map(|route| route.identity_headers.iter().map(|(_, fact)| (fact.clone(), route.header_values)));
    all.filter(|need| seen.insert(need.clone())).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::config::{Access, BasicAuth, RouteMatch, UpstreamConfig};
    use std::time::Duration;

    pub(crate) fn route(access: Access) -> RouteConfig {
        RouteConfig {
            index: 0,
            matches: RouteMatch { host: None, path: String::new(), methods: Vec::new() },
            access,
            require: portcullis_core::policy::Require::default(),
            services: crate::config::Services::Refuse,
            observe: false,
            basic_auth: BasicAuth::Block,
            fall_through: false,
            cors: crate::config::Cors::None,
            upstream: UpstreamConfig {
                url: url::Url::parse("http://127.0.0.1:1/").unwrap(),
                timeout: Duration::from_secs(1),
                ca_pem: None,
            },
            identity_headers: vec![
                (HeaderName::from_static("x-remote-user"), Fact::Username),
                (HeaderName::from_static("x-remote-groups"), Fact::Groups),
            ],
            header_values: HeaderValues::Refuse,
            keep_authorization: false,
            pass_cookies: false,
            refuse_query: portcullis_core::target::QueryNames::default(),
            allow_in_path: Vec::new(),
        }
    }

    pub(crate) fn identity(username: &str, groups: &[&str]) -> Identity {
        let groups = Some(groups.iter().map(ToString::to_string).collect());
        Identity { groups, ..Identity::named(username, "username") }
    }

    fn headers_of(route: &RouteConfig, identity: &Identity) -> Result<Vec<(HeaderName, HeaderValue)>, Denial> {
        let needs = needs([route].into_iter());
        identity_headers(route, &Encoded::of(identity, &needs), &needs)
    }

    #[test]
    fn a_value_that_is_not_visible_ascii_is_refused_or_encoded() {
        let mut route = route(Access::Public);
        let joerg = identity("jörg", &["/Küche", "a,b"]);
        assert!(matches!(headers_of(&route, &joerg), Err(Denial { kind: Kind::Forbidden, .. })));
        route.header_values = HeaderValues::PercentEncode;
        let headers = headers_of(&route, &joerg).unwrap();
        assert_eq!(headers[0].1, "j%C3%B6rg");
        assert_eq!(headers[1].1, "/K%C3%BCche,a%2Cb");
    }

    #[test]
    fn a_program_has_its_own_name_and_what_else_was_told() {
        let mut route = route(Access::Public);
        route.identity_headers.push((HeaderName::from_static("x-mail"), Fact::Email));
        let needs = needs([&route].into_iter());
        let renamed = Encoded::of(&identity("ci", &["/bots"]), &needs).renamed("svc:ci", &needs);
        let headers = identity_headers(&route, &renamed, &needs).unwrap();
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        assert_eq!(headers, [("x-remote-user", &b"svc:ci"[..]), ("x-remote-groups", b"/bots")]);
    }

    #[test]
    fn a_group_that_holds_the_separator_does_not_become_two() {
        let joe = identity("joe", &["staff,admins"]);
        assert!(matches!(headers_of(&route(Access::Public), &joe), Err(Denial { kind: Kind::Forbidden, .. })));
    }
}
