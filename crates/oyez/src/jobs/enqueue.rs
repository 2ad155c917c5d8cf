//! Asking for work: what is answered as accepted is on disk, and whoever waits for such work hears of it at once.

use std::{collections::BTreeMap, sync::Arc};

use oyez_core::{
    job::{NewJob, new_job, tracked_job},
    notification::{Draft, Invalid, Landed, draft},
};
use oyez_protocol::{
    Audience, ErrorCode, JobId, JobKind, QueueName, Timestamp,
    api::{
        jobs::{JobAccepted, JobRequest, TrackRequest, Tracked},
        publish::{NotificationRequest, Published},
    },
};
use oyez_store::{StoreError, jobs::Enqueued};

use super::{Jobs, JobsError, Shared, new_job_id, new_notification_id};
use crate::bus::Announcement;

impl Jobs {
    /// Asks for a job. On return it is on disk, and goes on when the returned future is dropped after the store took
    /// it. `caller` keeps the idempotency keys of different callers apart, e.g. `key:abc`.
    pub async fn enqueue(&self, request: &JobRequest, caller: &str) -> Result<JobAccepted, JobsError> {
        let now = self.shared.now();
        let job = self.shared.job(request, caller, now)?;
        let outcome = self.shared.enqueue(vec![job]).await?.into_iter().next();
        accepted(outcome.expect("the store answers one outcome per job"))
    }

    /// Asks for several jobs in one transaction, each checked on its own: one result per request, in their order.
    ///
    /// Fails as a whole only when the store does; then repeating the call with idempotency keys is safe.
    pub async fn enqueue_batch(
        &self,
        requests: &[JobRequest],
        caller: &str,
    ) -> Result<Vec<Result<JobAccepted, JobsError>>, JobsError> {
        let now = self.shared.now();
        let mut jobs = Vec::with_capacity(requests.len());
        let refusals: Vec<Option<JobsError>> = requests
            .iter()
            .map(|request| {
                let job = self.shared.job(request, caller, now);
                job.map(|job| jobs.push(job)).err().map(JobsError::from)
            })
            .collect();
        let outcomes = if jobs.is_empty() { Vec::new() } else { self.shared.enqueue(jobs).await? };
        let mut outcomes = outcomes.into_iter();
        let each = refusals.into_iter().map(|refusal| match refusal {
            Some(refusal) => Err(refusal),
            None => accepted(outcomes.next().expect("the store answers one outcome per job")),
        });
        Ok(each.collect())
    }

    /// Asks for a job and publishes a notification in one transaction: both are on disk, or neither. When the job was
    /// there already, nothing is published: whoever made it said so.
    ///
    /// The notification is for users by name, and for now; the job's idempotency key counts for both.
    pub async fn enqueue_and_publish(
        &self,
        request: &JobRequest,
        notification: &NotificationRequest,
        caller: &str,
    ) -> Result<(JobAccepted, Option<Published>), JobsError> {
        let now = self.shared.now();
        let draft = draft(notification, new_notification_id(now), caller, now)?;
        check_together(&draft)?;
        let job = self.shared.job(request, caller, now)?;
        let (place, id, shared) = (Place::of(&job), draft.id, self.shared.clone());
        let both = self.shared.store.write_then(
            move |tx| {
                Box::pin(async move {
                    let outcome = tx.enqueue(&[job], now).await?.into_iter().next();
                    let outcome =
                        outcome.ok_or_else(|| StoreError::Fault("a job without a result".into()))?;
                    let landed = match outcome {
                        Enqueued::Created(_) => tx.land(&[&draft]).await?.into_iter().next().flatten(),
                        _ => None,
                    };
                    Ok((outcome, landed))
                })
            },
            move |(outcome, landed): &(Enqueued, Option<Landed>)| {
                if let Some(landed) = landed {
                    (shared.landed)(vec![landed.clone()]);
                }
                if matches!(outcome, Enqueued::Created(_)) {
                    shared.told_made(std::iter::once(place));
                }
            },
        );
        let (outcome, landed) = both.await?;
        let accepted = accepted(outcome)?;
        let recipients = landed.map_or(0, |landed| landed.recipients.len() as u64);
        Ok((accepted, accepted.created.then_some(Published { id, recipients })))
    }

