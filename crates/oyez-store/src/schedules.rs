//! Schedules: rules that make jobs at times, and their firing, exactly once for each planned time.

use std::time::Duration;

use oyez_core::{
    job::NewJob,
    schedule::{Misfire, NewSchedule, Overlap},
};
use oyez_protocol::{JobId, ScheduleName, Timestamp, api::jobs::JobRequest};

use crate::{
    engine::{Row, Value, args, sql},
    error::StoreError,
    jobs::Enqueued,
    store::Store,
    writer::Tx,
};

/// A schedule as it is stored.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Its name.
    pub name: ScheduleName,
    /// The line that says when it fires.
    pub cron: String,
    /// An IANA name.
    pub time_zone: String,
    /// What it enqueues.
    pub job: JobRequest,
    /// What happens to times that passed.
    pub misfire: Misfire,
    /// What happens when the last job has not ended.
    pub overlap: Overlap,
    /// It is held.
    pub paused: bool,
    /// It came with Oyez, and cannot be deleted.
    pub built_in: bool,
    /// When it fires next, or when to look at it again.
    pub next_at: Option<Timestamp>,
    /// Planned times up to this one were fired or left out.
    pub planned_until: Timestamp,
    /// The last planned time that was fired.
    pub last_planned_at: Option<Timestamp>,
    /// The job of the last firing, as long as it is kept.
    pub last_job: Option<JobId>,
    /// How many of its jobs have not ended.
    pub unfinished: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
}

/// Planned times that are fired, or left out, together.
#[derive(Debug, Clone)]
pub struct Fire {
    /// Whose.
    pub schedule: ScheduleName,
    /// The `next_at` that was decided upon: when it is another by now, somebody else fired.
    pub expected: Timestamp,
    /// One job per planned time, oldest first; none leaves the times out.
    pub jobs: Vec<NewJob>,
    /// Up to when all planned times are dealt with.
    pub planned_until: Timestamp,
    /// When to look again.
    pub next_at: Option<Timestamp>,
}

impl Tx {
    /// Makes or changes a schedule; times planned before `now` are not its own. Returns it as it is now.
    pub async fn put_schedule(
        &mut self,
        schedule: &NewSchedule,
        next_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Schedule, StoreError> {
        self.execute(sql!("schedules/put"), put_args(schedule, false, next_at, now)?).await?;
        self.schedule(&schedule.name).await?.ok_or(StoreError::NotFound("schedule"))
    }

    /// Makes a schedule that comes with Oyez, unless it is there: what an operator changed stays. Returns whether it is
    /// new.
    pub async fn add_built_in(
        &mut self,
        schedule: &NewSchedule,
        next_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(sql!("schedules/add"), put_args(schedule, true, next_at, now)?).await? > 0)
    }

    /// Deletes a schedule that did not come with Oyez; its jobs stay. Returns whether there was one.
    pub async fn delete_schedule(&mut self, name: &ScheduleName) -> Result<bool, StoreError> {
        Ok(self.execute(sql!("schedules/delete"), args![name.as_str()]).await? > 0)
    }

    /// Holds a schedule, or lets it go on from `next_at`; what was planned meanwhile is left out. Returns whether there
    /// is one.
    pub async fn pause_schedule(
        &mut self,
        name: &ScheduleName,
        paused: bool,
        next_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let args = args![name.as_str(), paused, next_at, now];
        Ok(self.execute(sql!("schedules/pause"), args).await? > 0)
    }

    /// Fires: moves the schedule on and makes the jobs, in one. `None`: it was changed, paused or fired meanwhile, and
    /// nothing was done. A job whose planned time was fired before is [`Enqueued::Unique`].
    pub async fn fire(&mut self, fire: &Fire, now: Timestamp) -> Result<Option<Vec<Enqueued>>, StoreError> {
        let args = args![fire.schedule.as_str(), fire.expected, fire.next_at, fire.planned_until];
        if self.execute(sql!("schedules/advance"), args).await? == 0 {
            return Ok(None);
        }
        self.fire_jobs(&fire.schedule, &fire.jobs, now).await.map(Some)
    }

    /// Fires out of turn, because somebody asked: when the schedule fires next stays as it is.
    pub async fn run_schedule(
        &mut self,
        name: &ScheduleName,
        job: &NewJob,
        now: Timestamp,
    ) -> Result<Enqueued, StoreError> {
        let enqueued = self.fire_jobs(name, std::slice::from_ref(job), now).await?;
        enqueued.first().copied().ok_or_else(|| StoreError::Fault("a firing without a result".into()))
    }

