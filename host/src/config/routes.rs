//! `routes`: what a request matches, and what then applies.
//!
//! What has no meaning on a route is refused rather than ignored: somebody who wrote it expects it to do something.

use super::provider::{origins, transpose};
use super::read::NamedProvider;
use super::resolve::Resolve;
use super::{Access, BasicAuth, Cors, Fact, HeaderValues, RouteConfig, RouteMatch, Services, UpstreamConfig};
use super::{files, headers, names, require};
use http::HeaderName;
use portcullis_core::base_url;
use portcullis_core::method;
use portcullis_core::policy::Require;
use portcullis_core::problem::Problems;
use portcullis_core::target::{Oddity, QueryNames};
use portcullis_core::text::{one_of, suggestion};
use portcullis_core::tree::{At, Value};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// How long an upstream may take to begin its answer where the file does not say.
const UPSTREAM_TIMEOUT: Duration = Duration::from_secs(30);

/// What Atlassian's servers take for a login in a query (`os_authType` makes them).
const ATLASSIAN: [&str; 3] = ["os_username", "os_password", "os_authType"];

/// Reads all routes; `providers` are the names that there are.
pub(super) fn read(
    at: &At<'_>,
    providers: &[NamedProvider],
    resolve: &dyn Resolve,
    problems: &mut Problems,
) -> Option<Vec<RouteConfig>> {
    let items = at.sequence(problems)?;
    if items.is_empty() {
        at.report(problems, "is an empty list", "write at least one route");
        return None;
    }
    let known = Known(providers.iter().map(|provider| (provider.name.as_str(), provider)).collect());
    let mut routes = Vec::new();
    let mut taken = Taken::default();
    for (index, item) in items.iter().enumerate() {
        let (matched, route) = read_one(index, item, &known, resolve, problems);
        if let Some(other) = matched.and_then(|matched| taken.by_another(index, &matched)) {
            let problem = format!("matches the same requests as routes[{other}]");
            item.report(problems, problem, "remove one, or tell them apart by host, path or methods");
        }
        routes.push(route);
    }
    routes.into_iter().collect()
}

/// The providers that there are, by name. Looking through a list for each name of each route would be quadratic.
struct Known<'p>(HashMap<&'p str, &'p NamedProvider>);

/// Host and path of a route, and for each method (`None`: any) the route that has it.
#[derive(Default)]
struct Taken(HashMap<(Option<String>, String), HashMap<Option<String>, usize>>);

impl Taken {
    /// An earlier route that matches the same requests: the same host and path, and a method in common that both name, or
    /// that both leave open.
    fn by_another(&mut self, index: usize, matched: &RouteMatch) -> Option<usize> {
        let methods: Vec<Option<String>> = match matched.methods.as_slice() {
            [] => vec![None],
            methods => methods.iter().cloned().map(Some).collect(),
        };
        let of_path = self.0.entry((matched.host.clone(), matched.path.clone())).or_default();
        let other = methods.iter().find_map(|method| of_path.get(method)).copied();
        for method in methods {
            of_path.entry(method).or_insert(index);
        }
        other
    }
}

