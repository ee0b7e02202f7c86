//! Which route a request matches: host, then the longest path, then the method. Nothing else of a request counts, so no
//! header and no query can turn a route public. What could move it elsewhere behind the gateway is found here too.

use super::Request;
use crate::config::RouteConfig;
use http::{HeaderName, HeaderValue, Method};
use portcullis_core::header::is_method_override;
use std::sync::Arc;

/// The route of a request.
///
/// Routes that name the request's host come before those for any host, whatever their paths. Among the routes with the
/// longest matching path the method decides; where none of them takes it, the request has no route: it does not fall
/// through to a shorter path, which may be guarded less.
pub(super) fn find<'a>(routes: &'a [Arc<RouteConfig>], request: &Request<'_>) -> Option<&'a Arc<RouteConfig>> {
    find_by(routes, request, &|prefix| request.target.has_prefix(prefix))
}

/// Whether a lenient and a strict server could take the request for different routes' matter. Whatever lies between the two
/// readings agrees with them where they agree: a plain slash ends a segment to everybody, and dot segments are never let in.
pub(super) fn is_ambiguous(routes: &[Arc<RouteConfig>], request: &Request<'_>, found: &RouteConfig) -> bool {
    let strict = |prefix: &str| request.target.has_prefix_as_written(prefix);
    !request.target.oddities().is_empty()
        && find_by(routes, request, &strict).is_none_or(|other| other.index != found.index)
}

/// Whether a header, or a parameter in the query, lets an upstream that honours such take the request for another method's, whose
/// route is another. (Rails, Laravel, Symfony and others look for `_method` in a form too, which is not looked at here.)
pub(super) fn is_overridden(routes: &[Arc<RouteConfig>], request: &Request<'_>, found: &RouteConfig) -> bool {
    let is_elsewhere = |method: &[u8]| {
        let Ok(method) = Method::from_bytes(&method.trim_ascii().to_ascii_uppercase()) else { return true };
        find(routes, &Request { method: &method, ..*request }).is_none_or(|other| other.index != found.index)
    };
    let by_header = |(name, value): (&HeaderName, &HeaderValue)| {
        is_method_override(name.as_str()) && is_elsewhere(value.as_bytes())
    };
    routes.iter().any(|route| !route.matches.methods.is_empty())
        && (request.headers.iter().any(by_header)
            || request.target.query_values("_method").any(|value| is_elsewhere(value.as_bytes())))
}

fn find_by<'a>(
    routes: &'a [Arc<RouteConfig>],
    request: &Request<'_>,
    has_prefix: &dyn Fn(&str) -> bool,
) -> Option<&'a Arc<RouteConfig>> {
    let on_path = |route: &&Arc<RouteConfig>| has_prefix(&route.matches.path);
    let named = |route: &&Arc<RouteConfig>| route.matches.host.as_deref() == Some(request.target.host());
    let host_is_named = routes.iter().any(|route| named(&route) && on_path(&route));
    let of_host = |route: &&Arc<RouteConfig>| if host_is_named { named(route) } else { route.matches.host.is_none() };
    let longest = routes.iter().filter(of_host).filter(on_path).map(|route| route.matches.path.len()).max()?;
    let candidates =
        || routes.iter().filter(of_host).filter(on_path).filter(|route| route.matches.path.len() == longest);
    // One that names the method comes before one for any method.
    candidates()
        .find(|route| route.matches.methods.iter().any(|method| method == request.method.as_str()))
        .or_else(|| candidates().find(|route| route.matches.methods.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Access, RouteMatch};
    use http::HeaderMap;
    use portcullis_core::target::NormalTarget;

    fn route(index: usize, host: Option<&str>, path: &str, methods: &[&str]) -> Arc<RouteConfig> {
        Arc::new(RouteConfig {
            index,
            matches: RouteMatch {
                host: host.map(str::to_owned),
                path: path.to_owned(),
                methods: methods.iter().map(ToString::to_string).collect(),
            },
            ..crate::decision::headers::tests::route(Access::Public)
        })
    }

    fn index(routes: &[Arc<RouteConfig>], method: Method, host: &str, path: &str) -> Option<usize> {
        let target = NormalTarget::parse(path, &[host], method.as_str()).unwrap();
        let headers = HeaderMap::new();
        find(routes, &Request { method: &method, target: &target, headers: &headers }).map(|route| route.index)
    }

    #[test]
    fn host_then_longest_path_then_method() {
        let routes = [
            route(0, None, "", &[]),
            route(1, None, "/rest", &["GET"]),
            route(2, None, "/rest/admin", &[]),
            route(3, Some("api.example.com"), "", &[]),
            route(4, None, "/rest/admin", &["GET"]),
        ];
        assert_eq!(index(&routes, Method::GET, "x", "/"), Some(0));
        assert_eq!(index(&routes, Method::GET, "x", "/restless"), Some(0));
        assert_eq!(index(&routes, Method::GET, "x", "/rest/a"), Some(1));
        assert_eq!(index(&routes, Method::POST, "x", "/rest/a"), None, "never down to a shorter path");
        assert_eq!(index(&routes, Method::POST, "x", "/rest/admin/1"), Some(2));
        assert_eq!(index(&routes, Method::GET, "x", "/rest/admin"), Some(4));
        assert_eq!(index(&routes, Method::GET, "api.example.com", "/rest/a"), Some(3));
        assert_eq!(index(&routes[1..3], Method::GET, "x", "/"), None);
    }
}
