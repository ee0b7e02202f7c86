//! oidc-provider (npm), by its published metadata: opaque tokens at userinfo and introspection, JWTs under its keys.

use super::grants::{Client, access, by_code, refresh};
use super::table::{
    Door, EXPIRED, GOOD, Must, OTHER_AUDIENCE, REFRESH, REVOKED, SERVICE, STOPPED, Table, WRONG_SECRET,
};
use crate::part::Part;
use portcullis_tests::gateway::free_address;
use std::time::{Duration, Instant};

const JWT: &str = "a JWT where opaque tokens are meant";

const WAYS: [&str; 4] = ["userinfo", "introspection", "introspection by url", "jwt"];
const ASKING: [&str; 2] = ["introspection", "introspection by url"];

#[test]
fn oidc_provider() {
    let address = free_address().unwrap();
    let part = Part::start("oidc-provider.sh", address, &[]);
    let tokens = |client: &str, resource: &str| by_code(&part, "oidc-provider-code.sh", &[client, resource]);
    let of = |client: &str, resource: &str| access(&tokens(client, resource));
    let brief_tokens = [of("brief", ""), of("brief", "urn:gateway"), of("brief", "urn:gateway:jwt")];
    let brief = Instant::now();

    let settings = |rest: &str| format!("issuer: \"{}\", {rest}", part.url);
    let client = |secret: &str| format!("client_id: gateway, client_secret: {secret}");
    let introspection = |secret: &str| settings(&format!("mode: introspection, {}", client(secret)));
    let by_url = |secret: &str| format!("url: \"{}/token/introspection\", {}", part.url, client(secret));
    let named = |door: Door| door.audience("urn:gateway").username("username");
    let doors = vec![
        Door::new("userinfo", "oidc", settings("mode: userinfo")),
        named(Door::new("introspection", "oidc", introspection("gateway-secret"))),
        named(Door::new("wrong-secret", "oidc", introspection("not-the-secret"))),
        named(Door::new("introspection-by-url", "introspection", by_url("gateway-secret"))),
        named(Door::new("wrong-secret-by-url", "introspection", by_url("not-the-secret"))),
        named(Door::new("jwt", "oidc", settings("mode: jwt"))),
    ];
    let mut table = Table::open("oidc-provider", &WAYS, &[JWT], doors);
    let door = |way: &str| way.replace(' ', "-");

    let refused = Must::Refuse(401, "invalid_token", "refuses the token: 401 (invalid_token)");
    let inactive = Must::Refuse(401, "invalid_token", "not active");
    let plain = tokens("app", "");
    let good = tokens("app", "urn:gateway");
    let jwt = of("app", "urn:gateway:jwt");
    table.cell("userinfo", GOOD, &access(&plain), Must::Pass("alice"));
    for way in ASKING {
        table.cell_at(&door(way), way, GOOD, &access(&good), Must::Pass("alice"));
    }
    table.cell("jwt", GOOD, &jwt, Must::Pass("alice"));

    table.cell("userinfo", REFRESH, &refresh(&plain), refused);
    for way in ASKING {
        // Active, and of no kind that is told: it has no name and no audience, though.
        let must = Must::Refuse(401, "invalid_token", "no attribute `username`");
        table.cell_at(&door(way), way, REFRESH, &refresh(&good), must);
    }
    table.cell("jwt", REFRESH, &refresh(&good), Must::Refuse(401, "invalid_token", "does not have the form"));

    let revoked = [of("app", ""), of("app", "urn:gateway")];
    let app = Client { server: address, id: "app" };
    for token in &revoked {
        app.revoke("/token/revocation", token);
    }
    table.cell("userinfo", REVOKED, &revoked[0], refused);
    for way in ASKING {
        table.cell_at(&door(way), way, REVOKED, &revoked[1], inactive);
    }
    table.none("jwt", REVOKED, "this server revokes no JWTs (`unsupported_token_type`)");

    // Here tokens for an API are no good at userinfo, whichever it is.
    let other = of("app", "urn:other");
    table.cell("userinfo", OTHER_AUDIENCE, &other, refused);
    for way in ASKING {
        table.cell_at(&door(way), way, OTHER_AUDIENCE, &other, Must::Refuse(401, "invalid_token", "urn:other"));
    }
    table.cell("jwt", OTHER_AUDIENCE, &of("app", "urn:other:jwt"), Must::Refuse(401, "invalid_token", "urn:other"));

    let machine = Client { server: address, id: "machine" };
    let service = |resource: &str| machine.of_itself("/token", &[("scope", "api"), ("resource", resource)]);
    table.cell("userinfo", SERVICE, &machine.of_itself("/token", &[("scope", "api")]), refused);
    let nobody = Must::Refuse(401, "invalid_token", "no attribute `username`");
    for way in ASKING {
        table.cell_at(&door(way), way, SERVICE, &service("urn:gateway"), nobody);
    }
    table.cell("jwt", SERVICE, &service("urn:gateway:jwt"), nobody);

    for way in ["userinfo", "jwt"] {
        table.none(way, WRONG_SECRET, "the gateway is no client in this mode");
    }
    for (way, door) in [("introspection", "wrong-secret"), ("introspection by url", "wrong-secret-by-url")] {
        table.cell_at(door, way, WRONG_SECRET, &access(&good), Must::Refuse(503, "unavailable", "client"));
    }

    table.cell("userinfo", JWT, &jwt, refused);
    for way in ASKING {
        table.cell_at(&door(way), way, JWT, &jwt, Must::Refuse(401, "invalid_token", "unsupported_token_type"));
    }
    table.none("jwt", JWT, "JWTs are meant");

    // Its own clock has a tolerance at userinfo, and ours one for JWTs.
    std::thread::sleep(Duration::from_secs(64).saturating_sub(brief.elapsed()));
    table.cell("userinfo", EXPIRED, &brief_tokens[0], refused);
    for way in ASKING {
        table.cell_at(&door(way), way, EXPIRED, &brief_tokens[1], inactive);
    }
    table.cell("jwt", EXPIRED, &brief_tokens[2], Must::Refuse(401, "invalid_token", "expired"));

    drop(part);
    let unreachable = Must::Refuse(503, "unavailable", "cannot be reached");
    table.cell("userinfo", STOPPED, &access(&plain), unreachable);
    for way in ASKING {
        table.cell_at(&door(way), way, STOPPED, &access(&good), unreachable);
    }
    // The keys are still here.
    table.cell("jwt", STOPPED, &jwt, Must::Pass("alice"));
    table.finish();
}
