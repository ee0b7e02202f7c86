//! The one parsed form of a request's target that both route matching and forwarding use.
//!
//! Servers disagree on what a path means once it holds dot segments, encoded slashes, doubled slashes or parameters. A
//! gateway that matches one reading while the upstream serves another is open. So a target that can be read in two ways
//! is refused, and what a route may allow all the same is collected as an [`Oddity`] that the decision must consent to.
//!
//! It must never repair a target: the path and the query go upstream byte for byte as they came, or not at all.

mod authority;
mod decode;
mod oddity;
mod path;
mod query;

pub use oddity::Oddity;
pub use query::QueryNames;

/// A target that every server reads the same way, apart from its [`NormalTarget::oddities`]. Only the normaliser makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NormalTarget {
    host: String,
    authority: String,
    path: String,
    /// The path as the most lenient server would read it, for matching; `None` where it is the path itself.
    reading: Option<String>,
    /// The path as it is read where it is decoded or parsed once more, where that makes a difference.
    further: Vec<String>,
    query: Option<String>,
    oddities: Vec<Oddity>,
}

/// Why a target is refused (400). The messages name no part of the target: it may hold a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// `CONNECT`, `*`, or a target that is neither a path nor an absolute http(s) URL (RFC 9112 3.2).
    #[error("the target is neither a path nor an absolute http URL: send `/path` with a Host header")]
    Form,
    /// No Host header (RFC 9112 3.2).
    #[error("there is no Host header: send exactly one")]
    NoHost,
    /// More than one Host header (RFC 9112 3.2).
    #[error("there are several Host headers: send exactly one")]
    ManyHosts,
    /// An empty host, user information, or characters that no host name has (RFC 3986 3.2.2).
    #[error("the host is malformed: send a name or an address, with a port at most")]
    Host,
    /// The host of the target and that of the Host header are not the same.
    #[error("the target and the Host header name different hosts: send the same in both")]
    HostMismatch,
    /// A control character or a space, raw, or a control character encoded in the path (`%00`).
    #[error("the target holds a control character or a space: leave control characters out, encode spaces")]
    Control,
    /// A byte beyond ASCII.
    #[error("the target holds a raw byte beyond ASCII: percent-encode it")]
    NonAscii,
    /// `#`.
    #[error("the target holds a fragment (`#`): leave it out")]
    Fragment,
    /// `\`.
    #[error("the path holds a backslash: leave it out")]
    Backslash,
    /// `.` or `..` as a segment, also before a parameter or an encoded separator (RFC 3986 5.2.4).
    #[error("the path holds a dot segment: resolve it before sending")]
    DotSegment,
    /// `%` without two hexadecimal digits.
    #[error("the path holds an invalid percent escape: encode `%` as `%25`")]
    Escape,
    /// An encoded letter, digit, `-`, `.` or `_` (RFC 3986 6.2.2.2).
    #[error("the path encodes a character that needs no encoding: send letters, digits, `-`, `.` and `_` as they are")]
    NeedlessEscape,
    /// Escapes that do not decode to UTF-8, overlong forms among them.
    #[error("the escapes in the path do not decode to UTF-8: encode the UTF-8 form")]
    Utf8,
    /// Escapes within escapes, more of them than are followed (`%2525252541`).
    #[error("the path is percent-encoded more than 4 times: encode it once")]
    Depth,
    /// A method that some servers take for another one ([`crate::method::is_unambiguous`]).
    #[error("the method is not written in upper case, or is none: send it in upper-case letters, at most 32")]
    Method,
}

impl NormalTarget {
    /// Reads the target of an HTTP/1 request: its request line's target as it came, all of its Host headers, its method.
    ///
    /// # Errors
    /// A target that can be read in two ways, or no or several hosts (RFC 9112 3.2), or a method that some servers take for
    /// another one.
    pub fn parse(raw_target: &str, host_headers: &[&str], method: &str) -> Result<Self, TargetError> {
        let (written, rest) = split_form(raw_target, method)?;
        let host = match host_headers {
            [] => return Err(TargetError::NoHost),
            [one] => authority::Authority::parse(one)?,
            _ => return Err(TargetError::ManyHosts),
        };
        if let Some(written) = written
            && !authority::Authority::parse(written)?.agrees_with(&host)
        {
            return Err(TargetError::HostMismatch);
        }
        Self::assemble(&host, rest)
    }

    /// Reads the target of an HTTP/2 request: `:path`, `:authority`, the Host headers if any, and the method. The
    /// authority counts as the host; a Host header beside it must agree (RFC 9113 8.3.1).
    ///
    /// # Errors
    /// As [`NormalTarget::parse`].
    pub fn parse_http2(
        path: &str,
        authority: Option<&str>,
        host_headers: &[&str],
        method: &str,
    ) -> Result<Self, TargetError> {
        let Some(authority) = authority else { return Self::parse(path, host_headers, method) };
        let (None, rest) = split_form(path, method)? else { return Err(TargetError::Form) };
        let named = authority::Authority::parse(authority)?;
        match host_headers {
            [] => {}
            [one] if authority::Authority::parse(one)?.agrees_with(&named) => {}
            [_] => return Err(TargetError::HostMismatch),
            _ => return Err(TargetError::ManyHosts),
        }
        Self::assemble(&named, rest)
    }

