//! Makes jobs: many together, in a number of statements that does not depend on how many there are.

use std::collections::{BTreeSet, HashMap};

use oyez_core::{
    job::{JobState, NewJob},
    retry::Backoff,
};
use oyez_protocol::{JobId, Timestamp, UserId, api::jobs::JobMessages};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    engine::{args, json, sql},
    error::StoreError,
    idempotency::REMEMBERED_SECONDS,
    writer::Tx,
};

/// What became of a job that was to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enqueued {
    /// It is stored.
    Created(JobId),
    /// Another job holds its unique key: this one. Nothing was stored.
    Unique(JobId),
    /// The same request was made before: this is its job.
    Replayed(JobId),
    /// The idempotency key was used before, for another body. Nothing was stored.
    IdempotencyMismatch,
}

impl Enqueued {
    /// The job that stands for the request; none after a mismatch.
    pub fn job(self) -> Option<JobId> {
        match self {
            Self::Created(id) | Self::Unique(id) | Self::Replayed(id) => Some(id),
            Self::IdempotencyMismatch => None,
        }
    }
}

impl Tx {
    /// Makes jobs, each on its own: one result per job, in their order. Owners become known users. A job whose time
    /// has not come is scheduled, a tracked one runs at once, any other is available from `now`.
    pub async fn enqueue(&mut self, jobs: &[NewJob], now: Timestamp) -> Result<Vec<Enqueued>, StoreError> {
        let mut earlier = self.earlier(jobs, now).await?;
        let mut holders = self.holders(jobs).await?;
        let (mut rows, mut keys, mut users) = (Vec::with_capacity(jobs.len()), Vec::new(), BTreeSet::new());
        let mut enqueued = Vec::with_capacity(jobs.len());
        for job in jobs {
            let key = job.idempotency.as_ref().map(|one| (one.scope.as_str(), one.key.as_str()));
            if let (Some(one), Some(first)) = (&job.idempotency, key.and_then(|key| earlier.get(&key))) {
                enqueued.push(match first.job.filter(|_| first.fingerprint == one.fingerprint) {
                    Some(id) => Enqueued::Replayed(id),
                    None => Enqueued::IdempotencyMismatch,
                });
                continue;
            }
            let state = first_state(job, now);
            let holder = job.unique.as_ref().and_then(|unique| holders.get(unique.key.as_str()));
            let outcome = holder.map_or(Enqueued::Created(job.id), |holder| Enqueued::Unique(*holder));
            if outcome == Enqueued::Created(job.id) {
                if let Some(unique) = job.unique.as_ref().filter(|unique| unique.states.contains(state)) {
                    // So that a second one in the same transaction is recognised too.
                    holders.insert(&unique.key, job.id);
                }
                users.extend(job.user.as_ref().map(UserId::as_str));
                rows.push(row(job, state));
            }
            if let (Some(one), Some(key), Some(id)) = (&job.idempotency, key, outcome.job()) {
                earlier.insert(key, First { fingerprint: one.fingerprint, job: Some(id) });
                let fingerprint: String = one.fingerprint.iter().map(|byte| format!("{byte:02x}")).collect();
                keys.push((key.0, key.1, fingerprint, id.0, now.as_millis()));
            }
            enqueued.push(outcome);
        }
        if !rows.is_empty() || !keys.is_empty() {
            let args = args![json(&users), now, json(&rows), json(&keys)];
            self.execute(sql!("jobs/enqueue"), args).await?;
        }
        Ok(enqueued)
    }

