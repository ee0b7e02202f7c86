//! The table of one real server: for each way to ask it, what becomes of each kind of token. A cell is asserted on the status, on
//! what `/decisions` says of it, and on what the upstream saw. A cell that cannot exist says why; one that is missing fails.

use portcullis_tests::gateway::{Gateway, any_port};
use portcullis_tests::server::Server;
use portcullis_tests::wire::Response;
use portcullis_tests::{client, upstream};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// What happened to a token, or to the server, for every server.
pub(crate) const GOOD: &str = "good";
pub(crate) const EXPIRED: &str = "expired";
pub(crate) const REVOKED: &str = "revoked";
pub(crate) const OTHER_AUDIENCE: &str = "for another audience";
pub(crate) const SERVICE: &str = "of a client (client_credentials)";
pub(crate) const REFRESH: &str = "a refresh token";
pub(crate) const WRONG_SECRET: &str = "good, our client secret wrong";
pub(crate) const STOPPED: &str = "good, server stopped";
const CASES: [&str; 8] = [GOOD, EXPIRED, REVOKED, OTHER_AUDIENCE, SERVICE, REFRESH, WRONG_SECRET, STOPPED];

/// What must become of a request.
#[derive(Clone, Copy)]
pub(crate) enum Must<'a> {
    /// It passes as this user.
    Pass(&'a str),
    /// It is refused: status, decision, and a part of the reason in the access log.
    Refuse(u16, &'static str, &'static str),
}

/// A provider and the route to it, both of this name.
pub(crate) struct Door {
    name: String,
    adapter: &'static str,
    settings: String,
    rest: String,
}

impl Door {
    /// By this adapter with these settings (the inside of a YAML mapping), for any audience.
    pub(crate) fn new(name: &str, adapter: &'static str, settings: impl Into<String>) -> Self {
        Self { name: name.to_owned(), adapter, settings: settings.into(), rest: "any_audience: true".to_owned() }
    }

    /// Tokens for this audience only.
    pub(crate) fn audience(self, audience: &str) -> Self {
        Self { rest: format!("audience: [\"{audience}\"]"), ..self }
    }

    /// Users are called by this attribute.
    pub(crate) fn username(self, attribute: &str) -> Self {
        let rest = format!("{}\n    username_attribute: {attribute}", self.rest);
        Self { rest, ..self }
    }
}

/// The table under way, and the gateway that fills it.
pub(crate) struct Table {
    server: &'static str,
    ways: Vec<&'static str>,
    cases: Vec<&'static str>,
    cells: BTreeMap<(String, String), String>,
    gateway: Gateway,
    upstream: Server,
}

impl Table {
    /// For this server, asked in these ways, each the name of a door; with these cases beside those of every server.
    pub(crate) fn open(server: &'static str, ways: &[&'static str], more: &[&'static str], doors: Vec<Door>) -> Self {
        let upstream = upstream::start(any_port()).unwrap();
        let (mut providers, mut routes) = ("providers:\n".to_owned(), "routes:\n".to_owned());
        for Door { name, adapter, settings, rest } in doors {
            write!(
                providers,
                "  {name}:\n    adapter: {adapter}\n    settings: {{{settings}}}\n    {rest}\n    cache: none\n"
            )
            .unwrap();
            let url = upstream.url();
            write!(routes, "  - match: {{path: /{name}}}\n    providers: [{name}]\n    upstream: {{url: \"{url}\"}}\n")
                .unwrap();
        }
        let gateway = Gateway::start(&(providers + &routes)).unwrap();
        let cases = CASES.iter().chain(more).copied().collect();
        Self { server, ways: ways.to_vec(), cases, cells: BTreeMap::new(), gateway, upstream }
    }

    /// Fills a cell, asked at the door of that way.
    pub(crate) fn cell(&mut self, way: &str, case: &str, token: &str, must: Must<'_>) {
        self.cell_at(way, way, case, token, must);
    }

    /// Fills a cell, asked at this door.
    pub(crate) fn cell_at(&mut self, door: &str, way: &str, case: &str, token: &str, must: Must<'_>) {
        self.ask(door, case, token, must);
        self.fill(
            way,
            case,
            match must {
                Must::Pass(user) => format!("as {user}"),
                Must::Refuse(status, decision, _) => format!("{status} {decision}"),
            },
        );
    }

