//! What is counted of deliveries, by medium. Counters are looked up once each, not for every delivery.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use metrics::{Counter, Gauge, Histogram};
use oyez_core::delivery::{Medium, Outcome};
use oyez_protocol::Timestamp;
use oyez_store::Parcel;
use tokio_util::sync::CancellationToken;

use super::Shared;

/// How often what there is is counted; less often when that takes more than a hundredth of the time.
const COUNT_EVERY: Duration = Duration::from_secs(15);

/// The counters of one medium.
pub(super) struct Meters {
    medium: &'static str,
    in_flight: Gauge,
    wait: Histogram,
    send: Histogram,
    attempts: Mutex<Vec<(&'static str, Counter)>>,
}

impl Meters {
    pub(super) fn new(medium: Medium) -> Self {
        let medium = medium.as_str();
        Self {
            medium,
            in_flight: metrics::gauge!("oyez_deliveries_in_flight", "medium" => medium),
            wait: metrics::histogram!("oyez_delivery_wait_seconds", "medium" => medium),
            send: metrics::histogram!("oyez_delivery_send_seconds", "medium" => medium),
            attempts: Mutex::default(),
        }
    }

    /// An attempt begins.
    pub(super) fn began(&self, parcel: &Parcel, now: Timestamp) {
        self.in_flight.increment(1.0);
        if parcel.attempt == 1 {
            let millis = u64::try_from(now.millis_since(parcel.created_at)).unwrap_or(0);
            self.wait.record(Duration::from_millis(millis).as_secs_f64());
        }
    }

    /// An attempt ended.
    pub(super) fn sent(&self, outcome: &Outcome, took: Duration) {
        self.in_flight.decrement(1.0);
        self.send.record(took.as_secs_f64());
        let outcome = outcome.as_str();
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        match attempts.iter().find(|(known, _)| *known == outcome) {
            Some((_, counter)) => counter.increment(1),
            None => {
                let labels = [("medium", self.medium), ("outcome", outcome)];
                let counter = metrics::counter!("oyez_delivery_attempts_total", &labels);
                counter.increment(1);
                attempts.push((outcome, counter));
            }
        }
    }
}

impl Shared {
    /// Says how many deliveries there are, by medium and state.
    pub(super) async fn count(&self, shutdown: &CancellationToken) {
        let mut known = BTreeSet::new();
        loop {
            let began = tokio::time::Instant::now();
            match self.deliveries.counts().await {
                Ok(counts) => {
                    let mut seen = BTreeSet::new();
                    for count in counts {
                        let labels = (count.medium.as_str(), count.state.as_str());
                        gauge(labels, count.count);
                        seen.insert(labels);
                    }
                    known.difference(&seen).for_each(|labels| gauge(*labels, 0));
                    known = seen;
                }
                Err(error) => tracing::warn!(%error, "could not count deliveries"),
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(COUNT_EVERY.max(began.elapsed() * 100)) => {}
            }
        }
    }
}

fn gauge((medium, state): (&'static str, &'static str), deliveries: u64) {
    let labels = [("medium", medium), ("state", state)];
    metrics::gauge!("oyez_deliveries", &labels).set(deliveries as f64);
}
