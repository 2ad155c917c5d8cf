//! When a schedule fires: cron lines in a time zone, or a steady beat.
//!
//! Daylight saving, as Vixie cron has it: a fixed time that the clocks leap over fires once, right after the leap; one
//! that the clocks repeat fires once. A line that fires each hour or oftener follows the clock on the wall in neither
//! case: it keeps its beat.

use std::time::Duration;

use oyez_protocol::{
    JobId, ScheduleName, Timestamp,
    api::{
        jobs::JobRequest,
        schedules::{MisfireRequest, ScheduleRequest},
    },
};

pub use oyez_protocol::api::schedules::Overlap;

use crate::{
    job::{NewJob, StateSet, Unique, new_job, request::seconds},
    notification::Invalid,
};

mod plan;
#[cfg(test)]
mod tests;

pub use plan::Plan;

/// Time zone of a schedule that names none.
pub const DEFAULT_TIME_ZONE: &str = "UTC";
/// Most times that one look fires.
pub const MAX_FIRINGS: u32 = 1_000;
/// A planned time that is seen within this is on time, whatever the misfire policy.
pub const ON_TIME: Duration = Duration::from_secs(30);

/// What happens to times that passed while nobody could fire them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Misfire {
    /// They are skipped.
    Skip,
    /// One firing, planned for the newest of them, stands for all.
    #[default]
    Once,
    /// Each fires.
    All {
        /// How far back.
        window: Duration,
        /// The newest of them, at most so many.
        max: u32,
    },
}

/// A checked schedule, ready to store.
#[derive(Debug, Clone)]
pub struct NewSchedule {
    /// Its name.
    pub name: ScheduleName,
    /// When it fires.
    pub plan: Plan,
    /// What it enqueues: a [`JobRequest`] that was checked.
    pub job: JobRequest,
    /// What happens to times that passed.
    pub misfire: Misfire,
    /// What happens when the last job has not ended.
    pub overlap: Overlap,
    /// None: as it is; a new one is not paused.
    pub paused: Option<bool>,
}

/// What a look at a schedule found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firing {
    /// The planned times to fire now, oldest first.
    pub times: Vec<Timestamp>,
    /// The next time after now; none when there is none.
    pub next: Option<Timestamp>,
}

/// Which planned times after `last_planned` fire at `now`, and when to look again.
///
/// Every planned time is fired at most once when the caller stores the newest of `times` (or `now`, when there is none)
/// as the next `last_planned`.
pub fn due(plan: &Plan, last_planned: Timestamp, now: Timestamp, misfire: Misfire) -> Firing {
    let (oldest, max) = match misfire {
        Misfire::Skip => (back(now, ON_TIME), 1),
        Misfire::Once => (last_planned, 1),
        Misfire::All { window, max } => (back(now, window.max(ON_TIME)), max.clamp(1, MAX_FIRINGS)),
    };
    let after = oldest.max(last_planned);
    let mut times = Vec::new();
    // From the newest back, so that a schedule of seconds that slept for a year costs no walk through the year.
    let mut before = plan.last_until(now);
    while let Some(time) = before.filter(|time| *time > after) {
        times.push(time);
        if times.len() >= max as usize {
            break;
        }
        before = plan.last_until(Timestamp::from_millis(time.as_millis() - 1));
    }
    times.reverse();
    Firing { times, next: plan.next_after(now) }
}

fn back(now: Timestamp, by: Duration) -> Timestamp {
    let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(now.as_millis().saturating_sub(millis))
}

/// Checks what a caller asks for.
pub fn new_schedule(
    name: ScheduleName,
    request: &ScheduleRequest,
    now: Timestamp,
) -> Result<NewSchedule, Invalid> {
    let plan = Plan::parse(&request.cron, request.time_zone.as_deref().unwrap_or(DEFAULT_TIME_ZONE))?;
    let misfire = checked_misfire(&request.misfire)?;
    let given = [
        ("job.run_at", request.job.run_at.is_some(), "the schedule says when it runs"),
        (
            "job.unique_key",
            request.job.unique_key.is_some(),
            "\"overlap\" says what happens when the last job runs",
        ),
        ("job.idempotency_key", request.job.idempotency_key.is_some(), "each planned time fires once"),
    ];
    if let Some((field, _, why)) = given.into_iter().find(|(_, given, _)| *given) {
        return Err(Invalid::new(field, format!("\"{field}\" has no place in a schedule: {why}")));
    }
    new_job(&request.job, JobId(Default::default()), "", now).map_err(|mut invalid| {
        invalid.field = format!("job.{}", invalid.field);
        invalid
    })?;
    Ok(NewSchedule {
        name,
        plan,
        job: request.job.clone(),
        misfire,
        overlap: request.overlap,
        paused: request.paused,
    })
}

fn checked_misfire(request: &MisfireRequest) -> Result<Misfire, Invalid> {
    Ok(match *request {
        MisfireRequest::Skip => Misfire::Skip,
        MisfireRequest::Once => Misfire::Once,
        MisfireRequest::All { window, max } => {
            if !(1..=MAX_FIRINGS).contains(&max) {
                let message = format!("\"misfire.all.max\" is {max}: it must be 1 to {MAX_FIRINGS}");
                return Err(Invalid::new("misfire.all.max", message));
            }
            Misfire::All { window: seconds("misfire.all.window", window, 1.0..=31_536_000.0)?, max }
        }
    })
}

impl From<Misfire> for MisfireRequest {
    fn from(misfire: Misfire) -> Self {
        match misfire {
            Misfire::Skip => Self::Skip,
            Misfire::Once => Self::Once,
            Misfire::All { window, max } => Self::All { window: window.as_secs_f64(), max },
        }
    }
}

/// The job of one planned time. Its unique key lets no second one be made for the same time, by whichever node.
pub fn firing_job(
    name: &ScheduleName,
    job: &JobRequest,
    planned_at: Timestamp,
    id: JobId,
    now: Timestamp,
) -> Result<NewJob, Invalid> {
    let mut job = new_job(job, id, "", now)?;
    job.unique = Some(Unique { key: firing_key(name, planned_at), states: StateSet::ALL });
    job.schedule = Some(name.clone());
    job.planned_at = Some(planned_at);
    Ok(job)
}

/// The unique key of one planned time.
pub fn firing_key(name: &ScheduleName, planned_at: Timestamp) -> String {
    format!("schedule:{name}:{}", planned_at.as_millis())
}
