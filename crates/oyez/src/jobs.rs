//! Jobs: durable background work, from being asked for to its end, as its owner, its workers and operators see it.
//!
//! Each call decides (core), commits (store) and announces (bus), in this order. Whoever does the work, a handler in
//! this process or a worker behind HTTP, claims and reports here. In reading order: `enqueue` makes jobs, `claim` hands
//! them out, `report` is what workers say, `finish` ends attempts in batches, `control` is what others do to a job,
//! `rescue` what the clock does; `read` and `watch` show it; `queues` and `schedules` are the rules around them.

mod claim;
mod control;
mod enqueue;
mod error;
mod finish;
mod live;
mod meters;
mod queues;
mod read;
mod report;
mod rescue;
mod schedules;
mod seen;
mod upkeep;
mod waiting;
mod watch;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use oyez_core::{
    clock::Clock,
    job::{DEFAULT_MAX_ATTEMPTS, JobRecord, NewJob},
    retry::Backoff,
};
use oyez_protocol::{JobId, NotificationId, QueueName, Timestamp, api::jobs::JobRequest};
use oyez_store::{LandedHook, Store};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::{
    bus::{Announcement, Bus, JobNews, Stage},
    publish::Publisher,
};

pub use claim::{Begun, Taken, Wanted};
pub use error::JobsError;
pub use read::Overview;
pub use upkeep::Upkeep;
pub use watch::Watch;

/// Attempts that wait for their end to be written; beyond, those who end wait.
const MOST_ENDINGS: usize = 2_048;

/// How jobs are treated.
#[derive(Debug, Clone, Copy)]
pub struct JobsOptions {
    /// Without a report for so long, a worker has lost its job.
    pub lease: Duration,
    /// How often a job may fail that does not say.
    pub max_attempts: u16,
    /// The wait after the first failure of a job that does not say.
    pub retry_first: Duration,
    /// The longest wait between attempts of a job that does not say.
    pub retry_max: Duration,
}

impl Default for JobsOptions {
    fn default() -> Self {
        let Backoff { first, max, .. } = Backoff::default();
        Self {
            lease: Duration::from_secs(15),
            max_attempts: DEFAULT_MAX_ATTEMPTS,
            retry_first: first,
            retry_max: max,
        }
    }
}

impl JobsOptions {
    /// Sets what the request leaves open.
    fn complete(&self, mut job: NewJob, request: &JobRequest) -> NewJob {
        let asked = request.backoff.as_ref();
        if request.max_attempts.is_none() {
            job.max_attempts = self.max_attempts;
        }
        if asked.is_none_or(|asked| asked.first.is_none()) {
            job.backoff.first = self.retry_first;
        }
        if asked.is_none_or(|asked| asked.max.is_none()) {
            job.backoff.max = self.retry_max;
        }
        job
    }
}

/// Jobs, queues and schedules. Cheap to clone.
#[derive(Clone)]
pub struct Jobs {
    shared: Arc<Shared>,
}

struct Shared {
    store: Store,
    bus: Bus,
    clock: Clock,
    options: JobsOptions,
    landed: LandedHook,
    live: live::Live,
    meters: meters::Meters,
    watchers: watch::Watchers,
    waiting: waiting::Waiting,
    seen: seen::Seen,
    endings: mpsc::Sender<finish::Handed>,
    /// Queues of which only so many jobs may run.
    limited: Mutex<BTreeSet<QueueName>>,
    /// The server ends.
    closing: CancellationToken,
    /// Rings when a job begins to wait for its time.
    scheduled: Arc<Notify>,
    /// Rings when schedules changed.
    planned: Arc<Notify>,
}

impl Jobs {
    /// Joins store and bus. Reports and ends are written by the [`Upkeep`], which must be run.
    pub fn new(
        publisher: &Publisher,
        store: Store,
        bus: Bus,
        clock: Clock,
        options: JobsOptions,
    ) -> (Self, Upkeep) {
        let (endings, ended) = mpsc::channel(MOST_ENDINGS);
        let (watchers, waiting) = (watch::Watchers::default(), waiting::Waiting::default());
        let (told, line) = (watchers.clone(), waiting.clone());
        bus.subscribe(Box::new(move |announcement| match announcement {
            Announcement::Job(news) => told.tell(news),
            Announcement::Available { queue, kind, count } => line.ring(queue, kind.as_ref(), *count),
            _ => {}
        }));
        let jobs = Self {
            shared: Arc::new(Shared {
                store,
                bus,
                clock,
                options,
                landed: publisher.landed_hook(),
                live: live::Live::default(),
                meters: meters::Meters::default(),
                watchers,
                waiting,
                seen: seen::Seen::default(),
                endings,
                limited: Mutex::default(),
                closing: CancellationToken::new(),
                scheduled: Arc::default(),
                planned: Arc::default(),
            }),
        };
        let upkeep = Upkeep::new(jobs.clone(), ended);
        (jobs, upkeep)
    }

