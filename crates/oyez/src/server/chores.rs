//! The schedules that come with Oyez, and what they have done: operators see, pause and plan them like their own.

use oyez_core::schedule::new_schedule;
use oyez_protocol::{
    JobKind, QueueName, ScheduleName, Timestamp,
    api::{
        jobs::JobRequest,
        schedules::{MisfireRequest, Overlap, ScheduleRequest},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Error;
use crate::{
    boards::Boards,
    caretaker::Chores,
    config::Config,
    deliver::Deliver,
    deliveries::Deliveries,
    jobs::Jobs,
    runner::{Job, JobError, Runner},
};

/// Where these jobs wait, so that a paused queue of an application does not hold them up.
const QUEUE: &str = "oyez";

/// Where the jobs of Oyez's own schedules wait.
pub(super) fn queue() -> Option<QueueName> {
    QueueName::new(QUEUE).ok()
}

/// Jobs one step of cleaning deletes.
const STEP: u32 = 500;

/// What chores work with.
pub(super) struct Parts<'a> {
    pub(super) runner: &'a Runner,
    pub(super) jobs: &'a Jobs,
    pub(super) boards: &'a Boards,
    pub(super) deliver: &'a Deliver,
    pub(super) deliveries: &'a Deliveries,
    pub(super) caretaker: &'a Chores,
    /// How long what ended is kept.
    pub(super) config: &'a Config,
}

/// Sends what is due, and goes on with what a failure cut short.
#[derive(Debug, Serialize, Deserialize)]
struct PendingDeliveries {}

impl Job for PendingDeliveries {
    const KIND: &'static str = "oyez_pending_deliveries";
}

/// Removes what is not kept any longer.
#[derive(Debug, Serialize, Deserialize)]
struct Cleanup {}

impl Job for Cleanup {
    const KIND: &'static str = "oyez_cleanup";
}

/// Has boards brought up to date, each by the job that it names.
#[derive(Debug, Serialize, Deserialize)]
struct RefreshBoards {}

impl Job for RefreshBoards {
    const KIND: &'static str = "oyez_boards";
}

/// Registers the handlers and makes the schedules, unless they are there.
pub(super) async fn register(parts: Parts<'_>) -> Result<(), Error> {
    let Parts { runner, jobs, boards, deliver, deliveries, caretaker: chores, config } = parts;
    let (pending, sender) = (chores.clone(), deliver.clone());
    runner.handle(move |_, _: PendingDeliveries| {
        let (chores, deliver) = (pending.clone(), sender.clone());
        async move {
            // It finds what is due by itself; this is for what it might have missed.
            deliver.look();
            let sent = chores.look_after_pending().await?;
            Ok::<_, JobError>(json!({"dealt_with": sent}))
        }
    })?;
    let cleaned = (chores.clone(), jobs.clone(), deliveries.clone());
    let (keep_jobs, keep_deliveries) = (config.jobs.keep, config.fallback.keep);
    runner.handle(move |context, _: Cleanup| {
        let (chores, jobs, deliveries) = cleaned.clone();
        async move {
            let mut removed = 0;
            loop {
                let mut step = chores.clean_up_step().await?;
                if !keep_jobs.is_zero() {
                    step += jobs.retain(jobs.ago(keep_jobs), STEP).await?;
                }
                step += deliveries.retain(keep_deliveries, STEP).await?;
                removed += step;
                if step == 0 {
                    return Ok(json!({"removed": removed}));
                }
                if context.is_cancelled() {
                    return Err(JobError::cancel("it was asked to stop"));
                }
            }
        }
    })?;
    let refreshed = boards.clone();
    runner.handle(move |_, _: RefreshBoards| {
        let boards = refreshed.clone();
        async move { Ok::<_, JobError>(json!({"jobs": boards.refresh_all().await?})) }
    })?;
    let schedules = [
        ("oyez.pending_deliveries", "@every 60s", PendingDeliveries::KIND),
        ("oyez.boards", "*/5 * * * *", RefreshBoards::KIND),
        ("oyez.cleanup", "0 3 * * *", Cleanup::KIND),
    ];
    let schedules = schedules.map(|(name, cron, kind)| {
        let request = ScheduleRequest {
            cron: cron.into(),
            time_zone: None,
            job: JobRequest { queue: queue(), ..JobRequest::new(JobKind::new(kind)?) },
            misfire: MisfireRequest::Once,
            overlap: Overlap::Skip,
            paused: None,
        };
        Ok::<_, Error>(new_schedule(ScheduleName::new(name)?, &request, Timestamp::from_millis(0))?)
    });
    let schedules = schedules.into_iter().collect::<Result<_, _>>()?;
    Ok(jobs.add_built_in(schedules).await?)
}
