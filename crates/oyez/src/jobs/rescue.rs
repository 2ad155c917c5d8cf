//! What becomes of jobs by the clock: those whose time has come, those whose worker is silent, those that are old.

use oyez_core::job::Outcome;
use oyez_protocol::{JobId, Timestamp, WorkerName};

use super::{
    Jobs, JobsError,
    finish::{End, Ending},
};
use crate::bus::Announcement;

impl Jobs {
    /// Makes jobs available whose time has come. Returns how many; when that is `limit`, there may be more.
    pub async fn promote(&self, limit: u32) -> Result<u32, JobsError> {
        let (now, bus) = (self.shared.now(), self.shared.bus.clone());
        let promoted = self.shared.store.write_then(
            move |tx| Box::pin(async move { tx.promote(now, limit).await }),
            move |promoted: &Vec<_>| {
                for (queue, kind, count) in promoted {
                    let (queue, kind) = (queue.clone(), Some(kind.clone()));
                    bus.announce(Announcement::Available { queue, kind, count: *count });
                }
            },
        );
        Ok(promoted.await?.iter().map(|(.., count)| count).sum())
    }

    /// Ends attempts whose lease has run out, after the ends that were reported before. Returns how many it found; when
    /// that is `limit`, there may be more.
    pub async fn rescue(&self, limit: u32) -> Result<usize, JobsError> {
        let now = self.shared.now();
        let overdue =
            self.shared.store.write(move |tx| Box::pin(async move { tx.overdue(now, limit).await })).await?;
        let count = overdue.len();
        for job in overdue {
            let (id, kind, worker) = (job.id, &job.kind, job.worker.as_ref().map_or("", WorkerName::as_str));
            tracing::warn!(job = %id, %kind, worker, "a worker fell silent; its job goes on elsewhere");
            metrics::counter!("oyez_jobs_rescued_total").increment(1);
            self.shared.end(silent(id, job.attempt, true)).await;
        }
        Ok(count)
    }

    /// Ends an attempt whose worker is known to be gone.
    pub async fn lost(&self, job: JobId, attempt: u32) {
        metrics::counter!("oyez_jobs_rescued_total").increment(1);
        self.shared.end(silent(job, attempt, false)).await;
    }

    /// Leases that last longer than any that is given now, because the clock was set back, last a lease from now on:
    /// who lives has the time to report.
    pub async fn shorten_leases(&self) -> Result<(), JobsError> {
        let (now, lease) = (self.shared.now(), self.shared.options.lease);
        let write =
            self.shared.store.write(move |tx| Box::pin(async move { tx.shorten_leases(now, lease).await }));
        Ok(write.await?)
    }

    /// Deletes up to `limit` jobs that ended before a time. Returns how many.
    pub async fn retain(&self, before: Timestamp, limit: u32) -> Result<u64, JobsError> {
        let retained =
            self.shared.store.write(move |tx| Box::pin(async move { tx.retain_jobs(before, limit).await }));
        Ok(retained.await?)
    }
}

fn silent(job: JobId, attempt: u32, unless_renewed: bool) -> Ending {
    let end = End { job, attempt, outcome: Outcome::Lost, record: None, said: None, unless_renewed };
    Ending { end, answer: None }
}
