//! An answer as an adapter is given it: as it came, or, where the provider signs its answers, verified (RFC 9701, signed
//! userinfo).
//!
//! A signed answer without rules for it, and an answer without a signature where one is due, are nothing that can be believed:
//! the provider's trouble, never the credential's.

use super::answer::{Needles, answer as plain, masked};
use super::call::Raw;
use super::keys::Keyring;
use super::verify::verify;
use crate::adapter::contract::{Answer, Authorization, Request, Verified};
use crate::config::ProviderConfig;
use portcullis_core::refusal::{Cause, Refusal};

/// What the adapter sees of an answer.
///
/// # Errors
///
/// It is signed and nobody said how to verify it, or the other way round, or its signature does not hold.
pub(super) async fn answer(
    request: &Request,
    raw: &Raw,
    needles: &Needles<'_>,
    config: &ProviderConfig,
    keyring: &Keyring,
    now: i64,
) -> Result<Answer, Refusal> {
    let refused = |reason: &str| Refusal::unavailable(format!("the answer to {:?} {reason}", request.label));
    // Only what says yes has to be proved.
    let says_yes = (200..300).contains(&raw.status);
    let rules = match (&request.signed, is_signed(raw)) {
        (None, true) if says_yes => {
            return Err(refused("is signed, and this check has no rules to verify it"));
        }
        (Some(_), false) if says_yes => return Err(refused("is not signed")),
        (Some(rules), true) if says_yes => rules,
        _ => return Ok(Answer::Response(plain(&request.label, raw, needles))),
    };
    let text = std::str::from_utf8(&raw.body).map_err(|_| refused("is signed, and no JWT"))?.trim();
    let token = verify(text, rules, keyring, now).await.map_err(|refusal| match refusal.cause {
        Cause::InvalidToken => refused(&format!("does not hold: {}", refusal.reason)),
        _ => refusal,
    })?;
    // RFC 9701 5: an answer that was made for another client must not be believed by us.
    if let (Authorization::Client, Some(id), Some(audiences)) =
        (&request.authorization, &config.client.id, token.audiences())
        && !audiences.contains(&id.as_str())
    {
        return Err(refused("is signed for somebody else"));
    }
    let (Some(header), Some(claims)) = (masked(&token.header, needles), masked(&token.claims, needles)) else {
        return Err(refused("repeats the credential where it cannot be masked"));
    };
    Ok(Answer::Verified(Verified { to: request.label.clone(), header, claims }))
}

/// By its media type (`application/jwt`, `application/token-introspection+jwt`).
fn is_signed(raw: &Raw) -> bool {
    let kind = raw.headers.get(http::header::CONTENT_TYPE).map(http::HeaderValue::as_bytes).unwrap_or_default();
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let (.., suffix) = kind.split_at(kind.len().saturating_sub(b"+jwt".len()));
    kind.eq_ignore_ascii_case(b"application/jwt") || suffix.eq_ignore_ascii_case(b"+jwt")
}