    /// The moment that lies so far back.
    pub fn ago(&self, age: Duration) -> Timestamp {
        let millis = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millis(self.shared.now().as_millis().saturating_sub(millis))
    }

    /// How long a worker may be silent.
    pub fn lease(&self) -> Duration {
        self.shared.options.lease
    }

    /// Rings when a job begins to wait for its time. One waiter at a time; a ring is kept until somebody waits.
    pub fn scheduled(&self) -> Arc<Notify> {
        Arc::clone(&self.shared.scheduled)
    }

    /// Rings when schedules changed. One waiter at a time; a ring is kept until somebody waits.
    pub fn planned(&self) -> Arc<Notify> {
        Arc::clone(&self.shared.planned)
    }
}

impl Shared {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Until when a report keeps a job: tracked work chose for itself how long it may be silent, any other is not kept
    /// for much longer than an attempt may take.
    fn lease_until(&self, record: &JobRecord, now: Timestamp) -> Timestamp {
        let lease = self.options.lease;
        match (record.track, record.timeout, record.attempted_at) {
            (true, silence, _) => plus(now, silence.unwrap_or(lease)),
            (false, Some(timeout), Some(began)) => plus(now, lease).min(plus(began, timeout + lease / 3)),
            (false, ..) => plus(now, lease),
        }
    }

    /// Whether anybody would hear of the job: what nobody hears need not be written.
    fn is_heard(&self, job: &JobRecord) -> bool {
        job.user.is_some() || self.watchers.has(job.id)
    }

    /// Tells the owner, and those who watch.
    fn tell(&self, job: &JobRecord, frame: String, stage: Stage) {
        let news = JobNews { job: job.id, user: job.user.clone(), frame: frame.into(), stage };
        self.bus.announce(Announcement::Job(Arc::new(news)));
    }
}

/// A moment so much later.
pub(crate) fn plus(moment: Timestamp, duration: Duration) -> Timestamp {
    let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(moment.as_millis().saturating_add(millis))
}

/// A UUID version 7 of this moment: the clock is ours, so the uuid crate's own is not asked.
fn new_uuid(now: Timestamp) -> uuid::Uuid {
    let millis = u64::try_from(now.as_millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &rand::random()).into_uuid()
}

fn new_job_id(now: Timestamp) -> JobId {
    JobId(new_uuid(now))
}

fn new_notification_id(now: Timestamp) -> NotificationId {
    NotificationId(new_uuid(now))
}

#[cfg(test)]
mod tests {
    use oyez_core::job::new_job;
    use oyez_protocol::{JobKind, api::jobs::BackoffRequest};

    use super::*;

    #[test]
    fn what_a_request_leaves_open_is_set_by_the_operator() {
        let (first, longest) = (Duration::from_secs(2), Duration::from_secs(40));
        let options =
            JobsOptions { max_attempts: 7, retry_first: first, retry_max: longest, ..JobsOptions::default() };
        let now = Timestamp::from_millis(0);
        let made = |request: &JobRequest| {
            let job = new_job(request, new_job_id(now), "test", now).unwrap();
            options.complete(job, request)
        };
        let plain = JobRequest::new(JobKind::new("upload").unwrap());
        let job = made(&plain);
        assert_eq!((job.max_attempts, job.backoff.first, job.backoff.max), (7, first, longest));
        let backoff = Some(BackoffRequest { first: Some(1.0), factor: None, max: None, jitter: None });
        let job = made(&JobRequest { max_attempts: Some(1), backoff, ..plain });
        let asked = Duration::from_secs(1);
        assert_eq!((job.max_attempts, job.backoff.first, job.backoff.max), (1, asked, longest));
    }
}
