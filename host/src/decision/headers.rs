//! An identity as the headers that an upstream is given.

use crate::config::{Fact, HeaderValues, RouteConfig};
use http::{HeaderName, HeaderValue};
use portcullis_core::denial::{Denial, Kind};
use portcullis_core::header;
use portcullis_core::identity::Identity;
use std::sync::Arc;

/// A fact in one of the two encodings: what some route puts into a header.
pub(super) type Need = (Fact, HeaderValues);

/// A value, or why it cannot stand in a header.
type Rendered = Result<HeaderValue, Box<str>>;

/// The values that routes need of an identity, made once and used for every request: a value is a shared, counted text.
#[derive(Debug)]
pub(super) struct Encoded {
    needs: Arc<[Need]>,
    /// One for each need; `None` where the provider does not tell the fact.
    values: Box<[Option<Rendered>]>,
}

impl Encoded {
    /// Of the facts that are told.
    pub(super) fn of(identity: &Identity, needs: &Arc<[Need]>) -> Self {
        let value = |(fact, mode): &Need| {
            let text = rendered(fact, identity, *mode == HeaderValues::PercentEncode)?;
            Some(
                text.and_then(|text| HeaderValue::try_from(text).map_err(|error| error.to_string()))
                    .map_err(Into::into),
            )
        };
        Self { needs: Arc::clone(needs), values: needs.iter().map(value).collect() }
    }

    /// The same values, of somebody else.
    pub(super) fn again(&self, identity: &Identity) -> Self {
        Self::of(identity, &self.needs)
    }

    fn get(&self, fact: &Fact, mode: HeaderValues) -> Option<&Rendered> {
        let at = self.needs.iter().position(|need| need.1 == mode && need.0 == *fact)?;
        self.values.get(at)?.as_ref()
    }

    /// What it takes on the heap, about.
    pub(super) fn bytes(&self) -> usize {
        let told = self.values.iter().flatten();
        size_of_val(&*self.values)
            + told.map(|value| value.as_ref().map_or_else(|e| e.len(), HeaderValue::len)).sum::<usize>()
    }
}

/// A fact as text; `None` where the provider does not tell it.
fn rendered(fact: &Fact, identity: &Identity, encode: bool) -> Option<Result<String, String>> {
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

/// The identity headers of a route, one value each. A fact that the provider does not tell has no header.
///
/// # Errors
///
/// 403 for a value that is not all visible ASCII, unless the route has it encoded: two people must never become one.
pub(super) fn identity_headers(
    route: &RouteConfig,
    encoded: &Encoded,
) -> Result<Vec<(HeaderName, HeaderValue)>, Denial> {
    let mut headers = Vec::with_capacity(route.identity_headers.len());
    for (name, fact) in &route.identity_headers {
        let Some(value) = encoded.get(fact, route.header_values) else { continue };
        let refuse = |reason: &str| Denial::by("header_values", Kind::Forbidden, format!("header {name}: {reason}"));
        let value = value.as_ref().map_err(|reason| refuse(reason))?;
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| refuse(&error.to_string()))?;
        headers.push((name, value.clone()));
    }
    Ok(headers)
}

/// What a provider's routes put into headers.
pub(super) fn needs<'r>(routes: impl Iterator<Item = &'r RouteConfig>) -> Arc<[Need]> {
    let mut needs: Vec<Need> = Vec::new();
    for route in routes {
        for (_, fact) in &route.identity_headers {
            let need = (fact.clone(), route.header_values);
            if !needs.contains(&need) {
                needs.push(need);
            }
        }
    }
    needs.into()
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
                ("X-Remote-User".to_owned(), Fact::Username),
                ("X-Remote-Groups".to_owned(), Fact::Groups),
            ],
            header_values: HeaderValues::Refuse,
            keep_authorization: false,
            pass_cookies: false,
            refuse_query: Vec::new(),
            allow_in_path: Vec::new(),
        }
    }

    pub(crate) fn identity(username: &str, groups: &[&str]) -> Identity {
        let groups = Some(groups.iter().map(ToString::to_string).collect());
        Identity { groups, ..Identity::named(username, "username") }
    }

    fn headers_of(route: &RouteConfig, identity: &Identity) -> Result<Vec<(HeaderName, HeaderValue)>, Denial> {
        identity_headers(route, &Encoded::of(identity, &needs([route].into_iter())))
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
    fn a_group_that_holds_the_separator_does_not_become_two() {
        let joe = identity("joe", &["staff,admins"]);
        assert!(matches!(headers_of(&route(Access::Public), &joe), Err(Denial { kind: Kind::Forbidden, .. })));
    }
}