fn read_one(
    index: usize,
    at: &At<'_>,
    known: &Known<'_>,
    resolve: &dyn Resolve,
    problems: &mut Problems,
) -> (Option<RouteMatch>, Option<RouteConfig>) {
    let Some(mut walker) = at.mapping(&names::ROUTE, problems) else { return (None, None) };
    let any = RouteMatch { host: None, path: String::new(), methods: Vec::new() };
    let matches = walker.take("match").map_or(Some(any), |at| route_match(&at, problems));
    let providers = walker.take("providers");
    let public = walker.take("public");
    let access = access(at, providers.as_ref(), public.as_ref(), known, problems);
    let is_public = public.is_some() && providers.is_none();
    let upstream = walker.need("upstream", "write `upstream: {url: \"http://127.0.0.1:8090\"}`", problems);
    let upstream = upstream.and_then(|at| upstream_config(&at, resolve, problems));
    if is_public {
        for name in names::NOT_PUBLIC {
            walker.misplaced(name, "remove it: on a public route nobody is asked who it is", problems);
        }
    }
    let require = walker.take("require").map_or_else(|| Some(Require::default()), |at| require::read(&at, problems));
    let services = walker.take("services").map_or(Some(Services::Refuse), |at| require::services(&at, problems));
    let mode = walker.take("mode").map_or(Some("enforce"), |at| at.choice(&names::MODE, problems));
    let basic_at = walker.take("basic_auth");
    let basic_auth = basic_at.as_ref().map_or(Some(BasicAuth::Block), |at| basic_auth(at, problems));
    if let (Some(at), Some(BasicAuth::Verify), Some(Access::Providers(names))) = (&basic_at, basic_auth, &access)
        && !names.iter().any(|name| known.0.get(name.as_str()).is_some_and(|provider| provider.takes_basic))
    {
        let remedy = "write block, or name a provider whose adapter takes Basic (`portcullis adapter show NAME`)";
        at.report(problems, "cannot be `verify`: no provider of the route takes Basic pairs", remedy);
    }
    let cors = walker.take("cors").map_or(Some(Cors::None), |at| cors(&at, problems));
    let fall_through = walker.take("fall_through");
    if let (Some(at), Some(Access::Providers(names))) = (&fall_through, &access)
        && names.len() < 2
    {
        at.report(problems, "has no second provider to fall through to", "remove it, or name another provider");
    }
    let fall_through = fall_through.map_or(Some(false), |at| at.flag(problems));
    let identity_headers = walker.take("identity_headers").map_or_else(
        || Some(if is_public { Vec::new() } else { vec![(HeaderName::from_static("x-remote-user"), Fact::Username)] }),
        |at| headers::read(&at, problems),
    );
    let header_values = walker.take("header_values").map_or(Some(HeaderValues::Refuse), |at| {
        let choice = at.choice(&names::HEADER_VALUES, problems)?;
        Some(if choice == "refuse" { HeaderValues::Refuse } else { HeaderValues::PercentEncode })
    });
    let authorization = walker.take("authorization");
    let keep = authorization.map_or(Some("drop"), |at| at.choice(&names::AUTHORIZATION, problems));
    let cookies = walker.take("cookies");
    let unsaid = if is_public { "pass" } else { "drop" };
    let cookies = cookies.map_or(Some(unsaid), |at| at.choice(&names::COOKIES, problems));
    let refuse_query = walker.take("refuse_query");
    let refuse_query = refuse_query.map_or(Some(Vec::new()), |at| query_names(&at, problems));
    let allow_in_path = walker.take("allow_in_path");
    let allow_in_path = allow_in_path.map_or(Some(Vec::new()), |at| oddities(&at, problems));
    walker.misplaced("any_audience", "write it in the provider", problems);
    walker.finish(problems);
    let route = || {
        let mut refuse_query = refuse_query?;
        if !is_public {
            refuse_query.push("access_token".to_owned());
        }
        Some(RouteConfig {
            index,
            matches: matches.clone()?,
            access: access?,
            require: require?,
            services: services?,
            observe: mode? == "observe",
            basic_auth: basic_auth?,
            fall_through: fall_through?,
            cors: cors?,
            upstream: upstream?,
            identity_headers: identity_headers?,
            header_values: header_values?,
            keep_authorization: keep? == "keep",
            pass_cookies: cookies? == "pass",
            refuse_query: QueryNames::of(refuse_query),
            allow_in_path: allow_in_path?,
        })
    };
    let route = route();
    (matches, route)
}

fn access(
    route: &At<'_>,
    providers: Option<&At<'_>>,
    public: Option<&At<'_>>,
    known: &Known<'_>,
    problems: &mut Problems,
) -> Option<Access> {
    let is_public = public.map_or(Some(false), |at| at.flag(problems));
    let Some(at) = providers else {
        if is_public == Some(false) {
            let remedy = "write `providers: [NAME]`, or `public: true` for everybody";
            route.report(problems, "says neither who may pass nor that all may", remedy);
        }
        return is_public?.then_some(Access::Public);
    };
    if is_public == Some(true) {
        at.report(problems, "stands beside `public: true`", "keep one of the two");
        return None;
    }
    let names = at.sequence(problems)?;
    if names.is_empty() {
        at.report(problems, "is an empty list", "name a provider, or write `public: true` for everybody");
        return None;
    }
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    for item in &names {
        let Some(name) = item.text(problems) else { continue };
        if !known.0.contains_key(name.as_str()) {
            let remedy = match problems.are_few() {
                true => suggestion(&name, sorted(known)),
                false => "name one of `providers`".to_owned(),
            };
            item.report(problems, format!("there is no provider `{}`", item.shown()), remedy);
        } else if !seen.insert(name.clone()) {
            item.report(problems, format!("names `{name}` twice"), "name each provider once");
        } else {
            found.push(name);
        }
    }
    (found.len() == names.len()).then_some(Access::Providers(found))
}

/// The names of the providers, in the same order always.
fn sorted<'p>(known: &Known<'p>) -> Vec<&'p str> {
    let mut names: Vec<&str> = known.0.keys().copied().collect();
    names.sort_unstable();
    names
}

fn route_match(at: &At<'_>, problems: &mut Problems) -> Option<RouteMatch> {
    let mut walker = at.mapping(&names::MATCH, problems)?;
    let host = transpose(walker.take("host").map(|at| host(&at, problems)));
    let path = walker.take("path").map_or(Some(String::new()), |at| path(&at, problems));
    let methods = walker.take("methods").map_or(Some(Vec::new()), |at| methods(&at, problems));
    walker.finish(problems);
    Some(RouteMatch { host: host?, path: path?, methods: methods? })
}

