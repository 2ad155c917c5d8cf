//! How often is too often: token buckets whose present is an argument.
//!
//! A bucket is one number (the generic cell rate algorithm, ITU-T I.371): the moment up to which its tokens are spent.
//! So it costs eight bytes per connection and nothing while nobody asks.

use std::{collections::HashMap, hash::Hash, time::Duration};

use oyez_protocol::Timestamp;

/// How much is allowed: `burst` at once, and one more each `interval`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    burst: u32,
    interval_micros: i64,
}

/// Too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many requests: try again in {} s", .retry_after.as_millis().div_ceil(1000))]
pub struct TooOften {
    /// After this long it will be allowed, if nobody else asks.
    pub retry_after: Duration,
}

impl Rate {
    /// `burst` at once, refilled evenly over `period`. A burst of 0 counts as 1.
    pub fn new(burst: u32, period: Duration) -> Self {
        let burst = burst.max(1);
        let micros = i64::try_from(period.as_micros()).unwrap_or(i64::MAX / 4).min(i64::MAX / 4);
        Self { burst, interval_micros: (micros / i64::from(burst)).max(1) }
    }

    /// `per_second` for as long as you like, `burst` at once.
    pub fn sustained(per_second: u32, burst: u32) -> Self {
        let burst = burst.max(1);
        let micros = 1_000_000 * u64::from(burst) / u64::from(per_second.max(1));
        Self::new(burst, Duration::from_micros(micros))
    }

    fn capacity_micros(self) -> i64 {
        self.interval_micros.saturating_mul(i64::from(self.burst))
    }
}

/// Counts one caller's tokens. A new one is full.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bucket {
    // When the bucket is full again, in microseconds since 1970.
    full_at: i64,
}

impl Bucket {
    /// A bucket as it was stored: [`Bucket::full_at_micros`].
    pub fn from_full_at_micros(full_at: i64) -> Self {
        Self { full_at }
    }

    /// When it is full again, in microseconds since 1970: all there is to store.
    pub fn full_at_micros(self) -> i64 {
        self.full_at
    }

    /// Takes a token, or says how long to wait. Asking too often costs nothing.
    ///
    /// A clock that is set back does not lock anybody out for longer than an empty bucket takes to fill.
    pub fn take(&mut self, rate: Rate, now: Timestamp) -> Result<(), TooOften> {
        let now = now.as_millis().saturating_mul(1000);
        let start = self.full_at.clamp(now, now.saturating_add(rate.capacity_micros()));
        let full_at = start.saturating_add(rate.interval_micros);
        let over = full_at.saturating_sub(now).saturating_sub(rate.capacity_micros());
        if over > 0 {
            return Err(TooOften { retry_after: Duration::from_micros(over.unsigned_abs()) });
        }
        self.full_at = full_at;
        Ok(())
    }

    /// Whether it holds all its tokens, so that a new one would do as well.
    pub fn is_full(&self, now: Timestamp) -> bool {
        self.full_at <= now.as_millis().saturating_mul(1000)
    }
}

/// A bucket per key, such as an account or an address. Bounded: over the limit, full buckets are forgotten first,
/// then all, so that a flood of keys cannot take the memory.
#[derive(Debug)]
pub struct Buckets<K> {
    rate: Rate,
    limit: usize,
    buckets: HashMap<K, Bucket>,
}

impl<K: Hash + Eq> Buckets<K> {
    /// Keeps at most `limit` buckets.
    pub fn new(rate: Rate, limit: usize) -> Self {
        Self { rate, limit: limit.max(1), buckets: HashMap::new() }
    }

    /// Takes a token from the key's bucket.
    pub fn take(&mut self, key: K, now: Timestamp) -> Result<(), TooOften> {
        if self.buckets.len() >= self.limit && !self.buckets.contains_key(&key) {
            self.buckets.retain(|_, bucket| !bucket.is_full(now));
            if self.buckets.len() >= self.limit {
                self.buckets.clear();
            }
        }
        self.buckets.entry(key).or_default().take(self.rate, now)
    }

