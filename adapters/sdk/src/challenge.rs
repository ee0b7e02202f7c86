//! What a provider complains of: the error code of RFC 6750 section 3, wherever it put it.
//!
//! In the wild the challenge comes without a scheme word (authentik, Cognito), with another scheme (`OAuth`), unquoted, or
//! in a JSON body instead. So every `name=value` of `WWW-Authenticate` is read, whatever stands before it; what is inside
//! quotes is never read as a parameter.

use crate::{Object, Response};

/// An error code and the scopes that would have done. Both empty where the provider gave none.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Complaint {
    /// `invalid_token`, `insufficient_scope` ...
    pub error: String,
    /// RFC 6750 3: scopes that the resource needs.
    pub scopes: Vec<String>,
}

impl Complaint {
    /// Of a response: from its challenges, else from its JSON body.
    #[must_use]
    pub fn of(response: &Response) -> Self {
        let mut complaint = Self::default();
        for challenge in response.headers.iter().filter(|header| header.name == "www-authenticate") {
            complaint.read(&challenge.value);
        }
        if complaint.error.is_empty()
            && let Ok(body) = Object::parse(&response.body)
        {
            complaint.error = body.text("error").unwrap_or_default();
            complaint.scopes = body.text("scope").map(|scopes| words(&scopes)).unwrap_or_default();
        }
        complaint
    }

    /// Whether the code is this one.
    #[must_use]
    pub fn is(&self, error: &str) -> bool {
        self.error.eq_ignore_ascii_case(error)
    }

    /// For a log line: ` (invalid_token)`, or nothing. A code longer than any known one, or not made of visible ASCII, is
    /// left out.
    #[must_use]
    pub fn code(&self) -> String {
        let printable =
            !self.error.is_empty() && self.error.len() <= 40 && self.error.bytes().all(|b| b.is_ascii_graphic());
        if printable { format!(" ({})", self.error) } else { String::new() }
    }

    fn read(&mut self, challenge: &str) {
        let mut rest = challenge.chars().peekable();
        let mut name = String::new();
        while let Some(c) = rest.next() {
            match c {
                '=' => {
                    while rest.next_if(|c| *c == ' ').is_some() {}
                    let value = if rest.next_if_eq(&'"').is_some() { quoted(&mut rest) } else { bare(&mut rest) };
                    self.take(&name, &value);
                    name.clear();
                }
                // `error = "x"` is read too: a space ends a name only where another one begins.
                ' ' | '\t' if rest.peek() == Some(&'=') => {}
                ' ' | '\t' | ',' => name.clear(),
                '"' => {
                    quoted(&mut rest);
                    name.clear();
                }
                c => name.push(c),
            }
        }
    }

    fn take(&mut self, name: &str, value: &str) {
        if name.eq_ignore_ascii_case("error") && self.error.is_empty() {
            self.error = value.into();
        } else if name.eq_ignore_ascii_case("scope") && self.scopes.is_empty() {
            self.scopes = words(value);
        }
    }
}

fn words(text: &str) -> Vec<String> {
    text.split([' ', ',']).filter(|word| !word.is_empty()).map(Into::into).collect()
}

/// The rest of a quoted-string (RFC 9110 5.6.4), whose opening quote was taken.
fn quoted(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
    let mut value = String::new();
    while let Some(c) = rest.next() {
        match c {
            '"' => break,
            '\\' => value.extend(rest.next()),
            c => value.push(c),
        }
    }
    value
}

fn bare(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
    let mut value = String::new();
    while let Some(c) = rest.next_if(|c| !matches!(c, ' ' | '\t' | ',')) {
        value.push(c);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(challenge: &str) -> String {
        let mut complaint = Complaint::default();
        complaint.read(challenge);
        complaint.error
    }

    #[test]
    fn challenges_as_they_are_in_the_wild() {
        for (challenge, expected) in [
            (
                r#"Bearer realm="x", error="insufficient_scope", error_description="Missing openid scope""#,
                "insufficient_scope",
            ),
            (r#"error="invalid_token", error_description="Access token is expired""#, "invalid_token"),
            ("Bearer error=insufficient_scope,scope=profile", "insufficient_scope"),
            (r#"Basic realm="x", Bearer error = "invalid_token""#, "invalid_token"),
            (r#"OAuth realm="https%3A%2F%2Fx""#, ""),
            (r#"Bearer realm="a, error=\"insufficient_scope\"""#, ""),
            (r#"Bearer error_description="error=insufficient_scope""#, ""),
            ("Bearer", ""),
            ("Negotiate abc==", ""),
            (r#"Bearer error="open"#, "open"),
        ] {
            assert_eq!(error(challenge), expected, "{challenge}");
        }
    }

    #[test]
    fn scopes_are_words() {
        let mut complaint = Complaint::default();
        complaint.read(r#"Bearer error="insufficient_scope", scope="openid profile""#);
        assert_eq!(complaint.scopes, ["openid", "profile"]);
    }
}
