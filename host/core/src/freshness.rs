//! How long something that was fetched (keys, documents) is used, and when it is fetched again (RFC 9111 5.2.2, as far as it is
//! of use here). Times come from outside, so that a test can turn the clock.

use std::time::Duration;

/// What is believed of a server's word on how long its answer is good.
#[derive(Debug, Clone, Copy)]
pub struct Freshness {
    /// However short it said.
    pub least: Duration,
    /// Where it said nothing.
    pub usual: Duration,
    /// However long it said.
    pub most: Duration,
    /// How long it serves at most while nothing newer can be had.
    pub last: Duration,
}

/// Something that was fetched, by its age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fetched {
    at_ms: u64,
    fresh_ms: u64,
    last_ms: u64,
}

/// What is to be done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// It is used.
    Fresh,
    /// It is used, and something newer is fetched meanwhile.
    Stale,
    /// Something newer is waited for; it is used where none can be had.
    Old,
    /// It is of no use any more.
    Over,
}

impl Freshness {
    /// How long the answer is fresh by its headers `Cache-Control` and `Age`, within the bounds.
    #[must_use]
    pub fn of<'h>(&self, headers: impl Iterator<Item = (&'h str, &'h [u8])>) -> Duration {
        let (mut said, mut age_s) = (None, 0);
        for (name, value) in headers {
            let value = std::str::from_utf8(value).unwrap_or_default();
            if name.eq_ignore_ascii_case("cache-control") {
                for directive in value.split(',').map(|directive| directive.trim().to_ascii_lowercase()) {
                    if matches!(directive.as_str(), "no-store" | "no-cache") {
                        said = Some(0);
                    } else if let Some(seconds) = directive.strip_prefix("max-age=") {
                        let seconds = seconds.trim_matches('"').parse::<u64>().unwrap_or(0);
                        said = Some(said.map_or(seconds, |said: u64| said.min(seconds)));
                    }
                }
            } else if name.eq_ignore_ascii_case("age") {
                age_s = value.trim().parse().unwrap_or(0);
            }
        }
        let fresh = said.map_or(self.usual, |said| Duration::from_secs(said.saturating_sub(age_s)));
        fresh.clamp(self.least, self.most)
    }

    /// Takes note of something that was fetched at `now_ms` and is fresh for so long.
    #[must_use]
    pub fn fetched(&self, now_ms: u64, fresh: Duration) -> Fetched {
        let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Fetched { at_ms: now_ms, fresh_ms: ms(fresh), last_ms: ms(self.last) }
    }
}

impl Fetched {
    /// How old it is. The time that it may serve beside its freshness is given in [`Freshness::last`].
    #[must_use]
    pub fn age(&self, now_ms: u64) -> Age {
        let age_ms = now_ms.saturating_sub(self.at_ms);
        if age_ms < self.fresh_ms {
            Age::Fresh
        } else if age_ms < self.fresh_ms.saturating_mul(2) {
            Age::Stale
        } else if age_ms < self.fresh_ms.saturating_mul(2).saturating_add(self.last_ms) {
            Age::Old
        } else {
            Age::Over
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: Freshness = Freshness {
        least: Duration::from_secs(30),
        usual: Duration::from_secs(300),
        most: Duration::from_secs(900),
        last: Duration::from_secs(3600),
    };

    fn fresh_s(headers: &[(&str, &str)]) -> u64 {
        KEYS.of(headers.iter().map(|(name, value)| (*name, value.as_bytes()))).as_secs()
    }

    #[test]
    fn a_servers_word_counts_within_bounds() {
        assert_eq!(fresh_s(&[]), 300);
        assert_eq!(fresh_s(&[("cache-control", "public, max-age=600, must-revalidate")]), 600);
        assert_eq!(fresh_s(&[("Cache-Control", "Max-Age=\"600\""), ("age", "100")]), 500);
        assert_eq!(fresh_s(&[("cache-control", "max-age=600"), ("age", "900")]), 30);
        assert_eq!(fresh_s(&[("cache-control", "no-cache")]), 30);
        assert_eq!(fresh_s(&[("cache-control", "no-store, max-age=600")]), 30);
        assert_eq!(fresh_s(&[("cache-control", "max-age=99999999999999999999")]), 30);
        assert_eq!(fresh_s(&[("cache-control", "max-age=86400")]), 900);
        assert_eq!(fresh_s(&[("cache-control", "public")]), 300);
        assert_eq!(KEYS.of([("cache-control", b"\xff".as_slice())].into_iter()).as_secs(), 300);
    }

    #[test]
    fn it_ages_and_ends() {
        let fetched = KEYS.fetched(1000, Duration::from_secs(30));
        assert_eq!(fetched.age(500), Age::Fresh, "a clock that is behind");
        assert_eq!(fetched.age(30_999), Age::Fresh);
        assert_eq!(fetched.age(31_000), Age::Stale);
        assert_eq!(fetched.age(61_000), Age::Old);
        assert_eq!(fetched.age(3_660_999), Age::Old);
        assert_eq!(fetched.age(3_661_000), Age::Over);
        assert_eq!(fetched.age(u64::MAX), Age::Over);
    }
}
