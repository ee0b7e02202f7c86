//! canaille, by the URLs of its two endpoints, as a provider without an adapter of its own is asked.

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
fn canaille() {
    let address = free_address().unwrap();
    let part = Part::start("canaille.sh", address, &[]);
    let client = |id| Client { server: address, id };
    let introspection =
        |secret: &str| format!("url: \"{}/oauth/introspect\", client_id: gateway, client_secret: {secret}", part.url);
    // Its introspection has the name to be shown under `username`; the one to log in with is `sub` everywhere.
    let doors = vec![
        Door::new("userinfo", "userinfo", format!("url: \"{}/oauth/userinfo\"", part.url)).username("sub"),
        Door::new("introspection", "introspection", introspection("gateway-secret"))
            .audience("gateway")
            .username("sub"),
        Door::new("wrong-secret", "introspection", introspection("not-the-secret")).audience("gateway").username("sub"),
    ];
    let mut table = Table::open("canaille", &WAYS, &[], doors);

    let (path, scope) = ("/oauth/token", "openid profile");
    let refused = Must::Refuse(401, "invalid_token", "refuses the token: 401 (invalid_token)");
    let inactive = Must::Refuse(401, "invalid_token", "not active");
    let brief = access(&client("brief").by_password(path, "alice", scope));
    let good = client("app").by_password(path, "alice", scope);
    // Of another scope: two tokens of one second that say the same are the same text.
    let revoked = access(&client("app").by_password(path, "alice", "openid profile email"));
    client("app").revoke("/oauth/revoke", &revoked);
    std::thread::sleep(Duration::from_secs(3));
    for (way, must) in [("userinfo", refused), ("introspection", inactive)] {
        table.cell(way, GOOD, &access(&good), Must::Pass("alice"));
        table.cell(way, REVOKED, &revoked, must);
        table.cell(way, EXPIRED, &brief, must);
        // It introspects refresh tokens as well, but not as access tokens, which is the hint that we give.
        table.cell(way, REFRESH, &refresh(&good), must);
    }

    let elsewhere = access(&client("elsewhere").by_password(path, "alice", scope));
    table.cell("userinfo", OTHER_AUDIENCE, &elsewhere, Must::Pass("alice"));
    table.cell("introspection", OTHER_AUDIENCE, &elsewhere, inactive);

    // At userinfo it stumbles over a token without a user, and says 500.
    let service = client("machine").of_itself(path, &[("scope", "openid")]);
    table.cell("userinfo", SERVICE, &service, Must::Refuse(503, "unavailable", "500"));
    table.cell("introspection", SERVICE, &service, Must::Refuse(401, "invalid_token", "no attribute `sub`"));

    table.none("userinfo", WRONG_SECRET, "the gateway is no client in this mode");
    let wrong = Must::Refuse(503, "unavailable", "client");
    table.cell_at("wrong-secret", "introspection", WRONG_SECRET, &access(&good), wrong);

    drop(part);
    for way in WAYS {
        table.cell(way, STOPPED, &access(&good), Must::Refuse(503, "unavailable", "cannot be reached"));
    }
    table.finish();
}
