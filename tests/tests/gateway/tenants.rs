//! Whose token it is: a tenant that is named is enforced, a token is shown to nobody whose it cannot be, and a provider that is
//! reached by an internal name is known by its public issuer.

use crate::signing::{RSA, message, now};
use crate::world::{assert_refused, challenge};
use portcullis_tests::gateway::{Gateway, any_port};
use portcullis_tests::server::{Answer, Reply, Server};
use portcullis_tests::wire::Request;
use portcullis_tests::{client, provider, upstream};
use serde_json::{Value, json};

const TENANT: &str = "a8990e1f-ff32-408a-9f8e-78d3b9139b95";
const OTHER: &str = "0d2bb6e1-3a40-4e2f-8a2b-5f9d1c6e7a10";

fn route(path: &str, providers: &str, upstream: &Server) -> String {
    format!(
        "  - match: {{path: {path}}}\n    providers: [{providers}]\n    upstream: {{url: \"{}\"}}\n",
        upstream.url()
    )
}

/// A JWT with these claims; the signature is nobody's, since whoever is asked judges it.
fn jwt(claims: &Value) -> String {
    format!("{}.c2lnbmF0dXJl", message(&json!({"alg": "RS256", "typ": "JWT"}).to_string(), &claims.to_string()))
}

#[test]
fn a_token_of_another_entra_tenant_is_refused_before_graph_is_asked() {
    let upstream = upstream::start(any_port()).unwrap();
    let settings = [
        ("graph", format!("tenant: {TENANT}")),
        ("userinfo", format!("tenant: {TENANT}, mode: userinfo")),
        ("listed", format!("tenant: common, allowed_tenants: [{TENANT}]")),
        ("listed-userinfo", format!("tenant: organizations, mode: userinfo, allowed_tenants: [{TENANT}]")),
        ("consumers", "tenant: consumers".to_owned()),
    ];
    let (mut providers, mut routes) = ("providers:\n".to_owned(), "routes:\n".to_owned());
    for (name, settings) in &settings {
        providers.push_str(&format!(
            "  {name}:\n    adapter: azure-ad\n    any_audience: true\n    origins: [\"https://graph.microsoft.com\"]\n    \
             settings: {{{settings}}}\n"
        ));
        routes.push_str(&route(&format!("/{name}"), name, &upstream));
    }
    let gateway = Gateway::start(&format!("{providers}{routes}")).unwrap();
    let claims = |iss: String, tid: &str| {
        let graph = "00000003-0000-0000-c000-000000000000";
        json!({"iss": iss, "tid": tid, "aud": graph, "upn": "alice@contoso.com", "exp": now() + 300})
    };
    let strangers = [
        jwt(&claims(format!("https://sts.windows.net/{OTHER}/"), OTHER)),
        jwt(&claims(format!("https://login.microsoftonline.com/{OTHER}/v2.0"), OTHER)),
        // Says of itself that it is of ours, and was issued by another one.
        jwt(&claims(format!("https://sts.windows.net/{OTHER}/"), TENANT)),
        jwt(&claims(format!("https://sts.windows.net/{TENANT}"), TENANT)),
        jwt(&json!({"tid": TENANT, "exp": now() + 300})),
    ];
    // Were Graph asked about one, the answer would be a 503 here, where it cannot be reached, or its own reason.
    for (number, token) in strangers.iter().enumerate() {
        for (name, _) in &settings {
            let response = client::get_as(gateway.address, &format!("/{name}"), token).unwrap();
            assert_refused(&response, 401, &format!("{name} {number}"));
            assert!(challenge(&response).contains("invalid_token"), "{name} {number}");
        }
    }
    // Tokens of personal accounts, which Graph answers as well.
    for (name, _) in settings.iter().filter(|(name, _)| *name != "consumers") {
        let response = client::get_as(gateway.address, &format!("/{name}"), "EwBwA8l6BAAUO9chh8cJscQLmU").unwrap();
        assert_refused(&response, 401, name);
    }
    let reason = "the token is of no tenant that `tenant` and `allowed_tenants` name";
    gateway.until_log_says(reason, strangers.len() * settings.len() + settings.len() - 1).unwrap();
    assert!(upstream.seen().is_empty());
}

/// GitHub and Keycloak on one route; each says yes to whatever it is asked about.
fn github_and_keycloak(keycloak_extra: &str, order: &str) -> (Gateway, Server, Server, Server) {
    let yes = |_: &Request| -> Reply {
        Answer::json(200, &json!({"login": "mallory", "id": 66, "sub": "1", "preferred_username": "alice"})).into()
    };
    let github = Server::start(any_port(), yes).unwrap();
    let keycloak = Server::start(any_port(), yes).unwrap();
    let upstream = upstream::start(any_port()).unwrap();
    let config = format!(
        "providers:\n  code:\n    adapter: github\n    any_audience: true\n    cache: none\n    settings: {{host: \"{}\"}}\n  \
         staff:\n    adapter: keycloak\n    any_audience: true\n    cache: none\n    settings: {{host: \"{}\", realm: \
         staff{keycloak_extra}}}\nroutes:\n{}{}",
        github.url(),
        keycloak.url(),
        route("/", order, &upstream),
        route("/code", "code", &upstream),
    );
    (Gateway::start(&config).unwrap(), github, keycloak, upstream)
}

