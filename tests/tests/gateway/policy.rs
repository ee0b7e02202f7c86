//! What routes demand of whoever a provider vouched for: judged at every request, also where the verdict is known.

use crate::world::{World, assert_refused, challenge, config};
use portcullis_tests::gateway::{Gateway, any_port};
use portcullis_tests::server::{Answer, Reply, Server};
use portcullis_tests::wire::{Request, Response};
use portcullis_tests::{client, provider, upstream};
use serde_json::{Value, json};

/// What the provider says of each token.
fn said(token: &str) -> Value {
    match token {
        "writer" => {
            json!({"username": "alice", "scope": "WRITE", "groups": ["/docs"], "aud": "confluence", "department": "it"})
        }
        "reader" => {
            json!({"username": "bob", "scope": "READ", "groups": ["/staff"], "aud": ["jira", "x"], "department": ["hr", "docs"]})
        }
        "silent" => json!({"username": "carol"}),
        "program" => json!({"username": "service-account-batch", "client_id": "batch", "scope": "READ"}),
        "impostor" => json!({"username": "svc:batch", "scope": "READ"}),
        "shouting" => json!({"username": "SVC:batch", "scope": "READ"}),
        "long-s" => json!({"username": "\u{17f}vc:batch", "scope": "READ"}),
        "kelvin" => json!({"username": "\u{212a}aren", "scope": "READ"}),
        "karen" => json!({"username": "Karen", "scope": "READ"}),
        "two" => json!({"username": "alice, root", "scope": "READ"}),
        _ => json!({"active": false}),
    }
}

fn introspection(request: &Request) -> Reply {
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let token = body.split('&').find_map(|field| field.strip_prefix("token=")).unwrap_or_default().to_owned();
    let mut answer = said(&token);
    if answer.get("active").is_none() {
        answer["active"] = json!(true);
        answer["token_type"] = json!("Bearer");
        answer["preferred_username"] = answer["username"].clone();
        answer["sub"] = json!("0");
    }
    Answer::json(200, &answer).into()
}

/// A route for each of these, `/0/` and on: lines of YAML, not indented.
struct Rules {
    gateway: Gateway,
    provider: Server,
    upstream: Server,
}

impl Rules {
    fn new(provider_extra: &str, routes: &[&str]) -> Self {
        let provider = Server::start(any_port(), introspection).unwrap();
        let upstream = upstream::start(any_port()).unwrap();
        let mut further = String::new();
        for (number, rules) in routes.iter().enumerate() {
            let rules: String = rules.lines().map(|line| format!("    {line}\n")).collect();
            further.push_str(&format!(
                "  - match: {{path: /{number}}}\n    providers: [staff]\n    upstream: {{url: \"{}\"}}\n{rules}",
                upstream.url()
            ));
        }
        let text = config(&provider.url(), &upstream.url(), provider_extra, "", &further).replace(
            "      realm: demo\n",
            "      realm: demo\n      mode: introspection\n      client_id: gate\n      client_secret: secret-secret\n",
        );
        Self { gateway: Gateway::start(&text).unwrap(), provider, upstream }
    }

    fn get(&self, route: usize, token: &str) -> Response {
        client::get_as(self.gateway.address, &format!("/{route}/"), token).unwrap()
    }

    /// The statuses of these tokens on a route.
    fn statuses(&self, route: usize, tokens: &[&str]) -> Vec<u16> {
        tokens.iter().map(|token| self.get(route, token).status).collect()
    }
}

const TOKENS: [&str; 3] = ["writer", "reader", "silent"];

