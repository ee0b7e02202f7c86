//! How servers that others wrote read methods and names in the query: PHP, Flask, Django on wsgiref, Node and Java's own HTTP
//! server. Whatever passes the gateway, none of them takes for what the route refuses.

use crate::part::Part;
use portcullis_tests::client;
use portcullis_tests::gateway::{Gateway, any_port, free_address};
use portcullis_tests::provider;

/// A server, and how many of the methods and of the queries below it takes for another when it is asked directly.
struct Reader {
    name: &'static str,
    methods: usize,
    queries: usize,
}

const SERVERS: [Reader; 5] = [
    Reader { name: "php", methods: 0, queries: 22 },
    Reader { name: "flask", methods: 3, queries: 0 },
    Reader { name: "django", methods: 3, queries: 0 },
    Reader { name: "node", methods: 0, queries: 3 },
    Reader { name: "java", methods: 0, queries: 3 },
];

/// Some servers take them for DELETE, to which the route has rules.
const METHODS: [&str; 3] = ["delete", "Delete", "dELETE"];

/// Ways to write the refused names that some server reads as them: another sign for `_`, something before or behind.
fn queries() -> Vec<String> {
    let mut queries = Vec::new();
    for name in ["access_token", "os_username", "_method"] {
        let dotted = |with: &str| name.replace('_', with);
        queries.extend([".", "%20", "%2e", "+"].map(|with| format!("{}=DELETE", dotted(with))));
        queries.extend(["[]", "%00x"].map(|end| format!("{name}{end}=DELETE")));
        queries.push(format!("%20{name}=DELETE"));
        queries.push(format!("?{name}=DELETE"));
        queries.push(format!("a=b;{name}=DELETE"));
    }
    queries
}

/// The method, the names and the path that a server found; `None` where it refused to answer.
fn read(address: std::net::SocketAddr, method: &str, target: &str) -> Option<(String, String, String)> {
    let request = format!("{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let response = client::raw(address, method, request.as_bytes()).ok()?;
    if response.status != 200 {
        return None;
    }
    let said = response.text();
    let mut parts = said.splitn(3, ' ').map(str::to_owned);
    Some((parts.next()?, parts.next()?, parts.next()?))
}

#[test]
fn no_server_finds_in_a_request_what_its_route_refuses() {
    let provider = provider::start(any_port()).unwrap();
    for Reader { name, methods, queries: names } in SERVERS {
        let part = Part::start("readings.sh", free_address().unwrap(), &[("SERVER", name)]);
        let direct = part.url.trim_start_matches("http://").parse().unwrap();
        // wsgiref answers in HTTP/1.0, which our own client does not take: it is asked through an open route then.
        let upstream = format!("upstream: {{url: \"{}\"}}", part.url);
        let config = format!(
            "providers:\n  staff:\n    adapter: keycloak\n    any_audience: true\n    settings: {{host: \"{}\", realm: demo}}\n\
             routes:\n  - match: {{path: /, methods: [DELETE]}}\n    providers: [staff]\n    {upstream}\n  \
             - match: {{path: /}}\n    public: true\n    {upstream}\n    refuse_query: [access_token, os_username]\n",
            provider.url()
        );
        let gateway = Gateway::start(&config).unwrap();
        let fooled = |method: &&&str| read(direct, method, "/a").is_some_and(|(read, ..)| read == "DELETE");
        if name != "django" {
            assert_eq!(METHODS.iter().filter(fooled).count(), methods, "{name} reads methods otherwise than it did");
        }
        for method in METHODS {
            assert_eq!(read(gateway.address, method, "/a"), None, "{name}: {method}");
        }
        let mut found = 0;
        for query in queries() {
            let target = format!("/a?{query}");
            found += usize::from(read(direct, "GET", &target).is_some_and(|(_, names, _)| !names.is_empty()));
            if let Some((_, names, _)) = read(gateway.address, "GET", &target) {
                assert_eq!(names, "", "{name}: {target}");
            }
        }
        if name != "django" {
            assert_eq!(found, names, "{name} reads names otherwise than it did");
        }
        let (method, names, path) = read(gateway.address, "GET", "/a?b=c").expect("what is not refused");
        assert_eq!((method.as_str(), names.as_str(), path.as_str()), ("GET", "", "/a"), "{name}");
    }
}
