//! Work on many: approve applications, tell suppliers something. Asking for it writes what is to be done and promises
//! a job; the job's handler (in `bulk`) comes back here for each.

use oyez::protocol::{
    JobKind, QueueName, Timestamp,
    api::jobs::{JobMessages, JobRequest},
};
use serde_json::{json, value::to_raw_value};

use super::{Desk, Step, SubmissionKey, find, submission::Seen};
use crate::{
    access,
    application::ApplicationId,
    bulk::{self, BulkAnnounce, BulkApprove},
    database::{
        applications::{self, Filter},
        bulks::{self, Bulk, BulkKind, LeftOut, NewBulk},
        outbox, people,
    },
    errand::{Errand, Lane, Promise},
    life_cycle::Status,
    people::Person,
    refusal::{self, Refusal},
};

/// Most applications that one bulk approval takes.
const MOST: i64 = 5_000;

/// Which applications a bulk approval takes.
#[derive(Debug, Clone)]
pub enum Chosen {
    /// These.
    These(Vec<ApplicationId>),
    /// All under review that the filter lets through.
    Matching(Filter),
}

impl Desk {
    /// Asks for many applications to be approved; for admins.
    pub async fn bulk_approve(
        &self,
        person: &Person,
        chosen: &Chosen,
        key: Option<&SubmissionKey>,
    ) -> Result<i64, Refusal> {
        access::may_administer(person)?;
        let mut tx = self.database.write().await?;
        let said = format!("approve {chosen:?}");
        let seen = Seen::check(&mut tx, format!("person {}", person.id), key, &[said.as_bytes()]).await?;
        if let Seen::Before(id) = seen {
            return Ok(id);
        }
        let targets = match chosen {
            Chosen::These(ids) => {
                let mut ids = ids.clone();
                ids.sort_unstable();
                ids.dedup();
                ids
            }
            Chosen::Matching(filter) => applications::ids(&mut tx, Status::UnderReview, filter, MOST).await?,
        };
        if targets.is_empty() || targets.len() > MOST.unsigned_abs() as usize {
            let message = format!("choose 1 to {MOST} applications that are under review");
            return Err(Refusal::Invalid { field: "applications", message });
        }
        let title = format!("Approve {}", counted(targets.len(), "application"));
        let new = NewBulk {
            kind: BulkKind::Approve,
            title: &title,
            body: "",
            targets: &targets,
            created_by: person.id,
        };
        let id = bulks::insert(&mut tx, &new, self.clock.now()).await?;
        let job = job_of(&BulkApprove { bulk: id }, id, person, &title)?;
        self.start(&mut tx, job, id, &seen).await?;
        self.commit(tx).await?;
        Ok(id)
    }

    /// Asks for all suppliers to be told something; for admins.
    pub async fn announce(
        &self,
        person: &Person,
        title: &str,
        body: &str,
        key: Option<&SubmissionKey>,
    ) -> Result<i64, Refusal> {
        access::may_administer(person)?;
        let title = refusal::line("title", title, 150)?;
        let body = refusal::text("body", body, 4_000)?;
        let mut tx = self.database.write().await?;
        let said = [title.as_bytes(), body.as_bytes()];
        let seen = Seen::check(&mut tx, format!("person {}", person.id), key, &said).await?;
        if let Seen::Before(id) = seen {
            return Ok(id);
        }
        let targets = people::suppliers(&mut tx).await?;
        if targets.is_empty() {
            return Err(Refusal::Conflict("there are no suppliers yet".into()));
        }
        let kind = BulkKind::Announce;
        let new = NewBulk { kind, title: &title, body: &body, targets: &targets, created_by: person.id };
        let id = bulks::insert(&mut tx, &new, self.clock.now()).await?;
        let told = format!("Announcement to {}", counted(targets.len(), "supplier"));
        let job = job_of(&BulkAnnounce { bulk: id }, id, person, &told)?;
        self.start(&mut tx, job, id, &seen).await?;
        self.commit(tx).await?;
        Ok(id)
    }

