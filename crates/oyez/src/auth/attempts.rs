//! Counts failed logins per account and per address, so that passwords cannot be tried out.
//!
//! Pure: the time is an argument. Bounded: when too many names are counted, those whose window is over go first, then
//! the oldest.

use std::{collections::HashMap, hash::Hash};

use oyez_protocol::Timestamp;

/// Names counted at once.
const MAX_NAMES: usize = 50_000;

/// Failures per name within a window of time.
#[derive(Debug)]
pub(super) struct Attempts<N> {
    allowed: u32,
    window_seconds: i64,
    counted: HashMap<N, Count>,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    since: Timestamp,
    failures: u32,
}

impl<N: Hash + Eq + Clone> Attempts<N> {
    pub(super) fn new(allowed: u32, window_seconds: i64) -> Self {
        Self { allowed: allowed.max(1), window_seconds: window_seconds.max(1), counted: HashMap::new() }
    }

    /// Counts an attempt as failed before it is made, so that attempts at the same time count each other.
    /// Refused: the seconds until the window ends.
    pub(super) fn begin(&mut self, name: &N, now: Timestamp) -> Result<(), u64> {
        let window_seconds = self.window_seconds;
        if let Some(count) = self.counted.get_mut(name) {
            let ends = count.since.plus_seconds(window_seconds);
            if now >= ends {
                *count = Count { since: now, failures: 1 };
            } else if count.failures >= self.allowed {
                let millis = u64::try_from(ends.millis_since(now)).unwrap_or(0);
                return Err(millis.div_ceil(1000).max(1));
            } else {
                count.failures += 1;
            }
            return Ok(());
        }
        if self.counted.len() >= MAX_NAMES {
            self.make_room(now);
        }
        self.counted.insert(name.clone(), Count { since: now, failures: 1 });
        Ok(())
    }

    /// The attempt did not fail after all.
    pub(super) fn take_back(&mut self, name: &N) {
        if let Some(count) = self.counted.get_mut(name) {
            count.failures = count.failures.saturating_sub(1);
            if count.failures == 0 {
                self.counted.remove(name);
            }
        }
    }

    /// Forgets the failures of a name: its owner proved themselves.
    pub(super) fn clear(&mut self, name: &N) {
        self.counted.remove(name);
    }

    fn make_room(&mut self, now: Timestamp) {
        let window_seconds = self.window_seconds;
        self.counted.retain(|_, count| now < count.since.plus_seconds(window_seconds));
        if self.counted.len() < MAX_NAMES {
            return;
        }
        let mut times: Vec<_> = self.counted.values().map(|count| count.since).collect();
        times.sort_unstable();
        let cut = times[times.len() / 4];
        self.counted.retain(|_, count| count.since > cut);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn after_the_allowed_failures_the_window_must_end() {
        let mut attempts = Attempts::new(3, 60);
        for second in 0..3 {
            assert_eq!(attempts.begin(&"a", at(second)), Ok(()));
        }
        assert_eq!(attempts.begin(&"a", at(10)), Err(50));
        assert_eq!(attempts.begin(&"b", at(10)), Ok(()));
        assert_eq!(attempts.begin(&"a", at(60)), Ok(()));
    }

    #[test]
    fn a_success_takes_its_own_attempt_back_or_clears_the_name() {
        let mut attempts = Attempts::new(2, 60);
        for _ in 0..10 {
            attempts.begin(&"address", at(0)).unwrap();
            attempts.take_back(&"address");
        }
        attempts.begin(&"a", at(0)).unwrap();
        attempts.begin(&"a", at(0)).unwrap();
        attempts.clear(&"a");
        assert_eq!(attempts.begin(&"a", at(1)), Ok(()));
    }

    #[test]
    fn the_memory_is_bounded_and_the_newest_stay() {
        let mut attempts = Attempts::new(1, 1_000_000);
        for name in 0..i64::try_from(MAX_NAMES).unwrap() + 10 {
            attempts.begin(&name, at(name)).unwrap();
        }
        assert!(attempts.counted.len() <= MAX_NAMES);
        assert!(attempts.begin(&(i64::try_from(MAX_NAMES).unwrap() + 9), at(60_000)).is_err());
    }
}
