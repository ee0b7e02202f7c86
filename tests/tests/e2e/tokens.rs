//! What callers and administrators ask of Keycloak directly: tokens, logout, a user switched off, keys changed.

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use portcullis_tests::client;
use portcullis_tests::wire::Response;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

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

    /// An access token of the client itself.
    pub(crate) fn of_client(&self, client: &str) -> String {
        let secret = format!("{client}-secret");
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", client),
            ("client_secret", &secret),
            ("scope", "openid"),
        ];
        let response = self.form("/realms/demo/protocol/openid-connect/token", &fields);
        assert_eq!(response.status, 200, "no token for {client}: {}", response.text());
        response.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// An access token that is bound to a key (RFC 9449), which is thrown away.
    pub(crate) fn bound(&self, client: &str, user: &str) -> String {
        let path = format!("{}/realms/demo/protocol/openid-connect/token", self.base);
        let proof = proof_of_possession(&format!("http://{}{path}", self.address));
        let body = format!(
            "grant_type=password&client_id={client}&client_secret={client}-secret&username={user}&password={user}-password&scope=openid"
        );
        let headers = [("Content-Type", "application/x-www-form-urlencoded"), ("DPoP", proof.as_str())];
        let response = client::send(self.address, "POST", &path, &headers, body.as_bytes()).unwrap();
        let answer = response.json();
        assert_eq!((response.status, &answer["token_type"]), (200, &json!("DPoP")), "{answer}");
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// What an administrator sends, of the realm `demo`.
    fn administer(&self, method: &str, path: &str, body: &Value) -> Response {
        let fields =
            [("grant_type", "password"), ("client_id", "admin-cli"), ("username", "admin"), ("password", "admin")];
        let admin = self.form("/realms/master/protocol/openid-connect/token", &fields).json();
        let bearer = format!("Bearer {}", admin["access_token"].as_str().expect("admin / admin is the administrator"));
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let path = format!("{}/admin/realms/demo{path}", self.base);
        let response = client::send(self.address, method, &path, &headers, body.as_bytes()).unwrap();
        assert!((200..300).contains(&response.status), "{method} {path}: {} {}", response.status, response.text());
        response
    }

    /// Switches a user on or off, as an administrator.
    pub(crate) fn enable(&self, user: &str, enabled: bool) {
        let found = self.administer("GET", &format!("/users?username={user}&exact=true"), &Value::Null).json();
        let id = found[0]["id"].as_str().unwrap_or_else(|| panic!("no user {user}: {found}")).to_owned();
        self.administer("PUT", &format!("/users/{id}"), &json!({ "enabled": enabled }));
        assert_eq!(self.administer("GET", &format!("/users/{id}"), &Value::Null).json()["enabled"], enabled);
    }

    /// From now on another key signs. The one of before stays published; this is its id.
    pub(crate) fn add_key(&self) -> String {
        let kind = "org.keycloak.keys.KeyProvider";
        let keys = self.administer("GET", &format!("/components?type={kind}"), &Value::Null).json();
        let keys = keys.as_array().unwrap();
        let old = keys.iter().find(|key| key["providerId"] == "rsa-generated").expect("it signs with RSA");
        let config = json!({"priority": ["200"], "enabled": ["true"], "active": ["true"], "algorithm": ["RS256"]});
        let new = json!({"name": "newer", "providerId": "rsa-generated", "providerType": kind, "config": config});
        self.administer("POST", "/components", &new);
        old["id"].as_str().unwrap().to_owned()
    }

    /// Takes a key out of what is published.
    pub(crate) fn remove_key(&self, id: &str) {
        self.administer("DELETE", &format!("/components/{id}"), &Value::Null);
    }
}

/// A proof for one POST to this URL, under a key of the moment (RFC 9449 4.2).
fn proof_of_possession(url: &str) -> String {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let key = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap();
    let mut header = Header::new(Algorithm::ES256);
    header.typ = Some("dpop+jwt".to_owned());
    header.jwk = Some(Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({"jti": format!("proof-{now}"), "htm": "POST", "htu": url, "iat": now});
    jsonwebtoken::encode(&header, &claims, &key).unwrap()
}
