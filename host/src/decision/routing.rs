//! Which route a request matches: host, then the longest path, then the method. Nothing else of a request counts, so no
//! header and no query can turn a route public. What could move it elsewhere behind the gateway is found here too.

use super::Request;
use crate::config::RouteConfig;
use http::Method;
use portcullis_core::header::{METHOD_OVERRIDES, METHOD_QUERY, is_method_override};
use portcullis_core::method;
use portcullis_core::target::QueryNames;
use std::sync::{Arc, LazyLock};

/// The route of a request.
///
/// Routes that name the request's host come before those for any host, whatever their paths. Among the routes with the
/// longest matching path the method decides; where none of them takes it, the request has no route: it does not fall
/// through to a shorter path, which may be guarded less.
pub(super) fn find<'a>(routes: &'a [Arc<RouteConfig>], request: &Request<'_>) -> Option<&'a Arc<RouteConfig>> {
    find_by(routes, request, &|prefix| request.target.has_prefix(prefix))
}

/// Whether two servers could take the request for different routes' matter: a lenient and a strict one, one that decodes the
/// path once more, one that parses the path that another server decoded. Whatever lies between the readings agrees with them
/// where they agree: a plain slash ends a segment to everybody, and dot segments are never let in.
pub(super) fn is_ambiguous(routes: &[Arc<RouteConfig>], request: &Request<'_>, found: &RouteConfig) -> bool {
    let is_elsewhere = |has_prefix: &dyn Fn(&str) -> bool| {
        find_by(routes, request, has_prefix).is_none_or(|other| other.index != found.index)
    };
    let is_odd = !request.target.oddities().is_empty();
    is_odd && is_elsewhere(&|prefix| request.target.has_prefix_as_written(prefix))
        || request.target.further_readings().any(|reading| is_elsewhere(&|prefix| reading.has_prefix(prefix)))
}

/// The names of parameters by which a request is taken for one of another method.
static METHOD_PARAMETERS: LazyLock<QueryNames> =
    LazyLock::new(|| QueryNames::of(METHOD_OVERRIDES.iter().map(|(name, _)| *name).chain([METHOD_QUERY])));

/// Whether the query names another method, whatever it is.
pub(super) fn names_a_method(request: &Request<'_>) -> bool {
    request.target.query_name(&METHOD_PARAMETERS).is_some()
}

/// Whether a header, or a parameter in the query, lets an upstream that honours such take the request for another method's, whose
/// route is another. Two that differ are refused too: servers take either. (Rails, Laravel, Symfony and others look for
/// `_method` in a form too, which is not looked at here.)
pub(super) fn is_overridden(routes: &[Arc<RouteConfig>], request: &Request<'_>, found: &RouteConfig) -> bool {
    if routes.iter().all(|route| route.matches.methods.is_empty()) {
        return false;
    }
    let named = request.headers.iter().filter(|(name, _)| is_method_override(name.as_str()));
    let by_header = named.map(|(_, value)| method::claimed(value.as_bytes()));
    let by_query = request.target.query_values(&METHOD_PARAMETERS).map(|value| method::claimed(&value));
    let mut claims = by_header.chain(by_query);
    let Some(first) = claims.next() else { return false };
    let Some(method) = first.as_ref().and_then(|first| Method::from_bytes(first.as_bytes()).ok()) else { return true };
    claims.any(|claim| claim != first)
        || find(routes, &Request { method: &method, ..*request }).is_none_or(|other| other.index != found.index)
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
    let naming =
        |method: &Method| candidates().find(|route| route.matches.methods.iter().any(|named| named == method.as_str()));
    // One that names the method comes before one for any method. HEAD shows what GET shows but the body, so it is held to
    // GET's rules where it has none of its own.
    naming(request.method)
        .or_else(|| if *request.method == Method::HEAD { naming(&Method::GET) } else { None })
        .or_else(|| candidates().find(|route| route.matches.methods.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Access, RouteMatch};
    use http::HeaderMap;
    use portcullis_core::client::ClientNetwork;
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

    fn request<'r>(method: &'r Method, target: &'r NormalTarget, headers: &'r HeaderMap) -> Request<'r> {
        Request { method, target, headers, client: ClientNetwork::of([127, 0, 0, 1].into()) }
    }

    fn index(routes: &[Arc<RouteConfig>], method: Method, host: &str, path: &str) -> Option<usize> {
        let target = NormalTarget::parse(path, &[host], method.as_str()).unwrap();
        let headers = HeaderMap::new();
        find(routes, &request(&method, &target, &headers)).map(|route| route.index)
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

    #[test]
    fn head_is_held_to_the_rules_of_get() {
        let get = [route(0, None, "/a", &[]), route(1, None, "/a", &["GET", "POST"])];
        assert_eq!(index(&get, Method::HEAD, "x", "/a"), Some(1));
        assert_eq!(index(&get, Method::PUT, "x", "/a"), Some(0));
        let own = [route(0, None, "/a", &["GET"]), route(1, None, "/a", &["HEAD"]), route(2, None, "/a", &[])];
        assert_eq!(index(&own, Method::HEAD, "x", "/a"), Some(1));
        assert_eq!(index(&own[..1], Method::HEAD, "x", "/a"), Some(0));
    }

    /// A lenient server behind a lenient proxy.
    #[test]
    fn all_readings_of_a_path_are_of_one_route() {
        let routes = [route(0, None, "", &[]), route(1, None, "/admin", &[]), route(2, None, "/a", &[])];
        let ambiguous = |path: &str| {
            let target = NormalTarget::parse(path, &["x"], "GET").unwrap();
            let headers = HeaderMap::new();
            let request = request(&Method::GET, &target, &headers);
            let found = find(&routes, &request).unwrap();
            is_ambiguous(&routes, &request, found)
        };
        for path in ["/%2561dmin/x", "/%252561dmin", "/admin%3bx", "/admin%3Fx", "/admin%23x/y", "/a%252fb"] {
            assert!(ambiguous(path), "{path}");
        }
        for path in ["/wiki/What%3F", "/x%3b/y", "/admin/x%3fy", "/admin/%2561", "/a/b%252fc", "/100%25"] {
            assert!(!ambiguous(path), "{path}");
        }
    }
}
