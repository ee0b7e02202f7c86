//! Keycloak, with clients of unusual kinds, and keys that are changed for others. What else there is to it is in `cells.rs`.

use super::table::{
    Door, EXPIRED, GOOD, Must, OTHER_AUDIENCE, REFRESH, REVOKED, SERVICE, STOPPED, Table, WRONG_SECRET,
};
use crate::part::Part;
use crate::tokens::Keycloak;
use portcullis_tests::gateway::free_address;
use std::time::{Duration, Instant};

const LIGHT: &str = "lightweight";
const BOUND: &str = "DPoP-bound, sent as a bearer token";
const SIGNED: &str = "of a client with signed userinfo";
const NEW_KEY: &str = "signed with a new key";
const OLD_KEY: &str = "signed with a key that was taken out";

const WAYS: [&str; 3] = ["userinfo", "introspection", "jwt"];

#[test]
fn keycloak() {
    let part = Part::start("keycloak.sh", free_address().unwrap(), &[]);
    let server = Keycloak::at(&part.url);
    let of = |client: &str| server.tokens("demo", client, "alice", "openid").access;
    // Here the gateway judges times itself, with a minute of skew.
    let brief = (of("brief"), Instant::now());

    let (host, _) = server.host_and_base();
    let settings = |rest: &str| format!("host: \"{host}\", realm: demo, {rest}");
    let introspection =
        |secret: &str| settings(&format!("mode: introspection, client_id: gateway, client_secret: {secret}"));
    let doors = vec![
        Door::new("userinfo", "keycloak", settings("mode: userinfo")),
        Door::new("introspection", "keycloak", introspection("gateway-secret")).audience("gateway"),
        Door::new("wrong-secret", "keycloak", introspection("not-the-secret")).audience("gateway"),
        Door::new("jwt", "keycloak", settings("mode: jwt")).audience("gateway"),
    ];
    let mut table = Table::open("Keycloak", &WAYS, &[LIGHT, BOUND, SIGNED, NEW_KEY, OLD_KEY], doors);

    let session = server.tokens("demo", "app", "alice", "openid");
    for way in WAYS {
        table.cell(way, GOOD, &session.access, Must::Pass("alice"));
    }
    table.cell("userinfo", REFRESH, &session.refresh, Must::Refuse(401, "invalid_token", "refuses the token: 401"));
    table.cell("introspection", REFRESH, &session.refresh, Must::Refuse(401, "invalid_token", "no access token"));
    table.cell("jwt", REFRESH, &session.refresh, Must::Refuse(401, "invalid_token", "HS512"));

    let ended = server.tokens("demo", "app", "alice", "openid");
    server.logout(&ended);
    table.cell("userinfo", REVOKED, &ended.access, Must::Refuse(401, "invalid_token", "refuses the token: 401"));
    table.cell("introspection", REVOKED, &ended.access, Must::Refuse(401, "invalid_token", "not active"));
    // Nobody is asked: the price of this mode.
    table.cell("jwt", REVOKED, &ended.access, Must::Pass("alice"));

    let other = of("other");
    table.cell("userinfo", OTHER_AUDIENCE, &other, Must::Pass("alice"));
    for way in ["introspection", "jwt"] {
        table.cell(way, OTHER_AUDIENCE, &other, Must::Refuse(401, "invalid_token", "other-api"));
    }
    let service = server.of_client("app");
    for way in WAYS {
        table.cell(way, SERVICE, &service, Must::Refuse(403, "forbidden", "a program's"));
    }
    table.none("userinfo", WRONG_SECRET, "the gateway is no client in this mode");
    table.none("jwt", WRONG_SECRET, "the gateway is no client in this mode");
    let wrong = Must::Refuse(503, "unavailable", "client");
    table.cell_at("wrong-secret", "introspection", WRONG_SECRET, &session.access, wrong);

    let light = of("light");
    table.cell("userinfo", LIGHT, &light, Must::Pass("alice"));
    table.cell("introspection", LIGHT, &light, Must::Pass("alice"));
    table.cell("jwt", LIGHT, &light, Must::Refuse(401, "invalid_token", "no attribute `preferred_username`"));

    let bound = server.bound("dpop", "alice");
    table.cell("userinfo", BOUND, &bound, Must::Refuse(401, "invalid_token", "refuses the token: 401"));
    for way in ["introspection", "jwt"] {
        table.cell(way, BOUND, &bound, Must::Refuse(401, "invalid_token", "presented without proof"));
    }
    let signed = of("signed");
    table.cell("userinfo", SIGNED, &signed, Must::Refuse(503, "unavailable", "sign"));
    for way in ["introspection", "jwt"] {
        table.cell(way, SIGNED, &signed, Must::Pass("alice"));
    }

    let old = server.add_key();
    let renewed = of("app");
    for way in WAYS {
        table.ask(way, "signed with the key of before", &session.access, Must::Pass("alice"));
        table.cell(way, NEW_KEY, &renewed, Must::Pass("alice"));
    }

    std::thread::sleep(Duration::from_secs(3).saturating_sub(brief.1.elapsed()));
    table.cell("userinfo", EXPIRED, &brief.0, Must::Refuse(401, "invalid_token", "refuses the token: 401"));
    table.cell("introspection", EXPIRED, &brief.0, Must::Refuse(401, "invalid_token", "not active"));
    std::thread::sleep(Duration::from_secs(63).saturating_sub(brief.1.elapsed()));
    table.cell("jwt", EXPIRED, &brief.0, Must::Refuse(401, "invalid_token", "expired"));

    server.remove_key(&old);
    table.cell("userinfo", OLD_KEY, &session.access, Must::Refuse(401, "invalid_token", "refuses the token: 401"));
    table.cell("introspection", OLD_KEY, &session.access, Must::Refuse(401, "invalid_token", "not active"));
    table.until_refused("jwt", &session.access, Duration::from_secs(65));
    table.cell("jwt", OLD_KEY, &session.access, Must::Refuse(401, "invalid_token", "key"));
    for way in WAYS {
        table.ask(way, "the new key still", &renewed, Must::Pass("alice"));
    }

    drop(part);
    for way in ["userinfo", "introspection"] {
        table.cell(way, STOPPED, &renewed, Must::Refuse(503, "unavailable", "cannot be reached"));
    }
    // The keys are still here.
    table.cell("jwt", STOPPED, &renewed, Must::Pass("alice"));
    table.finish();
}