    /// Requests that were made before, by scope and key.
    async fn earlier<'a>(
        &mut self,
        jobs: &'a [NewJob],
        now: Timestamp,
    ) -> Result<HashMap<(&'a str, &'a str), First>, StoreError> {
        let since = now.plus_seconds(-REMEMBERED_SECONDS).as_millis();
        let asked: Vec<_> = jobs
            .iter()
            .filter_map(|job| job.idempotency.as_ref())
            .map(|one| (one.scope.as_str(), one.key.as_str(), since))
            .collect();
        let mut earlier = HashMap::new();
        if asked.is_empty() {
            return Ok(earlier);
        }
        for row in self.fetch(sql!("jobs/recall"), args![json(&asked)]).await? {
            let asked = usize::try_from(row.int(0)?).ok().and_then(|index| asked.get(index));
            let Some((scope, key, _)) = asked else { continue };
            let first = First { fingerprint: row.bytes(1)?, job: row.opt_uuid(2)?.map(JobId) };
            earlier.insert((*scope, *key), first);
        }
        Ok(earlier)
    }

    /// Which jobs hold the keys now.
    async fn holders<'a>(&mut self, jobs: &'a [NewJob]) -> Result<HashMap<&'a str, JobId>, StoreError> {
        let asked: Vec<&str> =
            jobs.iter().filter_map(|job| job.unique.as_ref()).map(|unique| unique.key.as_str()).collect();
        let mut holders = HashMap::new();
        if asked.is_empty() {
            return Ok(holders);
        }
        for row in self.fetch(sql!("jobs/holders"), args![json(&asked)]).await? {
            if let Some(key) = usize::try_from(row.int(0)?).ok().and_then(|index| asked.get(index)) {
                holders.insert(*key, JobId(row.uuid(1)?));
            }
        }
        Ok(holders)
    }
}

/// The first request under an idempotency key.
struct First {
    fingerprint: [u8; 32],
    /// `None`: the key belongs to something that is not a job.
    job: Option<JobId>,
}

fn first_state(job: &NewJob, now: Timestamp) -> JobState {
    match (job.track, job.run_at) {
        (true, _) => JobState::Running,
        (false, Some(run_at)) if run_at > now => JobState::Scheduled,
        (false, _) => JobState::Available,
    }
}

/// The columns of a new job, as the statement reads them.
type JobRow<'a> = (
    (Uuid, &'a str, &'a str, &'static str, u8, i64, u16, Option<u64>),
    (Option<&'a str>, Option<&'a str>, u8, Option<&'a str>, Option<i64>, bool),
    (i64, u32, Option<i64>, Option<i64>, Option<&'a str>),
    (u8, Option<String>, Option<String>, &'a str, &'a str),
);

fn row(job: &NewJob, state: JobState) -> JobRow<'_> {
    let created_at = job.created_at.as_millis();
    let timeout = job.timeout.map(|timeout| u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX));
    let lease_until = timeout.map(|timeout| created_at.saturating_add_unsigned(timeout));
    let unique = job.unique.as_ref();
    (
        (
            job.id.0,
            job.kind.as_str(),
            job.queue.as_str(),
            state.as_str(),
            job.priority,
            job.run_at.map_or(created_at, Timestamp::as_millis),
            job.max_attempts,
            timeout,
        ),
        (
            job.user.as_ref().map(UserId::as_str),
            unique.map(|unique| unique.key.as_str()),
            unique.map_or(0, |unique| unique.states.0),
            job.schedule.as_ref().map(|schedule| schedule.as_str()),
            job.planned_at.map(Timestamp::as_millis),
            job.track,
        ),
        (
            created_at,
            u32::from(job.track),
            job.track.then_some(created_at),
            lease_until.filter(|_| job.track),
            job.worker.as_ref().map(|worker| worker.as_str()),
        ),
        (
            job.notify.0,
            unless_usual(&job.backoff, &Backoff::default()),
            unless_usual(&job.messages, &JobMessages::default()),
            &job.data,
            &job.args,
        ),
    )
}

fn unless_usual<T: Serialize + PartialEq>(value: &T, usual: &T) -> Option<String> {
    let text = || serde_json::to_string(value).expect("numbers and texts are always JSON");
    (value != usual).then(text)
}
