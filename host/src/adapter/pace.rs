//! Whether an adapter is quick enough to run on the threads that serve requests.
//!
//! It counts the processor's time of a call and not the clock's, so that a call which the kernel paused says nothing of its adapter.
//! One slow call is remembered for minutes: an average of the last calls would let an adapter be quick sixteen times, and then loop.

use super::limits;
use rustix::time::{ClockId, clock_gettime};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What is known of an adapter's calls.
#[derive(Debug)]
pub(super) struct Pace {
    began: Instant,
    /// Moving average, in microseconds.
    average_us: AtomicU64,
    /// Until when it is away from these threads, in milliseconds since `began`.
    away_until_ms: AtomicU64,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), average_us: AtomicU64::new(0), away_until_ms: AtomicU64::new(0) }
    }

    /// Whether the next call may run where requests are served.
    pub(super) fn is_quick(&self) -> bool {
        self.is_quick_at(self.began.elapsed())
    }

    /// Runs a call and counts its time.
    pub(super) fn count<R>(&self, call: impl FnOnce() -> R) -> R {
        let before = thread_time();
        let result = call();
        self.took(thread_time().saturating_sub(before), self.began.elapsed());
        result
    }

    fn is_quick_at(&self, now: Duration) -> bool {
        self.average_us.load(Ordering::Relaxed) <= limits::INLINE_US_MAX
            && millis(now) >= self.away_until_ms.load(Ordering::Relaxed)
    }

    fn took(&self, took: Duration, now: Duration) {
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let average_us = self.average_us.load(Ordering::Relaxed);
        self.average_us.store(average_us - average_us / 4 + took_us / 4, Ordering::Relaxed);
        if took_us > limits::SLOW_CALL_US {
            self.away_until_ms.fetch_max(millis(now + limits::AWAY), Ordering::Relaxed);
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The processor's time of this thread so far.
fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Duration = Duration::from_micros(40);
    const SLOW: Duration = Duration::from_millis(12);

    #[test]
    fn one_slow_call_is_not_forgotten_among_quick_ones() {
        let pace = Pace::new();
        let mut now = Duration::ZERO;
        let quick = |now: &mut Duration| {
            *now += Duration::from_millis(1);
            pace.took(QUICK, *now);
            pace.is_quick_at(*now)
        };
        assert!((0..16).all(|_| quick(&mut now)));
        pace.took(SLOW, now);
        // The average would have forgotten it after a dozen calls.
        assert!((0..10_000).all(|_| !quick(&mut now)));
        assert!(limits::AWAY >= Duration::from_secs(120));
        now += limits::AWAY;
        assert!(quick(&mut now));
    }

    #[test]
    fn calls_that_are_always_a_little_slow_are_away_by_their_average() {
        let pace = Pace::new();
        for _ in 0..16 {
            pace.took(Duration::from_millis(1), Duration::ZERO);
        }
        assert!(!pace.is_quick());
        for _ in 0..16 {
            pace.took(QUICK, Duration::ZERO);
        }
        assert!(pace.is_quick());
    }

    #[test]
    fn a_call_that_only_waits_is_quick() {
        let pace = Pace::new();
        pace.count(|| std::thread::sleep(Duration::from_millis(30)));
        assert!(pace.is_quick());
        pace.count(|| {
            let began = thread_time();
            while thread_time().saturating_sub(began) < SLOW {
                std::hint::spin_loop();
            }
        });
        assert!(!pace.is_quick());
    }
}
