//! What callers and administrators ask of Keycloak directly: tokens, logout, a user switched off.

use portcullis_tests::client;
use portcullis_tests::wire::Response;
use serde_json::{Value, json};
use std::net::SocketAddr;

/// A Keycloak with the realms of `tests/parts`.
pub(crate) struct Keycloak {
    /// The base URL, `/auth` included where it is served there.
    pub(crate) url: String,
    address: SocketAddr,
    base: String,
}

/// One answer of the token endpoint.
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) id: String,
}

impl Keycloak {
    /// The one at this base URL. An IP address, since tokens are only good under the host name they were issued by.
    pub(crate) fn at(url: &str) -> Self {
        let url = url.trim_end_matches('/');
        let rest =
            url.strip_prefix("http://").unwrap_or_else(|| panic!("{url}: write http://IP:PORT or http://IP:PORT/auth"));
        let (authority, base) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let address =
            authority.parse().unwrap_or_else(|_| panic!("{url}: write an IP address and a port, {authority} is none"));
        Self { url: url.to_owned(), address, base: base.to_owned() }
    }

    /// Host and path of it: the two settings of the adapter.
    pub(crate) fn host_and_base(&self) -> (String, &str) {
        (format!("http://{}", self.address), &self.base)
    }

    fn form(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let body: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        client::send(self.address, "POST", &format!("{}{path}", self.base), &headers, body.join("&").as_bytes())
            .unwrap()
    }

    /// The password grant of `client` for `user`, whose password is `user-password`.
    pub(crate) fn tokens(&self, realm: &str, client: &str, user: &str, scope: &str) -> Tokens {
        let fields = [
            ("grant_type", "password"),
            ("client_id", client),
            ("client_secret", &format!("{client}-secret")),
            ("username", user),
            ("password", &format!("{user}-password")),
            ("scope", scope),
        ];
        let response = self.form(&format!("/realms/{realm}/protocol/openid-connect/token"), &fields);
        assert_eq!(response.status, 200, "no token for {user}: {}", response.text());
        let answer = response.json();
        let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        Tokens { access: text("access_token"), refresh: text("refresh_token"), id: text("id_token") }
    }

    /// A good access token of `app`.
    pub(crate) fn token(&self, user: &str) -> String {
        self.tokens("demo", "app", user, "openid").access
    }

    /// Ends the session that these tokens belong to.
    pub(crate) fn logout(&self, tokens: &Tokens) {
        let fields =
            [("client_id", "app"), ("client_secret", "app-secret"), ("refresh_token", tokens.refresh.as_str())];
        let response = self.form("/realms/demo/protocol/openid-connect/logout", &fields);
        assert_eq!(response.status, 204, "{}", response.text());
    }

    /// Switches a user on or off, as an administrator.
    pub(crate) fn enable(&self, user: &str, enabled: bool) {
        let fields =
            [("grant_type", "password"), ("client_id", "admin-cli"), ("username", "admin"), ("password", "admin")];
        let admin = self.form("/realms/master/protocol/openid-connect/token", &fields).json();
        let bearer = format!("Bearer {}", admin["access_token"].as_str().expect("admin / admin is the administrator"));
        let bearer = ("Authorization", bearer.as_str());
        let users = format!("{}/admin/realms/demo/users", self.base);
        let found =
            client::get(self.address, &format!("{users}?username={user}&exact=true"), &[bearer]).unwrap().json();
        let id = found[0]["id"].as_str().unwrap_or_else(|| panic!("no user {user}: {found}")).to_owned();
        let body = json!({ "enabled": enabled }).to_string();
        let headers = [bearer, ("Content-Type", "application/json")];
        let response = client::send(self.address, "PUT", &format!("{users}/{id}"), &headers, body.as_bytes()).unwrap();
        assert_eq!(response.status, 204, "{}", response.text());
        let now: Value = client::get(self.address, &format!("{users}/{id}"), &[bearer]).unwrap().json();
        assert_eq!(now["enabled"], enabled);
    }
}
