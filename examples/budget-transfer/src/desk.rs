//! The use cases: submit, list, look at, retry, cancel, and tell what became of a lost call.
//!
//! Submitting writes the transfer and a row in the outbox in one transaction and answers; `relay` makes the row a job.

use std::sync::Arc;

use oyez::{
    Oyez,
    jobs::JobsError,
    protocol::{JobId, Timestamp, UserId},
    server::Error,
};
use oyez_core::clock::Clock;
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

use crate::{
    books::Books,
    database::{
        Database, books,
        calls::{self, Ended},
        entries::{self, Entry},
        outbox,
        transfers::{self, Stored},
    },
    refusal::{self, Refusal},
    standing::Standing,
    transfer::{Draft, Step, Transfer, TransferId},
};

/// How many transfers a page of the list holds.
pub const PAGE: i64 = 20;
/// References are drawn from 15-digit numbers: Oracle's interface group takes 18.
const REFERENCES: std::ops::Range<i64> = 100_000_000_000_000..1_000_000_000_000_000;

/// The application's use cases. Clones share the database.
#[derive(Clone)]
pub struct Desk {
    database: Database,
    oyez: Oyez,
    clock: Clock,
    /// Rung after each commit that left something in the outbox.
    pub(crate) promised: Arc<Notify>,
}

/// A transfer and how its upload stands.
#[derive(Debug, Clone)]
pub struct Overview {
    /// The transfer.
    pub transfer: Transfer,
    /// Its job, once there is one.
    pub job: Option<JobId>,
    /// How the upload stands.
    pub standing: Standing,
}

/// Everything about one transfer.
#[derive(Debug, Clone)]
pub struct Detail {
    /// The transfer and how it stands.
    pub overview: Overview,
    /// What happened.
    pub story: Vec<Entry>,
    /// The step whose call may or may not have reached Oracle, when the upload stopped because of that.
    pub unknown: Option<Step>,
}

/// What a person found out about a lost call.
#[derive(Debug, Clone)]
pub enum Finding {
    /// Oracle has it, under this number.
    Found(String),
    /// Oracle never got it.
    NotThere,
}

impl Desk {
    /// A desk on this database, with jobs in this Oyez.
    pub fn new(database: Database, oyez: Oyez, clock: Clock) -> Self {
        Self { database, oyez, clock, promised: Arc::default() }
    }

    /// The present.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Stores a transfer; on return it will be uploaded, whatever happens to this process. The same key with the same
    /// draft answers the transfer that is there.
    pub async fn submit(
        &self,
        owner: &UserId,
        draft: &Draft,
        key: Option<&str>,
    ) -> Result<Transfer, Refusal> {
        let key = key.map(|key| refusal::line("Idempotency-Key", key, 1, 128)).transpose()?;
        let fingerprint: [u8; 32] = Sha256::digest(format!("{draft:?}").as_bytes()).into();
        let mut tx = self.database.write().await?;
        if let Some(key) = &key
            && let Some((known, id)) = transfers::find_submission(&mut tx, owner, key).await?
        {
            let stored = transfers::get(&mut tx, id).await?.ok_or(Refusal::NotFound("transfer"))?;
            return if known == fingerprint { Ok(stored.transfer) } else { Err(Refusal::KeyReused) };
        }
        let complaints = books::read(&mut tx).await?.complaints(draft);
        if !complaints.is_empty() {
            return Err(Refusal::NotBookable(complaints));
        }
        let now = self.clock.now();
        let reference = rand::random_range(REFERENCES);
        let id = transfers::insert(&mut tx, owner, draft, reference, now).await?;
        outbox::insert(&mut tx, id).await?;
        if let Some(key) = &key {
            transfers::add_submission(&mut tx, owner, key, &fingerprint, id, now).await?;
        }
        tx.commit().await?;
        self.promised.notify_one();
        Ok(Transfer { id, owner: owner.clone(), draft: draft.clone(), created_at: now, reference })
    }

    /// A page of somebody's transfers, the newest first.
    pub async fn list(&self, owner: &UserId, before: Option<TransferId>) -> Result<Vec<Overview>, Refusal> {
        let mut page = Vec::new();
        for stored in transfers::list(self.database.pool(), owner, before, PAGE).await? {
            page.push(self.overview(stored).await?);
        }
        Ok(page)
    }

