//! radicale behind the gateway: who somebody is, decided by Keycloak, decides what they may read there.

use crate::part::Part;
use crate::tokens::Keycloak;
use portcullis_tests::client;
use portcullis_tests::gateway::{Gateway, free_address};
use portcullis_tests::wire::Response;

const EVENT: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:1\r\n\
                     DTSTAMP:20260101T000000Z\r\nDTSTART:20260101T100000Z\r\nSUMMARY:alices secret\r\n\
                     END:VEVENT\r\nEND:VCALENDAR\r\n";

#[test]
fn alice_reads_hers_and_bob_cannot() {
    let part = Part::start("keycloak.sh", free_address().unwrap(), &[]);
    let keycloak = Keycloak::at(&part.url);
    let radicale = Part::start("radicale.sh", free_address().unwrap(), &[]);
    let config = format!(
        "providers:\n  staff:\n    adapter: keycloak\n    settings: {{host: \"{}\", realm: demo}}\n    any_audience: true\n    cache: none\nroutes:\n  \
         - match: {{path: /}}\n    providers: [staff]\n    upstream: {{url: \"{}\"}}\n",
        keycloak.url, radicale.url
    );
    let gateway = Gateway::start(&config).unwrap();
    let (alice, bob) = (keycloak.token("alice"), keycloak.token("bob"));
    let send = |method: &str, target: &str, token: &str, headers: &[(&str, &str)], body: &str| -> Response {
        let bearer = format!("Bearer {token}");
        let headers = [&[("Authorization", bearer.as_str())], headers].concat();
        client::send(gateway.address, method, target, &headers, body.as_bytes()).unwrap()
    };

    let made = send("MKCALENDAR", "/alice/work/", &alice, &[], "");
    assert_eq!(made.status, 201, "{}", made.text());
    let written = send("PUT", "/alice/work/1.ics", &alice, &[("Content-Type", "text/calendar")], EVENT);
    assert_eq!(written.status, 201, "{}", written.text());
    let read = send("GET", "/alice/work/1.ics", &alice, &[], "");
    assert_eq!(read.status, 200, "{}", read.text());
    assert!(read.text().contains("alices secret"), "{}", read.text());
    assert_eq!(send("PROPFIND", "/alice/work/", &alice, &[("Depth", "1")], "").status, 207);

    // radicale itself refuses bob, so it knows that it is bob; and no header of his makes him alice.
    for spoof in
        [&[][..], &[("X-Remote-User", "alice")], &[("X_Remote_User", "alice")], &[("Connection", "X-Remote-User")]]
    {
        for (method, target) in [("GET", "/alice/work/1.ics"), ("PROPFIND", "/alice/work/"), ("DELETE", "/alice/work/")]
        {
            let refused = send(method, target, &bob, spoof, "");
            assert_eq!(refused.status, 403, "{method} {target} {spoof:?}: {}", refused.text());
            assert!(!refused.text().contains("alices secret"));
        }
    }
    assert_eq!(send("PROPFIND", "/bob/", &bob, &[("Depth", "0")], "").status, 207);
    // Without a token nothing arrives there at all.
    let nobody = client::get(gateway.address, "/alice/work/1.ics", &[("X-Remote-User", "alice")]).unwrap();
    assert_eq!(nobody.status, 401, "{}", nobody.text());
    assert!(nobody.header("www-authenticate").is_some_and(|value| value.starts_with("Bearer ")));
    assert_eq!(send("GET", "/alice/work/1.ics", &alice, &[], "").status, 200, "still there");
}
