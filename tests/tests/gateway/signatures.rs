//! Tokens that the gateway verifies itself, under the provider's published keys: what passes, every known way of forging one, and
//! what becomes of trouble with the keys.

use crate::signing::{EC, Key, RSA, STRANGER, message, now, with};
use crate::world::{assert_refused, assert_unblamed, challenge};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use portcullis_tests::gateway::{Folder, Gateway, any_port, test_adapter};
use portcullis_tests::server::{Answer, Reply, Server};
use portcullis_tests::wire::Response;
use portcullis_tests::{client, upstream};
use serde_json::{Value, json};
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const CERTS: &str = "/realms/demo/protocol/openid-connect/certs";

/// A provider whose key set a test can swap.
struct World {
    gateway: Gateway,
    provider: Server,
    upstream: Server,
    certs: Arc<Mutex<Reply>>,
}

fn set(keys: &[&Value]) -> Reply {
    Answer::json(200, &json!({"keys": keys})).into()
}

impl World {
    fn new() -> Self {
        Self::with(set(&[&RSA.jwk(), &EC.jwk()]), "    cache: none\n")
    }

    fn with(certs: Reply, more: &str) -> Self {
        let certs = Arc::new(Mutex::new(certs));
        let serving = Arc::clone(&certs);
        let provider = Server::start(any_port(), move |request| match request.path() {
            CERTS => serving.lock().unwrap().clone(),
            _ => Answer::status(404).into(),
        })
        .unwrap();
        let upstream = upstream::start(any_port()).unwrap();
        let config = format!(
            "providers:\n  staff:\n    adapter: keycloak\n    settings: {{host: \"{}\", realm: demo, mode: jwt}}\n    \
             audience: [confluence]\n{more}routes:\n  - match: {{path: /}}\n    providers: [staff]\n    upstream: {{url: \"{}\"}}\n",
            provider.url(),
            upstream.url()
        );
        let gateway = Gateway::start(&config).unwrap();
        Self { gateway, provider, upstream, certs }
    }

    fn get(&self, token: &str) -> Response {
        client::get_as(self.gateway.address, "/", token).unwrap()
    }

    fn claims(&self, more: &Value) -> Value {
        let claims = json!({
            "iss": format!("{}/realms/demo", self.provider.url()),
            "sub": "7ea2", "aud": ["account", "confluence"], "exp": now() + 300, "iat": now(),
            "typ": "Bearer", "preferred_username": "alice",
        });
        with(claims, more)
    }

    fn assert_passes(&self, token: &str, what: &str) {
        let response = self.get(token);
        assert_eq!(
            (response.status, response.json()["user"].as_str()),
            (200, Some("alice")),
            "{what}: {}",
            response.text()
        );
    }

    /// The token is refused as a token, and nothing reached the upstream.
    fn assert_bad(&self, token: &str, what: &str) {
        let before = self.upstream.seen().len();
        let response = self.get(token);
        assert_refused(&response, 401, what);
        assert!(challenge(&response).contains("invalid_token"), "{what}");
        assert_eq!(self.upstream.seen().len(), before, "{what}: let in");
    }

    fn fetches(&self) -> usize {
        self.provider.seen().len()
    }
}

#[test]
fn a_good_token_passes_and_nobody_is_asked_about_it() {
    let world = World::new();
    world.assert_passes(&RSA.token(&world.claims(&json!({}))), "RS256");
    world.assert_passes(&EC.token(&world.claims(&json!({}))), "ES256");
    let without_kid = json!({"alg": "RS256"});
    world.assert_passes(&RSA.signed(&without_kid, &world.claims(&json!({}))), "no kid, no typ");
    let seen = world.provider.seen();
    assert!(seen.iter().all(|request| request.path() == CERTS), "{seen:?}");
    assert_eq!(seen.len(), 1, "the keys are fetched once");
    assert!(seen.iter().all(|request| request.header("authorization").is_none() && request.body.is_empty()));
}

#[test]
fn no_spelling_of_none_is_a_signature() {
    let world = World::new();
    let claims = world.claims(&json!({})).to_string();
    for alg in ["none", "None", "NONE", "nOnE", " none", "none ", "n\u{6f}ne", "nöne", "", "null"] {
        let message = message(&json!({"alg": alg, "kid": "rsa-1"}).to_string(), &claims);
        for token in [format!("{message}."), RSA.sign(&message), format!("{message}.e30")] {
            world.assert_bad(&token, alg);
        }
    }
    for header in [
        r#"{"kid":"rsa-1"}"#,
        r#"{"alg":null}"#,
        r#"{"alg":["RS256"]}"#,
        r#"{"Alg":"RS256"}"#,
        r#"{"alg":"RS256","alg":"none"}"#,
    ] {
        world.assert_bad(&RSA.sign(&message(header, &claims)), header);
    }
}

