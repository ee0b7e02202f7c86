//! `probe` and `serve` never differ: the same exchange through both comes to the same decision, as the same user.

use crate::world::{World, config};
use portcullis_tests::gateway::{Gateway, adapters, any_port, run};
use portcullis_tests::server::{Answer, Reply, Server};
use portcullis_tests::{client, provider, upstream};
use serde_json::json;

const TOKEN: &str = "an-opaque-one";

/// The configuration of an exchange. An audience can only be demanded where the provider returns it.
fn text(provider: &Server, upstream: &Server, provider_extra: &str) -> String {
    let text = config(&provider.url(), &upstream.url(), provider_extra, "", "");
    if !provider_extra.contains("audience") {
        return text;
    }
    let client = "      mode: introspection\n      client_id: gate\n      client_secret: secret-secret\n";
    text.replace("      realm: demo\n", &format!("      realm: demo\n{client}"))
}

/// What `probe` says of a token: its exit code, and the last line.
fn probe(world: &World, provider_extra: &str, token: &str) -> (Option<i32>, String) {
    let text = text(&world.provider, &world.upstream, provider_extra);
    let text = format!("adapters: {{folder: \"{}\"}}\n{text}", adapters().display());
    let arguments = ["probe", "--config", "{config}", "--provider", "staff", "--token-file", "{folder}/token"];
    let output = run(&arguments, &text, &[("token", token)]).unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!said.contains(token), "{said}");
    (output.status.code(), said.lines().last().unwrap_or_default().to_owned())
}

#[test]
fn the_same_exchange_comes_to_the_same_decision() {
    let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.";
    let past = json!({"sub": "1", "preferred_username": "alice", "exp": 1_000_000_000});
    let bound = json!({"sub": "1", "preferred_username": "alice", "cnf": {"jkt": "x"}});
    let elsewhere = json!({"sub": "1", "preferred_username": "alice", "active": true, "aud": "others"});
    let scope = Answer::status(403).with("WWW-Authenticate", "Bearer error=\"insufficient_scope\", scope=\"openid\"");
    let answer = |claims: &serde_json::Value| Reply::Answer(Answer::json(200, claims));
    let exchanges: Vec<(&str, Reply, &str, &str)> = vec![
        ("good", answer(&provider::claims("alice")), "", TOKEN),
        ("no", Answer::status(401).into(), "", TOKEN),
        ("scope", scope.into(), "", TOKEN),
        ("failing", Answer::status(500).into(), "", TOKEN),
        ("throttled", Answer::status(429).with("Retry-After", "7").into(), "", TOKEN),
        ("moved", Answer::status(302).with("Location", "/x").into(), "", TOKEN),
        ("junk", Answer::text(200, "text/html", "<p>hello").into(), "", TOKEN),
        ("hang up", Reply::HangUp, "", TOKEN),
        ("nameless", answer(&json!({"sub": "1"})), "", TOKEN),
        ("expired", answer(&past), "", TOKEN),
        ("bound", answer(&bound), "", TOKEN),
        ("another audience", answer(&elsewhere), "audience: [ours]", TOKEN),
        ("unsigned", answer(&provider::claims("alice")), "", unsigned),
        ("another attribute", answer(&provider::claims("alice")), "username_attribute: email", TOKEN),
    ];
    let mut statuses = std::collections::BTreeSet::new();
    for (what, reply, provider_extra, token) in exchanges {
        let provider = Server::start(any_port(), move |_| reply.clone()).unwrap();
        let upstream = upstream::start(any_port()).unwrap();
        let gateway = Gateway::start(&text(&provider, &upstream, provider_extra)).unwrap();
        let world = World { gateway, provider, upstream };
        let served = client::get_as(world.gateway.address, "/rest", token).unwrap();
        let asked = world.provider.seen();
        let (code, decision) = probe(&world, provider_extra, token);
        let probed = world.provider.seen()[asked.len()..].to_vec();
        statuses.insert(served.status);
        match served.status {
            200 => {
                let user = served.json()["user"].as_str().unwrap().to_owned();
                assert_eq!(
                    (code, decision.starts_with(&format!("Decision: yes, as {user} "))),
                    (Some(0), true),
                    "{what}: {decision}"
                );
            }
            status => assert_eq!(
                (code, decision.starts_with(&format!("Decision: no, {status} "))),
                (Some(1), true),
                "{what}: served {status}, probed: {decision}"
            ),
        }
        // Byte for byte the same question.
        let shape = |seen: &[portcullis_tests::wire::Request]| {
            seen.iter()
                .map(|request| {
                    (request.method.clone(), request.target.clone(), request.headers.clone(), request.body.clone())
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(shape(&asked), shape(&probed), "{what}");
    }
    assert!(statuses.len() >= 4, "the exchanges come to {statuses:?} only: that proves little");
}
