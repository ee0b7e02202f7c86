//! A provider that limits the gateway as a whole, and not one user's calls, is not asked by everybody in turn to hear
//! it again.
//!
//! One credential can never cause it, and an answer to anybody, since it was caused, ends it. While it lasts nothing is
//! asked until the time that was said, and then one call now and then finds out.

/// A limit that is older does not count, in milliseconds.
const WINDOW_MS: u64 = 10_000;
/// After the time that was said, one call is let through so often, in milliseconds.
pub const PROBE_MS: u64 = 1_000;

/// Whether calls of one kind are held back. Times are milliseconds on a clock that only runs forward.
#[derive(Debug)]
pub struct Throttle {
    credentials_min: usize,
    /// Whose calls were limited since the last answer, and when: each once, the last time.
    limited: Vec<(u64, u64)>,
    held: Option<Held>,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    since_ms: u64,
    /// When the next call is let through.
    until_ms: u64,
}

impl Throttle {
    /// One that needs so many different credentials.
    #[must_use]
    pub fn after(credentials_min: usize) -> Self {
        Self { credentials_min, limited: Vec::new(), held: None }
    }

    /// Whether a call may be made now.
    ///
    /// # Errors
    ///
    /// Milliseconds until the next one may.
    pub fn admits(&mut self, now_ms: u64) -> Result<(), u64> {
        let Some(held) = &mut self.held else { return Ok(()) };
        if now_ms < held.until_ms {
            return Err(held.until_ms - now_ms);
        }
        held.until_ms = now_ms.saturating_add(PROBE_MS);
        Ok(())
    }

    /// A call that was begun then was answered and not limited.
    pub fn answered(&mut self, begun_ms: u64) {
        // One that was begun before says nothing of the time since.
        if self.held.is_none_or(|held| held.since_ms <= begun_ms) {
            self.limited.clear();
            self.held = None;
        }
    }

    /// This credential's call was limited, for so long. Says whether that caused it.
    pub fn limited(&mut self, who: u64, now_ms: u64, wait_ms: u64) -> bool {
        self.limited.retain(|(other, at)| *other != who && now_ms.saturating_sub(*at) < WINDOW_MS);
        self.limited.push((who, now_ms));
        // No more are needed than cause it.
        self.limited.truncate(self.credentials_min);
        (self.held.is_some() || self.limited.len() >= self.credentials_min) && self.used_up(now_ms, wait_ms)
    }

    /// An answer said that it was the last one for so long. Says whether that caused it.
    pub fn used_up(&mut self, now_ms: u64, wait_ms: u64) -> bool {
        let caused = self.held.is_none();
        let held = self.held.get_or_insert(Held { since_ms: now_ms, until_ms: now_ms });
        held.until_ms = held.until_ms.max(now_ms.saturating_add(wait_ms));
        caused
    }

    /// Whether calls are held back.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.held.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn several_credentials_cause_it_and_a_call_after_its_time_finds_out() {
        let mut throttle = Throttle::after(2);
        assert!(!throttle.limited(1, 100, 3_000));
        assert!(!throttle.limited(1, 150, 3_000), "the same one");
        assert_eq!(throttle.admits(199), Ok(()));
        assert!(throttle.limited(2, 200, 3_000));
        assert_eq!(throttle.admits(200), Err(3_000));
        assert!(!throttle.limited(3, 300, 3_000), "one that was under way");
        throttle.answered(150);
        assert!(throttle.is_held(), "begun before");
        assert_eq!(throttle.admits(3_299), Err(1));
        assert_eq!(throttle.admits(3_300), Ok(()), "one finds out");
        assert_eq!(throttle.admits(3_301), Err(999), "and no other");
        assert!(!throttle.limited(4, 3_400, 2_000), "again");
        assert_eq!(throttle.admits(5_399), Err(1));
        assert_eq!(throttle.admits(5_400), Ok(()));
        throttle.answered(5_400);
        assert_eq!((throttle.admits(5_401), throttle.admits(5_401)), (Ok(()), Ok(())));
        assert!(!throttle.limited(5, 5_402, 2_000), "it starts anew");
    }

    #[test]
    fn the_last_answer_causes_it_at_once() {
        let mut throttle = Throttle::after(2);
        assert!(throttle.used_up(1_000, 500));
        assert_eq!((throttle.admits(1_499), throttle.admits(1_500)), (Err(1), Ok(())));
    }

    #[test]
    fn a_call_that_never_ends_does_not_prolong_it() {
        let mut throttle = Throttle::after(1);
        throttle.limited(1, 0, 1_000);
        let admitted = (0..10_000).filter(|now| throttle.admits(*now).is_ok()).count();
        assert_eq!(admitted, 9);
    }

    proptest! {
        #[test]
        fn one_credential_never_causes_it(
            times in proptest::collection::vec(0..100_000_u64, 0..200), least in 2..6_usize,
        ) {
            let mut throttle = Throttle::after(least);
            for at in times {
                prop_assert!(!throttle.limited(7, at, 60_000) && !throttle.is_held());
            }
        }

        #[test]
        fn nor_do_many_where_others_are_answered(who in proptest::collection::vec(0..100_u64, 0..200)) {
            let mut throttle = Throttle::after(5);
            for (at, who) in who.into_iter().enumerate() {
                let at = u64::try_from(at).unwrap();
                prop_assert!(!throttle.limited(who, at, 60_000));
                if at % 4 == 3 {
                    throttle.answered(at);
                }
            }
        }

        #[test]
        fn nothing_passes_before_its_time_and_then_one_a_second(
            waits in proptest::collection::vec((0..5_000_u64, 0..60_000_u64), 1..50),
        ) {
            let (mut throttle, mut now, mut until) = (Throttle::after(1), 0, 0);
            for (pause, wait) in waits {
                now += pause;
                let admitted = throttle.admits(now);
                prop_assert_eq!(admitted.is_ok(), now >= until);
                if admitted.is_ok() {
                    throttle.limited(now, now, wait);
                    until = now + wait.max(if until == 0 { 0 } else { PROBE_MS });
                }
            }
        }
    }
}
