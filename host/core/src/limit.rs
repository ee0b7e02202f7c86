//! What an answer tells of the provider's rate limits, in the headers that providers send: `Retry-After` (RFC 9110
//! 10.2.3), `X-RateLimit-*` (GitHub, Auth0), `X-Rate-Limit-*` (Okta), `RateLimit-*` (GitLab; earlier drafts of the IETF's)
//! and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10).
//!
//! What cannot be read is as if it were not there. No answer is ever made a yes or a no by it.

use crate::identity::Moment;
use std::time::UNIX_EPOCH;

/// Names of what is left and of when there is more, in pairs.
const PAIRS: [(&str, &str); 3] = [
    ("x-ratelimit-remaining", "x-ratelimit-reset"),
    ("x-rate-limit-remaining", "x-rate-limit-reset"),
    ("ratelimit-remaining", "ratelimit-reset"),
];
/// From here on a reset is seconds since 1970, below it is seconds from now: providers write both.
const EPOCH_MIN: u64 = 1_000_000_000;

/// A limit that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// This very call was refused for it. Else it was the last one that is allowed.
    pub refused: bool,
    /// When there will be more, where the provider said. Always there where the call was not refused.
    pub retry: Option<Moment>,
}

impl Limit {
    /// The limit that an answer tells of, if one was reached. `header` gives the first value of a name in lower case.
    ///
    /// A call is refused for a limit by 429 (RFC 6585 4), and by 403 with `Retry-After` or with nothing left (GitHub).
    #[must_use]
    pub fn of<'h>(status: u16, header: impl Fn(&str) -> Option<&'h [u8]>) -> Option<Self> {
        if !matches!(status, 200..=299 | 400..=499) {
            return None;
        }
        let header = |name: &str| std::str::from_utf8(header(name)?).ok().map(str::trim);
        let after = header("retry-after").and_then(retry_after);
        let pairs = PAIRS.map(|(left, reset)| (header(left), header(reset).and_then(moment)));
        let used_up = pairs.iter().any(|(left, _)| *left == Some("0"));
        let field = header("ratelimit").and_then(field);
        let reset = field.or_else(|| pairs.iter().find(|(left, _)| *left == Some("0")).and_then(|(_, reset)| *reset));
        let refused = status == 429 || status == 403 && (after.is_some() || used_up || field.is_some());
        if refused {
            let any = || pairs.iter().find_map(|(_, reset)| *reset);
            return Some(Self { refused, retry: after.or(reset).or_else(any) });
        }
        reset.map(|reset| Self { refused, retry: Some(reset) })
    }
}