    async fn fire_jobs(
        &mut self,
        name: &ScheduleName,
        jobs: &[NewJob],
        now: Timestamp,
    ) -> Result<Vec<Enqueued>, StoreError> {
        let enqueued = self.enqueue(jobs, now).await?;
        let made = |(_, enqueued): &(&NewJob, &Enqueued)| matches!(enqueued, Enqueued::Created(_));
        if let Some((last, _)) = jobs.iter().zip(&enqueued).rfind(made) {
            let planned_at = last.planned_at.unwrap_or(now);
            self.execute(sql!("schedules/fired"), args![name.as_str(), last.id.0, planned_at]).await?;
        }
        Ok(enqueued)
    }

    /// One schedule, as it is in this transaction.
    pub async fn schedule(&mut self, name: &ScheduleName) -> Result<Option<Schedule>, StoreError> {
        let row = self.fetch_one(sql!("schedules/columns", "schedules/one"), args![name.as_str()]).await?;
        row.as_ref().map(schedule).transpose()
    }
}

impl Store {
    /// All schedules, by name.
    pub async fn schedules(&self) -> Result<Vec<Schedule>, StoreError> {
        let rows = self.reader().await?.fetch(sql!("schedules/columns", "schedules/all"), args![]).await?;
        rows.iter().map(schedule).collect()
    }

    /// One schedule.
    pub async fn schedule(&self, name: &ScheduleName) -> Result<Option<Schedule>, StoreError> {
        let args = args![name.as_str()];
        let row = self.reader().await?.fetch_one(sql!("schedules/columns", "schedules/one"), args).await?;
        row.as_ref().map(schedule).transpose()
    }

    /// Schedules that are not held and whose time has come, the oldest time first.
    pub async fn due_schedules(&self, now: Timestamp) -> Result<Vec<Schedule>, StoreError> {
        let args = args![now];
        let rows = self.reader().await?.fetch(sql!("schedules/columns", "schedules/due"), args).await?;
        rows.iter().map(schedule).collect()
    }

    /// When the next schedule fires.
    pub async fn next_schedule_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let row = self.reader().await?.fetch_one(sql!("schedules/next_due"), args![]).await?;
        row.map_or(Ok(None), |row| row.opt_time(0))
    }
}

fn put_args(
    schedule: &NewSchedule,
    built_in: bool,
    next_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Vec<Value>, StoreError> {
    let job = serde_json::to_string(&schedule.job).map_err(|error| StoreError::Fault(error.to_string()))?;
    let (misfire, window, max) = match schedule.misfire {
        Misfire::Skip => ("skip", None, None),
        Misfire::Once => ("once", None, None),
        Misfire::All { window, max } => ("all", Some(window.as_millis() as u64), Some(max)),
    };
    Ok(args![
        schedule.name.as_str(),
        schedule.plan.line(),
        schedule.plan.time_zone(),
        job,
        misfire,
        window,
        max,
        overlap_word(schedule.overlap),
        schedule.paused,
        built_in,
        next_at,
        now
    ])
}

fn overlap_word(overlap: Overlap) -> &'static str {
    match overlap {
        Overlap::Skip => "skip",
        Overlap::Queue => "queue",
        Overlap::Allow => "allow",
    }
}

fn schedule(row: &Row) -> Result<Schedule, StoreError> {
    let unreadable = |what: &str| StoreError::Fault(format!("a schedule cannot be read back: {what}"));
    let misfire = match row.text(4)? {
        "skip" => Misfire::Skip,
        "once" => Misfire::Once,
        "all" => Misfire::All {
            window: Duration::from_millis(row.count(5)?),
            max: u32::try_from(row.count(6)?).unwrap_or(u32::MAX),
        },
        other => return Err(unreadable(other)),
    };
    let overlap = [Overlap::Skip, Overlap::Queue, Overlap::Allow];
    let word = row.text(7)?;
    let overlap = overlap.into_iter().find(|overlap| overlap_word(*overlap) == word);
    Ok(Schedule {
        name: row.name(0)?,
        cron: row.text(1)?.to_owned(),
        time_zone: row.text(2)?.to_owned(),
        job: serde_json::from_str(row.text(3)?).map_err(|error| unreadable(&error.to_string()))?,
        misfire,
        overlap: overlap.ok_or_else(|| unreadable(word))?,
        paused: row.flag(8)?,
        built_in: row.flag(9)?,
        next_at: row.opt_time(10)?,
        planned_until: row.time(11)?,
        last_planned_at: row.opt_time(12)?,
        last_job: row.opt_uuid(13)?.map(JobId),
        unfinished: row.count(14)?,
        created_at: row.time(15)?,
        updated_at: row.time(16)?,
    })
}
