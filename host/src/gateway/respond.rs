//! Refusals and failures as answers: a small problem document (RFC 9457) with the request's id.
//!
//! A client sees only fixed words: never a provider's body, a reason, a rule, or anything that it sent.

use super::body::ClientBody;
use super::proxy::Failure;
use http::{HeaderMap, HeaderValue, Response, StatusCode, Version, header};
use portcullis_core::denial::Denial;

/// The answer to a request that is refused.
pub(super) fn denial(denial: &Denial, id: &HeaderValue) -> Response<ClientBody> {
    let status = StatusCode::from_u16(denial.status()).unwrap_or(StatusCode::FORBIDDEN);
    let mut response = problem(status, denial.word(), denial.detail(), id);
    let headers = response.headers_mut();
    if let Some(challenge) = denial.challenge()
        && let Ok(challenge) = HeaderValue::try_from(challenge)
    {
        headers.insert(header::WWW_AUTHENTICATE, challenge);
    } else if status == StatusCode::UNAUTHORIZED {
        // RFC 9110 15.5.2: a 401 has a challenge, always.
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"portcullis\""));
    }
    if let Some(challenge) = denial.basic_challenge() {
        headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    if let Some(retry_after_s) = denial.retry_after_s() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_after_s));
    }
    response
}

/// The answer to a browser's preflight.
pub(super) fn preflight(headers: HeaderMap) -> Response<ClientBody> {
    let mut response = Response::new(ClientBody::text(String::new()));
    *response.status_mut() = StatusCode::NO_CONTENT;
    *response.headers_mut() = headers;
    response
}

/// Lets the pages of this origin read an answer, and no others, whatever the upstream said of it.
pub(super) fn readable_by(response: &mut Response<ClientBody>, origin: HeaderValue) {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.remove(header::ACCESS_CONTROL_ALLOW_CREDENTIALS);
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
}

/// The answer to a request for which there is none of its upstream.
pub(super) fn failure(failure: &Failure, id: &HeaderValue) -> Response<ClientBody> {
    let mut response = problem(failure.status(), failure.word(), failure.detail(), id);
    if let Some(retry_after_s) = failure.retry_after_s() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after_s));
    }
    response
}

/// Ends the client's connection with this answer: what follows on it may be no request. Over HTTP/2 it is the stream that
/// ends (RFC 9113 8.2.2).
pub(super) fn last(response: &mut Response<ClientBody>, received: Version) {
    if received < Version::HTTP_2 {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
}

fn problem(status: StatusCode, word: &str, detail: &str, id: &HeaderValue) -> Response<ClientBody> {
    let document = serde_json::json!({
        "type": format!("urn:portcullis:problem:{word}"),
        "title": status.canonical_reason().unwrap_or("Refused"),
        "status": status.as_u16(),
        "detail": detail,
        "request_id": id.to_str().unwrap_or(""),
    });
    let mut response = Response::new(ClientBody::text(document.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
