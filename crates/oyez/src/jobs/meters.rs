//! What is counted of jobs, by queue and kind. Counters are looked up once each, not for every job.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Mutex, PoisonError},
};

use metrics::{Counter, Histogram};
use oyez_core::job::JobRecord;
use oyez_protocol::{JobKind, QueueName, Timestamp};

/// Most pairs of queue and kind that are counted apart: an application may name its queues after its customers.
const MOST: usize = 1_000;
/// Stands for the queue and the kind of all others.
const OTHERS: &str = "(other)";

/// The counters of all queues and kinds that were seen.
#[derive(Default)]
pub(super) struct Meters(Mutex<Counted>);

#[derive(Default)]
struct Counted {
    apart: HashMap<(QueueName, JobKind), Meter>,
    others: Option<Meter>,
}

struct Meter {
    labels: [(&'static str, String); 2],
    enqueued: Counter,
    wait: Histogram,
    run: Histogram,
    attempts: HashMap<&'static str, Counter>,
}

impl Meters {
    /// Jobs were made.
    pub(super) fn enqueued(&self, queue: &QueueName, kind: &JobKind, count: u64) {
        self.with(queue, kind, |meter| meter.enqueued.increment(count));
    }

    /// An attempt began.
    pub(super) fn began(&self, job: &JobRecord, now: Timestamp) {
        self.with(&job.queue, &job.kind, |meter| meter.wait.record(seconds(job.run_at, now)));
    }

    /// An attempt ended.
    pub(super) fn ended(&self, job: &JobRecord, outcome: &'static str, now: Timestamp) {
        self.with(&job.queue, &job.kind, |meter| {
            if let Some(began) = job.attempted_at {
                meter.run.record(seconds(began, now));
            }
            let [queue, kind] = &meter.labels;
            let counter = meter.attempts.entry(outcome).or_insert_with(|| {
                let labels = [queue.clone(), kind.clone(), ("outcome", outcome.to_owned())];
                metrics::counter!("oyez_job_attempts_total", &labels)
            });
            counter.increment(1);
        });
    }

    fn with<T>(&self, queue: &QueueName, kind: &JobKind, count: impl FnOnce(&mut Meter) -> T) -> T {
        let mut meters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Counted { apart, others } = &mut *meters;
        let known = apart.len();
        count(match apart.entry((queue.clone(), kind.clone())) {
            Entry::Occupied(meter) => meter.into_mut(),
            Entry::Vacant(place) if known < MOST => place.insert(Meter::new(queue.as_str(), kind.as_str())),
            Entry::Vacant(_) => others.get_or_insert_with(|| Meter::new(OTHERS, OTHERS)),
        })
    }

    /// The labels under which jobs of this queue and kind are counted.
    pub(super) fn labels(&self, queue: &QueueName, kind: &JobKind) -> [(&'static str, String); 2] {
        self.with(queue, kind, |meter| meter.labels.clone())
    }
}

impl Meter {
    fn new(queue: &str, kind: &str) -> Self {
        let labels = [("queue", queue.to_owned()), ("kind", kind.to_owned())];
        Self {
            enqueued: metrics::counter!("oyez_jobs_enqueued_total", &labels),
            wait: metrics::histogram!("oyez_job_wait_seconds", &labels),
            run: metrics::histogram!("oyez_job_run_seconds", &labels),
            attempts: HashMap::new(),
            labels,
        }
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.millis_since(from).max(0) as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_names_is_counted_together() {
        let meters = Meters::default();
        let kind = JobKind::new("work").unwrap();
        let labels = |n: usize| meters.labels(&QueueName::new(&format!("customer-{n}")).unwrap(), &kind);
        for n in 0..MOST + 5 {
            labels(n);
        }
        assert_eq!(labels(7)[0].1, "customer-7");
        assert_eq!(labels(MOST + 1).map(|(_, value)| value), [OTHERS, OTHERS]);
    }
}