    /// One of somebody's transfers with its story.
    pub async fn show(&self, owner: &UserId, id: TransferId) -> Result<Detail, Refusal> {
        let overview = self.overview(self.find(owner, id).await?).await?;
        let story = entries::list(self.database.pool(), id).await?;
        let unknown = calls::unknown(self.database.pool(), id).await?;
        let unknown = unknown.map(|(_, step)| step).filter(|_| overview.standing.state.can_retry());
        Ok(Detail { overview, story, unknown })
    }

    /// Starts a failed or cancelled upload again; it goes on with the step that is not done.
    pub async fn retry(&self, owner: &UserId, id: TransferId) -> Result<(), Refusal> {
        let job = self.job(owner, id).await?;
        self.oyez.jobs().retry(job).await.map(drop).map_err(refuse)
    }

    /// Stops an upload. What Oracle has begun goes on there.
    pub async fn cancel(&self, owner: &UserId, id: TransferId) -> Result<(), Refusal> {
        let job = self.job(owner, id).await?;
        self.oyez.jobs().cancel(job).await.map(drop).map_err(refuse)
    }

    /// Takes what a person found out about the lost call, and starts the upload again.
    pub async fn settle(&self, owner: &UserId, id: TransferId, finding: &Finding) -> Result<(), Refusal> {
        let detail = self.show(owner, id).await?;
        let nothing = || Refusal::Conflict("there is no call whose fate is unknown".into());
        detail.unknown.ok_or_else(nothing)?;
        let (call, step) = calls::unknown(self.database.pool(), id).await?.ok_or_else(nothing)?;
        let text = match finding {
            Finding::Found(number) => {
                let number = number.trim();
                if number.is_empty() || number.len() > 18 || !number.bytes().all(|byte| byte.is_ascii_digit())
                {
                    return Err(Refusal::invalid("number", "expected the number that Oracle shows"));
                }
                calls::answer(self.database.pool(), call, number).await?;
                format!("{owner} found it in Oracle as {number}")
            }
            Finding::NotThere => {
                calls::end(self.database.pool(), call, Ended::NotMade).await?;
                format!("{owner} looked: Oracle does not have it")
            }
        };
        entries::insert(self.database.pool(), id, step, self.clock.now(), &text, None).await?;
        self.retry(owner, id).await
    }

    /// Has the relay look into the outbox.
    pub fn wake(&self) {
        self.promised.notify_one();
    }

    /// What may be booked on.
    pub async fn books(&self) -> Result<Books, Refusal> {
        Ok(books::read(&mut *self.database.pool().acquire().await?).await?)
    }

    /// Forgets submissions that nobody will repeat any more.
    pub async fn purge(&self) -> Result<(), Refusal> {
        const DAY_SECONDS: i64 = 24 * 3600;
        let until = self.clock.now().plus_seconds(-DAY_SECONDS);
        Ok(transfers::purge_submissions(self.database.pool(), until).await?)
    }

    async fn find(&self, owner: &UserId, id: TransferId) -> Result<Stored, Refusal> {
        let stored = transfers::get(&mut *self.database.pool().acquire().await?, id).await?;
        // Somebody else's is as good as not there: numbers tell nothing.
        stored.filter(|stored| stored.transfer.owner == *owner).ok_or(Refusal::NotFound("transfer"))
    }

    async fn job(&self, owner: &UserId, id: TransferId) -> Result<JobId, Refusal> {
        let job = self.find(owner, id).await?.job;
        job.ok_or_else(|| Refusal::Conflict("the upload has not begun yet".into()))
    }

    async fn overview(&self, stored: Stored) -> Result<Overview, Refusal> {
        let Stored { transfer, job } = stored;
        let standing = match job {
            None => match outbox::refusal(self.database.pool(), transfer.id).await? {
                None => Standing::waiting(),
                Some(reason) => Standing::refused(reason),
            },
            Some(job) => match self.oyez.jobs().get(job).await? {
                Some(record) => Standing::of(&record),
                // Oyez forgets ended jobs after a while; the calls are kept.
                None => {
                    let done = calls::count_done(self.database.pool(), transfer.id).await?;
                    Standing::remembered(if done == 0 { 0 } else { done + 1 })
                }
            },
        };
        Ok(Overview { transfer, job, standing })
    }
}

fn refuse(error: Error) -> Refusal {
    match error {
        Error::Jobs(
            error @ (JobsError::Final { .. } | JobsError::Unfinished { .. } | JobsError::KeyTaken(_)),
        ) => Refusal::Conflict(error.to_string()),
        Error::Jobs(JobsError::NotFound(_)) => {
            Refusal::Conflict("the upload ended long ago and is no longer kept".into())
        }
        error => error.into(),
    }
}
