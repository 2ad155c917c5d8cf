//! What is counted of jobs, by queue and kind. Counters are looked up once each, not for every job.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use metrics::{Counter, Histogram};
use oyez_core::job::JobRecord;
use oyez_protocol::{JobKind, QueueName, Timestamp};

/// The counters of all queues and kinds that were seen.
#[derive(Default)]
pub(super) struct Meters(Mutex<HashMap<(QueueName, JobKind), Meter>>);

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

    fn with(&self, queue: &QueueName, kind: &JobKind, count: impl FnOnce(&mut Meter)) {
        let mut meters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let meter = meters.entry((queue.clone(), kind.clone())).or_insert_with(|| Meter::new(queue, kind));
        count(meter);
    }
}

impl Meter {
    fn new(queue: &QueueName, kind: &JobKind) -> Self {
        let labels = [("queue", queue.to_string()), ("kind", kind.to_string())];
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