#[test]
fn a_provider_whose_tokens_are_never_jwts_is_shown_none() {
    for order in ["code, staff", "staff, code"] {
        let (gateway, github, keycloak, _upstream) =
            github_and_keycloak(", issuer: \"https://sso.example.com/realms/staff\"", order);
        let token = jwt(&json!({"iss": "https://sso.example.com/realms/staff", "exp": now() + 300}));
        let response = client::get_as(gateway.address, "/", &token).unwrap();
        assert_eq!((response.status, response.json()["user"].as_str()), (200, Some("alice")), "{}", response.text());
        assert_eq!((github.seen().len(), keycloak.seen().len()), (0, 1), "{order}");
        // Alone on its route, it is not asked either, whatever the issuer says.
        for iss in [json!("https://sso.example.com/realms/staff"), json!("https://github.com"), json!(null)] {
            let response = client::get_as(gateway.address, "/code", &jwt(&json!({"iss": iss}))).unwrap();
            assert_refused(&response, 401, &iss.to_string());
        }
        assert_eq!(github.seen().len(), 0);
        // Its own tokens pass, also one in which a JWT follows the prefix.
        for own in [
            "gho_16C7e42F292c6912E7710c838347Ae178B4a".to_owned(),
            "0123456789abcdef0123456789abcdef01234567".to_owned(),
        ] {
            assert_eq!(client::get_as(gateway.address, "/code", &own).unwrap().status, 200, "{own}");
        }
        let installation = format!("ghs_{token}");
        client::get_as(gateway.address, "/code", &installation).unwrap();
        let asked: Vec<_> = github.seen().iter().map(|request| request.path().to_owned()).collect();
        assert_eq!(asked, ["/api/v3/user", "/api/v3/user", "/api/graphql"]);
    }
}

#[test]
fn a_provider_behind_an_internal_name_is_known_by_its_public_issuer() {
    let realm = |name: &'static str| {
        Server::start(any_port(), move |request: &Request| -> Reply {
            match request.bearer() {
                Some(token) if token.starts_with("eyJ") => Answer::json(200, &provider::claims(name)).into(),
                _ => Answer::status(401).into(),
            }
        })
        .unwrap()
    };
    let (staff, guests) = (realm("alice"), realm("bob"));
    let upstream = upstream::start(any_port()).unwrap();
    let public = |realm: &str| format!("https://sso.example.com/realms/{realm}");
    let provider = |name: &str, server: &Server| {
        format!(
            "  {name}:\n    adapter: keycloak\n    any_audience: true\n    cache: none\n    settings: {{host: \"{}\", realm: \
             {name}, issuer: \"{}\"}}\n",
            server.url(),
            public(name)
        )
    };
    let config = format!(
        "providers:\n{}{}routes:\n{}",
        provider("staff", &staff),
        provider("guests", &guests),
        route("/", "staff, guests", &upstream)
    );
    let gateway = Gateway::start(&config).unwrap();
    for (name, user, calls) in [("guests", "bob", (0, 1)), ("staff", "alice", (1, 1))] {
        let response = client::get_as(gateway.address, "/", &jwt(&json!({"iss": public(name)}))).unwrap();
        assert_eq!((response.status, response.json()["user"].as_str()), (200, Some(user)), "{}", response.text());
        assert_eq!((staff.seen().len(), guests.seen().len()), calls);
    }
    let asked = guests.seen();
    assert_eq!(asked[0].path(), "/realms/guests/protocol/openid-connect/userinfo", "asked at the internal address");
}

#[test]
fn a_signature_is_held_to_the_public_issuer() {
    let keycloak =
        Server::start(any_port(), |_: &Request| -> Reply { Answer::json(200, &json!({"keys": [RSA.jwk()]})).into() })
            .unwrap();
    let upstream = upstream::start(any_port()).unwrap();
    let config = format!(
        "providers:\n  staff:\n    adapter: keycloak\n    audience: [api]\n    cache: none\n    settings: {{host: \"{}\", realm: \
         staff, mode: jwt, issuer: \"https://sso.example.com/realms/staff\"}}\nroutes:\n{}",
        keycloak.url(),
        route("/", "staff", &upstream)
    );
    let gateway = Gateway::start(&config).unwrap();
    let status = |iss: &str| {
        let claims = json!({"iss": iss, "aud": "api", "sub": "1", "exp": now() + 300, "preferred_username": "alice"});
        client::get_as(gateway.address, "/", &RSA.token(&claims)).unwrap().status
    };
    assert_eq!(status("https://sso.example.com/realms/staff"), 200);
    let derived = format!("{}/realms/staff", keycloak.url());
    for other in [derived.as_str(), "https://sso.example.com/realms/staff/", "https://SSO.example.com/realms/staff"] {
        assert_eq!(status(other), 401, "{other}");
    }
    assert!(keycloak.seen().iter().all(|request| request.path().ends_with("/protocol/openid-connect/certs")));
}
