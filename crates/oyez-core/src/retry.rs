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
