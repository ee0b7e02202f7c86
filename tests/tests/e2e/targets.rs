//! What the gateway takes as one place reaches nginx, and Python's HTTP server, as that place: no spelling of a guarded path
//! passes as a public one.

use crate::part::Part;
use portcullis_tests::client;
use portcullis_tests::gateway::{Gateway, any_port, free_address};
use portcullis_tests::provider;

/// Pieces that paths are made of: places, ways out of them, and what some server reads as such.
const PIECES: [&str; 33] = [
    "public",
    "rest",
    "/",
    "//",
    "/.",
    "/..",
    "/../",
    "/./",
    "%2f",
    "%2F",
    "%5c",
    "\\",
    "%2e",
    "%2e%2e",
    "%2E.",
    ".%2e",
    ";",
    ";x=1",
    "..;",
    "%252f",
    "%252e",
    "%00",
    "%0a",
    "?",
    "%3f",
    "%23",
    "PUBLIC",
    "%70ublic",
    "a",
    "~",
    "%3b",
    "%253b",
    "%2570ublic",
];

/// All targets of up to three pieces after a first place, and some that are longer.
fn targets() -> Vec<String> {
    let mut targets = Vec::new();
    for first in ["/public", "/rest", "/", "/public/"] {
        for one in PIECES {
            targets.push(format!("{first}{one}"));
            for two in PIECES {
                targets.push(format!("{first}{one}{two}"));
            }
        }
    }
    for out in ["/..", "/%2e%2e", "/..;", "%2f..", "/.%2e", "\\..", "%5c.."] {
        for then in ["/rest", "%2frest", "\\rest", "/rest?x=/public", "/public/../rest", ";/rest"] {
            for deep in ["/public", "/public/a", "/public/a/b", "/public/%61"] {
                targets.push(format!("{deep}{out}{then}"));
                targets.push(format!("{deep}{out}{out}{then}"));
            }
        }
    }
    targets
}

#[test]
fn no_server_reads_a_guarded_place_where_the_gateway_reads_a_public_one() {
    let parts = ["nginx.sh", "python.sh"].map(|script| Part::start(script, free_address().unwrap(), &[]));
    let provider = provider::start(any_port()).unwrap();
    for (part, name) in parts.iter().zip(["nginx", "Python"]) {
        // As lenient as a route can be made: whatever spelling an operator allows, the place stays the place.
        for allowed in
            ["", "    allow_in_path: [encoded_slash, encoded_backslash, double_slash, semicolon, encoded_percent]\n"]
        {
            let config = format!(
                "providers:\n  staff:\n    adapter: keycloak\n    any_audience: true\n    \
                 settings: {{host: \"{}\", realm: demo}}\nroutes:\n  - match: {{path: /}}\n    providers: [staff]\n    \
                 upstream: {{url: \"{url}\"}}\n{allowed}  - match: {{path: /public}}\n    public: true\n    \
                 upstream: {{url: \"{url}\"}}\n{allowed}",
                provider.url(),
                url = part.url
            );
            let gateway = Gateway::start(&config).unwrap();
            let (mut passed, mut refused) = (0, 0);
            for target in targets() {
                let request =
                    format!("GET {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", gateway.address);
                let response = client::raw(gateway.address, "GET", request.as_bytes()).unwrap();
                match response.status {
                    200 => {
                        passed += 1;
                        let read = response.text();
                        assert!(read.starts_with("public "), "{name} reads {target} as {read}");
                    }
                    // The upstream itself may refuse what it is sent.
                    400 | 401 | 404 => refused += 1,
                    status => panic!("{target}: {status}"),
                }
            }
            assert!(passed > 50 && refused > 500, "{name}: {passed} passed, {refused} refused");
        }
    }
}
