//! How long a verdict may be used without asking again. Pure: whoever needs the time gives it.
//!
//! Two clocks are told apart. What the operator allows is counted on one that only runs forward; a token's own end is a
//! time of day. A clock that is set back must not keep a token alive, one that is set forward may end it early.

use std::time::Duration;

/// How long before its own end a token's verdict is no longer taken from the cache, in seconds: clocks differ, and a request
/// takes its time to arrive.
pub const END_MARGIN_S: i64 = 10;

/// A moment, on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds since the process began; never runs backwards.
    pub running_ms: u64,
    /// Seconds since 1970.
    pub wall_s: i64,
}

/// A verdict's remaining life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    renew_ms: u64,
    until_ms: u64,
    ends_s: Option<i64>,
}

/// What a lease comes to at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It holds.
    Good,
    /// It holds, and its last fifth has begun: time to ask again.
    Renew,
    /// It is over.
    Over,
}

impl Lease {
    /// A lease of `ttl` from the moment the provider was asked, less up to a tenth by `spread` (0 to 255), so that entries made
    /// together do not end together; never beyond [`END_MARGIN_S`] before `expires`. `None` where nothing is left.
    #[must_use]
    pub fn grant(asked: Now, ttl: Duration, expires: Option<i64>, spread: u8) -> Option<Self> {
        let ttl_ms = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
        let ttl_ms = ttl_ms - (ttl_ms / 10).saturating_mul(u64::from(spread)) / 255;
        let ends_s = expires.map(|expires| expires.saturating_sub(END_MARGIN_S));
        let left_ms = match ends_s {
            None => ttl_ms,
            Some(ends_s) => {
                let left_s = u64::try_from(ends_s.saturating_sub(asked.wall_s)).unwrap_or(0);
                ttl_ms.min(left_s.saturating_mul(1000))
            }
        };
        let until_ms = asked.running_ms.saturating_add(left_ms);
        (left_ms > 0).then_some(Self { renew_ms: until_ms - left_ms / 5, until_ms, ends_s })
    }

    /// A lease of exactly so long, that is never renewed.
    #[must_use]
    pub fn exactly(from: Now, time: Duration) -> Self {
        let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let until_ms = from.running_ms.saturating_add(ms);
        Self { renew_ms: until_ms, until_ms, ends_s: None }
    }

    /// How it stands.
    #[must_use]
    pub fn standing(&self, now: Now) -> Standing {
        if now.running_ms >= self.until_ms || self.ends_s.is_some_and(|ends_s| now.wall_s >= ends_s) {
            Standing::Over
        } else if now.running_ms >= self.renew_ms {
            Standing::Renew
        } else {
            Standing::Good
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ASKED: Now = Now { running_ms: 1_000_000, wall_s: 1_700_000_000 };

    fn after(ms: u64) -> Now {
        Now { running_ms: ASKED.running_ms + ms, wall_s: ASKED.wall_s + i64::try_from(ms / 1000).unwrap() }
    }

    fn grant(ttl_s: u64, expires_in_s: Option<i64>) -> Option<Lease> {
        let expires = expires_in_s.map(|left| ASKED.wall_s.saturating_add(left));
        Lease::grant(ASKED, Duration::from_secs(ttl_s), expires, 0)
    }

    #[test]
    fn it_holds_for_its_time_and_is_renewed_in_the_last_fifth() {
        let lease = grant(60, None).unwrap();
        assert_eq!(lease.standing(after(0)), Standing::Good);
        assert_eq!(lease.standing(after(47_999)), Standing::Good);
        assert_eq!(lease.standing(after(48_000)), Standing::Renew);
        assert_eq!(lease.standing(after(59_999)), Standing::Renew);
        assert_eq!(lease.standing(after(60_000)), Standing::Over);
    }

    #[test]
    fn it_never_outlives_the_token() {
        assert_eq!(grant(60, Some(40)).unwrap().standing(after(29_999)), Standing::Renew);
        assert_eq!(grant(60, Some(40)).unwrap().standing(after(30_000)), Standing::Over);
        for left in [10, 9, 0, -1, -100, i64::MIN] {
            assert_eq!(grant(60, Some(left)), None, "{left}");
        }
        assert_eq!(grant(60, Some(i64::MAX)).unwrap().standing(after(59_999)), Standing::Renew);
        let lease = Lease::grant(ASKED, Duration::from_secs(60), Some(i64::MAX), 0).unwrap();
        assert_eq!(lease.standing(after(60_000)), Standing::Over, "a far end is no licence");
        assert_eq!(Lease::grant(ASKED, Duration::from_secs(60), Some(i64::MIN), 0), None);
    }

    #[test]
    fn a_clock_that_is_set_changes_nothing_for_the_better() {
        let lease = grant(60, Some(40)).unwrap();
        let back = Now { running_ms: after(30_000).running_ms, wall_s: ASKED.wall_s - 86_400 };
        assert_eq!(lease.standing(back), Standing::Over);
        let forward = Now { running_ms: after(1_000).running_ms, wall_s: ASKED.wall_s + 86_400 };
        assert_eq!(lease.standing(forward), Standing::Over);
    }

    proptest! {
        #[test]
        fn over_is_for_ever_and_never_late(
            ttl_ms in 1_u64..4_000_000, spread: u8, left in proptest::option::of(-100_i64..10_000), step in 0_u64..5_000_000,
        ) {
            let expires = left.map(|left| ASKED.wall_s + left);
            let Some(lease) = Lease::grant(ASKED, Duration::from_millis(ttl_ms), expires, spread) else {
                prop_assert!(left.is_some_and(|left| left <= END_MARGIN_S));
                return Ok(());
            };
            let standing = lease.standing(after(step));
            if step >= ttl_ms || left.is_some_and(|left| after(step).wall_s >= ASKED.wall_s + left - END_MARGIN_S) {
                prop_assert_eq!(standing, Standing::Over);
            }
            if standing == Standing::Over {
                prop_assert_eq!(lease.standing(after(step + 1)), Standing::Over);
                // At most a tenth is taken off.
                let cut_short = left.is_some_and(|left| u64::try_from(left - END_MARGIN_S).unwrap() * 1000 <= step);
                prop_assert!(cut_short || step >= ttl_ms - ttl_ms / 10 - 1);
            }
        }
    }
}
