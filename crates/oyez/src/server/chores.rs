//! The schedules that come with Oyez, and what they have done: operators see, pause and plan them like their own.

use std::time::Duration;

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
    jobs::Jobs,
    runner::{Job, JobError, Runner},
};

/// Where these jobs wait, so that a paused queue of an application does not hold them up.
const QUEUE: &str = "oyez";
/// Jobs one step of cleaning deletes.
const STEP: u32 = 500;

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

/// Registers the handlers and makes the schedules, unless they are there. Jobs that ended are kept for `keep`; zero
/// keeps them for ever.
pub(super) async fn register(
    runner: &Runner,
    jobs: &Jobs,
    boards: &Boards,
    chores: &Chores,
    keep: Duration,
) -> Result<(), Error> {
    let pending = chores.clone();
    runner.handle(move |_, _: PendingDeliveries| {
        let chores = pending.clone();
        async move {
            let sent = chores.look_after_pending().await?;
            Ok::<_, JobError>(json!({"dealt_with": sent}))
        }
    })?;
    let (cleaned, kept) = (chores.clone(), jobs.clone());
    runner.handle(move |context, _: Cleanup| {
        let (chores, jobs) = (cleaned.clone(), kept.clone());
        async move {
            let mut removed = 0;
            loop {
                let mut step = chores.clean_up_step().await?;
                if !keep.is_zero() {
                    step += jobs.retain(jobs.ago(keep), STEP).await?;
                }
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
            job: JobRequest { queue: QueueName::new(QUEUE).ok(), ..JobRequest::new(JobKind::new(kind)?) },
            misfire: MisfireRequest::Once,
            overlap: Overlap::Skip,
            paused: None,
        };
        Ok::<_, Error>(new_schedule(ScheduleName::new(name)?, &request, Timestamp::from_millis(0))?)
    });
    let schedules = schedules.into_iter().collect::<Result<_, _>>()?;
    Ok(jobs.add_built_in(schedules).await?)
}
