//! When a failed attempt is tried again: exponential backoff with jitter.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How long to wait between attempts: `first`, then `factor` times as long each time, at most `max`, each wait spread
/// by `jitter` so that jobs that failed together do not come back together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Backoff {
    /// After the first failure.
    pub first: Duration,
    /// At least 1.
    pub factor: f64,
    /// No wait is longer.
    pub max: Duration,
    /// The share of a wait by which it varies either way, 0 to 1.
    pub jitter: f64,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_secs(15), factor: 2.0, max: Duration::from_secs(3_600), jitter: 0.2 }
    }
}

impl Backoff {
    /// How long to wait after the `attempt`th failure, counted from 1. `random` is a number from 0 to 1.
    pub fn delay(&self, attempt: u32, random: f64) -> Duration {
        let exponent = f64::from(attempt.max(1) - 1);
        let plain = self.first.as_secs_f64() * self.factor.max(1.0).powf(exponent);
        let spread = 1.0 + self.jitter.clamp(0.0, 1.0) * (random.clamp(0.0, 1.0) * 2.0 - 1.0);
        let max = self.max.as_secs_f64();
        // A wait too long for a number is the longest wait; one of zero seconds stays zero.
        let seconds = if plain.is_nan() { 0.0 } else { (plain.min(max) * spread).min(max) };
        Duration::from_millis((seconds * 1000.0) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn waits_double_up_to_the_longest_and_vary_by_the_jitter() {
        let backoff = Backoff::default();
        let table = [
            (1, 0.5, 15_000),
            (2, 0.5, 30_000),
            (3, 0.5, 60_000),
            (9, 0.5, 3_600_000),
            (1, 0.0, 12_000),
            (1, 1.0, 18_000),
            (100, 1.0, 3_600_000),
            (u32::MAX, 0.5, 3_600_000),
            (0, 0.5, 15_000),
        ];
        for (attempt, random, millis) in table {
            assert_eq!(backoff.delay(attempt, random), Duration::from_millis(millis), "{attempt} {random}");
        }
        let none = Backoff { first: Duration::ZERO, ..backoff };
        assert_eq!(none.delay(u32::MAX, 1.0), Duration::ZERO);
        let steady = Backoff { factor: 1.0, jitter: 0.0, ..backoff };
        assert_eq!(steady.delay(50, 0.9), Duration::from_secs(15));
    }

    proptest! {
        #[test]
        fn no_wait_is_longer_than_the_longest(
            first in 0_u64..10_000_000, factor in 0.0..20.0_f64, max in 0_u64..100_000_000,
            jitter in -1.0..3.0_f64, attempt: u32, random in -1.0..2.0_f64,
        ) {
            let backoff = Backoff {
                first: Duration::from_millis(first), factor, max: Duration::from_millis(max), jitter,
            };
            prop_assert!(backoff.delay(attempt, random) <= Duration::from_millis(max));
        }
    }
}
