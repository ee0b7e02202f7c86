//! Which headers pass, which are dropped, and which are ours.
//!
//! The order is the rule: everything that the client may not say is dropped first, and what the gateway says is set last, so
//! that no header of a client can name away, double or outlive one of ours. Names are compared by fold.

use super::service::Connection;
use crate::decision::Pass;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use portcullis_core::header::{fold_byte, is_hop_by_hop, is_http_own, is_method_override, is_trusted};
use std::collections::HashSet;

/// The id of a request, to the upstream and to the client.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
/// The only transfer coding that is passed on (RFC 9110 10.1.4).
const TRAILERS: HeaderValue = HeaderValue::from_static("trailers");

/// Drops from a request what is not the client's to say, what concerns its connection only, and credentials that do not
/// go upstream.
pub(super) fn clean_request(headers: &mut HeaderMap, identity_names: &HashSet<String>, pass: &Pass) {
    let trailers = tokens(headers, &header::TE).any(|token| token.eq_ignore_ascii_case("trailers"));
    drop_named_by_connection(headers);
    let mut folded = String::new();
    drop_where(headers, |name| is_not_the_clients(name, identity_names, &mut folded));
    headers.remove(header::HOST);
    // hyper answers it (RFC 9110 10.1.1): the body is asked for when the upstream takes it.
    headers.remove(header::EXPECT);
    if !pass.keep_authorization {
        headers.remove(header::AUTHORIZATION);
    }
    if pass.pass_cookies {
        join_cookies(headers);
    } else {
        headers.remove(header::COOKIE);
    }
    if trailers {
        headers.insert(header::TE, TRAILERS);
    }
}

/// Sets what the gateway says of a request, over whatever is there.
pub(super) fn set_ours(headers: &mut HeaderMap, way: &Forwarding<'_>, id: &HeaderValue, pass: Pass) {
    headers.insert(FORWARDED_FOR, way.connection.peer.clone());
    headers.insert(FORWARDED_PROTO, way.scheme.clone());
    if let Ok(host) = HeaderValue::from_str(way.host) {
        headers.insert(FORWARDED_HOST, host);
    }
    if let Ok(forwarded) = forwarded(way) {
        headers.insert(header::FORWARDED, forwarded);
    }
    headers.insert(REQUEST_ID, id.clone());
    for (name, value) in pass.headers {
        headers.insert(name, value);
    }
}

/// Where a request came from, for the upstream.
pub(super) struct Forwarding<'a> {
    /// The client.
    pub(super) connection: &'a Connection,
    /// What it spoke: `http` or `https`.
    pub(super) scheme: &'a HeaderValue,
    /// The host that it asked for, with its port.
    pub(super) host: &'a str,
}

/// RFC 7239 4. The host was checked to hold nothing that would end the quoted text.
fn forwarded(way: &Forwarding<'_>) -> Result<HeaderValue, header::InvalidHeaderValue> {
    let (peer, scheme) = (way.connection.peer.to_str(), way.scheme.to_str());
    let (before, after) = if way.connection.peer_ip.is_ipv4() { ("for=", "") } else { ("for=\"[", "]\"") };
    let pieces =
        [before, peer.unwrap_or("unknown"), after, ";host=\"", way.host, "\";proto=", scheme.unwrap_or("http")];
    HeaderValue::try_from(pieces.concat())
}

/// Makes one field of several (RFC 9113 8.2.3): HTTP/2 clients split Cookie, and HTTP/1.1 servers take the first one, or join
/// them with commas.
fn join_cookies(headers: &mut HeaderMap) {
    let mut values = headers.get_all(header::COOKIE).iter();
    if values.next().is_none() || values.next().is_none() {
        return;
    }
    let crumbs: Vec<&[u8]> = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    match HeaderValue::from_bytes(&crumbs.join(&b"; "[..])) {
        Ok(joined) => drop(headers.insert(header::COOKIE, joined)),
        // Cannot be: each of them is a value. Without cookies nobody becomes somebody else.
        Err(_) => drop(headers.remove(header::COOKIE)),
    }
}

/// Whether a trailer of a request is dropped: all that is dropped as a header, and what frames, routes, qualifies or
/// authenticates a message (RFC 9110 6.5.1). An override of the method too: the route was chosen before it came.
pub(super) fn drops_request_trailer(name: &HeaderName, identity_names: &HashSet<String>) -> bool {
    let mut folded = String::new();
    is_not_the_clients(name, identity_names, &mut folded) || is_http_own(&folded) || is_method_override(&folded)
}

/// Drops from a response what concerns the upstream's connection only, and cookies where they do not pass.
pub(super) fn clean_response(headers: &mut HeaderMap, pass_cookies: bool) {
    drop_named_by_connection(headers);
    drop_where(headers, |name| is_hop_by_hop(name.as_str()));
    headers.remove(REQUEST_ID);
    if !pass_cookies {
        headers.remove(header::SET_COOKIE);
    }
}

/// Whether a trailer of a response is dropped where cookies do not pass.
pub(super) fn drops_response_trailer(name: &HeaderName) -> bool {
    drops_response_trailer_but_cookies(name) || *name == header::SET_COOKIE
}

/// Whether a trailer of a response is dropped where cookies pass.
pub(super) fn drops_response_trailer_but_cookies(name: &HeaderName) -> bool {
    is_hop_by_hop(name.as_str()) || *name == header::CONTENT_LENGTH || *name == REQUEST_ID
}

/// The members of all the values of a list header.
pub(super) fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    // A parameter (`trailers;q=1`) is no part of the member's name.
    values.flat_map(|value| value.split(',')).map(|member| member.split(';').next().unwrap_or("").trim())
}

/// What `Connection` names is hop-by-hop too (RFC 9110 7.6.1).
fn drop_named_by_connection(headers: &mut HeaderMap) {
    if !headers.contains_key(header::CONNECTION) {
        return;
    }
    let named: Vec<HeaderName> =
        tokens(headers, &header::CONNECTION).filter_map(|token| HeaderName::try_from(token).ok()).collect();
    for name in named {
        headers.remove(name);
    }
}

fn drop_where(headers: &mut HeaderMap, mut drops: impl FnMut(&HeaderName) -> bool) {
    let dropped: Vec<HeaderName> = headers.keys().filter(|name| drops(name)).cloned().collect();
    for name in dropped {
        headers.remove(name);
    }
}

/// Identity headers, those that servers believe when a proxy sets them, hop-by-hop headers, and names that an upstream would
/// take for one of these or for the framing of the message (`content_length`).
fn is_not_the_clients(name: &HeaderName, identity_names: &HashSet<String>, folded: &mut String) -> bool {
    let name = name.as_str();
    folded.clear();
    folded.extend(name.bytes().map(|byte| char::from(fold_byte(byte))));
    identity_names.contains(folded.as_str())
        || is_trusted(folded)
        || is_hop_by_hop(folded)
        || (folded == "content-length" && name != "content-length")
        || folded == REQUEST_ID.as_str()
}
