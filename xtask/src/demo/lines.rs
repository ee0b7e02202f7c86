//! The curl lines of the demo, and what each promises. What is printed is what is checked.

use portcullis_tests::client;
use std::net::SocketAddr;
use std::process::Command;

/// One request and its promise.
pub(super) struct Line {
    /// What it shows.
    pub(super) what: &'static str,
    /// Its header fields.
    headers: &'static [(&'static str, &'static str)],
    /// Its target, sent as it stands.
    target: &'static str,
    /// The promised status.
    status: u16,
    /// The promised text: in the body where the API answers, in the challenge where the gateway refuses.
    contains: &'static str,
    /// What the promise means, for people.
    meaning: &'static str,
}

const ALICE: (&str, &str) = ("Authorization", "Bearer good-token-alice");

/// The demo.
pub(super) const LINES: &[Line] = &[
    Line {
        what: "a good token",
        headers: &[ALICE],
        target: "/rest/api/content",
        status: 200,
        contains: "\"user\":\"alice\"",
        meaning: "the API sees alice",
    },
    Line {
        what: "another good token",
        headers: &[("Authorization", "Bearer good-token-bob")],
        target: "/rest/api/content",
        status: 200,
        contains: "\"user\":\"bob\"",
        meaning: "the API sees bob",
    },
    Line {
        what: "a bad token",
        headers: &[("Authorization", "Bearer expired-or-made-up")],
        target: "/rest/api/content",
        status: 401,
        contains: "error=\"invalid_token\"",
        meaning: "with the error code invalid_token; the API is not asked",
    },
    Line {
        what: "no token",
        headers: &[],
        target: "/rest/api/content",
        status: 401,
        contains: "Bearer realm=\"portcullis\"",
        meaning: "with a Bearer challenge, and no error code, since nothing was sent",
    },
    Line {
        what: "a password instead of a token",
        headers: &[("Authorization", "Basic YWxpY2U6cGFzc3dvcmQ=")],
        target: "/rest/api/content",
        status: 401,
        contains: "Bearer realm=\"portcullis\"",
        meaning: "Basic is blocked, and the challenge does not invite another try",
    },
    Line {
        what: "alice says that she is root",
        headers: &[ALICE, ("X-Remote-User", "root")],
        target: "/rest/api/content",
        status: 200,
        contains: "\"user\":\"alice\"",
        meaning: "the API still sees alice: the client's own header is dropped",
    },
    Line {
        what: "the same in the spelling that CGI and WSGI applications fall for",
        headers: &[ALICE, ("X_Remote_User", "root")],
        target: "/rest/api/content",
        status: 200,
        contains: "\"user\":\"alice\"",
        meaning: "dropped too",
    },
    Line {
        what: "a path that two servers could read in two ways",
        headers: &[ALICE],
        target: "/public/..%2fadmin",
        status: 400,
        contains: "invalid_request",
        meaning: "refused before anybody is asked",
    },
];

impl Line {
    /// The promise in words.
    pub(super) fn promise(&self) -> String {
        format!("{}, {}", self.status, self.meaning)
    }

    /// The line to paste.
    pub(super) fn curl(&self, gateway: SocketAddr) -> String {
        let headers: String = self.headers.iter().map(|(name, value)| format!(" -H '{name}: {value}'")).collect();
        format!("curl -i{headers} 'http://{gateway}{}'", self.target)
    }

    /// Sends it and compares.
    pub(super) fn check(&self, gateway: SocketAddr, with_curl: bool) -> Result<(), String> {
        let (status, text) = if with_curl { self.by_curl(gateway)? } else { self.by_hand(gateway)? };
        if status != self.status {
            return Err(format!("{status} instead of {}: {text}", self.status));
        }
        if !text.contains(self.contains) {
            return Err(format!("{status}, but without {}: {text}", self.contains));
        }
        Ok(())
    }

    /// The status, and head and body as text.
    fn by_curl(&self, gateway: SocketAddr) -> Result<(u16, String), String> {
        let mut command = Command::new("curl");
        // -q: no ~/.curlrc. --noproxy: no proxy of the environment between us and loopback.
        command.args(["-q", "-sS", "-i", "--noproxy", "*", "--max-time", "20"]);
        for (name, value) in self.headers {
            command.arg("-H").arg(format!("{name}: {value}"));
        }
        command.arg(format!("http://{gateway}{}", self.target));
        let output = command.output().map_err(|error| format!("cannot run curl: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let status = text.split(' ').nth(1).and_then(|code| code.parse().ok());
        let complaint = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        status.map(|status| (status, text)).ok_or(format!("curl got no answer: {complaint}"))
    }

    /// The same without curl.
    fn by_hand(&self, gateway: SocketAddr) -> Result<(u16, String), String> {
        let response = client::get(gateway, self.target, self.headers).map_err(|error| error.to_string())?;
        let fields: String = response.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        Ok((response.status, format!("{fields}\n{}", response.text())))
    }
}
