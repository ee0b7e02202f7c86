//! A circuit breaker for a provider: when several credentials meet trouble and nobody meets an answer, nobody waits for
//! the provider any more until it answers again.
//!
//! What callers meet is never proof enough, since whoever has odd tokens may have many: the provider hangs up on them,
//! is slow over them, or its front proxy gives up on it, while it is well for everybody else. It only gives rise to a
//! suspicion. The proof is a *control*: a call of the gateway's own, without any credential, which no caller can spoil.
//! Only when that one is not answered either does the breaker open; and any answer, to a caller or to a control, closes
//! it.

/// So many different credentials in trouble are suspicious.
const CREDENTIALS_MIN: usize = 5;
/// Trouble that is older does not count, in milliseconds.
const WINDOW_MS: u64 = 10_000;
/// How often a control is made, and how long the first has before its silence counts, in milliseconds.
pub const CONTROL_MS: u64 = 1_000;

/// Whether a provider is asked. Times are milliseconds on a clock that only runs forward.
#[derive(Debug, Default)]
pub struct Breaker {
    /// Who met trouble since the last answer, and when: each once, the last time.
    troubled: Vec<(u64, u64)>,
    state: State,
    /// Whether controls are being made.
    controlled: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// All is well.
    #[default]
    Closed,
    /// A control is under way, and everybody still asks.
    Suspected,
    /// Nobody asks but the control.
    Open,
}

impl Breaker {
    /// Somebody met an answer, or a control did, whatever it said.
    pub fn answered(&mut self) {
        self.troubled.clear();
        self.state = State::Closed;
    }

    /// This credential met trouble. Says whether controls are to be made from now on, one each [`CONTROL_MS`], until
    /// [`Breaker::rests`].
    pub fn trouble(&mut self, who: u64, now_ms: u64) -> bool {
        self.troubled.retain(|(other, at)| *other != who && now_ms.saturating_sub(*at) < WINDOW_MS);
        self.troubled.push((who, now_ms));
        // No more are needed than raise the suspicion.
        self.troubled.truncate(CREDENTIALS_MIN);
        if self.state != State::Closed || self.troubled.len() < CREDENTIALS_MIN {
            return false;
        }
        self.state = State::Suspected;
        !std::mem::replace(&mut self.controlled, true)
    }

    /// The control was not answered, or not within [`CONTROL_MS`]. Says whether that opened the breaker.
    pub fn control_failed(&mut self) -> bool {
        let opens = self.state == State::Suspected;
        if opens {
            self.state = State::Open;
        }
        opens
    }

    /// [`CONTROL_MS`] after a control began: whether no further one is needed.
    pub fn rests(&mut self) -> bool {
        self.controlled = self.state != State::Closed;
        !self.controlled
    }

    /// Whether it is open: nobody asks.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == State::Open
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn several_credentials_raise_a_suspicion_a_control_opens_it_and_an_answer_closes_it() {
        let mut breaker = Breaker::default();
        for who in 0..4 {
            assert!(!breaker.trouble(who, 100 + who));
        }
        assert!(breaker.trouble(4, 200), "the fifth");
        assert!(!breaker.is_open(), "everybody still asks");
        assert!(!breaker.trouble(5, 200), "one control is enough");
        assert!(breaker.control_failed() && breaker.is_open());
        assert!(!breaker.control_failed(), "it is open already");
        assert!(!breaker.trouble(6, 300) && !breaker.rests());
        breaker.answered();
        assert!(!breaker.is_open() && breaker.rests());
        assert!(!breaker.control_failed(), "a late control says nothing any more");
        assert!(!breaker.trouble(7, 10_000), "it starts anew");
    }

    #[test]
    fn old_trouble_does_not_count() {
        let mut breaker = Breaker::default();
        for who in 0..40 {
            assert!(!breaker.trouble(who, who * 3_000), "{who}");
        }
    }

    #[test]
    fn there_is_one_series_of_controls_at_a_time() {
        let mut breaker = Breaker::default();
        let begun = (0..100).filter(|who| breaker.trouble(*who, *who)).count();
        assert_eq!(begun, 1);
        // It was answered, and new trouble came before the series ended: it goes on.
        breaker.answered();
        let begun = (0..100).filter(|who| breaker.trouble(*who, 500 + who)).count();
        assert_eq!(begun, 0);
        assert!(!breaker.rests());
        breaker.answered();
        assert!(breaker.rests());
        let begun = (0..100).filter(|who| breaker.trouble(*who, 2_000 + who)).count();
        assert_eq!(begun, 1);
    }

    #[derive(Debug, Clone, Copy)]
    enum Event {
        Trouble(u64),
        Answered,
        ControlFailed,
        Rests,
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            8 => (0..20_u64).prop_map(Event::Trouble),
            1 => Just(Event::Answered),
            1 => Just(Event::ControlFailed),
            1 => Just(Event::Rests),
        ]
    }

    proptest! {
        #[test]
        fn one_credential_never_raises_a_suspicion(times in proptest::collection::vec(0..100_000_u64, 0..200)) {
            let mut breaker = Breaker::default();
            for at in times {
                prop_assert!(!breaker.trouble(7, at));
                prop_assert!(!breaker.control_failed());
            }
        }

        #[test]
        fn it_opens_by_a_failed_control_alone_and_only_on_a_suspicion(
            events in proptest::collection::vec((event(), 0..3_000_u64), 0..300),
        ) {
            let (mut breaker, mut now) = (Breaker::default(), 0);
            let mut since_answer = std::collections::BTreeSet::new();
            let mut series = false;
            for (event, pause) in events {
                now += pause;
                let before = breaker.is_open();
                match event {
                    Event::Trouble(who) => {
                        since_answer.insert(who);
                        if breaker.trouble(who, now) {
                            prop_assert!(!series && since_answer.len() >= CREDENTIALS_MIN);
                            series = true;
                        }
                        prop_assert_eq!(breaker.is_open(), before, "callers opened it");
                    }
                    Event::Answered => {
                        since_answer.clear();
                        breaker.answered();
                        prop_assert!(!breaker.is_open());
                    }
                    Event::ControlFailed => {
                        breaker.control_failed();
                        prop_assert!(before || !breaker.is_open() || since_answer.len() >= CREDENTIALS_MIN);
                    }
                    Event::Rests => series &= !breaker.rests(),
                }
                prop_assert!(series || !breaker.is_open(), "open, and nobody finds out whether it is back");
            }
        }
    }
}