fn host(at: &At<'_>, problems: &mut Problems) -> Option<String> {
    let text = at.text(problems)?;
    // A base URL that is nothing but a host: the same reading as everywhere else.
    let bare = base_url::base_url(&format!("https://{text}")).ok().and_then(|url| {
        let host = url.strip_prefix("https://")?;
        let port = host.rsplit(']').next().is_some_and(|rest| rest.contains(':')) || text.ends_with(":443");
        (!port && !text.contains('/')).then(|| host.to_owned())
    });
    if bare.is_none() {
        let remedy = "write the name alone, without scheme, port, path or wildcard, or leave it out for any host";
        at.report(problems, format!("`{}` is no host", at.shown()), remedy);
    }
    bare
}

fn path(at: &At<'_>, problems: &mut Problems) -> Option<String> {
    let text = at.text(problems)?;
    let trimmed = text.strip_suffix('/').unwrap_or(&text);
    let (problem, remedy) = if !text.starts_with('/') {
        ("does not begin with `/`", "write it like /rest/api")
    } else if !trimmed.bytes().all(|b| b.is_ascii_graphic()) || trimmed.contains(['%', '?', '#', ';', '\\', '*']) {
        let remedy = "write whole segments of plain ASCII: a path is a prefix, a query is never matched";
        ("holds a character that a path to match cannot have", remedy)
    } else if trimmed.split('/').skip(1).any(|segment| matches!(segment, "" | "." | "..")) {
        ("has an empty, `.` or `..` segment", "write the path that a server sees in the end")
    } else {
        return Some(trimmed.to_owned());
    };
    at.report(problems, problem, remedy);
    None
}

fn methods(at: &At<'_>, problems: &mut Problems) -> Option<Vec<String>> {
    let methods = at.texts(problems)?;
    if methods.is_empty() {
        at.report(problems, "is an empty list", "write at least one, or leave the line out for all");
        return None;
    }
    if methods.iter().any(|name| !method::is_unambiguous(name.as_bytes())) {
        at.report(problems, "names what is no method", "write methods in upper case: [GET, POST]");
        return None;
    }
    Some(methods)
}

fn upstream_config(at: &At<'_>, resolve: &dyn Resolve, problems: &mut Problems) -> Option<UpstreamConfig> {
    let mut walker = at.mapping(&names::UPSTREAM, problems)?;
    let url = walker.need("url", "write where the API is: http://127.0.0.1:8090", problems);
    let url = url.and_then(|at| upstream_url(&at, problems));
    let timeout = walker.take("timeout").map_or(Some(UPSTREAM_TIMEOUT), |at| at.duration(problems));
    let ca_pem = transpose(walker.take("tls").map(|at| files::authority(&at, resolve, problems)));
    walker.finish(problems);
    Some(UpstreamConfig { url: url?, timeout: timeout?, ca_pem: ca_pem? })
}

fn upstream_url(at: &At<'_>, problems: &mut Problems) -> Option<url::Url> {
    let text = at.text(problems)?;
    if !text.contains("://") {
        // Unlike a provider's, an upstream is as often http as https: neither is guessed.
        at.report(problems, "has no scheme", "write http:// or https:// before the host");
        return None;
    }
    match base_url::base_url(&text) {
        Ok(url) => url::Url::parse(&url).ok(),
        Err(flaw) => {
            at.report(problems, flaw.problem, flaw.remedy);
            None
        }
    }
}

/// `cors`: `pass`, or the origins for which it is answered.
fn cors(at: &At<'_>, problems: &mut Problems) -> Option<Cors> {
    if !matches!(at.node().value, Value::Mapping(_)) {
        return at.choice(&names::CORS, problems).map(|_| Cors::Pass);
    }
    let mut walker = at.mapping(&names::CORS_ORIGINS, problems)?;
    let written = walker.need("origins", "write whose pages may ask: [https://app.example.com]", problems);
    walker.finish(problems);
    let at = written?;
    let items = at.sequence(problems)?;
    if items.is_empty() {
        at.report(problems, "is an empty list", "write whose pages may ask: [https://app.example.com]");
        return None;
    }
    origins(&items, problems, |_, _, _| Some(())).map(Cors::Answer)
}

fn basic_auth(at: &At<'_>, problems: &mut Problems) -> Option<BasicAuth> {
    Some(match at.choice(&names::BASIC_AUTH, problems)? {
        "pass" => BasicAuth::Pass,
        "verify" => BasicAuth::Verify,
        _ => BasicAuth::Block,
    })
}

fn query_names(at: &At<'_>, problems: &mut Problems) -> Option<Vec<String>> {
    let names = at.text_or_texts(problems)?;
    let mut all = Vec::new();
    for name in names {
        if name == "atlassian" {
            all.extend(ATLASSIAN.map(str::to_owned));
        } else {
            all.push(name);
        }
    }
    Some(all)
}

fn oddities(at: &At<'_>, problems: &mut Problems) -> Option<Vec<Oddity>> {
    let mut oddities = Vec::new();
    let items = at.sequence(problems)?;
    let count = items.len();
    for item in items {
        let Some(name) = item.text(problems) else { continue };
        match Oddity::parse(&name) {
            Some(oddity) => oddities.push(oddity),
            None => {
                item.report(problems, format!("is `{}`", item.shown()), format!("write {}", one_of(names::ODDITIES)))
            }
        }
    }
    (oddities.len() == count).then_some(oddities)
}
