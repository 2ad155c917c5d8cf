//! The job `oracle_upload`: five checkpointed steps from a transfer's lines to a posted journal.
//!
//! What a step came to is stored by Oyez when it ends, so a retry or a takeover goes on with the next one. Within a
//! step, `once` sees to it that Oracle gets each call one time, whatever crashes where.

mod once;

use std::time::Duration;

use oyez::runner::{Context, Job, JobError};
use oyez_core::clock::Clock;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{
    database::{
        Database, books,
        calls::{self, Ended},
        documents, entries, transfers,
    },
    fbdi,
    oracle::{CallError, EssJob, Oracle, RequestId, Status},
    transfer::{Step, Transfer, TransferId},
};
use once::{Errand, Outcome};

/// The job's arguments.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct OracleUpload {
    /// Which transfer.
    pub transfer: TransferId,
}

impl Job for OracleUpload {
    const KIND: &'static str = "oracle_upload";
}

/// What the handler needs besides its arguments. Clones share it.
#[derive(Debug, Clone)]
pub struct Uploader {
    database: Database,
    oracle: Oracle,
    clock: Clock,
}

/// One attempt at one transfer.
struct Attempt {
    with: Uploader,
    context: Context,
    transfer: Transfer,
}

/// What *Preparing Data* leaves.
#[derive(Debug, Serialize, Deserialize)]
struct Prepared {
    document: String,
    bytes: usize,
    lines: usize,
}

/// What *Upload to UCM* leaves.
#[derive(Debug, Serialize, Deserialize)]
struct Uploaded {
    document_id: String,
}

/// What a step that ran a scheduled request leaves.
#[derive(Debug, Serialize, Deserialize)]
struct Ran {
    request_id: RequestId,
    warning: bool,
}

impl Uploader {
    /// Uploads from this database to this Oracle.
    pub fn new(database: Database, oracle: Oracle, clock: Clock) -> Self {
        Self { database, oracle, clock }
    }

    /// Takes a transfer through all five steps; those that an earlier attempt finished are not done again.
    pub async fn run(self, context: Context, job: OracleUpload) -> Result<Value, JobError> {
        let mut connection = self.database.pool().acquire().await?;
        let stored = transfers::get(&mut connection, job.transfer).await?;
        drop(connection);
        let transfer = stored
            .ok_or_else(|| JobError::discard(format!("there is no transfer {}", job.transfer)))?
            .transfer;
        Attempt { with: self, context, transfer }.run().await
    }
}

impl Attempt {
    async fn run(self) -> Result<Value, JobError> {
        self.begin(Step::PreparingData).await?;
        let prepared: Prepared = self.context.checkpoint(Step::PreparingData.name(), self.prepare()).await?;

        self.begin(Step::UploadToUcm).await?;
        let uploaded: Uploaded =
            self.context.checkpoint(Step::UploadToUcm.name(), self.upload(&prepared.document)).await?;

        self.begin(Step::InterfaceLoader).await?;
        let parameters = format!("15,{},N,N,{}", uploaded.document_id, prepared.document);
        let work = self.schedule(Step::InterfaceLoader, EssJob::InterfaceLoader, parameters, None);
        let loaded: Ran = self.context.checkpoint(Step::InterfaceLoader.name(), work).await?;

        self.begin(Step::JournalImport).await?;
        let ledger = self.with.oracle.ledger();
        let (access, source, group) = (&ledger.access_set, &ledger.source, self.transfer.reference);
        let parameters = format!("{access},{source},{},{group},N,N,N", ledger.id);
        let work = self.schedule(Step::JournalImport, EssJob::JournalImport, parameters, None);
        let imported: Ran = self.context.checkpoint(Step::JournalImport.name(), work).await?;

        self.begin(Step::AutoPost).await?;
        let after = Some(&imported.request_id);
        let work = self.schedule(Step::AutoPost, EssJob::AutoPost, ledger.autopost_set.clone(), after);
        let posted: Ran = self.context.checkpoint(Step::AutoPost.name(), work).await?;

        Ok(json!({
            "result_path": format!("/transfers/{}", self.transfer.id),
            "document_id": uploaded.document_id,
            "requests": [loaded.request_id, imported.request_id, posted.request_id],
            "warning": posted.warning,
        }))
    }

    async fn begin(&self, step: Step) -> Result<(), JobError> {
        self.context.step(step.name(), step.number(), Step::COUNT).await
    }

    /// Checks the transfer once more and keeps the document it becomes.
    async fn prepare(&self) -> Result<Prepared, JobError> {
        let step = Step::PreparingData;
        let pool = self.with.database.pool();
        let books = books::read(&mut *pool.acquire().await?).await?;
        let complaints = books.complaints(&self.transfer.draft);
        if !complaints.is_empty() {
            let log = complaints.join("\n");
            self.note(step, "The transfer cannot be booked", Some(&log)).await?;
            return Err(JobError::discard(format!(
                "the transfer cannot be booked: {}",
                complaints.join("; ")
            )));
        }
        let zip = fbdi::document(&self.transfer, self.with.oracle.ledger())?;
        documents::put(pool, self.transfer.id, &zip).await?;
        let prepared = Prepared {
            document: self.transfer.document_name(),
            bytes: zip.len(),
            lines: self.transfer.draft.lines.len(),
        };
        self.note(step, &format!("{} lines in {}", prepared.lines, prepared.document), None).await?;
        Ok(prepared)
    }

