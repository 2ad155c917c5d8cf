//! Ends attempts: many together, each decided, recorded and announced once.
//!
//! Whoever ends an attempt puts it into a bounded channel and waits when that is full. What has gathered while the last
//! commit went to disk is the next one.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use oyez_core::{
    job::{
        Conclusion, JobRecord, JobState, Outcome, attempt_failed_frame, conclude, end_draft, end_frame,
        snapshot_frame,
    },
    notification::Landed,
    progress::Progress,
    webhook::job_event,
};
use oyez_protocol::{JobId, JobKind, QueueName, Timestamp};
use oyez_store::{
    StoreError, Tx,
    jobs::{Concluding, ProgressWrite},
};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{Shared, new_notification_id, plus};
use crate::bus::{Announcement, Stage};

/// Most attempts that end in one transaction.
const MOST: usize = 500;
/// How often an end is tried that the store refuses for what it is.
const MOST_TRIES: u32 = 3;
/// The first and the longest pause after the store failed.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// An attempt that ended.
#[derive(Debug, Clone)]
pub(super) struct End {
    pub(super) job: JobId,
    pub(super) attempt: u32,
    pub(super) outcome: Outcome,
    /// The job as this node knows it; `None`: it must be read.
    pub(super) record: Option<Arc<JobRecord>>,
    /// The attempt's last report.
    pub(super) said: Option<Said>,
    /// It counts only while the lease has run out: the worker may have reported since.
    pub(super) unless_renewed: bool,
}

/// How far an attempt was at its end, as this node heard it.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) progress: Progress,
    /// It came too soon after another one to be on disk.
    pub(super) unwritten: bool,
}

/// An end to be written.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) end: End,
    /// Who wants to know; without, it is written whatever it takes.
    pub(super) answer: Option<oneshot::Sender<Result<Option<JobState>, StoreError>>>,
}

/// What goes through the channel.
pub(super) enum Handed {
    /// An end to be written.
    Ending(Ending),
    /// Somebody waits until all ends before this are on disk.
    Settle(oneshot::Sender<()>),
}

/// What is told once the end is on disk.
struct Ended {
    record: Option<Arc<JobRecord>>,
    /// `None`: the attempt was over before.
    state: Option<JobState>,
    outcome: &'static str,
    frame: Option<(String, Stage)>,
    landed: Option<Landed>,
}

/// Writes ends until the channel is closed, or `stopping` and empty.
pub(super) async fn run(
    shared: &Arc<Shared>,
    mut endings: mpsc::Receiver<Handed>,
    stopping: &CancellationToken,
) {
    loop {
        let mut batch = Vec::new();
        tokio::select! {
            biased;
            taken = endings.recv_many(&mut batch, MOST) => if taken == 0 { return },
            () = stopping.cancelled() => return,
        }
        let (mut ended, mut settled) = (Vec::with_capacity(batch.len()), Vec::new());
        for handed in batch {
            match handed {
                Handed::Ending(ending) => ended.push(ending),
                Handed::Settle(answer) => settled.push(answer),
            }
        }
        if !ended.is_empty() {
            write(shared, ended, stopping).await;
        }
        for answer in settled {
            // Whoever asked may have gone.
            let _ = answer.send(());
        }
    }
}

/// Writes a batch; those that nobody waits for are tried until the store takes them, or the server ends: then their
/// leases run out.
async fn write(shared: &Arc<Shared>, mut batch: Vec<Ending>, stopping: &CancellationToken) {
    let (mut pause, mut tries) = (PAUSE.0, 0);
    loop {
        let alone = batch.len() == 1;
        let Err((error, kept)) = write_once(shared, batch).await else { return };
        tries += 1;
        let (attempts, retry_after_ms) = (kept.len(), pause.as_millis() as u64);
        tracing::error!(%error, attempts, retry_after_ms, "could not end attempts");
        let hopeless =
            matches!(error, StoreError::Closed) || (alone && is_of_one(&error) && tries >= MOST_TRIES);
        if kept.is_empty() || hopeless || stopping.is_cancelled() {
            return;
        }
        if !alone && is_of_one(&error) {
            for one in kept {
                Box::pin(write(shared, vec![one], stopping)).await;
            }
            return;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE.1);
        batch = kept;
    }
}

/// Whether a failure may be the fault of a single end, not of the disk.
fn is_of_one(error: &StoreError) -> bool {
    matches!(error, StoreError::Conflict(_) | StoreError::Fault(_))
}

