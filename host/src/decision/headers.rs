//! An identity as the headers that an upstream is given.

use crate::config::{Fact, HeaderValues, RouteConfig};
use http::{HeaderName, HeaderValue};
use portcullis_core::denial::Denial;
use portcullis_core::header;
use portcullis_core::identity::Identity;

/// The identity headers of a route, one value each. A fact that the provider does not tell has no header.
///
/// # Errors
///
/// 403 for a value that is not all visible ASCII, unless the route has it encoded: two people must never become one.
pub(super) fn identity_headers(
    route: &RouteConfig,
    identity: &Identity,
) -> Result<Vec<(HeaderName, HeaderValue)>, Denial> {
    let encode = route.header_values == HeaderValues::PercentEncode;
    let mut headers = Vec::with_capacity(route.identity_headers.len());
    for (name, fact) in &route.identity_headers {
        let refuse = |reason: String| Denial::Forbidden { reason: format!("header {name}: {reason}") };
        let list = |values: &Option<Vec<String>>, separator: char| {
            values.as_ref().map(|values| {
                let values: Vec<&str> = values.iter().map(String::as_str).collect();
                header::render(&values, separator, encode)
            })
        };
        let rendered = match fact {
            Fact::Username => Some(header::render_one(&identity.username, encode)),
            Fact::Subject => identity.subject.as_deref().map(|subject| header::render_one(subject, encode)),
            Fact::Email => identity.email.as_ref().map(|email| header::render_one(&email.address, encode)),
            Fact::Groups => list(&identity.groups, ','),
            Fact::Scopes => list(&identity.scopes, ' '),
            Fact::Attribute(path) => {
                let found = identity.attributes.iter().find(|attribute| attribute.path == *path);
                found.map(|attribute| {
                    let values: Vec<&str> = attribute.values.iter().map(String::as_str).collect();
                    header::render(&values, ',', encode)
                })
            }
        };
        let Some(rendered) = rendered else { continue };
        let text = rendered.map_err(|error| refuse(error.to_string()))?;
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| refuse(error.to_string()))?;
        headers.push((name, HeaderValue::from_str(&text).map_err(|error| refuse(error.to_string()))?));
    }
    Ok(headers)
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
            basic_auth: BasicAuth::Block,
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

    #[test]
    fn a_value_that_is_not_visible_ascii_is_refused_or_encoded() {
        let mut route = route(Access::Public);
        let joerg = identity("jörg", &["/Küche", "a,b"]);
        assert!(matches!(identity_headers(&route, &joerg), Err(Denial::Forbidden { .. })));
        route.header_values = HeaderValues::PercentEncode;
        let headers = identity_headers(&route, &joerg).unwrap();
        assert_eq!(headers[0].1, "j%C3%B6rg");
        assert_eq!(headers[1].1, "/K%C3%BCche,a%2Cb");
    }

    #[test]
    fn a_group_that_holds_the_separator_does_not_become_two() {
        let joe = identity("joe", &["staff,admins"]);
        assert!(matches!(identity_headers(&route(Access::Public), &joe), Err(Denial::Forbidden { .. })));
    }
}
