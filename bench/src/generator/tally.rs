//! What was received in a window of time.

use hdrhistogram::Histogram;

/// Longest latency that is told apart, in microseconds.
const LONGEST: u64 = 600_000_000;

/// An empty histogram of microseconds.
pub(crate) fn latencies() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST, 3).expect("the bounds are in order")
}

/// Counters of one measured window.
#[derive(Debug)]
pub(crate) struct Tally {
    /// Stamps before this belong to an earlier window.
    from: u64,
    pub(crate) received: u64,
    /// Stamped messages of an earlier window.
    pub(crate) early: u64,
    /// Messages without a stamp: greetings, counts.
    pub(crate) other: u64,
    pub(crate) compressed: u64,
    /// Messages whose `seq` does not follow the one before.
    pub(crate) out_of_order: u64,
    /// Bytes of stamped messages, with their frame heads.
    pub(crate) bytes: u64,
    latency: Histogram<u64>,
}

impl Tally {
    pub(crate) fn new(from: u64) -> Self {
        let latency = latencies();
        Self { from, received: 0, early: 0, other: 0, compressed: 0, out_of_order: 0, bytes: 0, latency }
    }

    pub(crate) fn record(&mut self, stamp: u64, now: u64, bytes: usize) {
        if stamp < self.from {
            self.early += 1;
            return;
        }
        self.received += 1;
        self.bytes += bytes as u64;
        self.latency.saturating_record((now.saturating_sub(stamp) / 1_000).max(1));
    }

    /// Latency in milliseconds below which this share of the messages stayed.
    pub(crate) fn quantile_ms(&self, share: f64) -> f64 {
        self.latency.value_at_quantile(share) as f64 / 1_000.0
    }

    pub(crate) fn bytes_per_delivery(&self) -> f64 {
        self.bytes as f64 / self.received.max(1) as f64
    }
}
