//! The jobs that work on many: a thousand approvals, a word to a thousand suppliers.
//!
//! Each takes one at a time and writes how far it is in the same transaction, so that a job which is taken up again
//! after a crash goes on where it was. They wait in a queue of their own, one at a time and with the last priority:
//! whoever reviews meanwhile does not notice.

use oyez::{
    Context, Job, JobError, Oyez,
    protocol::{Audience, QueueName, api::queues::QueuePatch},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{access, desk::Desk, login::Login, notice};

/// Where work on many waits.
pub const QUEUE: &str = "bulk";
/// Suppliers that one notification goes to.
const CHUNK: usize = 50;
/// Progress is told each so many approvals.
const TELL_EACH: usize = 10;

/// Approves applications.
#[derive(Debug, Serialize, Deserialize)]
pub struct BulkApprove {
    /// The work, as the desk keeps it.
    pub bulk: i64,
}

/// Tells suppliers something.
#[derive(Debug, Serialize, Deserialize)]
pub struct BulkAnnounce {
    /// The work, as the desk keeps it.
    pub bulk: i64,
}

impl Job for BulkApprove {
    const KIND: &'static str = "bulk_approve";
}

impl Job for BulkAnnounce {
    const KIND: &'static str = "bulk_announce";
}

/// What the handlers need. Cheap to clone.
#[derive(Clone)]
pub struct Workers {
    desk: Desk,
    login: Login,
    oyez: Oyez,
}

impl Workers {
    /// Joins what the handlers need.
    pub fn new(desk: Desk, login: Login, oyez: Oyez) -> Self {
        Self { desk, login, oyez }
    }

    /// Has this process do such work.
    pub async fn register(self) -> anyhow::Result<()> {
        let queue = QueueName::new(QUEUE)?;
        let one_at_a_time = QueuePatch { concurrency: Some(Some(1)), ..QueuePatch::default() };
        self.oyez.jobs().all().patch_queue(&queue, &one_at_a_time).await?;
        let (jobs, workers) = (self.oyez.clone(), self);
        let for_approvals = workers.clone();
        jobs.jobs().handle(move |context, job: BulkApprove| for_approvals.clone().approve(context, job))?;
        jobs.jobs().handle(move |context, job: BulkAnnounce| workers.clone().announce(context, job))?;
        Ok(())
    }

    async fn approve(self, context: Context, job: BulkApprove) -> Result<Value, JobError> {
        let mut bulk = self.desk.bulk(job.bulk).await?;
        let person = self.login.person(bulk.created_by).await?;
        // They may have lost the right since they asked.
        access::may_administer(&person).map_err(|error| JobError::discard(error.to_string()))?;
        let all = bulk.targets.clone();
        for (place, target) in all.iter().enumerate().skip(bulk.done.unsigned_abs() as usize) {
            stop_if_asked(&context)?;
            self.desk.approve_one(&person, &mut bulk, *target).await?;
            if (place + 1) % TELL_EACH == 0 || place + 1 == all.len() {
                context
                    .progress(percent(place + 1, all.len()), format!("{} of {}", place + 1, all.len()))
                    .await?;
            }
        }
        self.desk.finish(&bulk).await?;
        let approved = all.len() - bulk.left_out.len();
        // The list can be long; the page shows it in full.
        let some: Vec<_> = bulk.left_out.iter().take(20).collect();
        Ok(json!({"approved": approved, "left_out": bulk.left_out.len(), "reasons": some}))
    }

    async fn announce(self, context: Context, job: BulkAnnounce) -> Result<Value, JobError> {
        let mut bulk = self.desk.bulk(job.bulk).await?;
        let person = self.login.person(bulk.created_by).await?;
        access::may_administer(&person).map_err(|error| JobError::discard(error.to_string()))?;
        let (all, mut done) = (bulk.targets.clone(), bulk.done.unsigned_abs() as usize);
        while done < all.len() {
            stop_if_asked(&context)?;
            let chunk = &all[done..(done + CHUNK).min(all.len())];
            let to = chunk.iter().map(|supplier| Audience::User(supplier.user_id())).collect();
            let mut notice = notice::announcement(to, &self.desk.office, &bulk.title, &bulk.body);
            // Published, and not yet written down as done: the next attempt publishes the same under the same key, and
            // nobody gets it twice.
            notice.idempotency_key = Some(format!("bulk-{}-{done}", bulk.id));
            self.oyez.publish(notice).await?;
            done += chunk.len();
            self.desk.announced(&mut bulk, done).await?;
            context.progress(percent(done, all.len()), format!("{done} of {}", all.len())).await?;
        }
        self.desk.finish(&bulk).await?;
        Ok(json!({"told": done}))
    }
}

fn stop_if_asked(context: &Context) -> Result<(), JobError> {
    if context.is_cancelled() { Err(JobError::cancel("cancelled by its owner")) } else { Ok(()) }
}

fn percent(done: usize, of: usize) -> f64 {
    done as f64 * 100.0 / of as f64
}