    /// Fills the key's bucket: a login that succeeded forgives the attempts before it.
    pub fn forgive(&mut self, key: &K) {
        self.buckets.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_795_179_600_000 + millis)
    }

    #[test]
    fn a_burst_passes_and_then_one_per_interval() {
        let rate = Rate::new(3, Duration::from_secs(3));
        let mut bucket = Bucket::default();
        for _ in 0..3 {
            bucket.take(rate, at(0)).unwrap();
        }
        assert_eq!(bucket.take(rate, at(0)), Err(TooOften { retry_after: Duration::from_secs(1) }));
        assert_eq!(bucket.take(rate, at(999)), Err(TooOften { retry_after: Duration::from_millis(1) }));
        bucket.take(rate, at(1_000)).unwrap();
        assert!(bucket.take(rate, at(1_000)).is_err());
        assert!(!bucket.is_full(at(3_999)));
        assert!(bucket.is_full(at(4_000)));
    }

    #[test]
    fn a_sustained_rate_allows_its_burst_and_then_its_pace() {
        let rate = Rate::sustained(5, 20);
        let mut bucket = Bucket::default();
        assert_eq!((0..100).filter(|_| bucket.take(rate, at(0)).is_ok()).count(), 20);
        assert_eq!((1..=1_000).filter(|millis| bucket.take(rate, at(*millis)).is_ok()).count(), 5);
    }

    #[test]
    fn a_clock_set_back_locks_nobody_out_for_long() {
        let rate = Rate::new(5, Duration::from_secs(60));
        let mut bucket = Bucket::default();
        bucket.take(rate, at(86_400_000)).unwrap();
        let waits = bucket.take(rate, at(0)).unwrap_err().retry_after;
        assert!(waits <= Duration::from_secs(60), "{waits:?}");
    }

    #[test]
    fn keys_have_their_own_buckets_and_a_flood_of_keys_is_forgotten() {
        let mut buckets = Buckets::new(Rate::new(1, Duration::from_secs(60)), 100);
        buckets.take("alice".to_owned(), at(0)).unwrap();
        assert!(buckets.take("alice".to_owned(), at(0)).is_err());
        buckets.take("bob".to_owned(), at(0)).unwrap();
        buckets.forgive(&"alice".to_owned());
        buckets.take("alice".to_owned(), at(0)).unwrap();
        for n in 0..10_000 {
            let _ = buckets.take(format!("user{n}"), at(0));
            assert!(buckets.buckets.len() <= 100);
        }
    }

    #[test]
    fn the_refusal_says_when_to_come_back() {
        let text = TooOften { retry_after: Duration::from_millis(1_001) }.to_string();
        assert_eq!(text, "too many requests: try again in 2 s");
    }

    proptest! {
        #[test]
        fn no_window_lets_more_than_burst_and_refill_pass(
            burst in 1..20_u32,
            period in 1..10_000_u64,
            gaps in prop::collection::vec(0..2_000_i64, 1..200),
        ) {
            let rate = Rate::new(burst, Duration::from_millis(period));
            let (mut bucket, mut now, mut passed) = (Bucket::default(), 0, Vec::new());
            for gap in gaps {
                now += gap;
                match bucket.take(rate, at(now)) {
                    Ok(()) => passed.push(now),
                    Err(TooOften { retry_after }) => {
                        // It would pass once that time is over, rounded up to what a clock can tell.
                        let later = now + i64::try_from(retry_after.as_micros().div_ceil(1000)).unwrap();
                        prop_assert!(bucket.clone().take(rate, at(later)).is_ok());
                    }
                }
            }
            for (first, start) in passed.iter().enumerate() {
                for (last, end) in passed.iter().enumerate().skip(first) {
                    let refilled = (end - start) as f64 * 1000.0 / rate.interval_micros as f64;
                    prop_assert!((last - first + 1) as f64 <= f64::from(burst) + refilled + 1e-6);
                }
            }
        }

        #[test]
        fn any_rate_and_any_time_is_safe(burst: u32, millis: u64, times in prop::collection::vec(any::<i64>(), 1..20)) {
            let rate = Rate::new(burst, Duration::from_millis(millis));
            let mut bucket = Bucket::default();
            for time in times {
                let _ = bucket.take(rate, Timestamp::from_millis(time));
            }
        }
    }
}
