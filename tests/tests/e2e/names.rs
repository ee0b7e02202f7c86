//! Servers that read several names as one, as Python's and PHP's do: whatever a client calls it, none of them takes the caller for
//! somebody else.

use crate::part::Part;
use portcullis_tests::gateway::{Gateway, any_port, free_address};
use portcullis_tests::spellings::X_REMOTE_USER;
use portcullis_tests::{client, provider};
use std::process::Command;

const BOB: (&str, &str) = ("Authorization", "Bearer good-token-bob");

/// A server: its script and what that is told, and how many of the spellings it is fooled by when it is asked directly.
struct Fooled {
    name: &'static str,
    script: &'static str,
    told: &'static [(&'static str, &'static str)],
    by: usize,
}

const SERVERS: [Fooled; 3] = [
    Fooled { name: "wsgiref", script: "django.sh", told: &[("SERVER", "wsgiref")], by: 7 },
    Fooled { name: "cheroot", script: "django.sh", told: &[("SERVER", "cheroot")], by: 7 },
    Fooled { name: "PHP", script: "php.sh", told: &[], by: 9 },
];

/// Whom a server takes somebody for who comes to it directly, as root by this name.
fn asked(server: &str, spelling: &str) -> String {
    // wsgiref answers in HTTP/1.0, which our own client does not take.
    let output = Command::new("curl").args(["-sf", "-H", &format!("{spelling}: root"), server]).output().unwrap();
    assert!(output.status.success(), "{server} {spelling}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn no_server_takes_the_caller_for_whom_a_header_names() {
    let provider = provider::start(any_port()).unwrap();
    for Fooled { name, script, told, by } in SERVERS {
        let part = Part::start(script, free_address().unwrap(), told);
        let config = format!(
            "providers:\n  staff:\n    adapter: keycloak\n    any_audience: true\n    \
             settings: {{host: \"{}\", realm: demo}}\nroutes:\n  - match: {{path: /}}\n    providers: [staff]\n    \
             upstream: {{url: \"{url}\"}}\n  - match: {{path: /public}}\n    public: true\n    upstream: {{url: \"{url}\"}}\n",
            provider.url(),
            url = part.url
        );
        let gateway = Gateway::start(&config).unwrap();
        let direct = X_REMOTE_USER.iter().filter(|spelling| asked(&part.url, spelling) == "root").count();
        assert_eq!(direct, by, "{name} reads other names as one than it did");
        let who = |path: &str, headers: &[(&str, &str)]| {
            let answer = client::get(gateway.address, path, headers).unwrap();
            assert_eq!(answer.status, 200, "{name}: {path} {headers:?}: {}", answer.text());
            answer.text()
        };
        for spelling in X_REMOTE_USER {
            for headers in [
                vec![BOB, (spelling, "root")],
                vec![(spelling, "root"), BOB, (spelling, "admin")],
                vec![BOB, (spelling, "root"), ("Connection", "X-Remote-User")],
                vec![BOB, (spelling, "root"), ("Connection", spelling)],
            ] {
                assert_eq!(who("/rest", &headers), "bob", "{name}: {headers:?}");
                assert_eq!(who("/public", &headers), "nobody", "{name}: {headers:?}");
            }
        }
    }
}