/// One try. On failure: why, and those that are to be tried again.
async fn write_once(shared: &Arc<Shared>, batch: Vec<Ending>) -> Result<(), (StoreError, Vec<Ending>)> {
    let (ends, answers): (Vec<_>, Vec<_>) = batch.into_iter().map(|one| (one.end, one.answer)).unzip();
    let ends = Arc::new(ends);
    let (now, given) = (shared.now(), Arc::clone(&ends));
    let (deciding, telling) = (Arc::clone(shared), Arc::clone(shared));
    let written = shared.store.write_then(
        move |tx| Box::pin(async move { end(&deciding, tx, &given, now).await }),
        move |ended: &Vec<Ended>| telling.told_ends(ended, now),
    );
    match written.await {
        Ok(ended) => {
            for (answer, ended) in answers.into_iter().zip(ended) {
                // Whoever asked may have gone.
                answer.map(|answer| answer.send(Ok(ended.state)));
            }
            Ok(())
        }
        Err(error) => {
            let mut kept = Vec::new();
            for (end, answer) in ends.iter().zip(answers) {
                match answer {
                    Some(answer) => drop(answer.send(Err(error.clone()))),
                    None => kept.push(Ending { end: end.clone(), answer: None }),
                }
            }
            Err((error, kept))
        }
    }
}

/// Decides and writes. A job that somebody owns is decided from what the store says at this moment, because its end is
/// told to them; any other from what was known when it was claimed, which spares a look.
async fn end(
    shared: &Shared,
    tx: &mut Tx,
    endings: &[End],
    now: Timestamp,
) -> Result<Vec<Ended>, StoreError> {
    let unwritten: Vec<ProgressWrite> = endings.iter().filter_map(|end| unwritten(end, now)).collect();
    if !unwritten.is_empty() {
        tx.report(&unwritten).await?;
    }
    let must_read = |ending: &&End| ending.record.as_ref().is_none_or(|record| record.user.is_some());
    let unsure: Vec<(JobId, u32)> =
        endings.iter().filter(must_read).map(|one| (one.job, one.attempt)).collect();
    let mut read = if unsure.is_empty() { Vec::new() } else { tx.running(&unsure).await? }.into_iter();
    let (mut concluding, mut ended) = (Vec::with_capacity(endings.len()), Vec::with_capacity(endings.len()));
    for ending in endings {
        let record = match must_read(&ending) {
            false => ending.record.clone(),
            true => read.next().flatten().map(Arc::new),
        };
        let renewed = |record: &Arc<JobRecord>| record.lease_until.is_none_or(|until| until > now);
        let Some(record) = record.filter(|record| !(ending.unless_renewed && renewed(record))) else {
            ended.push(Ended { record: None, state: None, outcome: "fenced", frame: None, landed: None });
            continue;
        };
        let record = match &ending.said {
            Some(said) => {
                Arc::new(JobRecord { progress: Some(said.progress.clone()), ..JobRecord::clone(&record) })
            }
            None => record,
        };
        let (one, frame, outcome) = decide(shared, &record, ending, now);
        concluding.push((ended.len(), one));
        ended.push(Ended { record: Some(record), state: None, outcome, frame, landed: None });
    }
    let (places, concluding): (Vec<usize>, Vec<Concluding>) = concluding.into_iter().unzip();
    let (mut told, is_told) = (Vec::new(), tx.has_webhooks().await?);
    for ((place, one), concluded) in
        places.into_iter().zip(&concluding).zip(tx.conclude(&concluding, now).await?)
    {
        // What somebody cancelled meanwhile, or another worker has, did not end like this.
        if is_told && concluded.state == Some(one.conclusion.state) {
            let record = ended[place].record.as_ref();
            told.extend(record.and_then(|record| job_event(record, &one.conclusion, now)));
        }
        ended[place].state = concluded.state;
        ended[place].landed = concluded.landed;
    }
    tx.tell_webhooks(&told, now).await?;
    Ok(ended)
}

/// The last report goes to disk with the end; the lease matters no more.
fn unwritten(end: &End, now: Timestamp) -> Option<ProgressWrite> {
    let said = end.said.as_ref().filter(|said| said.unwritten)?;
    let progress = said.progress.to_json();
    Some(ProgressWrite { id: end.job, attempt: end.attempt, progress, lease_until: now })
}