#[test]
fn the_public_key_is_no_shared_secret() {
    let world = World::new();
    let pem = RSA.public_pem.clone();
    let der: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(der).unwrap();
    for secret in [pem.as_bytes(), pem.trim_end().as_bytes(), &der, RSA.jwk().to_string().as_bytes(), b""] {
        for (alg, algorithm) in [("HS256", Algorithm::HS256), ("HS384", Algorithm::HS384), ("HS512", Algorithm::HS512)]
        {
            let message =
                message(&json!({"alg": alg, "kid": "rsa-1"}).to_string(), &world.claims(&json!({})).to_string());
            let signature = crypto::sign(message.as_bytes(), &EncodingKey::from_secret(secret), algorithm).unwrap();
            world.assert_bad(&format!("{message}.{signature}"), alg);
            // The same signature under a name that is accepted.
            let (_, claims) = message.split_once('.').unwrap();
            let header = URL_SAFE_NO_PAD.encode(json!({"alg": "RS256", "kid": "rsa-1"}).to_string());
            world.assert_bad(&format!("{header}.{claims}.{signature}"), alg);
        }
    }
}

#[test]
fn a_shared_secret_in_the_key_set_is_no_key() {
    let oct = json!({"kty": "oct", "kid": "oct-1", "k": URL_SAFE_NO_PAD.encode("secret-secret-secret-secret-secret")});
    let world = World::with(set(&[&oct, &RSA.jwk()]), "    cache: none\n");
    let message = message(&json!({"alg": "HS256", "kid": "oct-1"}).to_string(), &world.claims(&json!({})).to_string());
    let key = EncodingKey::from_secret(b"secret-secret-secret-secret-secret");
    let signature = crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    world.assert_bad(&format!("{message}.{signature}"), "oct");
    world.assert_passes(&RSA.token(&world.claims(&json!({}))), "the others are still there");
}

#[test]
fn keys_that_a_token_brings_along_are_not_used() {
    let world = World::new();
    let elsewhere = Server::start(any_port(), |_| set(&[&STRANGER.jwk()])).unwrap();
    let claims = world.claims(&json!({}));
    for more in [
        json!({"jwk": STRANGER.jwk()}),
        json!({"jku": elsewhere.url()}),
        json!({"x5u": elsewhere.url()}),
        json!({"x5c": ["MIIB"]}),
        json!({"jwk": STRANGER.jwk(), "kid": "brought-along"}),
        json!({"kid": elsewhere.url()}),
    ] {
        world.assert_bad(&STRANGER.signed(&STRANGER.header(&more), &claims), &more.to_string());
    }
    assert!(elsewhere.seen().is_empty(), "{:?}", elsewhere.seen());
    world.assert_bad(&STRANGER.token(&claims), "another key under a known name");
}

#[test]
fn the_algorithm_and_the_key_agree() {
    let world = World::new();
    let claims = world.claims(&json!({}));
    for (key, header) in [
        (&*RSA, json!({"alg": "ES256", "kid": "ec-1"})),
        (&*EC, json!({"alg": "RS256", "kid": "rsa-1"})),
        (&*EC, json!({"alg": "ES256", "kid": "rsa-1"})),
        (&*RSA, json!({"alg": "RS256", "kid": "ec-1"})),
        (&*RSA, json!({"alg": "PS256", "kid": "rsa-1"})),
        (&*RSA, json!({"alg": "RS512", "kid": "rsa-1"})),
        (&*EC, json!({"alg": "ES384", "kid": "ec-1"})),
        (&*EC, json!({"alg": "ES256K", "kid": "ec-1"})),
        (&*RSA, json!({"alg": "RS1", "kid": "rsa-1"})),
    ] {
        world.assert_bad(&key.signed(&header, &claims), &header.to_string());
    }
    // A key that says for which algorithm it is, and one that is for encryption.
    let (mut named, mut sealed) = (RSA.jwk(), EC.jwk());
    named["alg"] = json!("RS512");
    sealed["use"] = json!("enc");
    let world = World::with(set(&[&named, &sealed]), "    cache: none\n");
    let claims = world.claims(&json!({}));
    world.assert_bad(&RSA.token(&claims), "a key for RS512 alone");
    world.assert_bad(&EC.token(&claims), "a key for encryption");
}

