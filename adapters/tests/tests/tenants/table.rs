//! The table: for each adapter and mode, what keeps a stranger out.

use serde_json::{Value, json};

/// What keeps a stranger out.
#[derive(Debug)]
pub(crate) enum Held {
    /// The tenant has a server or an endpoint of its own, which refuses the tokens of others: the setting is a part of the
    /// address that is asked. `another` is the value for another tenant.
    Server { setting: &'static str, another: &'static str },
    /// The adapter or the gateway: the case, without id, provider and settings, is that of a stranger.
    Case { case: Value },
    /// Nothing, since the provider has no such setting or needs none: the page's first lines have these words.
    Nothing { page: &'static str },
}

const GUID: &str = "a8990e1f-ff32-408a-9f8e-78d3b9139b95";
const OTHER_GUID: &str = "0d2bb6e1-3a40-4e2f-8a2b-5f9d1c6e7a10";
const PERSONAL_GUID: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
/// The form of tokens that Entra issues to personal accounts for Graph.
const OPAQUE: &str = "EwBwA8l6BAAUO9chh8cJscQLmU+LSWpbnr0vmwwAAQ";

fn server(setting: &'static str, another: &'static str) -> Held {
    Held::Server { setting, another }
}

/// A token whose issuer is another one is refused, and nobody is asked; where there are keys, they are these.
fn issuer(iss: &str, keys: &str) -> Held {
    let claims = json!({
        "iss": iss, "sub": "u-1", "aud": "api", "exp": 1_700_000_300, "preferred_username": "mallory", "username": "mallory",
        "azp": "app", "token_use": "access", "client_id": "api", "tid": OTHER_GUID,
    });
    let keys = json!([exchange(json!({"method": "GET", "url": keys}), json!({}), true)]);
    Held::Case {
        case: json!({"token_claims": claims, "exchanges": keys, "expect": {"reject": "invalid_token"}, "expect_calls": 0}),
    }
}

/// A token of this issuer is refused before anybody is asked, keys included.
fn unasked(iss: &str) -> Held {
    let claims = json!({"iss": iss, "sub": "u-1", "aud": "x", "exp": 1_700_000_300, "tid": GUID});
    Held::Case { case: json!({"token_claims": claims, "expect": {"reject": "invalid_token"}, "expect_calls": 0}) }
}

/// An opaque token is refused before anybody is asked.
fn unasked_opaque() -> Held {
    Held::Case { case: json!({"token": OPAQUE, "expect": {"reject": "invalid_token"}, "expect_calls": 0}) }
}

/// A stranger's token to which the provider says yes, with these answers to GETs, is refused.
fn answered(answers: &[(&str, Value)]) -> Held {
    let get = |(url, body): &(&str, Value)| {
        exchange(
            json!({"method": "GET", "url": url, "headers": {"Authorization": "Bearer {token}"}}),
            body.clone(),
            false,
        )
    };
    let exchanges: Vec<_> = answers.iter().map(get).collect();
    Held::Case { case: json!({"exchanges": exchanges, "expect": {"reject": "invalid_token"}}) }
}

/// The settings are refused, since they could not be kept.
fn problem(setting: &str) -> Held {
    Held::Case { case: json!({"expect": {"problem": {"setting": setting}}}) }
}

fn exchange(request: Value, body: Value, jwks: bool) -> Value {
    let mut response = json!({"status": 200, "headers": {"Content-Type": "application/json"}, "body": body});
    if jwks {
        response["jwks"] = json!(true);
    }
    json!({"expect_request": request, "response": response})
}

fn client(settings: Value) -> Value {
    let mut settings = settings;
    settings["client_id"] = json!("gateway");
    settings["client_secret"] = json!("s3cret");
    settings
}

fn verified(settings: Value) -> Value {
    let mut settings = settings;
    settings["audience"] = json!("api");
    settings
}

type Row = (&'static str, &'static str, Value, Held);

/// Adapter, mode (empty where there is none), settings, what keeps a stranger out.
pub(crate) fn table() -> Vec<Row> {
    let mut rows = entra();
    rows.extend(hosted());
    rows.extend(own_servers());
    rows.extend(members());
    rows
}

/// Entra ID: Graph answers for every tenant, so whose token it is asked about is held by the issuer.
fn entra() -> Vec<Row> {
    let v1 = format!("https://sts.windows.net/{OTHER_GUID}/");
    let v2 = format!("https://login.microsoftonline.com/{OTHER_GUID}/v2.0");
    let mut rows = Vec::new();
    for mode in ["graph", "userinfo"] {
        for settings in [
            json!({"tenant": GUID}),
            json!({"tenant": "consumers"}),
            json!({"tenant": "common", "allowed_tenants": [GUID]}),
            json!({"tenant": "organizations", "allowed_tenants": [GUID, PERSONAL_GUID]}),
        ] {
            rows.push(("azure-ad", mode, settings.clone(), unasked(&v1)));
            rows.push(("azure-ad", mode, settings.clone(), unasked(&v2)));
            // Those of personal accounts are opaque.
            if settings["tenant"] != "consumers" {
                rows.push(("azure-ad", mode, settings, unasked_opaque()));
            }
        }
        rows.push(("azure-ad", mode, json!({"tenant": "organizations"}), unasked_opaque()));
        rows.push(("azure-ad", mode, json!({"tenant": "common"}), Held::Nothing { page: "every tenant" }));
        let metadata = json!({"issuer": format!("https://login.microsoftonline.com/{GUID}/v2.0")});
        let document = "https://login.microsoftonline.com/contoso.com/v2.0/.well-known/openid-configuration";
        let case = json!({
            "token_claims": {"iss": v1, "sub": "x", "exp": 1_700_000_300, "tid": OTHER_GUID},
            "exchanges": [exchange(json!({"method": "GET", "url": document}), metadata, false)],
            "expect": {"reject": "invalid_token"}, "expect_calls": 0,
        });
        // The document alone grants no call to Graph, which the native runner takes for the provider's fault.
        let mut case = case;
        let graph = if mode == "graph" { "v1.0/me" } else { "oidc/userinfo" };
        let graph = json!({"method": "GET", "url": format!("https://graph.microsoft.com/{graph}")});
        let mallory = json!({"sub": "mallory", "id": "mallory", "userPrincipalName": "mallory"});
        case["exchanges"].as_array_mut().expect("a list").push(exchange(graph, mallory, false));
        rows.push(("azure-ad", mode, json!({"tenant": "contoso.com"}), Held::Case { case }));
    }
    let keys = |tenant: &str| format!("https://login.microsoftonline.com/{tenant}/discovery/v2.0/keys");
    rows.extend([
        ("azure-ad", "jwt", verified(json!({"tenant": GUID})), issuer(&v2, &keys(GUID))),
        ("azure-ad", "jwt", verified(json!({"tenant": "consumers"})), issuer(&v2, &keys("consumers"))),
        (
            "azure-ad",
            "jwt",
            verified(json!({"tenant": "common", "allowed_tenants": [GUID]})),
            issuer(&v2, &keys("common")),
        ),
        ("azure-ad", "jwt", verified(json!({"tenant": "contoso.com"})), problem("tenant")),
    ]);
    rows
}

/// Providers that others run: each tenant has a host or a path of its own there, or all share one.
fn hosted() -> Vec<Row> {
    let pool = json!({"region": "eu-west-1", "user_pool_id": "eu-west-1_aB3"});
    let mut at_domain = pool.clone();
    at_domain["domain"] = json!("auth.example.com");
    let other_pool = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_xY9";
    let pool_keys = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_aB3/.well-known/jwks.json";
    let okta = json!({"domain": "acme.okta.com"});
    let custom = json!({"domain": "acme.okta.com", "auth_server": "aus1"});
    let okta_keys = "https://acme.okta.com/oauth2/default/v1/keys";
    let pingone = json!({"region": "eu", "env_id": GUID});
    let pingone_keys = format!("https://auth.pingone.eu/{GUID}/as/jwks");
    vec![
        ("auth0", "userinfo", json!({"domain": "acme.eu.auth0.com"}), server("domain", "other.eu.auth0.com")),
        (
            "auth0",
            "jwt",
            verified(json!({"domain": "acme.eu.auth0.com"})),
            issuer("https://other.eu.auth0.com/", "https://acme.eu.auth0.com/.well-known/jwks.json"),
        ),
        ("cognito", "userinfo", json!({"domain": "auth.example.com"}), server("domain", "auth.other.example")),
        ("cognito", "userinfo", at_domain, unasked(other_pool)),
        ("cognito", "jwt", verified(pool), issuer(other_pool, pool_keys)),
        // One host for all customers, and no setting that names one: the audience is what keeps strangers out.
        ("jumpcloud", "", json!({}), Held::Nothing { page: "all customers of JumpCloud" }),
        (
            "jumpcloud",
            "",
            json!({"audience": "client-of-ours"}),
            answered(&[(
                "https://oauth.id.jumpcloud.com/userinfo",
                json!({"sub": "1", "preferred_username": "mallory", "aud": ["theirs"]}),
            )]),
        ),
        ("miniorange", "userinfo", json!({"domain": "acme.xecurify.com"}), server("domain", "other.xecurify.com")),
        ("miniorange", "userinfo", json!({}), Held::Nothing { page: "shared by many customers" }),
        (
            "miniorange",
            "introspection",
            client(json!({"domain": "acme.xecurify.com"})),
            server("domain", "other.xecurify.com"),
        ),
        ("okta", "userinfo", okta.clone(), server("domain", "other.okta.com")),
        ("okta", "userinfo", okta.clone(), server("auth_server", "aus9other")),
        (
            "okta",
            "userinfo",
            json!({"domain": "acme.okta.com", "auth_server": "org"}),
            server("domain", "other.okta.com"),
        ),
        ("okta", "introspection", client(okta.clone()), server("domain", "other.okta.com")),
        ("okta", "introspection", client(custom), server("auth_server", "aus9other")),
        ("okta", "jwt", verified(okta.clone()), issuer("https://acme.okta.com/oauth2/aus9other", okta_keys)),
        // The org's own server, whose tokens nobody but Okta can verify.
        ("okta", "jwt", verified(okta), issuer("https://acme.okta.com", okta_keys)),
        ("okta", "jwt", verified(json!({"domain": "acme.okta.com", "auth_server": "org"})), problem("mode")),
        ("onelogin", "userinfo", json!({"subdomain": "acme"}), server("subdomain", "other")),
        ("onelogin", "introspection", client(json!({"subdomain": "acme"})), server("subdomain", "other")),
        ("pingone", "userinfo", pingone.clone(), server("env_id", OTHER_GUID)),
        ("pingone", "introspection", client(pingone.clone()), server("env_id", OTHER_GUID)),
        (
            "pingone",
            "jwt",
            verified(pingone),
            issuer(&format!("https://auth.pingone.eu/{OTHER_GUID}/as"), &pingone_keys),
        ),
        ("zitadel", "userinfo", json!({"domain": "acme.zitadel.cloud"}), server("domain", "other.zitadel.cloud")),
        (
            "zitadel",
            "userinfo",
            json!({"domain": "acme.zitadel.cloud"}),
            Held::Nothing { page: "every organisation of the instance" },
        ),
        (
            "zitadel",
            "introspection",
            client(json!({"domain": "acme.zitadel.cloud"})),
            server("domain", "other.zitadel.cloud"),
        ),
        (
            "zitadel",
            "jwt",
            verified(json!({"domain": "acme.zitadel.cloud"})),
            issuer("https://other.zitadel.cloud", "https://acme.zitadel.cloud/oauth/v2/keys"),
        ),
    ]
}

/// Servers of one's own, and any server by its address.
fn own_servers() -> Vec<Row> {
    let keycloak = json!({"host": "sso.example.com", "realm": "staff"});
    let certs = "https://sso.example.com/realms/staff/protocol/openid-connect/certs";
    let authentik = json!({"host": "auth.example.com"});
    let wiki = json!({"host": "auth.example.com", "app_slug": "wiki"});
    let dex = json!({"issuer": "https://dex.example.com/dex"});
    let hydra = json!({"public_url": "hydra.example.com"});
    let admin = json!({"public_url": "hydra.example.com", "admin_url": "hydra-admin.internal"});
    let oidc = json!({"issuer": "https://id.example.com"});
    let by_hand = json!({"issuer": "https://id.example.com", "userinfo_endpoint": "https://id.example.com/me"});
    let entra = format!("https://login.microsoftonline.com/{GUID}/v2.0");
    let of_graph = json!({"issuer": entra, "userinfo_endpoint": "https://graph.microsoft.com/oidc/userinfo"});
    vec![
        ("keycloak", "userinfo", keycloak.clone(), server("realm", "guests")),
        ("keycloak", "userinfo", keycloak.clone(), server("host", "sso.other.example")),
        ("keycloak", "introspection", client(keycloak.clone()), server("realm", "guests")),
        ("keycloak", "jwt", verified(keycloak), issuer("https://sso.example.com/realms/guests", certs)),
        ("authentik", "userinfo", authentik.clone(), server("host", "auth.other.example")),
        ("authentik", "userinfo", authentik.clone(), Held::Nothing { page: "every application of the server" }),
        ("authentik", "userinfo", wiki.clone(), problem("app_slug")),
        ("authentik", "introspection", client(authentik), server("host", "auth.other.example")),
        ("authentik", "introspection", client(wiki.clone()), problem("app_slug")),
        (
            "authentik",
            "jwt",
            verified(wiki),
            issuer("https://auth.example.com/application/o/crm/", "https://auth.example.com/application/o/wiki/jwks/"),
        ),
        ("dex", "userinfo", dex.clone(), server("issuer", "https://dex.other.example/dex")),
        ("dex", "introspection", client(dex.clone()), server("issuer", "https://dex.other.example/dex")),
        ("dex", "jwt", verified(dex), issuer("https://dex.other.example/dex", "https://dex.example.com/dex/keys")),
        ("hydra", "userinfo", hydra.clone(), server("public_url", "hydra.other.example")),
        ("hydra", "introspection", client(admin), server("admin_url", "hydra-admin.other.example")),
        (
            "hydra",
            "jwt",
            verified(hydra),
            issuer("https://hydra.other.example/", "https://hydra.example.com/.well-known/jwks.json"),
        ),
        ("pingfederate", "userinfo", json!({"host": "sso.example.com"}), server("host", "sso.other.example")),
        (
            "pingfederate",
            "introspection",
            client(json!({"host": "sso.example.com"})),
            server("host", "sso.other.example"),
        ),
        ("confluence-dc", "", json!({"base_url": "wiki.example.com"}), server("base_url", "wiki.other.example")),
        ("jira-dc", "", json!({"base_url": "jira.example.com"}), server("base_url", "jira.other.example")),
        ("bitbucket-dc", "", json!({"base_url": "git.example.com"}), server("base_url", "git.other.example")),
        (
            "introspection",
            "",
            client(json!({"url": "https://id.example.com/i"})),
            server("url", "https://id.other.example/i"),
        ),
        ("userinfo", "", json!({"url": "https://id.example.com/me"}), server("url", "https://id.other.example/me")),
        ("oidc", "userinfo", by_hand, server("userinfo_endpoint", "https://id.other.example/me")),
        // Its userinfo is everybody's, whatever issuer is written.
        ("oidc", "userinfo", of_graph, problem("userinfo_endpoint")),
        ("oidc", "userinfo", oidc.clone(), of_another_issuer()),
        ("oidc", "introspection", client(oidc.clone()), of_another_issuer()),
        ("oidc", "jwt", verified(oidc.clone()), of_another_issuer()),
        ("oidc", "jwt", verified(oidc), another_issuers_token()),
    ]
}

/// A document that names another issuer is not believed, so nobody is asked.
fn of_another_issuer() -> Held {
    let other = "https://id.other.example";
    let document = json!({"issuer": other, "userinfo_endpoint": format!("{other}/me"),
        "introspection_endpoint": format!("{other}/i"), "jwks_uri": format!("{other}/keys")});
    let request = json!({"method": "GET", "url": "https://id.example.com/.well-known/openid-configuration"});
    let exchanges = json!([exchange(request, document, false)]);
    Held::Case { case: json!({"exchanges": exchanges, "expect": {"unavailable": true}, "expect_calls": 0}) }
}

fn another_issuers_token() -> Held {
    let mut held = issuer("https://id.other.example", "https://id.example.com/keys");
    if let Held::Case { case } = &mut held {
        let document = json!({"issuer": "https://id.example.com", "jwks_uri": "https://id.example.com/keys"});
        let request = json!({"method": "GET", "url": "https://id.example.com/.well-known/openid-configuration"});
        case["exchanges"].as_array_mut().expect("a list").insert(0, exchange(request, document, false));
    }
    held
}

/// Providers where everybody may have an account: who is a member of what, and which site a token reaches.
fn members() -> Vec<Row> {
    let user = json!({"login": "mallory", "id": 66, "type": "User"});
    let api = "https://api.github.com/user";
    let orgs = json!([{"login": "evil"}]);
    let teams = json!([{"slug": "ops", "organization": {"login": "evil"}}]);
    let of_org = json!({"allowed_orgs": ["acme"]});
    let of_team = json!({"allowed_teams": ["acme/ops"]});
    let token_check = json!({
        "exchanges": [
            exchange(
                json!({"method": "POST", "url": "https://api.github.com/applications/gateway/token", "json": {"access_token": "{token}"}}),
                json!({"user": user, "scopes": [], "app": {"client_id": "gateway"}}),
                false,
            ),
            exchange(
                json!({"method": "GET", "url": format!("{api}/orgs?per_page=100"), "headers": {"Authorization": "Bearer {token}"}}),
                orgs.clone(),
                false,
            ),
        ],
        "expect": {"reject": "invalid_token"},
    });
    let google = "https://openidconnect.googleapis.com/v1/userinfo";
    let mallory = json!({"sub": "66", "email": "mallory@acme.com", "email_verified": true});
    let mut of_another_domain = mallory.clone();
    of_another_domain["hd"] = json!("evil.example");
    let hd = json!({"allowed_hd": ["acme.com"]});
    let mut claims = of_another_domain.clone();
    claims["iss"] = json!("https://accounts.google.com");
    claims["aud"] = json!("api");
    claims["exp"] = json!(1_700_000_300);
    let google_keys = json!({"method": "GET", "url": "https://www.googleapis.com/oauth2/v3/certs"});
    let id_token = json!({
        "token_claims": claims, "exchanges": [exchange(google_keys, json!({}), true)],
        "expect": {"reject": "invalid_token"}, "expect_calls": 0,
    });
    let atlassian = "https://api.atlassian.com";
    let account = json!({"account_id": "66", "account_type": "atlassian", "account_status": "active"});
    let sites = json!([{"id": "their-site", "scopes": ["read:me"]}]);
    let mut rows = vec![
        (
            "github",
            "user",
            of_org.clone(),
            answered(&[(api, user.clone()), (&format!("{api}/orgs?per_page=100"), orgs)]),
        ),
        ("github", "user", of_team, answered(&[(api, user), (&format!("{api}/teams?per_page=100"), teams)])),
        ("github", "user", json!({}), Held::Nothing { page: "everybody who has an account there" }),
        ("github", "user", json!({"host": "git.example.com"}), server("host", "git.other.example")),
        ("github", "token_check", client(of_org), Held::Case { case: token_check }),
        ("google", "userinfo", hd.clone(), answered(&[(google, mallory)])),
        ("google", "userinfo", hd.clone(), answered(&[(google, of_another_domain)])),
        ("google", "userinfo", json!({}), Held::Nothing { page: "everybody who has a Google account" }),
        // Its answer does not have the Workspace domain.
        ("google", "tokeninfo", verified(hd.clone()), problem("allowed_hd")),
        ("google", "jwt", verified(hd), Held::Case { case: id_token }),
        (
            "atlassian-oauth",
            "",
            json!({"cloud_id": "our-site"}),
            answered(&[
                (&format!("{atlassian}/me"), account),
                (&format!("{atlassian}/oauth/token/accessible-resources"), sites),
            ]),
        ),
        ("atlassian-oauth", "", json!({}), Held::Nothing { page: "everybody who has an Atlassian account" }),
    ];
    for product in ["confluence", "jira"] {
        rows.push((
            "atlassian-cloud",
            "",
            json!({"site": "acme.atlassian.net", "product": product}),
            server("site", "other.atlassian.net"),
        ));
    }
    // No setting names a group, so on gitlab.com nothing keeps anybody out.
    for mode in ["userinfo", "api_user", "token_info"] {
        rows.push(("gitlab", mode, json!({"host": "gitlab.example.com"}), server("host", "gitlab.other.example")));
    }
    for mode in ["userinfo", "api_user"] {
        rows.push(("gitlab", mode, json!({}), Held::Nothing { page: "everybody who has an account there" }));
    }
    rows
}
