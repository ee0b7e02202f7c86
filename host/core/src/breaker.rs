//! A circuit breaker for a provider: when several credentials meet trouble and nobody meets an answer, nobody waits for the
//! provider any more, but for one request now and then that finds out whether it is back.
//!
//! One credential can never open it, and an answer to anybody closes it. What is trouble is decided by the caller, and must be
//! only what speaks of the provider as a whole: a 500 may be provoked by one odd token, and whoever has many odd tokens must
//! not be able to make a provider look down for others.

/// So many different credentials in trouble open it.
const CREDENTIALS_MIN: usize = 5;
/// Trouble that is older does not count, in milliseconds.
const WINDOW_MS: u64 = 10_000;
/// While it is open, one request is let through so often, in milliseconds.
pub const PROBE_MS: u64 = 1_000;

/// Whether a provider is asked. Times are milliseconds on a clock that only runs forward.
#[derive(Debug, Default)]
pub struct Breaker {
    /// Who met trouble since the last answer, and when: each once, the last time.
    troubled: Vec<(u64, u64)>,
    /// Open: when the next request is let through.
    probe_from_ms: Option<u64>,
}

impl Breaker {
    /// Whether a request may be made now.
    pub fn admits(&mut self, now_ms: u64) -> bool {
        match self.probe_from_ms {
            None => true,
            Some(from) if now_ms < from => false,
            Some(_) => {
                self.probe_from_ms = Some(now_ms.saturating_add(PROBE_MS));
                true
            }
        }
    }

    /// Somebody met an answer, whatever it said.
    pub fn answered(&mut self) {
        self.troubled.clear();
        self.probe_from_ms = None;
    }

    /// This credential met trouble. Says whether that opened it.
    pub fn trouble(&mut self, who: u64, now_ms: u64) -> bool {
        self.troubled.retain(|(other, at)| *other != who && now_ms.saturating_sub(*at) < WINDOW_MS);
        self.troubled.push((who, now_ms));
        if self.probe_from_ms.is_some() || self.troubled.len() < CREDENTIALS_MIN {
            // No more are needed than open it.
            self.troubled.truncate(CREDENTIALS_MIN);
            return false;
        }
        self.probe_from_ms = Some(now_ms.saturating_add(PROBE_MS));
        true
    }

    /// Whether it is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.probe_from_ms.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn several_credentials_open_it_and_an_answer_closes_it() {
        let mut breaker = Breaker::default();
        for who in 0..4 {
            assert!(!breaker.trouble(who, 100 + who));
        }
        assert!(breaker.admits(200));
        assert!(breaker.trouble(4, 200), "the fifth");
        assert!(!breaker.admits(200) && !breaker.admits(1_199));
        assert!(breaker.admits(1_200), "one finds out");
        assert!(!breaker.admits(1_201), "and no other");
        breaker.trouble(5, 1_300);
        assert!(!breaker.admits(2_199) && breaker.admits(2_200));
        breaker.answered();
        assert!(breaker.admits(2_201) && breaker.admits(2_201));
        assert!(!breaker.trouble(6, 2_202), "it starts anew");
    }

    #[test]
    fn old_trouble_does_not_count() {
        let mut breaker = Breaker::default();
        for who in 0..40 {
            assert!(!breaker.trouble(who, who * 3_000), "{who}");
        }
    }

    #[test]
    fn a_request_that_never_ends_does_not_keep_it_open() {
        let mut breaker = Breaker::default();
        let opened = (0..5).filter(|who| breaker.trouble(*who, 0)).count();
        assert_eq!(opened, 1);
        let admitted = (0..10_000).filter(|now_ms| breaker.admits(*now_ms)).count();
        assert_eq!(admitted, 9);
    }

    proptest! {
        #[test]
        fn one_credential_never_opens_it(times in proptest::collection::vec(0..100_000_u64, 0..200)) {
            let mut breaker = Breaker::default();
            for at in times {
                breaker.trouble(7, at);
                prop_assert!(!breaker.is_open());
            }
        }

        #[test]
        fn with_answers_in_between_it_stays_closed(who in proptest::collection::vec(0..100_u64, 0..200)) {
            let mut breaker = Breaker::default();
            for (at, who) in who.into_iter().enumerate() {
                breaker.trouble(who, u64::try_from(at).unwrap());
                if at % 4 == 3 {
                    breaker.answered();
                }
                prop_assert!(!breaker.is_open());
            }
        }
    }
}