    /// A cell that cannot exist, and why.
    pub(crate) fn none(&mut self, way: &str, case: &str, why: &str) {
        self.fill(way, case, format!("none: {why}"));
    }

    fn fill(&mut self, way: &str, case: &str, text: String) {
        assert!(self.ways.contains(&way) && self.cases.contains(&case), "{way}, {case}: no such cell");
        let before = self.cells.insert((way.to_owned(), case.to_owned()), text);
        assert_eq!(before, None, "{way}, {case}: filled twice");
    }

    /// Asks at a door, without a cell for it.
    pub(crate) fn ask(&self, door: &str, what: &str, token: &str, must: Must<'_>) {
        let at = format!("{}: {what} at {door}", self.server);
        self.upstream.forget();
        let response = self.response(door, token);
        let decision = self.decision(&response);
        assert_eq!(decision["status"], response.status, "{at}");
        assert_eq!(decision["provider"], door, "{at}: {decision}");
        match must {
            Must::Pass(user) => {
                assert_eq!(response.status, 200, "{at}: {decision}");
                assert_eq!((&decision["decision"], &decision["username"]), (&"pass".into(), &user.into()), "{at}");
                let [seen] = &self.upstream.seen()[..] else { panic!("{at}: not one request upstream") };
                assert_eq!(seen.header("x-remote-user"), Some(user), "{at}");
                assert_eq!(seen.header("authorization"), None, "{at}");
            }
            Must::Refuse(status, word, reason) => {
                assert!(self.upstream.seen().is_empty(), "{at}: {:?}", self.upstream.seen());
                assert_eq!(response.status, status, "{at}: {decision}");
                assert_eq!(decision["decision"], word, "{at}: {decision}");
                assert!(decision["reason"].as_str().unwrap().contains(reason), "{at}: {decision}");
                let challenged = response.header("www-authenticate").is_some_and(|said| said.contains(word));
                assert_eq!(challenged, status == 401, "{at}: challenge");
                assert_eq!(response.header("retry-after").is_some(), status == 503, "{at}: Retry-After");
            }
        }
    }

    /// Asks until it is refused with a 401, which may take until the published keys are fetched again.
    pub(crate) fn until_refused(&self, door: &str, token: &str, most: Duration) {
        let limit = Instant::now() + most;
        while self.response(door, token).status != 401 {
            assert!(Instant::now() < limit, "{}: {door} still passes after {most:?}", self.server);
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    fn response(&self, door: &str, token: &str) -> Response {
        client::get_as(self.gateway.address, &format!("/{door}/x"), token).unwrap()
    }

    /// What the gateway says of the request that was answered so.
    fn decision(&self, response: &Response) -> Value {
        let id = response.header("x-request-id").expect("every answer has its id");
        let limit = Instant::now() + Duration::from_secs(5);
        loop {
            let said = client::get(self.gateway.admin, "/decisions", &[]).unwrap().json();
            let found = said["decisions"].as_array().unwrap().iter().find(|line| line["id"] == id).cloned();
            match found {
                Some(line) => return line,
                None if Instant::now() < limit => std::thread::sleep(Duration::from_millis(10)),
                None => panic!("no decision {id}: {said}"),
            }
        }
    }

    /// Every cell is there; where `PORTCULLIS_TABLES` names a folder, the table is written into it.
    pub(crate) fn finish(self) {
        let mut text = format!(
            "### {}\n\n| token | {} |\n|---{}|\n",
            self.server,
            self.ways.join(" | "),
            "|---".repeat(self.ways.len())
        );
        for case in &self.cases {
            write!(text, "| {case} |").unwrap();
            for way in &self.ways {
                let cell = self.cells.get(&((*way).to_owned(), (*case).to_owned()));
                let cell =
                    cell.unwrap_or_else(|| panic!("{}: nothing says what becomes of {case} at {way}", self.server));
                write!(text, " {cell} |").unwrap();
            }
            text.push('\n');
        }
        if let Some(folder) = std::env::var_os("PORTCULLIS_TABLES") {
            std::fs::write(std::path::Path::new(&folder).join(format!("{}.md", self.server)), text).unwrap();
        }
    }
}