    /// Puts the document into UCM.
    async fn upload(&self, name: &str) -> Result<Uploaded, JobError> {
        let zip = documents::get(self.with.database.pool(), self.transfer.id).await?;
        let zip = zip.ok_or_else(|| JobError::discard("the prepared document is gone from the database"))?;
        let errand = Errand::Document { name, zip: &zip };
        let Outcome { call, answer, done } = self.once(Step::UploadToUcm, &errand).await?;
        if !done {
            calls::end(self.with.database.pool(), call, Ended::Done).await?;
        }
        Ok(Uploaded { document_id: answer })
    }

    /// Submits a scheduler job and sees it through.
    async fn schedule(
        &self,
        step: Step,
        job: EssJob,
        parameters: String,
        after: Option<&RequestId>,
    ) -> Result<Ran, JobError> {
        let errand = Errand::Job { job, parameters: &parameters, after };
        let Outcome { call, answer, done } = self.once(step, &errand).await?;
        let request = RequestId(answer);
        if done {
            return Ok(Ran { request_id: request, warning: false });
        }
        let status = self.wait(step, &request).await?;
        let pool = self.with.database.pool();
        let warning = match status {
            Status::Succeeded => false,
            // Journals are posted; something else that was due for posting may not be.
            Status::Warning if step == Step::AutoPost => true,
            // In the other steps a line may be missing, and half a transfer must not be posted.
            Status::Warning | Status::Failed(_) | Status::Underway => {
                let word = match status {
                    Status::Failed(word) => word,
                    _ => "WARNING".into(),
                };
                let log = self.log_of(&request).await;
                let text = format!("{} ended with {word} (request {})", step.name(), request.0);
                self.note(step, &text, Some(&log)).await?;
                calls::end(pool, call, Ended::Failed).await?;
                return Err(JobError::discard(text));
            }
        };
        let (text, log) = if warning {
            let log = self.log_of(&request).await;
            (format!("{} ended with WARNING (request {})", step.name(), request.0), Some(log))
        } else {
            (format!("{} succeeded (request {})", step.name(), request.0), None)
        };
        self.note(step, &text, log.as_deref()).await?;
        calls::end(pool, call, Ended::Done).await?;
        Ok(Ran { request_id: request, warning })
    }

    /// Asks how a request stands until it has ended, less often the longer it takes.
    async fn wait(&self, step: Step, request: &RequestId) -> Result<Status, JobError> {
        let pace = self.with.oracle.pace();
        let give_up = Instant::now() + pace.patience;
        let mut pause = pace.first_poll;
        let (start, room) = (f64::from(step.number() - 1) * 20.0, 18.0);
        let mut left = 1.0;
        loop {
            self.pause(pause).await?;
            pause = (pause + pause / 2).min(pace.longest_poll);
            let told = match self.with.oracle.status(request).await {
                Ok(status) if status.is_final() => return Ok(status),
                Ok(_) => format!("{}: request {} is under way", step.name(), request.0),
                Err(CallError::Refused(why)) => return Err(JobError::discard(why)),
                // Asking changes nothing, so it is asked again.
                Err(error) => format!("{}: request {} is under way ({error})", step.name(), request.0),
            };
            if Instant::now() > give_up {
                let text =
                    format!("gave up waiting for request {}; a retry goes on waiting for it", request.0);
                self.note(step, &text, None).await?;
                return Err(JobError::discard(text));
            }
            // How long Oracle takes is unknown: the bar comes closer to the step's end and never reaches it.
            left *= 0.8;
            self.context.progress(start + room * (1.0 - left), told).await?;
        }
    }

    /// A request's log; that it cannot be had is no reason to fail in another way.
    async fn log_of(&self, request: &RequestId) -> String {
        let mut pause = self.with.oracle.pace().first_poll;
        for _ in 0..3 {
            match self.with.oracle.log(request).await {
                Ok(log) => return log,
                Err(CallError::Refused(why)) => return format!("The log cannot be had: {why}"),
                Err(error) => tracing::warn!(request = request.0, %error, "no log yet"),
            }
            sleep(pause).await;
            pause *= 2;
        }
        format!("The log of request {} could not be fetched.", request.0)
    }

    /// Waits, unless the job is cancelled.
    async fn pause(&self, pause: Duration) -> Result<(), JobError> {
        tokio::select! {
            () = sleep(pause) => Ok(()),
            () = self.context.cancelled() => {
                Err(JobError::cancel("cancelled by its owner; what Oracle has begun goes on there"))
            }
        }
    }

    /// Adds to the transfer's story.
    async fn note(&self, step: Step, text: &str, log: Option<&str>) -> Result<(), JobError> {
        let now = self.with.clock.now();
        Ok(entries::insert(self.with.database.pool(), self.transfer.id, step, now, text, log).await?)
    }
}