/// Seconds, or a date.
fn retry_after(value: &str) -> Option<Moment> {
    if let Ok(seconds) = value.parse() {
        return Some(Moment::After(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(date.as_secs()).ok().map(Moment::At)
}

fn moment(value: &str) -> Option<Moment> {
    let seconds: u64 = value.parse().ok()?;
    match seconds < EPOCH_MIN {
        true => u32::try_from(seconds).ok().map(Moment::After),
        false => i64::try_from(seconds).ok().map(Moment::At),
    }
}

/// `"minute";r=0;t=30, "day";r=1000`: when the last of the policies that have nothing left has more.
fn field(value: &str) -> Option<Moment> {
    let parameter = |policy: &str, name: char| {
        let value = policy.split(';').skip(1).find_map(|one| one.trim().strip_prefix(name)?.strip_prefix('='))?;
        value.parse::<u32>().ok()
    };
    // A name in quotes may hold a comma: then that piece has no parameters and the next one has them all the same.
    let empty = value.split(',').filter(|policy| parameter(policy, 'r') == Some(0));
    empty.filter_map(|policy| parameter(policy, 't')).max().map(Moment::After)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: i64 = 1_800_000_000;
    const RESET: &str = "1800000000";

    fn of(status: u16, headers: &[(&str, &str)]) -> Option<Limit> {
        Limit::of(status, |wanted| headers.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.as_bytes()))
    }

    #[test]
    fn what_providers_send() {
        use Moment::{After, At};
        let refused = |retry| Some(Limit { refused: true, retry });
        let last = |retry| Some(Limit { refused: false, retry: Some(retry) });
        type Case = (u16, &'static [(&'static str, &'static str)], Option<Limit>);
        let cases: &[Case] = &[
            // RFC 6585, RFC 9110.
            (429, &[], refused(None)),
            (429, &[("retry-after", "7")], refused(Some(After(7)))),
            (429, &[("retry-after", "Fri, 15 Jan 2027 08:00:00 GMT")], refused(Some(At(NOW)))),
            (429, &[("retry-after", "soon")], refused(None)),
            (429, &[("retry-after", "-1")], refused(None)),
            (429, &[("retry-after", "99999999999")], refused(None)),
            // GitHub: the primary limit, the secondary one, and a 403 for something else.
            (403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", RESET)], refused(Some(At(NOW)))),
            (403, &[("x-ratelimit-remaining", "4999"), ("retry-after", "60")], refused(Some(After(60)))),
            (403, &[("x-ratelimit-remaining", "4999"), ("x-ratelimit-reset", RESET)], None),
            (200, &[("x-ratelimit-remaining", "4999"), ("x-ratelimit-reset", RESET)], None),
            (200, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", RESET)], last(At(NOW))),
            (200, &[("x-ratelimit-remaining", " 0 "), ("x-ratelimit-reset", "30")], last(After(30))),
            // Nobody can wait for what has no end.
            (200, &[("x-ratelimit-remaining", "0")], None),
            (200, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "tomorrow")], None),
            // Okta, Auth0.
            (429, &[("x-rate-limit-remaining", "0"), ("x-rate-limit-reset", RESET)], refused(Some(At(NOW)))),
            (429, &[("x-rate-limit-reset", RESET)], refused(Some(At(NOW)))),
            (200, &[("x-rate-limit-remaining", "0"), ("x-rate-limit-reset", RESET)], last(At(NOW))),
            // What is said for this very case comes first.
            (429, &[("retry-after", "2"), ("x-ratelimit-reset", RESET)], refused(Some(After(2)))),
            // The IETF's drafts; GitLab's, whose reset is a time.
            (200, &[("ratelimit-remaining", "0"), ("ratelimit-reset", "12")], last(After(12))),
            (200, &[("ratelimit-remaining", "0"), ("ratelimit-reset", RESET)], last(At(NOW))),
            (200, &[("ratelimit", "\"minute\";r=0;t=30, \"day\";r=1000;t=9000")], last(After(30))),
            (200, &[("ratelimit", "\"minute\";r=0;t=30,\"day\"; r=0; t=9000")], last(After(9000))),
            (200, &[("ratelimit", "\"a,b\";pk=:aGk=:;r=0;t=5")], last(After(5))),
            (200, &[("ratelimit", "\"minute\";r=1;t=30")], None),
            (200, &[("ratelimit", "\"minute\";r=0")], None),
            (200, &[("ratelimit", ";;,,r=0;t=,\"")], None),
            (429, &[("ratelimit", "\"minute\";r=0;t=30")], refused(Some(After(30)))),
            // A provider that fails limits nobody.
            (503, &[("retry-after", "9"), ("ratelimit-remaining", "0"), ("ratelimit-reset", "12")], None),
            (302, &[("retry-after", "9")], None),
            (401, &[("retry-after", "9")], None),
        ];
        for (status, headers, expected) in cases {
            assert_eq!(of(*status, headers), *expected, "{status} {headers:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_sent_only_a_limit_makes_one(
            status in 100_u16..600,
            name in proptest::sample::select(vec![
                "retry-after", "ratelimit", "x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit-reset", "x",
            ]),
            value in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let limit = Limit::of(status, |wanted| (wanted == name).then_some(value.as_slice()));
            prop_assert_eq!(status == 429, limit.is_some_and(|limit| limit.refused) && status != 403);
            prop_assert!(limit.is_none_or(|limit| limit.refused || limit.retry.is_some()));
        }
    }
}
