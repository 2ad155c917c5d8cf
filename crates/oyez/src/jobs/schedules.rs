//! Schedules: rules that make jobs at times, and their firing.
//!
//! A look at what is due decides which planned times fire, then moves the schedule on and makes the jobs in one
//! transaction, if nobody else did so in between: each planned time is fired once, however many nodes look.

use std::{sync::Arc, time::Duration};

use oyez_core::{
    job::NewJob,
    schedule::{Firing, Misfire, NewSchedule, ON_TIME, Overlap, Plan, due, firing_job, new_schedule},
};
use oyez_protocol::{
    ScheduleName, Timestamp,
    api::{jobs::JobAccepted, schedules::ScheduleRequest},
};
use oyez_store::{
    jobs::Enqueued,
    schedules::{Fire, Schedule},
};

use super::{Jobs, JobsError, JobsOptions, Shared, enqueue::Place, new_job_id, plus};

/// A firing that waits for the end of the last one is looked at so often.
const WAITS: Duration = Duration::from_secs(1);

impl Jobs {
    /// Makes or changes a schedule. Times planned before now are not its own.
    pub async fn put_schedule(
        &self,
        name: ScheduleName,
        request: &ScheduleRequest,
    ) -> Result<Schedule, JobsError> {
        let now = self.shared.now();
        let schedule = new_schedule(name, request, now)?;
        let (next, planned) = (schedule.plan.next_after(now), Arc::clone(&self.shared.planned));
        let put = self.shared.store.write_then(
            move |tx| Box::pin(async move { tx.put_schedule(&schedule, next, now).await }),
            move |_| planned.notify_one(),
        );
        Ok(put.await?)
    }

    /// Makes the schedules that come with Oyez, unless they are there: what an operator changed stays.
    pub async fn add_built_in(&self, schedules: Vec<NewSchedule>) -> Result<(), JobsError> {
        let (now, planned) = (self.shared.now(), Arc::clone(&self.shared.planned));
        let added = self.shared.store.write_then(
            move |tx| {
                Box::pin(async move {
                    for schedule in &schedules {
                        tx.add_built_in(schedule, schedule.plan.next_after(now), now).await?;
                    }
                    Ok(())
                })
            },
            move |()| planned.notify_one(),
        );
        Ok(added.await?)
    }

    /// One schedule.
    pub async fn schedule(&self, name: &ScheduleName) -> Result<Schedule, JobsError> {
        self.shared.store.schedule(name).await?.ok_or_else(|| JobsError::NoSchedule(name.clone()))
    }

    /// All schedules, by name.
    pub async fn schedules(&self) -> Result<Vec<Schedule>, JobsError> {
        Ok(self.shared.store.schedules().await?)
    }

    /// The next times at which a schedule fires; none while it is held.
    pub fn next_times(&self, schedule: &Schedule, count: usize) -> Vec<Timestamp> {
        let Ok(plan) = Plan::parse(&schedule.cron, &schedule.time_zone) else { return Vec::new() };
        if schedule.paused {
            return Vec::new();
        }
        let first = plan.next_after(self.shared.now());
        std::iter::successors(first, |time| plan.next_after(*time)).take(count).collect()
    }

    /// Deletes a schedule; its jobs stay.
    pub async fn delete_schedule(&self, name: &ScheduleName) -> Result<(), JobsError> {
        let deleted = name.clone();
        let deleting =
            self.shared.store.write(move |tx| Box::pin(async move { tx.delete_schedule(&deleted).await }));
        if deleting.await? {
            return Ok(());
        }
        self.schedule(name).await?;
        Err(JobsError::BuiltIn(name.clone()))
    }

    /// Holds a schedule, or lets it go on with the next time; what was planned meanwhile is left out.
    pub async fn pause_schedule(&self, name: &ScheduleName, paused: bool) -> Result<Schedule, JobsError> {
        let schedule = self.schedule(name).await?;
        let (now, planned) = (self.shared.now(), Arc::clone(&self.shared.planned));
        let next = Plan::parse(&schedule.cron, &schedule.time_zone)?.next_after(now);
        let next = next.filter(|_| !paused);
        let pausing = self.shared.store.write_then(
            move |tx| Box::pin(async move { tx.pause_schedule(&schedule.name, paused, next, now).await }),
            move |_| planned.notify_one(),
        );
        pausing.await?;
        self.schedule(name).await
    }

