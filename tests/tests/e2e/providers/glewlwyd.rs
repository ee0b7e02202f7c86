//! glewlwyd (Debian), by its published metadata. Only the client that a token was issued to may ask about it, and the audience
//! of a token is its scopes.

use super::grants::{Client, access, refresh};
use super::table::{
    Door, EXPIRED, GOOD, Must, OTHER_AUDIENCE, REFRESH, REVOKED, SERVICE, STOPPED, Table, WRONG_SECRET,
};
use crate::part::Part;
use portcullis_tests::gateway::free_address;
use std::time::{Duration, Instant};

const WAYS: [&str; 3] = ["userinfo", "introspection", "jwt"];

#[test]
fn glewlwyd() {
    let address = free_address().unwrap();
    let part = Part::start("glewlwyd.sh", address, &[]);
    let app = Client { server: address, id: "app" };
    let brief = (access(&app.by_password("/api/brief/token", "alice", "openid")), Instant::now());

    let mut doors = Vec::new();
    for issuer in ["oidc", "brief"] {
        let settings = |rest: &str| format!("issuer: \"{}/api/{issuer}\", {rest}", part.url);
        let introspection =
            |secret: &str| settings(&format!("mode: introspection, client_id: app, client_secret: {secret}"));
        let name = |way: &str| if issuer == "oidc" { way.to_owned() } else { format!("{issuer}-{way}") };
        let named = |door: Door| door.audience("openid");
        doors.extend([
            Door::new(&name("userinfo"), "oidc", settings("mode: userinfo")),
            named(Door::new(&name("introspection"), "oidc", introspection("app-secret"))).username("username"),
            named(Door::new(&name("wrong-secret"), "oidc", introspection("not-the-secret"))),
            named(Door::new(&name("jwt"), "oidc", settings("mode: jwt"))),
        ]);
    }
    let mut table = Table::open("glewlwyd", &WAYS, &[], doors);

    // Its 401 has no body and no code.
    let refused = Must::Refuse(401, "invalid_token", "refuses the token: 401");
    let inactive = Must::Refuse(401, "invalid_token", "not active");
    let (token, revocation) = ("/api/oidc/token", "/api/oidc/revoke");
    let good = app.by_password(token, "alice", "openid");
    for way in WAYS {
        table.cell(way, GOOD, &access(&good), Must::Pass("alice"));
    }
    table.cell("userinfo", REFRESH, &refresh(&good), refused);
    // Asked about an access token (`token_type_hint`), it knows no such one.
    table.cell("introspection", REFRESH, &refresh(&good), inactive);
    table.cell("jwt", REFRESH, &refresh(&good), Must::Refuse(401, "invalid_token", "does not have the form"));

    let revoked = access(&app.by_password(token, "alice", "openid"));
    app.revoke(revocation, &revoked);
    table.cell("userinfo", REVOKED, &revoked, refused);
    table.cell("introspection", REVOKED, &revoked, inactive);
    // Nobody is asked: the price of this mode.
    table.cell("jwt", REVOKED, &revoked, Must::Pass("alice"));

    let other = access(&app.by_password(token, "alice", "g_profile"));
    table.cell("userinfo", OTHER_AUDIENCE, &other, Must::Pass("alice"));
    for way in ["introspection", "jwt"] {
        table.cell(way, OTHER_AUDIENCE, &other, Must::Refuse(401, "invalid_token", "g_profile"));
    }
    let foreign = access(&Client { server: address, id: "other" }.by_password(token, "alice", "openid"));
    table.ask("introspection", "issued to another client", &foreign, inactive);

    let service = app.of_itself(token, &[("scope", "openid")]);
    // It says 404 there, as it would where the URL is wrong.
    table.cell("userinfo", SERVICE, &service, Must::Refuse(503, "unavailable", "404"));
    table.cell("introspection", SERVICE, &service, Must::Refuse(401, "invalid_token", "no attribute `username`"));
    table.cell("jwt", SERVICE, &service, Must::Refuse(401, "invalid_token", "no attribute `preferred_username`"));

    for way in ["userinfo", "jwt"] {
        table.none(way, WRONG_SECRET, "the gateway is no client in this mode");
    }
    let wrong = Must::Refuse(503, "unavailable", "client");
    table.cell_at("wrong-secret", "introspection", WRONG_SECRET, &access(&good), wrong);

    std::thread::sleep(Duration::from_secs(4).saturating_sub(brief.1.elapsed()));
    table.cell_at("brief-userinfo", "userinfo", EXPIRED, &brief.0, refused);
    table.cell_at("brief-introspection", "introspection", EXPIRED, &brief.0, inactive);
    std::thread::sleep(Duration::from_secs(64).saturating_sub(brief.1.elapsed()));
    table.cell_at("brief-jwt", "jwt", EXPIRED, &brief.0, Must::Refuse(401, "invalid_token", "expired"));

    drop(part);
    for way in ["userinfo", "introspection"] {
        table.cell(way, STOPPED, &access(&good), Must::Refuse(503, "unavailable", "cannot be reached"));
    }
    // The keys are still here.
    table.cell("jwt", STOPPED, &access(&good), Must::Pass("alice"));
    table.finish();
}
