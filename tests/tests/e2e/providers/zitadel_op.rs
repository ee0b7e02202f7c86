//! The OpenID Provider of Zitadel's Go library, by its published metadata. Its opaque tokens look like JWTs and are none (JWE), and
//! only who is in a token's audience may introspect it.

use super::grants::{Client, access, by_code, refresh};
use super::table::{
    Door, EXPIRED, GOOD, Must, OTHER_AUDIENCE, REFRESH, REVOKED, SERVICE, STOPPED, Table, WRONG_SECRET,
};
use crate::part::Part;
use portcullis_tests::client;
use portcullis_tests::gateway::free_address;
use std::time::{Duration, Instant};

const WAYS: [&str; 3] = ["userinfo", "introspection", "introspection by url"];
const ASKING: [&str; 2] = ["introspection", "introspection by url"];

#[test]
#[ignore = "cargo xtask e2e --all"]
fn zitadel_op() {
    let address = free_address().unwrap();
    let part = Part::start("zitadel-op.sh", address, &[]);
    let tokens = |client: &str| by_code(&part, "zitadel-op-code.sh", &[client]);
    let early = (access(&tokens("app")), Instant::now());

    let settings = |rest: &str| format!("issuer: \"{}/\", {rest}", part.url);
    let us = |secret: &str| format!("client_id: app, client_secret: {secret}");
    let introspection = |secret: &str| settings(&format!("mode: introspection, {}", us(secret)));
    let by_url = |secret: &str| format!("url: \"{}/oauth/introspect\", {}", part.url, us(secret));
    let doors = vec![
        Door::new("userinfo", "oidc", settings("mode: userinfo")),
        Door::new("introspection", "oidc", introspection("app-secret")),
        Door::new("wrong-secret", "oidc", introspection("not-the-secret")),
        Door::new("introspection-by-url", "introspection", by_url("app-secret")),
        Door::new("wrong-secret-by-url", "introspection", by_url("not-the-secret")),
    ];
    let mut table = Table::open("Zitadel's OP library", &WAYS, &[], doors);
    let door = |way: &str| way.replace(' ', "-");

    let inactive = Must::Refuse(401, "invalid_token", "not active");
    // 403 for a token that it knows no more, with a body that says nothing (`{}`).
    let refused = Must::Refuse(503, "unavailable", "403");
    let good = tokens("app");
    let revoked = access(&tokens("app"));
    Client { server: address, id: "app" }.revoke("/revoke", &revoked);
    let other = access(&tokens("other"));
    let form = b"grant_type=client_credentials&scope=openid&client_id=sid1&client_secret=verysecret";
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    let service = access(&client::send(address, "POST", "/oauth/token", &headers, form).unwrap().json());

    table.cell("userinfo", GOOD, &access(&good), Must::Pass("alice"));
    table.cell("userinfo", REVOKED, &revoked, refused);
    table.cell("userinfo", SERVICE, &service, refused);
    // It decrypts whatever it is given, and what comes out looks like a token now and then: then this is a 403 as well.
    let plainly = std::iter::repeat_with(|| refresh(&tokens("app")))
        .find(|token| client::get_as(address, "/userinfo", token).unwrap().status == 401);
    let no_token = Must::Refuse(401, "invalid_token", "refuses the token: 401");
    table.cell("userinfo", REFRESH, &plainly.unwrap(), no_token);
    table.cell("userinfo", OTHER_AUDIENCE, &other, Must::Pass("alice"));
    for way in ASKING {
        table.cell_at(&door(way), way, GOOD, &access(&good), Must::Pass("alice"));
        for (case, token) in
            [(REVOKED, &revoked), (SERVICE, &service), (REFRESH, &refresh(&good)), (OTHER_AUDIENCE, &other)]
        {
            table.cell_at(&door(way), way, case, token, inactive);
        }
    }
    table.none("userinfo", WRONG_SECRET, "the gateway is no client in this mode");
    for (way, door) in [("introspection", "wrong-secret"), ("introspection by url", "wrong-secret-by-url")] {
        table.cell_at(door, way, WRONG_SECRET, &access(&good), Must::Refuse(503, "unavailable", "client"));
    }

    // Its storage gives every token five minutes.
    std::thread::sleep(Duration::from_secs(302).saturating_sub(early.1.elapsed()));
    table.cell("userinfo", EXPIRED, &early.0, refused);
    for way in ASKING {
        table.cell_at(&door(way), way, EXPIRED, &early.0, inactive);
    }
    let fresh = access(&tokens("app"));

    drop(part);
    for way in WAYS {
        table.cell_at(&door(way), way, STOPPED, &fresh, Must::Refuse(503, "unavailable", "cannot be reached"));
    }
    table.finish();
}