    async fn start(
        &self,
        tx: &mut sqlx::SqliteConnection,
        job: JobRequest,
        id: i64,
        seen: &Seen,
    ) -> Result<(), Refusal> {
        let now = self.clock.now();
        let promise =
            Promise { lane: Lane::Single, application: None, errand: Errand::Enqueue(Box::new(job)) };
        outbox::insert(tx, &promise, now).await?;
        seen.remember(tx, id, now).await
    }

    /// Work on many as it was asked for.
    pub async fn bulk(&self, id: i64) -> Result<Bulk, Refusal> {
        bulks::get(self.database.pool(), id).await?.ok_or(Refusal::NotFound("bulk"))
    }

    /// Approves one of many and writes how far the work is, in one transaction: taken up again after a crash, it goes
    /// on with the next one. One that cannot be approved is left out with the reason.
    pub async fn approve_one(
        &self,
        person: &Person,
        bulk: &mut Bulk,
        target: ApplicationId,
    ) -> Result<(), Refusal> {
        let now = self.clock.now();
        let done = bulk.done.unsigned_abs() as usize + 1;
        let mut tx = self.database.write().await?;
        let approved = self.moved(&mut tx, person, target, &Step::Approve, Lane::Bulk, now).await;
        let reason = match approved {
            Ok(_) => None,
            Err(refusal @ Refusal::Internal(_)) => return Err(refusal),
            Err(refusal) => Some(refusal.to_string()),
        };
        if let Some(reason) = reason {
            // What the refused move wrote must not stay.
            tx.rollback().await?;
            tx = self.database.write().await?;
            let found = find(&mut tx, target).await;
            let tracking_code =
                found.map_or_else(|_| format!("#{target}"), |one| one.tracking_code.to_string());
            bulk.left_out.push(LeftOut { tracking_code, reason });
        }
        bulks::progress(&mut tx, bulk.id, done, &bulk.left_out).await?;
        self.commit(tx).await?;
        bulk.done += 1;
        Ok(())
    }

    /// Writes how far an announcement is.
    pub async fn announced(&self, bulk: &mut Bulk, done: usize) -> Result<(), Refusal> {
        let mut tx = self.database.write().await?;
        bulks::progress(&mut tx, bulk.id, done, &bulk.left_out).await?;
        tx.commit().await?;
        bulk.done = i64::try_from(done).unwrap_or(i64::MAX);
        Ok(())
    }

    /// Writes that work on many is done.
    pub async fn finish(&self, bulk: &Bulk) -> Result<(), Refusal> {
        Ok(bulks::finish(self.database.pool(), bulk.id, self.clock.now()).await?)
    }

    /// What a supplier was told, the newest first: title, text, time.
    pub async fn announcements(
        &self,
        supplier: ApplicationId,
    ) -> Result<Vec<(String, String, Timestamp)>, Refusal> {
        Ok(bulks::told(self.database.pool(), supplier, 20).await?)
    }
}

/// The job that does it. Its owner watches it, and finds its end in their bell.
fn job_of<J: oyez::Job>(job: &J, id: i64, person: &Person, what: &str) -> Result<JobRequest, Refusal> {
    let internal = |error: anyhow::Error| Refusal::Internal(error);
    let say = |how: &str| Some(format!("{what}: {how}"));
    Ok(JobRequest {
        args: Some(to_raw_value(job).map_err(|error| internal(error.into()))?),
        user: Some(person.user_id()),
        data: json!({"bulk_id": id}).as_object().cloned(),
        queue: Some(QueueName::new(bulk::QUEUE).map_err(|error| internal(error.into()))?),
        // Behind whatever else waits.
        priority: Some(8),
        unique_key: Some(format!("bulk-{id}")),
        unique_states: Some(oyez::protocol::api::jobs::JobState::ALL.to_vec()),
        max_attempts: Some(10),
        messages: Some(JobMessages {
            started: say("started"),
            completed: say("done"),
            failed: say("failed"),
            cancelled: say("cancelled"),
            url: Some(format!("/office/bulk#bulk-{id}")),
        }),
        ..JobRequest::new(JobKind::new(J::KIND).map_err(|error| internal(error.into()))?)
    })
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