#[test]
fn a_route_demands_scopes_groups_audience_users_and_attributes() {
    for cache in ["", "\ncache: {}"] {
        let rules = Rules::new(
            &format!("scope_order: atlassian{cache}"),
            &[
                "require: {scopes: [READ]}",
                "require: {scopes: [WRITE]}",
                "require: {groups: [/docs, /x]}",
                "require: {audience: confluence}",
                "require: {users: {allow: [alice, carol]}}",
                "require: {users: {deny: [alice]}}",
                "require: {attributes: {department: [docs]}}",
                "require: {scopes: [READ], groups: [/docs], users: {deny: [bob]}}",
                "require: {scopes: [ADMIN]}",
            ],
        );
        // Twice: the second time the verdict is known where it is cached.
        for _ in 0..2 {
            for (route, expected) in [
                (0, [200, 200, 403]),
                (1, [200, 403, 403]),
                (2, [200, 403, 403]),
                (3, [200, 403, 403]),
                (4, [200, 403, 200]),
                (5, [403, 200, 200]),
                (6, [403, 200, 403]),
                (7, [200, 403, 403]),
                (8, [403, 403, 403]),
            ] {
                assert_eq!(rules.statuses(route, &TOKENS), expected, "route {route}, {cache}");
            }
        }
        if !cache.is_empty() {
            assert_eq!(rules.provider.seen().len(), TOKENS.len(), "known verdicts were asked for again");
        }
        let passed = rules.upstream.seen().len();
        let refused = rules.get(1, "reader");
        assert_refused(&refused, 403, "reader");
        let challenge = challenge(&refused);
        assert!(
            challenge.contains("error=\"insufficient_scope\"") && challenge.contains("scope=\"WRITE\""),
            "{challenge}"
        );
        // Nothing is asked of the caller that he could not have: a group has no challenge.
        assert_eq!(rules.get(2, "reader").header("www-authenticate"), None);
        assert_eq!(rules.upstream.seen().len(), passed, "let in");
        let log = rules.gateway.log();
        for reason in ["require.groups", "require.users.deny", "require.attributes.department", "does not tell"] {
            assert!(log.contains(reason), "the log does not name {reason}");
        }
    }
}

/// RFC 6749 3.3: scopes are in no order unless somebody says so.
#[test]
fn without_an_order_a_scope_stands_for_itself_alone() {
    let rules = Rules::new("", &["require: {scopes: [READ]}"]);
    assert_eq!(rules.statuses(0, &TOKENS), [403, 200, 403]);
    let own = Rules::new("scope_order: [[WRITE, READ]]\nrequired_scopes: [WRITE]", &["require: {scopes: [READ]}"]);
    assert_eq!(own.statuses(0, &TOKENS), [403, 200, 403], "the reverse order");
}

#[test]
fn methods_have_rules_of_their_own() {
    let deleting = "  - match: {path: /, methods: [DELETE]}\n    providers: [staff]\n    require: {users: {allow: [root]}}\n    \
                    upstream: {url: \"{upstream}\"}\n";
    let world = World::build(provider::keycloak, "", "", deleting);
    assert_eq!(world.get_as_alice("/x").status, 200);
    let delete = |name: &str| {
        let token = format!("good-token-{name}");
        let head = format!("DELETE /x HTTP/1.1\r\nHost: {{host}}\r\nAuthorization: Bearer {token}\r\n");
        world.raw("DELETE", &format!("{head}Connection: close\r\n\r\n"))
    };
    assert_refused(&delete("alice"), 403, "DELETE");
    assert_eq!(delete("root").status, 200);
}

/// Rails, Laravel, ASP.NET and others take such a GET or POST for a DELETE.
#[test]
fn nothing_makes_another_method_of_a_request_where_that_has_rules_of_its_own() {
    let deleting = "  - match: {path: /, methods: [DELETE, PATCH]}\n    providers: [staff]\n    require: {users: {allow: [root]}}\n    \
                    upstream: {url: \"{upstream}\"}\n  - match: {path: /open, methods: [GET]}\n    public: true\n    upstream: {url: \"{upstream}\"}\n";
    let world = World::build(provider::keycloak, "", "", deleting);
    let alice = ("Authorization", "Bearer good-token-alice");
    for name in ["X-HTTP-Method-Override", "x_http_method_override", "X-HTTP-Method", "X.Method.Override"] {
        for value in ["DELETE", "delete", " Patch", "no method"] {
            assert_refused(&world.get("/x", &[alice, (name, value)]), 400, value);
        }
        assert_refused(&world.get("/open", &[(name, "DELETE")]), 400, "out of a public route");
        // Of two, servers take either.
        assert_refused(&world.get("/x", &[alice, (name, "PUT"), (name, "DELETE")]), 400, "two");
        // PUT has the same rules as GET here, and what it does is the upstream's matter.
        assert_eq!(world.get("/x", &[alice, (name, "PUT")]).status, 200);
    }
    for query in ["_method=DELETE", "a=1&_method=delete", "x;%5fMethod=%20patch+", "_method[]=DELETE"] {
        assert_refused(&world.get(&format!("/x?{query}"), &[alice]), 400, query);
    }
    assert_eq!(world.get("/x?_method=PUT&method=DELETE", &[alice]).status, 200);
    world.gateway.until_log_says("rule=\"match.methods\"", 28).unwrap();
    let plain = World::new();
    assert_eq!(plain.get("/rest", &[alice, ("X-HTTP-Method-Override", "DELETE")]).status, 200, "no rules by method");
}

