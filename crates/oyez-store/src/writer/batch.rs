//! One transaction after the other: what waits is taken together, committed together, announced in that order, and
//! only then answered.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt;
use tokio::sync::{Notify, mpsc};

use super::{Alarm, Change, Job, PublishJob, Tx, checkpoint::LogSignal};
use crate::{
    engine::{Statement, args, sql},
    error::StoreError,
    publish::land::{self, Landing, Written},
};

/// Most changes in one transaction, a draft counted as one.
const MOST: usize = 512;

/// The task that owns the connection that writes.
pub(super) struct Worker {
    tx: Tx,
    jobs: mpsc::Receiver<Job>,
    log: LogSignal,
    alarm: Arc<Alarm>,
    bell: Arc<Notify>,
}

/// What became of a batch's publishes: one result per draft, in the order of the jobs.
type Results = Vec<Result<Written, StoreError>>;

impl Worker {
    pub(super) fn new(
        tx: Tx,
        jobs: mpsc::Receiver<Job>,
        log: LogSignal,
        alarm: Arc<Alarm>,
        bell: Arc<Notify>,
    ) -> Self {
        Self { tx, jobs, log, alarm, bell }
    }

    /// Until it is told to stop, or nobody can send any more.
    pub(super) async fn run(mut self) {
        let mut stopping = false;
        while !stopping {
            let Some(first) = self.jobs.recv().await else { break };
            let (mut publishes, mut changes, mut count) = (Vec::new(), Vec::new(), 0);
            let mut next = Some(first);
            while let Some(job) = next.take() {
                match job {
                    Job::Publish(job) => {
                        count += job.drafts.len();
                        publishes.push(job);
                    }
                    Job::Change(change) => {
                        count += 1;
                        changes.push(change);
                    }
                    Job::Stop => {
                        stopping = true;
                        self.jobs.close();
                    }
                }
                if count < MOST {
                    next = self.jobs.try_recv().ok();
                }
            }
            // Jobs that were accepted before the end are still done.
            stopping = stopping && self.jobs.is_empty();
            if count > 0 {
                self.commit(publishes, changes).await;
            }
            if let Err(error) = self.log.shorten(&mut self.tx.connection).await {
                tracing::warn!(%error, "could not copy the log into the database");
            }
        }
        // Late callers are refused before the connection goes.
        self.jobs.close();
        drop(self.log);
        self.tx.connection.close().await;
    }

    async fn commit(&mut self, publishes: Vec<PublishJob>, mut changes: Vec<Box<dyn Change>>) {
        let mut failures: Vec<Option<StoreError>> = vec![None; changes.len()];
        match self.transaction(&publishes, &mut changes, &mut failures).await {
            Ok(results) => {
                self.log.grew();
                if std::mem::take(&mut self.tx.rings) {
                    self.bell.notify_one();
                }
                let answers = announce(&publishes, results);
                for (change, failure) in changes.iter_mut().zip(&failures) {
                    if failure.is_none() {
                        change.committed();
                    }
                }
                for (job, answer) in publishes.into_iter().zip(answers) {
                    // The caller may be gone.
                    drop(job.answer.send(answer));
                }
                for (change, failure) in changes.into_iter().zip(failures) {
                    change.answer(failure);
                }
                if let Some(due) = self.tx.due.take() {
                    self.alarm.ring(due);
                }
            }
            Err(error) => {
                // The transaction may have ended by itself.
                self.run_plain(sql!("tx/rollback")).await.ok();
                tracing::error!(%error, "could not commit");
                for job in publishes {
                    let refused = job.drafts.iter().map(|_| Err(error.clone())).collect();
                    drop(job.answer.send(refused));
                }
                for (change, failure) in changes.into_iter().zip(failures) {
                    change.answer(Some(failure.unwrap_or_else(|| error.clone())));
                }
            }
        }
    }

