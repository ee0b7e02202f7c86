//! Django OAuth Toolkit, by the URLs of its two endpoints, as a provider without an adapter of its own is asked.

use super::grants::{Client, access, refresh};
use super::table::{
    Door, EXPIRED, GOOD, Must, OTHER_AUDIENCE, REFRESH, REVOKED, SERVICE, STOPPED, Table, WRONG_SECRET,
};
use crate::part::Part;
use portcullis_tests::gateway::free_address;
use std::time::Duration;

const WAYS: [&str; 2] = ["userinfo", "introspection"];

#[test]
#[ignore = "cargo xtask e2e --all"]
fn django_oauth_toolkit() {
    let address = free_address().unwrap();
    let part = Part::start("django-oauth-toolkit.sh", address, &[]);
    let client = |id| Client { server: address, id };
    let introspection =
        |secret: &str| format!("url: \"{}/o/introspect/\", client_id: gateway, client_secret: {secret}", part.url);
    let doors = vec![
        Door::new("userinfo", "userinfo", format!("url: \"{}/o/userinfo/\"", part.url)),
        Door::new("introspection", "introspection", introspection("gateway-secret")),
        Door::new("wrong-secret", "introspection", introspection("not-the-secret")),
    ];
    let mut table = Table::open("Django OAuth Toolkit", &WAYS, &[], doors);

    let path = "/o/token/";
    let bad = [
        ("userinfo", Must::Refuse(401, "invalid_token", "refuses the token: 401 (invalid_token)")),
        ("introspection", Must::Refuse(401, "invalid_token", "not active")),
    ];
    let brief = access(&client("brief").by_password(path, "alice", "openid"));
    let good = client("app").by_password(path, "alice", "openid api");
    let revoked = access(&client("app").by_password(path, "alice", "openid api"));
    client("app").revoke("/o/revoke_token/", &revoked);
    std::thread::sleep(Duration::from_secs(3));
    for (way, must) in bad {
        table.cell(way, GOOD, &access(&good), Must::Pass("alice"));
        table.cell(way, REFRESH, &refresh(&good), must);
        table.cell(way, REVOKED, &revoked, must);
        table.cell(way, EXPIRED, &brief, must);
        table.none(way, OTHER_AUDIENCE, "this server issues tokens for no audience");
    }
    let service = client("machine").of_itself(path, &[("scope", "api")]);
    table.cell("userinfo", SERVICE, &service, bad[0].1);
    table.cell("introspection", SERVICE, &service, Must::Refuse(401, "invalid_token", "no attribute `username`"));

    table.none("userinfo", WRONG_SECRET, "the gateway is no client in this mode");
    // It says 403 to a client that it does not know.
    let wrong = Must::Refuse(503, "unavailable", "client");
    table.cell_at("wrong-secret", "introspection", WRONG_SECRET, &access(&good), wrong);

    drop(part);
    for way in WAYS {
        table.cell(way, STOPPED, &access(&good), Must::Refuse(503, "unavailable", "cannot be reached"));
    }
    table.finish();
}
