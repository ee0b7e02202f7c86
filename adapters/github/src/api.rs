//! GitHub's three hostings, the calls made there, and what its errors mean.
//!
//! A 403 is three things at GitHub: a limit, a permission, or a mistake of ours. Only the second blames the token.

use portcullis_sdk::{Context, Object, Problems, Refusal, Request, Response, request::CHECK};

/// Names the answer of GraphQL, by which an installation's token is told from others.
pub(crate) const VIEWER: &str = "viewer";

/// Where a hosting's pages, API and GraphQL are.
pub(crate) struct Host {
    pub(crate) web: String,
    pub(crate) api: String,
    graphql: String,
}

impl Host {
    /// github.com, X.ghe.com or a server of one's own, whose API is under /api.
    pub(crate) fn of(context: &Context, problems: &mut Problems) -> Self {
        let base = context.text("host");
        let (scheme, host) = base.split_once("://").unwrap_or(("https", base));
        let hosted = host == "github.com" || host.ends_with(".ghe.com");
        if host == "api.github.com" || (hosted && host.starts_with("api.")) {
            problems.add("host", "is the API's host", "write it without `api.`");
        }
        if hosted {
            let api = format!("{scheme}://api.{host}");
            return Self { web: base.into(), graphql: format!("{api}/graphql"), api };
        }
        let web = base.strip_suffix("/api/v3").unwrap_or(base);
        Self { web: web.into(), api: format!("{web}/api/v3"), graphql: format!("{web}/api/graphql") }
    }

    pub(crate) fn user(&self) -> Request {
        github(Request::get(CHECK, format!("{}/user", self.api)).bearer())
    }

    pub(crate) fn token_check(&self, client: &str) -> Request {
        github(Request::post(CHECK, format!("{}/applications/{client}/token", self.api)).client())
            .json_credential("access_token")
    }

    pub(crate) fn viewer(&self) -> Request {
        github(Request::post(VIEWER, &self.graphql).bearer()).json(r#"{"query":"query{viewer{login databaseId}}"}"#)
    }

    /// A list of the account's: `orgs`, `teams`, `emails`.
    pub(crate) fn list(&self, list: &str) -> String {
        format!("{}/user/{list}?per_page=100", self.api)
    }
}

/// A page of a list, with the headers of /user.
pub(crate) fn page(label: &str, url: &str) -> Request {
    github(Request::get(label, url).bearer())
}

/// GitHub refuses requests without a User-Agent.
fn github(request: Request) -> Request {
    request.accept("application/vnd.github+json").header("User-Agent", "portcullis")
}

/// The object of a call made with the token.
pub(crate) fn object(response: &Response) -> Result<Object, Refusal> {
    limited(response)?;
    forbidden(response)?;
    response.object()
}

/// The members of a list; 403 there is a permission that the token lacks.
pub(crate) fn list(response: &Response) -> Result<Vec<Object>, Refusal> {
    limited(response)?;
    if response.status == 403 {
        let reason = format!("GitHub does not show the list `{}` to this token: 403", response.to);
        return Err(Refusal::scope(reason, vec!["read:org".into()]));
    }
    response.list()
}

/// A primary or a secondary limit, which comes as 403 as often as 429.
pub(crate) fn limited(response: &Response) -> Result<(), Refusal> {
    let limit = response.header("x-ratelimit-remaining").is_some_and(|left| left.trim() == "0")
        || response.header("retry-after").is_some()
        || response.says("secondary rate limit");
    if matches!(response.status, 403 | 429) && limit {
        return Err(Refusal::throttled(format!("GitHub limits our rate: {}", response.status), response.retry()));
    }
    Ok(())
}

fn forbidden(response: &Response) -> Result<(), Refusal> {
    let permission = response.says("Resource not accessible by")
        || response.header("x-github-sso").is_some_and(|sso| sso.starts_with("required"));
    if response.status == 403 && permission {
        return Err(Refusal::scope(
            "GitHub says that the token has not the permission, or no single sign-on",
            Vec::new(),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use portcullis_sdk::testing;

    use super::*;

    #[test]
    fn three_hostings() {
        for (host, web, api, graphql) in [
            ("https://github.com", "https://github.com", "https://api.github.com", "https://api.github.com/graphql"),
            ("https://x.ghe.com", "https://x.ghe.com", "https://api.x.ghe.com", "https://api.x.ghe.com/graphql"),
            (
                "https://git.corp:8443",
                "https://git.corp:8443",
                "https://git.corp:8443/api/v3",
                "https://git.corp:8443/api/graphql",
            ),
            ("https://git.corp/api/v3", "https://git.corp", "https://git.corp/api/v3", "https://git.corp/api/graphql"),
            ("https://xghe.com", "https://xghe.com", "https://xghe.com/api/v3", "https://xghe.com/api/graphql"),
        ] {
            let mut problems = Problems::none();
            let got = Host::of(&testing::context(&[("host", host)], &[], &[]), &mut problems);
            assert_eq!((got.web.as_str(), got.api.as_str(), got.graphql.as_str()), (web, api, graphql));
            assert!(problems.check().is_ok());
        }
        let mut problems = Problems::none();
        Host::of(&testing::context(&[("host", "https://api.github.com")], &[], &[]), &mut problems);
        assert!(problems.check().is_err());
    }
}