    /// Runs everything in one transaction. `Err` means that nothing of it is committed.
    async fn transaction(
        &mut self,
        publishes: &[PublishJob],
        changes: &mut [Box<dyn Change>],
        failures: &mut [Option<StoreError>],
    ) -> Result<Results, StoreError> {
        let drafts: Vec<_> = publishes.iter().flat_map(|job| &job.drafts).collect();
        if drafts.is_empty() {
            self.run_plain(sql!("tx/begin")).await?;
            self.run_changes(changes, failures, true).await?;
            self.run_plain(sql!("tx/commit")).await?;
            return Ok(Vec::new());
        }
        let last = changes.is_empty();
        let results = match land::land_together(&mut self.tx, &drafts, last).await {
            Ok(written) => written.into_iter().map(Ok).collect(),
            Err(error) if !is_of_one_draft(&error) || (drafts.len() == 1 && last) => return Err(error),
            Err(_) => self.land_apart(&drafts, last).await?,
        };
        if !last {
            self.run_changes(changes, failures, false).await?;
            self.run_plain(sql!("tx/commit")).await?;
        }
        Ok(results)
    }

    /// After a failure of all: finds out whose draft it was.
    async fn land_apart(&mut self, drafts: &[&land::Draft], last: bool) -> Result<Results, StoreError> {
        // It may have ended by itself.
        self.run_plain(sql!("tx/rollback")).await.ok();
        self.run_plain(sql!("tx/begin")).await?;
        let mut results = Vec::with_capacity(drafts.len());
        for draft in drafts {
            self.run_plain(sql!("tx/save")).await?;
            let landed = land::land_one(&mut self.tx, draft).await;
            self.run_plain(if landed.is_ok() { sql!("tx/keep") } else { sql!("tx/undo") }).await?;
            results.push(landed);
        }
        if last {
            self.run_plain(sql!("tx/commit")).await?;
        }
        Ok(results)
    }

    async fn run_changes(
        &mut self,
        changes: &mut [Box<dyn Change>],
        failures: &mut [Option<StoreError>],
        first: bool,
    ) -> Result<(), StoreError> {
        // Alone in its transaction, a change needs no savepoint.
        let alone = first && changes.len() == 1;
        let mut save = sql!("tx/save");
        for (change, failure) in changes.iter_mut().zip(failures) {
            if !alone {
                self.run_plain(save).await?;
            }
            self.tx.skipped.clear();
            let run = AssertUnwindSafe(change.run(&mut self.tx)).catch_unwind().await;
            let done = run.unwrap_or_else(|_| Err(StoreError::Fault("a change panicked".into())));
            // Released together with the next one's beginning, or by the commit.
            save = sql!("tx/next");
            let Err(error) = done else { continue };
            *failure = Some(error);
            if alone {
                self.run_plain(sql!("tx/rollback")).await?;
                self.run_plain(sql!("tx/begin")).await?;
            } else {
                self.run_plain(sql!("tx/undo")).await?;
                save = sql!("tx/save");
            }
        }
        Ok(())
    }

    async fn run_plain(&mut self, statement: Statement) -> Result<(), StoreError> {
        self.tx.execute(statement, args![]).await.map(|_| ())
    }
}

/// Whether a failure may be the fault of a single draft, not of the disk.
fn is_of_one_draft(error: &StoreError) -> bool {
    matches!(error, StoreError::Conflict(_) | StoreError::Fault(_))
}

/// Tells what landed, in commit order, and sorts the results by job.
fn announce(publishes: &[PublishJob], results: Results) -> Vec<Vec<Result<Landing, StoreError>>> {
    let mut results = results.into_iter();
    let mut answers = Vec::with_capacity(publishes.len());
    for sharing in publishes.chunk_by(|a, b| Arc::ptr_eq(&a.landed, &b.landed)) {
        let mut all_landed = Vec::new();
        for job in sharing {
            let mut answer = Vec::with_capacity(job.drafts.len());
            for result in results.by_ref().take(job.drafts.len()) {
                answer.push(result.map(|written| {
                    all_landed.extend(written.landed);
                    written.landing
                }));
            }
            answers.push(answer);
        }
        if !all_landed.is_empty() {
            (sharing[0].landed)(all_landed);
        }
    }
    answers
}
