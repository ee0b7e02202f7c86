//! Lists that come in pages: the answers so far, and where the next page is.
//!
//! The address of a next page comes from the provider and carries the credential, so it is taken as it stands, and on the
//! same origin only. How many pages there may be is the gateway's bound on rounds, not ours.

use crate::{Answer, Refusal, Response, url};

/// The label of a list's page: `groups-1`, `groups-2` ...
#[must_use]
pub fn label(list: &str, page: usize) -> String {
    format!("{list}-{page}")
}

/// The pages of a list so far, in order.
#[must_use]
pub fn of<'a>(answers: &'a [Answer], list: &str) -> Vec<&'a Response> {
    (1..).map_while(|page| crate::response_to(answers, &label(list, page))).collect()
}

/// The `next` of a `Link` header (RFC 8288 3).
#[must_use]
pub fn next_link(response: &Response) -> Option<&str> {
    response.headers.iter().filter(|header| header.name == "link").find_map(|header| {
        header.value.split('<').find_map(|link| {
            let (target, parameters) = link.split_once('>')?;
            let next = parameters.split([';', ',']).any(|parameter| {
                parameter.split_once('=').is_some_and(|(name, value)| {
                    name.trim().eq_ignore_ascii_case("rel")
                        && value.trim().trim_matches('"').split(' ').any(|rel| rel.eq_ignore_ascii_case("next"))
                })
            });
            next.then_some(target)
        })
    })
}

/// A next page's address, once it is known to be on the origin of `home`.
///
/// # Errors
/// It is elsewhere, or no absolute address: `unavailable`, and nobody is asked.
pub fn follow<'a>(home: &str, next: &'a str) -> Result<&'a str, Refusal> {
    if url::same_origin(home, next) {
        Ok(next)
    } else {
        Err(Refusal::unavailable("the next page of a list is on another origin than the list, where no token is sent"))
    }
}