type Decision = (Concluding, Option<(String, Stage)>, &'static str);

fn decide(shared: &Shared, record: &JobRecord, ending: &End, now: Timestamp) -> Decision {
    let conclusion = conclude(&record.running(), outcome_of(record, ending, now), now, rand::random());
    let outcome = conclusion.attempt_outcome;
    let end = end_draft(record, &conclusion, new_notification_id(now), now);
    let frame = if shared.is_heard(record) { frame(record, &conclusion, end.is_some(), now) } else { None };
    (Concluding { id: record.id, attempt: ending.attempt, conclusion, end }, frame, outcome)
}

/// A worker that reports to the end of time loses its lease too: then its time was over.
fn outcome_of(record: &JobRecord, ending: &End, now: Timestamp) -> Outcome {
    let limit = record.timeout.filter(|_| !record.track).zip(record.attempted_at);
    match limit {
        Some((timeout, began)) if ending.unless_renewed && plus(began, timeout) <= now => Outcome::TimedOut,
        _ => ending.outcome.clone(),
    }
}

fn frame(
    record: &JobRecord,
    conclusion: &Conclusion,
    in_inbox: bool,
    now: Timestamp,
) -> Option<(String, Stage)> {
    let stage = if in_inbox { Stage::EndedInInbox } else { Stage::Ended };
    let end = end_frame(record, conclusion, now).map(|frame| (frame, stage));
    end.or_else(|| attempt_failed_frame(record, conclusion, now).map(|frame| (frame, Stage::Underway)))
}

impl Shared {
    /// Puts an end into the channel; waits while that is full. Progress that was not told yet is told with it.
    pub(super) async fn end(&self, ending: Ending) {
        let ending = self.last_words(ending);
        // Closed: the server ends, and the lease runs out.
        drop(self.endings.send(Handed::Ending(ending)).await);
    }

    /// Like [`Shared::end`], for a thread that may block.
    pub(super) fn end_blocking(&self, ending: Ending) {
        let handed = Handed::Ending(self.last_words(ending));
        if let Err(mpsc::error::TrySendError::Full(handed)) = self.endings.try_send(handed) {
            drop(self.endings.blocking_send(handed));
        }
    }

    /// Waits until the ends that were handed over are on disk.
    pub(super) async fn settle(&self) {
        let (answer, settled) = oneshot::channel();
        if self.endings.send(Handed::Settle(answer)).await.is_ok() {
            // Dropped unanswered only when the server ends.
            let _ = settled.await;
        }
    }

    fn last_words(&self, mut ending: Ending) -> Ending {
        let end = &mut ending.end;
        if !end.unless_renewed {
            end.said = self.live.said(end.job, end.attempt);
            if self.live.forget(end.job, end.attempt) {
                // Of one that was asked to stop, what it was claimed as is out of date.
                end.record = None;
            }
        }
        ending
    }

    /// After the commit, in commit order: tells everybody concerned.
    fn told_ends(&self, ended: &[Ended], now: Timestamp) {
        // In a queue that is limited, a job of any kind may start when one ends.
        let (mut available, mut some_wait) = (BTreeMap::<(&QueueName, Option<&JobKind>), u32>::new(), false);
        let limited = self.limited_queues();
        // Before the frames that count on them.
        let landed: Vec<_> = ended.iter().filter_map(|one| one.landed.clone()).collect();
        if !landed.is_empty() {
            (self.landed)(landed);
        }
        for one in ended {
            let (Some(record), Some(state)) = (&one.record, one.state) else {
                metrics::counter!("oyez_jobs_fenced_total").increment(1);
                continue;
            };
            // Those that were lost are known here until now.
            self.live.forget(record.id, record.attempt);
            self.meters.ended(record, one.outcome, now);
            match &one.frame {
                // Somebody asked it to stop while it was being decided.
                Some((_, Stage::Underway)) if state.is_final() => {
                    let record = JobRecord { state, finalized_at: Some(now), ..JobRecord::clone(record) };
                    self.tell(&record, snapshot_frame(&record, now), Stage::Ended);
                }
                Some((frame, stage)) => self.tell(record, frame.clone(), *stage),
                None => {}
            }
            match state {
                JobState::Available => {
                    *available.entry((&record.queue, Some(&record.kind))).or_default() += 1;
                }
                JobState::Scheduled | JobState::Retryable => some_wait = true,
                _ if limited.contains(&record.queue) => {
                    *available.entry((&record.queue, None)).or_default() += 1;
                }
                _ => {}
            }
        }
        for ((queue, kind), count) in available {
            let (queue, kind) = (queue.clone(), kind.cloned());
            self.bus.announce(Announcement::Available { queue, kind, count });
        }
        if some_wait {
            self.scheduled.notify_one();
        }
    }
}