    /// Tracks work that runs elsewhere: it counts as running from now on, and reports like a worker's job.
    pub async fn track(&self, request: &TrackRequest, caller: &str) -> Result<Tracked, JobsError> {
        let now = self.shared.now();
        let job = tracked_job(request, new_job_id(now), caller, now)?;
        let outcome = self.shared.enqueue(vec![job]).await?.into_iter().next();
        let accepted = accepted(outcome.expect("the store answers one outcome per job"))?;
        let record = self.get(accepted.id).await?;
        if accepted.created {
            let frame = oyez_core::job::started_frame(&record, now);
            self.shared.tell(&record, frame, crate::bus::Stage::Underway);
            self.shared.live.recall(record.clone());
        }
        Ok(Tracked { id: record.id, attempt: record.attempt, created: accepted.created })
    }
}

impl Shared {
    /// Checks a request and makes the job that is stored.
    fn job(&self, request: &JobRequest, caller: &str, now: Timestamp) -> Result<NewJob, Invalid> {
        let job = new_job(request, new_job_id(now), caller, now)?;
        Ok(self.options.complete(job, request))
    }

    /// Stores jobs and tells whoever waits for such.
    pub(super) async fn enqueue(self: &Arc<Self>, jobs: Vec<NewJob>) -> Result<Vec<Enqueued>, JobsError> {
        let now = self.now();
        let places: Vec<Place> = jobs.iter().map(Place::of).collect();
        let shared = Arc::clone(self);
        let stored = self.store.write_then(
            move |tx| Box::pin(async move { tx.enqueue(&jobs, now).await }),
            move |outcomes: &Vec<Enqueued>| {
                let created = outcomes.iter().zip(places);
                let created = created.filter(|(outcome, _)| matches!(outcome, Enqueued::Created(_)));
                shared.told_made(created.map(|(_, place)| place));
            },
        );
        Ok(stored.await?)
    }
}

/// Where a new job can be found.
pub(super) struct Place {
    queue: QueueName,
    kind: JobKind,
    /// It waits for its time, or runs elsewhere.
    waits: Option<Waits>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Waits {
    ForItsTime,
    ForNobody,
}

impl Place {
    pub(super) fn of(job: &NewJob) -> Self {
        let waits = match (job.track, job.run_at) {
            (true, _) => Some(Waits::ForNobody),
            (false, Some(_)) => Some(Waits::ForItsTime),
            (false, None) => None,
        };
        Self { queue: job.queue.clone(), kind: job.kind.clone(), waits }
    }
}

impl Shared {
    /// Tells of jobs that were made, and counts them.
    pub(super) fn told_made(&self, created: impl Iterator<Item = Place>) {
        let mut made: BTreeMap<(QueueName, JobKind), (u32, u32)> = BTreeMap::new();
        let mut some_wait = false;
        for place in created {
            let (all, available) = made.entry((place.queue, place.kind)).or_default();
            *all += 1;
            match place.waits {
                None => *available += 1,
                Some(waits) => some_wait |= waits == Waits::ForItsTime,
            }
        }
        for ((queue, kind), (all, available)) in made {
            self.meters.enqueued(&queue, &kind, u64::from(all));
            if available > 0 {
                self.bus.announce(Announcement::Available { queue, kind: Some(kind), count: available });
            }
        }
        if some_wait {
            self.scheduled.notify_one();
        }
    }
}

/// What lands in the transaction of a job takes few statements, and nobody asks for it again.
fn check_together(draft: &Draft) -> Result<(), Invalid> {
    let refuse = |field: &str, message: &str| {
        Err(Invalid { code: ErrorCode::Invalid, field: field.into(), message: message.into() })
    };
    if !draft.audience.iter().all(|audience| matches!(audience, Audience::User(_))) {
        return refuse(
            "to",
            "\"to\" must name users, such as \"user:anna\", to be published together with a job",
        );
    }
    if draft.send_at.is_some() {
        return refuse("send_at", "\"send_at\" has no place in what is published together with a job");
    }
    if draft.idempotency.is_some() {
        return refuse(
            "idempotency_key",
            "the job's \"idempotency_key\" counts for the notification as well",
        );
    }
    Ok(())
}

fn accepted(outcome: Enqueued) -> Result<JobAccepted, JobsError> {
    let accepted = |id: JobId, created| Ok(JobAccepted { id, created });
    match outcome {
        Enqueued::Created(id) => accepted(id, true),
        Enqueued::Unique(id) | Enqueued::Replayed(id) => accepted(id, false),
        Enqueued::IdempotencyMismatch => Err(JobsError::IdempotencyMismatch),
    }
}
