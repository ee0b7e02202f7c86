//! CORS preflights (Fetch standard, 3.2.2 and 4.8): a browser asks without a credential whether a page may send a request.
//!
//! What is not exactly such a question is decided as any other request, and a preflight that is passed on takes nothing along
//! but the question: it must never be a way around the providers.

use super::Request;
use crate::config::Cors;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, COOKIE, ORIGIN, VARY, VIA,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use portcullis_core::denial::{Denial, Kind};
use portcullis_core::method::is_unambiguous;

/// How long a browser may remember the answer, in seconds.
const REMEMBERED_S: u16 = 600;
/// The longest list of header names that is answered, in bytes.
const NAMES_BYTES_MAX: usize = 2048;

/// The method that a preflight asks for; `None` for any other request.
///
/// # Errors
///
/// 400 for a method that some servers take for another one ([`is_unambiguous`]): the request that would follow is refused.
pub(super) fn asked(request: &Request<'_>) -> Result<Option<Method>, Denial> {
    let headers = request.headers;
    let credential = headers.contains_key(AUTHORIZATION) || headers.contains_key(COOKIE);
    if request.method != Method::OPTIONS || credential || one(headers, &ORIGIN).is_none() {
        return Ok(None);
    }
    let Some(method) = one(headers, &ACCESS_CONTROL_REQUEST_METHOD) else { return Ok(None) };
    match Method::from_bytes(method.as_bytes()) {
        Ok(method) if is_unambiguous(method.as_str().as_bytes()) => Ok(Some(method)),
        Ok(_) | Err(_) => {
            let reason = "a preflight asks for a method that is not written in upper case, or is none";
            Err(Denial::by("match.methods", Kind::Ambiguous, reason))
        }
    }
}

fn one<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

/// The origin of the page, where the route lets it in.
pub(super) fn allowed_origin(cors: &Cors, headers: &HeaderMap) -> Option<HeaderValue> {
    let Cors::Answer(origins) = cors else { return None };
    let origin = one(headers, &ORIGIN)?;
    origins.iter().any(|allowed| allowed.as_str().as_bytes() == origin.as_bytes()).then(|| origin.clone())
}

/// The answer to a preflight of an allowed origin for a method that its route takes.
pub(super) fn answer(origin: HeaderValue, method: &Method, headers: &HeaderMap) -> HeaderMap {
    let mut answer = HeaderMap::new();
    answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    if let Ok(method) = HeaderValue::from_str(method.as_str()) {
        answer.insert(ACCESS_CONTROL_ALLOW_METHODS, method);
    }
    if let Some(names) = one(headers, &ACCESS_CONTROL_REQUEST_HEADERS).filter(|names| is_list(names)) {
        answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(REMEMBERED_S));
    let varies = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
    answer.insert(VARY, HeaderValue::from_static(varies));
    answer
}

/// Names of headers with commas between them, and nothing else.
fn is_list(names: &HeaderValue) -> bool {
    names.len() <= NAMES_BYTES_MAX
        && names
            .to_str()
            .is_ok_and(|names| names.split(',').all(|name| HeaderName::from_bytes(name.trim().as_bytes()).is_ok()))
}

/// Takes from a preflight's headers what is not the question. `Via` stays, by which loops are found.
pub(crate) fn keep_the_question(headers: &mut HeaderMap) {
    const KEPT: [HeaderName; 4] =
        [http::header::HOST, ORIGIN, ACCESS_CONTROL_REQUEST_METHOD, ACCESS_CONTROL_REQUEST_HEADERS];
    let mut kept: Vec<(HeaderName, HeaderValue)> =
        KEPT.into_iter().filter_map(|name| headers.get(&name).cloned().map(|value| (name, value))).collect();
    kept.extend(headers.get_all(VIA).iter().map(|value| (VIA, value.clone())));
    headers.clear();
    headers.extend(kept);
}