    fn assemble(host: &authority::Authority<'_>, rest: &str) -> Result<Self, TargetError> {
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        for byte in rest.bytes() {
            match byte {
                0..=0x20 | 0x7f => return Err(TargetError::Control),
                0x80.. => return Err(TargetError::NonAscii),
                b'#' => return Err(TargetError::Fragment),
                _ => {}
            }
        }
        // RFC 9112 3.2.2: an absolute form with an empty path means `/`.
        let path = if path.is_empty() { "/" } else { path };
        let examined = path::examine(path)?;
        Ok(Self {
            host: host.name.to_ascii_lowercase(),
            authority: host.written.to_owned(),
            path: path.to_owned(),
            reading: examined.reading,
            further: examined.further,
            query: query.map(str::to_owned),
            oddities: examined.oddities,
        })
    }

    /// The host, lower case, without port.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The host as the client wrote it, with its port if it wrote one: for `X-Forwarded-Host`.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The path, byte for byte as it is forwarded; begins with `/`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query without `?`, byte for byte as it came.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// Spellings that servers read differently and that the matched route must allow by name; else the request is refused.
    #[must_use]
    pub fn oddities(&self) -> &[Oddity] {
        &self.oddities
    }

    /// Whether the path lies under a prefix of whole segments: `/rest` holds `/rest` and `/rest/a`, never `/restless`.
    /// The prefix begins with `/` and ends without one; the empty text holds everything.
    ///
    /// What is compared is the reading of the most lenient server (escapes decoded, slashes merged, parameters cut off),
    /// so that no spelling slips past the route of the place that it reaches: `/rest%2fx` is under `/rest`.
    #[must_use]
    pub fn has_prefix(&self, prefix: &str) -> bool {
        is_under(self.reading.as_deref().unwrap_or(&self.path), prefix)
    }

    /// As [`NormalTarget::has_prefix`], read as the strictest server does: `/rest%2fx` is one segment, and not under `/rest`.
    #[must_use]
    pub fn has_prefix_as_written(&self, prefix: &str) -> bool {
        is_under(&self.path, prefix)
    }

    /// The path as a server reads it that decodes it once more, or that is passed the decoded path by another server and
    /// parses that (`%3b`, `%3f` and `%23` are then syntax), one for each decoding until nothing is left to decode. All of
    /// them must be the matter of the same route. Empty where none of this makes a difference.
    pub fn further_readings(&self) -> impl Iterator<Item = Reading<'_>> {
        self.further.iter().map(|path| Reading(path))
    }

    /// The first of these names that some server reads in the query. See [`QueryNames`].
    #[must_use]
    pub fn query_name<'w>(&self, wanted: &'w QueryNames) -> Option<&'w str> {
        let mut reader = query::Reader::default();
        self.query_pairs(wanted).find_map(|(name, _)| reader.name(name, wanted))
    }

    /// The values of all parameters that some server reads as one of these names, percent-decoded once, `+` as a space.
    pub fn query_values<'q>(&'q self, wanted: &'q QueryNames) -> impl Iterator<Item = Vec<u8>> + 'q {
        let mut reader = query::Reader::default();
        self.query_pairs(wanted).filter_map(move |(name, value)| {
            reader.name(name, wanted)?;
            let mut decoded = Vec::new();
            decode::decode(value.bytes().map(|byte| if byte == b'+' { b' ' } else { byte }), &mut decoded);
            Some(decoded)
        })
    }

    /// Names and values, separated by `&` or `;`. Nothing where nothing is wanted.
    fn query_pairs(&self, wanted: &QueryNames) -> impl Iterator<Item = (&str, &str)> {
        let query = self.query().filter(|_| !wanted.is_empty());
        let pairs = query.into_iter().flat_map(|query| query.split(['&', ';']));
        pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    }
}

/// One way to read a path.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'t>(&'t str);

impl Reading<'_> {
    /// As [`NormalTarget::has_prefix`], of this reading.
    #[must_use]
    pub fn has_prefix(self, prefix: &str) -> bool {
        is_under(self.0, prefix)
    }
}

fn is_under(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || prefix.is_empty())
}

/// Splits the target into the authority of an absolute form, if it is one, and path with query.
fn split_form<'a>(raw: &'a str, method: &str) -> Result<(Option<&'a str>, &'a str), TargetError> {
    if !crate::method::is_unambiguous(method.as_bytes()) {
        return Err(TargetError::Method);
    }
    if method == "CONNECT" {
        return Err(TargetError::Form);
    }
    if raw.starts_with('/') {
        return Ok((None, raw));
    }
    let (scheme, rest) = raw.split_once("://").ok_or(TargetError::Form)?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err(TargetError::Form);
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at_checked(end).ok_or(TargetError::Form)?;
    Ok((Some(authority), rest))
}

#[cfg(test)]
mod tests;