#[test]
fn a_program_is_refused_passes_or_carries_its_mark() {
    let rules = Rules::new("cache: {}", &["", "services: pass", "services: {prefix: \"svc:\"}", "services: refuse"]);
    for _ in 0..2 {
        assert_refused(&rules.get(0, "program"), 403, "the default");
        assert_refused(&rules.get(3, "program"), 403, "refuse");
        let user = |route, token| rules.get(route, token).json()["user"].as_str().map(str::to_owned);
        assert_eq!(user(1, "program").as_deref(), Some("service-account-batch"));
        assert_eq!(user(2, "program").as_deref(), Some("svc:service-account-batch"));
        // People stay who they are, and nobody takes a program's name.
        assert_eq!(user(2, "reader").as_deref(), Some("bob"));
        assert_refused(&rules.get(2, "impostor"), 403, "impostor");
        assert_eq!(user(1, "impostor").as_deref(), Some("svc:batch"));
    }
}

/// Upstreams ignore the case of usernames: what keeps somebody out must not be evaded by it.
#[test]
fn what_keeps_somebody_out_does_so_in_any_letter_case() {
    let rules = Rules::new(
        "",
        &[
            "services: {prefix: \"svc:\"}\nheader_values: percent_encode",
            "require: {users: {deny: [karen]}}\nheader_values: percent_encode",
            "require: {users: {allow: [karen]}}\nheader_values: percent_encode",
        ],
    );
    for token in ["impostor", "shouting", "long-s"] {
        assert_refused(&rules.get(0, token), 403, token);
    }
    assert_eq!(rules.statuses(1, &["karen", "kelvin", "reader"]), [403, 403, 200]);
    assert_eq!(rules.statuses(2, &["karen", "kelvin"]), [403, 403], "what lets somebody in is exact");
}

/// Unicode makes `karen` of a name that begins with U+212A (the class of CVE-2019-19844), and servers that read lists two
/// names of one.
#[test]
fn no_mapping_and_no_comma_makes_two_names_one() {
    let rules = Rules::new("username: {lower_case: true}", &["", "header_values: percent_encode"]);
    let user = |token: &str| rules.get(1, token).json()["user"].as_str().map(str::to_owned);
    assert_eq!(user("karen").as_deref(), Some("karen"));
    assert_eq!(user("kelvin").as_deref(), Some("%E2%84%AAaren"));
    assert_eq!(user("two").as_deref(), Some("alice%2C%20root"));
    for token in ["kelvin", "two"] {
        assert_refused(&rules.get(0, token), 403, token);
    }
    rules.gateway.until_log_says("a value holds a comma", 1).unwrap();
}

#[test]
fn a_public_route_is_held_to_what_is_written() {
    let public = |path: &str, keys: &str| {
        format!("  - match: {{path: {path}}}\n    public: true\n    upstream: {{url: \"{{upstream}}\"}}\n{keys}")
    };
    let routes = public("/plain", "")
        + &public("/drop", "    cookies: drop\n")
        + &public("/keep", "    authorization: keep\n    refuse_query: [os_username]\n");
    let world = World::build(provider::keycloak, "", "", &routes);
    let credentials = [("Authorization", "Basic YTpi"), ("Cookie", "a=b")];
    for (path, authorization, cookie) in
        [("/plain", None, Some("a=b")), ("/drop", None, None), ("/keep", Some("Basic YTpi"), Some("a=b"))]
    {
        assert_eq!(world.get(path, &credentials).status, 200, "{path}");
        let seen = world.upstream.seen().pop().unwrap();
        assert_eq!((seen.header("authorization"), seen.header("cookie")), (authorization, cookie), "{path}");
    }
    world.upstream.forget();
    for query in ["os_username=a", "OS.username=a", "x=1;os%20username=a"] {
        assert_refused(&world.get(&format!("/keep?{query}"), &[]), 400, query);
    }
    assert!(world.upstream.seen().is_empty());
    assert_eq!(world.get("/keep?access_token=1", &[]).status, 200, "no name that was not written");
    assert_eq!(world.get("/plain?os_username=a", &[]).status, 200);
}