#[test]
fn a_key_id_is_compared_and_nothing_else() {
    let world = World::new();
    let claims = world.claims(&json!({}));
    for kid in [
        "../../../../etc/passwd",
        "/dev/null",
        "rsa-1' OR '1'='1",
        "rsa-1\u{0}",
        "RSA-1",
        "",
        " rsa-1",
        "$(id)",
        "%s%n",
    ] {
        world.assert_bad(&RSA.signed(&RSA.header(&json!({"kid": kid})), &claims), kid);
    }
    for kid in [json!(1), json!(null), json!(["rsa-1"]), json!({"a": 1})] {
        world.assert_bad(&RSA.signed(&RSA.header(&json!({"kid": kid})), &claims), "a kid that is no text");
    }
}

#[test]
fn a_flood_of_unknown_key_ids_is_one_fetch() {
    let world = World::new();
    let claims = world.claims(&json!({}));
    world.assert_passes(&RSA.token(&claims), "before");
    let before = world.fetches();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (world, claims) = (&world, &claims);
            scope.spawn(move || {
                for number in 0..50 {
                    let kid = format!("unknown-{thread}-{number}");
                    world.assert_bad(&STRANGER.signed(&STRANGER.header(&json!({"kid": kid})), claims), &kid);
                }
            });
        }
    });
    assert_eq!(world.fetches() - before, 1, "200 tokens with keys that nobody knows");
    world.assert_passes(&RSA.token(&claims), "after");
}

#[test]
fn a_new_key_is_found_at_once_and_an_old_one_is_out_with_the_set() {
    let world = World::new();
    let claims = world.claims(&json!({}));
    let new = Key::new("rsa-2", Algorithm::RS256);
    world.assert_passes(&RSA.token(&claims), "the old key");
    *world.certs.lock().unwrap() = set(&[&new.jwk()]);
    world.assert_passes(&new.token(&claims), "a key that was published a moment ago");
    world.assert_bad(&RSA.token(&claims), "a key that is not published any more");
}

/// A provider that was set up anew may give its first key the id that the first had before, and some publish keys without ids.
#[test]
fn a_new_key_under_the_id_of_an_old_one_is_found_and_forgeries_are_one_fetch() {
    let without_id = |key: &Key| {
        let mut jwk = key.jwk();
        jwk.as_object_mut().unwrap().remove("kid");
        jwk
    };
    let new = Key::new("rsa-1", Algorithm::RS256);
    let named = json!({"kid": RSA.jwk()["kid"]});
    for (old_jwk, new_jwk, header) in [
        (RSA.jwk(), with(new.jwk(), &named), with(RSA.header(&json!({})), &named)),
        (without_id(&RSA), without_id(&new), json!({"alg": "RS256"})),
    ] {
        let world = World::with(set(&[&old_jwk]), "    cache: none\n");
        let claims = world.claims(&json!({}));
        world.assert_passes(&RSA.signed(&header, &claims), "the old key");
        *world.certs.lock().unwrap() = set(&[&new_jwk]);
        world.assert_passes(&new.signed(&header, &claims), "a key that was published a moment ago");
        world.assert_bad(&RSA.signed(&header, &claims), "a key that is not published any more");
        for _ in 0..50 {
            world.assert_bad(&STRANGER.signed(&header, &claims), "forged");
        }
        assert_eq!(world.fetches(), 2, "{header}");
    }
}

#[test]
fn times_are_judged_with_a_minute_of_skew() {
    let world = World::new();
    // Not at the very edge: a second may pass meanwhile. The edge itself is tested with a clock of its own, in the core.
    for (more, good) in [
        (json!({"exp": now() - 50}), true),
        (json!({"exp": now() - 61}), false),
        (json!({"nbf": now() + 50}), true),
        (json!({"nbf": now() + 70}), false),
        (json!({"iat": now() + 5000}), true),
        (json!({"exp": (now() + 300).to_string()}), false),
        (json!({"exp": null}), false),
        (json!({"exp": 1e300}), true),
        (json!({"exp": -1e300}), false),
        (json!({"exp": now() as f64 + 300.7}), true),
    ] {
        let token = RSA.token(&world.claims(&more));
        if good { world.assert_passes(&token, &more.to_string()) } else { world.assert_bad(&token, &more.to_string()) }
    }
    let mut endless = world.claims(&json!({}));
    endless.as_object_mut().unwrap().remove("exp");
    world.assert_bad(&RSA.token(&endless), "no exp");
}