    /// Fires out of turn.
    pub async fn run_schedule(&self, name: &ScheduleName) -> Result<JobAccepted, JobsError> {
        let schedule = self.schedule(name).await?;
        let now = self.shared.now();
        let job = firing_job(name, &schedule.job, now, new_job_id(now), now)?;
        let job = self.shared.options.complete(job, &schedule.job);
        let (place, shared) = (Place::of(&job), self.shared.clone());
        let run = self.shared.store.write_then(
            move |tx| Box::pin(async move { tx.run_schedule(&schedule.name, &job, now).await }),
            move |outcome: &Enqueued| shared.told_fired(std::iter::once((outcome, place))),
        );
        let outcome = run.await?;
        let id = outcome.job().ok_or(JobsError::IdempotencyMismatch)?;
        Ok(JobAccepted { id, created: matches!(outcome, Enqueued::Created(_)) })
    }

    /// Plans anew what a clock that was ahead put off: a schedule whose next time lies behind the one that follows from
    /// now. Times that were fired then are not fired again.
    pub async fn plan_again(&self) -> Result<(), JobsError> {
        let now = self.shared.now();
        for schedule in self.shared.store.schedules().await? {
            let expected = schedule.next_at.filter(|_| !schedule.paused);
            let next = Plan::parse(&schedule.cron, &schedule.time_zone).ok().and_then(|p| p.next_after(now));
            let (Some(expected), Some(next)) = (expected, next) else { continue };
            if expected <= next {
                continue;
            }
            let planned_until = schedule.planned_until.min(now);
            let (schedule, jobs) = (schedule.name, Vec::new());
            let fire = Fire { schedule, expected, jobs, planned_until, next_at: Some(next) };
            self.shared.store.write(move |tx| Box::pin(async move { tx.fire(&fire, now).await })).await?;
        }
        Ok(())
    }

    /// Fires what is due. Returns when the next schedule is.
    pub async fn fire_due(&self) -> Result<Option<Timestamp>, JobsError> {
        let now = self.shared.now();
        for schedule in self.shared.store.due_schedules(now).await? {
            let Some(fire) = firing(&schedule, &self.shared.options, now) else { continue };
            let (places, shared) = (fire.jobs.iter().map(Place::of).collect::<Vec<_>>(), self.shared.clone());
            let fired = self.shared.store.write_then(
                move |tx| Box::pin(async move { tx.fire(&fire, now).await }),
                move |fired: &Option<Vec<Enqueued>>| {
                    shared.told_fired(fired.iter().flatten().zip(places));
                },
            );
            fired.await?;
        }
        Ok(self.shared.store.next_schedule_due().await?)
    }
}

impl Shared {
    fn told_fired<'a>(&self, fired: impl Iterator<Item = (&'a Enqueued, Place)>) {
        let created = fired.filter(|(outcome, _)| matches!(outcome, Enqueued::Created(_)));
        self.told_made(created.map(|(_, place)| place));
    }
}

/// What to do about a schedule whose time has come.
fn firing(schedule: &Schedule, options: &JobsOptions, now: Timestamp) -> Option<Fire> {
    let expected = schedule.next_at?;
    let fire = |jobs, planned_until, next_at| {
        Some(Fire { schedule: schedule.name.clone(), expected, jobs, planned_until, next_at })
    };
    let Ok(plan) = Plan::parse(&schedule.cron, &schedule.time_zone) else {
        tracing::error!(schedule = %schedule.name, "the schedule cannot be read any more and does not fire");
        return fire(Vec::new(), now, None);
    };
    if schedule.overlap == Overlap::Queue && schedule.unfinished > 0 {
        return fire(Vec::new(), schedule.planned_until, Some(plus(now, WAITS)));
    }
    let Firing { mut times, next } =
        due(&plan, schedule.planned_until, now, misfire(schedule, expected, now));
    let planned_until = times.last().copied().unwrap_or(now);
    match schedule.overlap {
        Overlap::Skip if schedule.unfinished > 0 => times.clear(),
        // One after the other: the newest stands for those that would have to wait.
        Overlap::Skip | Overlap::Queue => drop(times.drain(..times.len().saturating_sub(1))),
        Overlap::Allow => {}
    }
    let job = |planned_at: &Timestamp| {
        let job = firing_job(&schedule.name, &schedule.job, *planned_at, new_job_id(now), now);
        job.inspect_err(|error| tracing::error!(schedule = %schedule.name, %error, "a firing was left out"))
            .ok()
            .map(|job| options.complete(job, &schedule.job))
    };
    let jobs: Vec<NewJob> = times.iter().filter_map(job).collect();
    fire(jobs, planned_until, next)
}

/// A firing that had to wait for the last one to end is not late.
fn misfire(schedule: &Schedule, expected: Timestamp, now: Timestamp) -> Misfire {
    let waited = schedule.overlap == Overlap::Queue
        && now.millis_since(expected) <= i64::try_from(ON_TIME.as_millis()).unwrap_or(i64::MAX);
    if waited && schedule.misfire == Misfire::Skip { Misfire::Once } else { schedule.misfire }
}