/// A step of a roll-out: what would happen is in the log, and nothing happens.
#[test]
fn a_route_that_observes_passes_everything_untouched_and_says_what_it_would_do() {
    let world = World::with_route("mode: observe\nrequire: {users: {allow: [alice]}}");
    let basic = ("Authorization", "Basic YWxpY2U6c2VjcmV0");
    let requests: [(&[(&str, &str)], &str); 6] = [
        (&[("Authorization", "Bearer good-token-alice"), ("Cookie", "a=b")], "would pass"),
        (&[("Authorization", "Bearer good-token-bob")], "would be forbidden: require.users.allow"),
        (&[("Authorization", "Bearer bad")], "would be invalid_token"),
        (&[basic], "would be unauthenticated: Basic is blocked"),
        (&[("Authorization", "Bearer a, b")], "would be invalid_request"),
        (&[("X-Remote-User", "mallory"), ("x_remote_user", "mallory")], "would be unauthenticated: no credential"),
    ];
    for (headers, would) in requests {
        let response = world.get("/rest?a=b", headers);
        assert_eq!(response.status, 200, "{headers:?}: {}", response.text());
        let seen = world.upstream.seen().pop().unwrap();
        for (name, value) in headers.iter().filter(|(name, _)| ["Authorization", "Cookie"].contains(name)) {
            assert_eq!(seen.header(name), Some(*value));
        }
        // Nobody's name passes, ours neither: the upstream decides as it did before.
        assert!(
            !seen.headers.iter().any(|(name, _)| name.to_lowercase().replace('_', "-") == "x-remote-user"),
            "{seen:?}"
        );
        let log = world.gateway.log();
        let last = log.lines().rfind(|line| line.contains("portcullis::access")).unwrap();
        assert!(last.contains("decision=\"observed\"") && last.contains(would), "{would}: {last}");
        assert!(!last.contains("good-token") && !last.contains("YWxp"), "{last}");
    }
    assert_refused(&world.get_as_alice("/a//b"), 400, "an ambiguous target");
    // Nor does it let a request through that is another route's matter, which may be guarded.
    let guarded =
        "  - match: {path: /, methods: [DELETE]}\n    providers: [staff]\n    upstream: {url: \"{upstream}\"}\n";
    let two = World::build(provider::keycloak, "", "mode: observe", guarded);
    assert_refused(&two.get("/x?_method=DELETE", &[]), 400, "another route's");
    assert_refused(&two.get("/x", &[("X-HTTP-Method-Override", "DELETE")]), 400, "another route's");
    assert!(world.gateway.log().contains("only observes"), "nobody is told at start");
}

#[test]
fn usernames_are_mapped_as_configured_and_nobody_becomes_somebody_else() {
    let script = |request: &Request| match request.bearer() {
        Some(name) => {
            let (name, verified) = name.split_once("--").unwrap_or((name, "true"));
            let name = name.replace("-at-", "@");
            let claims = json!({"sub": "1", "preferred_username": name, "email": "x@y.example", "email_verified": verified == "true"});
            Answer::json(200, &claims).into()
        }
        None => Answer::status(401).into(),
    };
    let extra = "username: {lower_case: true, strip_domain: example.com, require_verified_email: true}";
    let world = World::build(script, extra, "", "");
    let user = |token: &str| {
        let response = client::get_as(world.gateway.address, "/", token).unwrap();
        (response.status, (response.status == 200).then(|| response.json()["user"].as_str().unwrap().to_owned()))
    };
    assert_eq!(user("Alice-at-Example.COM"), (200, Some("alice".to_owned())));
    assert_eq!(user("Alice-at-example.org"), (200, Some("alice@example.org".to_owned())));
    for refused in ["alice--true", "-at-example.com", "bob-at-b.org-at-example.com", "alice-at-example.com--false"] {
        assert_eq!(user(refused).0, 401, "{refused}");
    }
}