#[test]
fn another_kind_of_token_is_no_access_token() {
    let world = World::new();
    for typ in ["dpop+jwt", "logout+jwt", "secevent+jwt", "JWE", "application/logout+jwt"] {
        world.assert_bad(&RSA.signed(&RSA.header(&json!({"typ": typ})), &world.claims(&json!({}))), typ);
    }
    for more in [
        json!({"typ": "ID"}),
        json!({"typ": "Refresh"}),
        json!({"typ": "Offline"}),
        json!({"token_use": "id"}),
        json!({"token_type": "urn:ietf:params:oauth:token-type:refresh_token"}),
        json!({"typ": "Logout"}),
        // What only ID tokens have, and what only security event tokens have, where nothing names the kind.
        json!({"at_hash": "MTIzNDU2Nzg5MDEyMzQ1Ng", "nonce": "n-1"}),
        json!({"c_hash": "MTIzNDU2Nzg5MDEyMzQ1Ng"}),
        json!({"s_hash": "MTIzNDU2Nzg5MDEyMzQ1Ng"}),
        json!({"events": {"http://schemas.openid.net/event/backchannel-logout": {}}, "sid": "s"}),
        json!({"events": {"https://schemas.openid.net/secevent/risc/event-type/account-disabled": {}}}),
        json!({"aud": "another-application"}),
        json!({"aud": []}),
        json!({"aud": null}),
        json!({"iss": "https://evil.example/realms/demo"}),
        json!({"iss": null}),
        json!({"cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}),
        json!({"cnf": {}}),
        json!({"preferred_username": ""}),
        json!({"preferred_username": null}),
        json!({"preferred_username": ["alice"]}),
        json!({"preferred_username": "al\nice"}),
    ] {
        world.assert_bad(&RSA.token(&world.claims(&more)), &more.to_string());
    }
    let dpop = RSA.signed(&RSA.header(&json!({"typ": "at+jwt"})), &world.claims(&json!({"cnf": {"x5t#S256": "x"}})));
    world.assert_bad(&dpop, "bound to a certificate");
    // Some providers put the nonce of the authorization request into access tokens too.
    world.assert_passes(&RSA.token(&world.claims(&json!({"nonce": "n-1", "typ": "Bearer"}))), "a nonce");
}

#[test]
fn a_token_of_another_tenant_is_another_issuers() {
    let folder = Folder::new().unwrap();
    fs::copy(test_adapter("dist", "odd").unwrap(), folder.path().join("odd.wasm")).unwrap();
    let provider = Server::start(any_port(), |_| set(&[&RSA.jwk()])).unwrap();
    let upstream = upstream::start(any_port()).unwrap();
    let config = format!(
        "adapters: {{folder: \"{}\"}}\nproviders:\n  staff:\n    adapter: odd\n    cache: none\n    audience: [us]\n    \
         settings: {{host: \"{}\", behave: plan-verify-tenants}}\nroutes:\n  - match: {{path: /}}\n    providers: [staff]\n    \
         upstream: {{url: \"{}\"}}\n",
        folder.path().display(),
        provider.url(),
        upstream.url()
    );
    let gateway = Gateway::start(&config).unwrap();
    let token = |iss: String, tid: Value| {
        let claims = json!({"iss": iss, "tid": tid, "aud": "us", "exp": now() + 60, "preferred_username": "alice"});
        client::get_as(gateway.address, "/", &RSA.token(&claims)).unwrap().status
    };
    let url = provider.url();
    assert_eq!(token(format!("{url}/t1/v2.0"), json!("t1")), 200);
    for (iss, tid) in [
        (format!("{url}/t1/v2.0"), json!("t2")),
        (format!("{url}/t1/v2.0"), Value::Null),
        (format!("{url}/{{tid}}/v2.0"), json!("t1")),
        (format!("{url}//v2.0"), json!("")),
        ("https://evil.example/t1/v2.0".to_owned(), json!("t1")),
        (format!("{url}/t1/v2.0/"), json!("t1")),
    ] {
        assert_eq!(token(iss.clone(), tid.clone()), 401, "{iss} {tid}");
    }
}

#[test]
fn what_reads_differently_to_different_readers_is_refused() {
    let world = World::new();
    let good = world.claims(&json!({})).to_string();
    let header = RSA.header(&json!({})).to_string();
    let twice = good.replacen('{', r#"{"preferred_username":"mallory","#, 1);
    world.assert_bad(&RSA.sign(&message(&header, &twice)), "a claim twice");
    let twice = header.replacen('{', r#"{"kid":"other","#, 1);
    world.assert_bad(&RSA.sign(&message(&twice, &good)), "a header member twice");
    for crit in [json!(["b64"]), json!(["exp"]), json!([]), json!("exp")] {
        world.assert_bad(
            &RSA.signed(&RSA.header(&json!({"crit": crit, "b64": false})), &world.claims(&json!({}))),
            "crit",
        );
    }
    for (header, claims) in
        [("[]", good.as_str()), ("null", &good), (&header, "[]"), (&header, "null"), (&header, "{}"), ("{", &good)]
    {
        world.assert_bad(&RSA.sign(&message(header, claims)), "no object");
    }
    let token = RSA.token(&world.claims(&json!({})));
    let (signed, signature) = token.rsplit_once('.').unwrap();
    for broken in [
        format!("{signed}.{signature}="),
        format!("{signed}.{}", signature.replace(['-', '_'], "+")),
        format!("{signed}.{}", signature.chars().skip(1).collect::<String>()),
        format!("{signed}.{signature}AAAA"),
        format!("{signed}."),
        format!("{token}.{signature}"),
        // A compressed JWE: five parts, and nobody inflates any of them.
        format!("{}.a.b.c.d", URL_SAFE_NO_PAD.encode(r#"{"alg":"RSA-OAEP","enc":"A256GCM","zip":"DEF"}"#)),
        "x".repeat(4000),
        "eyJ".to_owned(),
        "a.b.c".to_owned(),
    ] {
        let response = world.get(&broken);
        // Whatever reads as two things is 400 before anybody looks at it as a token.
        assert!(matches!(response.status, 400 | 401), "{broken}: {}", response.status);
    }
    // ES256: not the two numbers of RFC 7518 3.4, but DER; zeros; too short; too long.
    let token = EC.token(&world.claims(&json!({})));
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let der = [&[0x30, 0x44, 0x02, 0x20], &bytes[..32], &[0x02, 0x20], &bytes[32..]].concat();
    for forged in
        [der, vec![0; 64], bytes[..63].to_vec(), [bytes.clone(), vec![0]].concat(), vec![0xff; 64], vec![0; 1]]
    {
        world.assert_bad(&format!("{signed}.{}", URL_SAFE_NO_PAD.encode(forged)), "a malformed signature of ES256");
    }
    world.assert_passes(&token, "and the good one passes");
}

#[test]
fn a_token_without_measure_costs_nothing() {
    let world = World::new();
    let huge = RSA.token(&world.claims(&json!({"x": "y".repeat(1024 * 1024)})));
    let began = Instant::now();
    let response = world.get(&huge);
    assert!(matches!(response.status, 400 | 431), "{}", response.status);
    assert!(began.elapsed() < Duration::from_secs(2));
    world.assert_passes(&RSA.token(&world.claims(&json!({}))), "the next");
}

#[test]
fn keys_that_cannot_be_had_are_the_providers_matter() {
    let unreadable: [(Reply, &str); 7] = [
        (Answer::status(500).into(), "500"),
        (Answer::status(404).into(), "404"),
        (Answer::status(302).with("Location", "https://evil.example/keys").into(), "a redirect"),
        (Answer::text(200, "text/html", "<html>").into(), "HTML"),
        (Answer::json(200, &json!({"keys": "none"})).into(), "no list"),
        (Reply::HangUp, "hung up"),
        (Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"keys\":[".to_vec()), "torn"),
    ];
    for (reply, what) in unreadable {
        let world = World::with(reply, "    cache: none\n    timeout: 1s\n");
        let response = world.get(&RSA.token(&world.claims(&json!({}))));
        assert_refused(&response, 503, what);
        assert_unblamed(&response, what);
        // A token that is no good whoever signed it is no good all the same.
        world.assert_bad(&RSA.token(&world.claims(&json!({"exp": 1}))), what);
        // It gets well by itself.
        *world.certs.lock().unwrap() = set(&[&RSA.jwk()]);
        let limit = Instant::now() + Duration::from_secs(3);
        while world.get(&RSA.token(&world.claims(&json!({})))).status != 200 {
            assert!(Instant::now() < limit, "{what}: not well after 3 s");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn known_keys_outlast_an_outage_and_an_unknown_one_is_then_nobodys_fault() {
    let world = World::new();
    let claims = world.claims(&json!({}));
    world.assert_passes(&RSA.token(&claims), "before");
    *world.certs.lock().unwrap() = Answer::status(503).into();
    world.assert_passes(&RSA.token(&claims), "the keys are known");
    let new = Key::new("rsa-2", Algorithm::RS256);
    let response = world.get(&new.token(&claims));
    // It may be a key that the provider made a moment ago.
    assert_refused(&response, 503, "an unknown key while no set can be had");
    assert_unblamed(&response, "an unknown key while no set can be had");
    world.assert_passes(&RSA.token(&claims), "and still");
}

#[test]
fn a_broken_key_does_not_take_the_others_with_it() {
    let broken = [
        json!({"kty": "RSA", "kid": "b1", "n": "!!", "e": "AQAB"}),
        json!({"kty": "RSA", "kid": "b2"}),
        json!({"kty": "EC", "crv": "secp256k1", "kid": "b3", "x": "AA", "y": "AA"}),
        json!({"kty": "weird", "kid": "b4"}),
        json!({"kid": 7}),
        json!("x"),
        json!(null),
    ];
    let mut odd = EC.jwk();
    odd["alg"] = json!("ES256");
    odd["x5c"] = json!("not a list");
    let (rsa, mut keys) = (RSA.jwk(), broken.iter().collect::<Vec<_>>());
    keys.extend([&rsa, &odd]);
    let world = World::with(set(&keys), "    cache: none\n");
    world.assert_passes(&RSA.token(&world.claims(&json!({}))), "RS256");
    world.assert_passes(&EC.token(&world.claims(&json!({}))), "ES256");
    // Nobody can tell whether a token that names one of them is good, so it is not the token that is refused.
    for kid in ["b1", "b2", "b3", "b4"] {
        let response = world.get(&RSA.signed(&RSA.header(&json!({"kid": kid})), &world.claims(&json!({}))));
        assert_refused(&response, 503, kid);
        assert_unblamed(&response, kid);
    }
    world.assert_bad(&STRANGER.token(&world.claims(&json!({}))), "a signature that a good key does not verify");
    world.assert_bad(&RSA.signed(&RSA.header(&json!({"kid": "b5"})), &world.claims(&json!({}))), "an unknown key");
    let log = world.gateway.log();
    for (kid, reason) in
        [("b1", "is malformed"), ("b2", "2048"), ("b3", "is malformed"), ("b4", "is of an unknown type")]
    {
        let lines: Vec<&str> =
            log.lines().filter(|line| line.contains(&format!("`{kid}`")) && line.contains("WARN")).collect();
        assert_eq!(lines.len(), 1, "{kid}: {lines:?}\n{log}");
        assert!(lines[0].contains(reason), "{lines:?}");
    }
}

/// What a set does not hold in a form that can be used is its provider's matter: the key may be the token's.
#[test]
fn a_set_that_cannot_be_used_is_the_providers_matter() {
    let many: Vec<Value> = (0..100).map(|number| json!({"kid": format!("more-{number}")})).collect();
    let many = |jwk: Value| many.iter().map(|more| with(EC.jwk(), more)).chain([jwk]).collect::<Vec<_>>();
    let oct = json!({"kty": "oct", "kid": "rsa-1", "k": "AAAA"});
    let mut short = RSA.jwk();
    short["n"] = json!(URL_SAFE_NO_PAD.encode([0xc1; 128]));
    let mut padded = RSA.jwk();
    padded["n"] = json!(format!("{}==", padded["n"].as_str().unwrap()));
    let mut off_curve = EC.jwk();
    off_curve["x"] = json!(URL_SAFE_NO_PAD.encode([7; 32]));
    let mut sealed = RSA.jwk();
    sealed["use"] = json!("enc");
    let no_kid = |mut jwk: Value| {
        jwk.as_object_mut().unwrap().remove("kid");
        jwk
    };
    let without_kid = json!({"alg": "RS256"});
    let by_kid = RSA.header(&json!({}));
    for (what, keys, key, header) in [
        ("no keys", vec![], &*RSA, &by_kid),
        ("no keys, no kid", vec![], &*RSA, &without_kid),
        ("key 101", many(RSA.jwk()), &*RSA, &by_kid),
        ("key 101, no kid", many(no_kid(RSA.jwk())), &*RSA, &without_kid),
        ("a shared secret of that name", vec![oct, EC.jwk()], &*RSA, &by_kid),
        ("a short key", vec![short.clone(), EC.jwk()], &*RSA, &by_kid),
        ("a short key, no kid", vec![no_kid(short), EC.jwk()], &*RSA, &without_kid),
        ("a padded key", vec![padded, EC.jwk()], &*RSA, &by_kid),
        ("a point that is not on its curve", vec![off_curve, RSA.jwk()], &*EC, &EC.header(&json!({}))),
        ("keys for encryption alone", vec![sealed], &*RSA, &by_kid),
    ] {
        let world = World::with(set(&keys.iter().collect::<Vec<_>>()), "    cache: none\n");
        let claims = world.claims(&json!({}));
        let response = world.get(&key.signed(header, &claims));
        assert_refused(&response, 503, what);
        assert_unblamed(&response, what);
        assert!(world.upstream.seen().is_empty(), "{what}");
        // What is no good whoever signed it is no good all the same.
        world.assert_bad(&key.signed(header, &world.claims(&json!({"exp": 1}))), what);
        assert!(world.gateway.log().contains("the provider's key set holds"), "{what}: {}", world.gateway.log());
    }
    // The same number with a sign octet before it, as some libraries write it.
    let mut signed = RSA.jwk();
    let modulus = URL_SAFE_NO_PAD.decode(signed["n"].as_str().unwrap()).unwrap();
    signed["n"] = json!(URL_SAFE_NO_PAD.encode([vec![0], modulus].concat()));
    let world = World::with(set(&[&signed]), "    cache: none\n");
    world.assert_passes(&RSA.token(&world.claims(&json!({}))), "a sign octet");
}

/// Before anybody is asked, and before the cache, a token that a stranger made up costs about what any other one costs, also where
/// eight providers look at it.
#[test]
fn a_header_without_measure_costs_no_more_than_a_plain_one() {
    let provider = Server::start(any_port(), |_| Answer::status(401).into()).unwrap();
    let upstream = upstream::start(any_port()).unwrap();
    let names: Vec<String> = (0..8).map(|number| format!("p{number}")).collect();
    let providers: String = names
        .iter()
        .map(|name| {
            format!(
                "  {name}:\n    adapter: keycloak\n    any_audience: true\n    settings: {{host: \"{}\", realm: {name}}}\n",
                provider.url()
            )
        })
        .collect();
    let config = format!(
        "providers:\n{providers}routes:\n  - match: {{path: /}}\n    providers: [{}]\n    upstream: {{url: \"{}\"}}\n",
        names.join(", "),
        upstream.url()
    );
    let gateway = Gateway::start(&config).unwrap();
    let members: String = (0..1000).map(|number| format!(",\"{number:05x}\":0")).collect();
    let token = |header: &str, claims: &str| format!("{}.c2ln", message(header, claims));
    let plain = token(&format!(r#"{{"alg":"none","x":"{}"}}"#, "y".repeat(members.len())), "{}");
    let hostile = token(&format!(r#"{{"alg":"RS256"{members}}}"#), "{}");
    // The fastest of many: what else the machine does makes requests slower, and never quicker.
    let fastest = |token: &str| {
        let once = || {
            let began = Instant::now();
            assert_refused(&client::get_as(gateway.address, "/", token).unwrap(), 401, "nobody's token");
            began.elapsed()
        };
        (0..60).map(|_| once()).min().unwrap()
    };
    let (usual, worst) = (fastest(&plain), fastest(&hostile));
    assert!(worst < usual * 4, "{worst:?} against {usual:?} for a plain token of {} bytes", plain.len());
    assert_eq!(provider.seen().len(), 0, "such a token is nobody's, and nobody is asked");
}

#[test]
fn a_verdict_is_kept_no_longer_than_its_token() {
    let world = World::with(set(&[&RSA.jwk()]), "    cache: {ttl: 60s, negative_ttl: 5s}\n");
    let token = RSA.token(&world.claims(&json!({"exp": now() + 12})));
    world.assert_passes(&token, "two seconds before the margin");
    world.assert_passes(&token, "known");
    assert!(world.gateway.log().contains("hit"), "the second was known");
}
