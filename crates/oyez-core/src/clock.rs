//! Where the time comes from: the only code that asks the system for it.
//!
//! Everything else is given a [`Clock`], or the present as an argument, so that tests decide what time it is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::SystemTime,
};

use oyez_protocol::Timestamp;

/// Tells the time. Clones tell the same time.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Manual(Arc<AtomicI64>),
}

/// Moves the clock it was made with.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl Clock {
    /// The system's wall clock: it may be set, so two readings need not be in order.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until it is moved.
    pub fn manual(start: Timestamp) -> (Self, ManualClock) {
        let millis = Arc::new(AtomicI64::new(start.as_millis()));
        (Self(Source::Manual(Arc::clone(&millis))), ManualClock(millis))
    }

    /// The present, to the millisecond.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's time")]
    pub fn now(&self) -> Timestamp {
        let millis = match &self.0 {
            Source::Manual(millis) => millis.load(Ordering::SeqCst),
            Source::System => match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
                Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
                // A machine whose clock stands before 1970.
                Err(before) => {
                    i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |millis| -millis)
                }
            },
        };
        Timestamp::from_millis(millis)
    }
}

impl ManualClock {
    /// Moves the clock by a number of seconds, either way.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds.saturating_mul(1000), Ordering::SeqCst);
    }

    /// Sets the clock.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_millis(), Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_by_hand_and_for_all_its_clones() {
        let (clock, hand) = Clock::manual(Timestamp::from_millis(5_000));
        let clone = clock.clone();
        hand.advance(2);
        assert_eq!(clone.now().as_millis(), 7_000);
        hand.set(Timestamp::from_millis(1));
        assert_eq!(clock.now().as_millis(), 1);
    }

    #[test]
    fn the_system_clock_stands_after_this_was_written() {
        assert!(Clock::system().now() > "2026-11-01T00:00:00Z".parse().unwrap());
    }
}
