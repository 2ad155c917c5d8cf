//! The scheduled tasks: what waits is looked after each minute, old things go each night, the figures are counted
//! every five minutes. Oyez keeps the schedules; this names them, does the work, and shows how they stand.

use oyez::{
    Context, Job, JobError, Oyez,
    protocol::{
        JobKind, ScheduleName, Timestamp,
        api::{
            jobs::{JobRequest, JobState},
            publish::{Audiences, EventRequest},
            schedules::{MisfireRequest, Overlap, ScheduleRequest},
        },
    },
};
use oyez_store::jobs::JobFilter;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    access,
    dashboard::SupplierStatistics,
    database::{Database, credentials, sessions, submissions, visits},
    desk::Desk,
    mails::Mails,
    notice,
    people::Person,
    refusal::Refusal,
};

/// Forms are not sent again after this time, in seconds.
const SUBMISSIONS_SECONDS: i64 = 24 * 3600;

/// Looks after what waits to be told and mailed.
#[derive(Debug, Serialize, Deserialize)]
pub struct PendingNotifications {}

/// Removes what is of no use any more.
#[derive(Debug, Serialize, Deserialize)]
pub struct DailyCleanup {}

impl Job for PendingNotifications {
    const KIND: &'static str = "pending_notifications";
}

impl Job for DailyCleanup {
    const KIND: &'static str = "daily_cleanup";
}

/// One of the tasks as the page shows it.
struct Task {
    schedule: &'static str,
    kind: &'static str,
    title: &'static str,
    what: &'static str,
    /// What a run says that found nothing to do.
    nothing: &'static str,
}

const TASKS: [Task; 3] = [
    Task {
        schedule: "suppliers.notifications",
        kind: PendingNotifications::KIND,
        title: "Pending notifications",
        what: "Passes on what waits, and counts the mails that are on their way",
        nothing: "nothing waits",
    },
    Task {
        // Comes with Oyez: it asks for each board's refresh job.
        schedule: "oyez.boards",
        kind: SupplierStatistics::KIND,
        title: "Statistics",
        what: "Counts applications and brings the dashboard up to date",
        nothing: "nothing had changed",
    },
    Task {
        schedule: "suppliers.cleanup",
        kind: DailyCleanup::KIND,
        title: "Daily clean-up",
        what: "Removes old logins, credentials, submissions, files that belong to nothing, and old demo mail",
        nothing: "nothing to remove",
    },
];

/// How a task stands.
#[derive(Debug, Serialize)]
pub struct TaskView {
    /// Its schedule.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// What it does.
    pub what: &'static str,
    /// When it runs.
    pub cron: String,
    /// Whether it is held.
    pub paused: bool,
    /// When it runs next.
    pub next: Option<Timestamp>,
    /// The last run.
    pub last: Option<RunView>,
}

/// A run of a task.
#[derive(Debug, Serialize)]
pub struct RunView {
    /// When it began, or when it was asked for.
    pub at: Timestamp,
    /// How it stands.
    pub state: JobState,
    /// What it left: its result, or why it failed.
    pub result: String,
    /// How long it took, in milliseconds.
    pub took_ms: Option<i64>,
}

/// The tasks. Cheap to clone.
#[derive(Clone)]
pub struct Tasks {
    desk: Desk,
    database: Database,
    mails: Mails,
    oyez: Oyez,
}

impl Tasks {
    /// Tasks of this desk.
    pub fn new(desk: Desk, mails: Mails, oyez: Oyez) -> Self {
        let database = desk.database.clone();
        Self { desk, database, mails, oyez }
    }

    /// Has this process do the work, and makes the schedules. One that an admin held stays held.
    pub async fn register(&self) -> anyhow::Result<()> {
        let (first, second) = (self.clone(), self.clone());
        self.oyez.jobs().handle(move |context, _job: PendingNotifications| first.clone().pending(context))?;
        self.oyez.jobs().handle(move |context, _job: DailyCleanup| second.clone().clean_up(context))?;
        for (task, cron) in [(&TASKS[0], "* * * * *"), (&TASKS[2], "0 3 * * *")] {
            let mut job = JobRequest::new(JobKind::new(task.kind)?);
            job.max_attempts = Some(1);
            let request = ScheduleRequest {
                cron: cron.into(),
                time_zone: None,
                job,
                misfire: MisfireRequest::default(),
                overlap: Overlap::Skip,
                paused: None,
            };
            self.oyez.jobs().schedule(ScheduleName::new(task.schedule)?, &request).await?;
        }
        Ok(())
    }

    /// How the tasks stand; for reviewers.
    pub async fn list(&self, person: &Person) -> Result<Vec<TaskView>, Refusal> {
        access::may_review(person)?;
        let jobs = self.oyez.jobs();
        let mut views = Vec::new();
        for task in &TASKS {
            let schedule = jobs.all().schedule(&name(task.schedule)?).await.map_err(internal)?;
            let kind = JobKind::new(task.kind).map_err(internal)?;
            let filter = JobFilter { kind: Some(kind), ..JobFilter::default() };
            let runs = jobs.list(&filter, None, 1).await?;
            let last = runs.first().map(|job| RunView {
                at: job.attempted_at.unwrap_or(job.created_at),
                state: job.state,
                result: match (&job.error, &job.result) {
                    (Some(error), _) => error.clone(),
                    (None, Some(result)) => words(result, task.nothing),
                    (None, None) => String::new(),
                },
                took_ms: job
                    .attempted_at
                    .zip(job.finalized_at)
                    .map(|(began, ended)| ended.millis_since(began)),
            });
            views.push(TaskView {
                name: task.schedule,
                title: task.title,
                what: task.what,
                next: jobs.all().next_times(&schedule, 1).first().copied(),
                cron: schedule.cron,
                paused: schedule.paused,
                last,
            });
        }
        Ok(views)
    }

    /// Runs a task out of turn; for admins.
    pub async fn run_now(&self, person: &Person, task: &str) -> Result<(), Refusal> {
        access::may_administer(person)?;
        self.oyez.jobs().all().run_schedule(&name(known(task)?)?).await.map_err(internal)?;
        Ok(())
    }

    /// Holds a task, or lets it go on; for admins.
    pub async fn pause(&self, person: &Person, task: &str, paused: bool) -> Result<(), Refusal> {
        access::may_administer(person)?;
        self.oyez.jobs().all().pause_schedule(&name(known(task)?)?, paused).await.map_err(internal)?;
        Ok(())
    }

    async fn pending(self, _context: Context) -> Result<Value, JobError> {
        // Whatever kept the relay waiting: it looks again now.
        self.desk.promised.notify_one();
        let outbox = self.desk.outbox().await?;
        let mails = self.mails.counts().await?;
        ran(&self.oyez, PendingNotifications::KIND).await;
        Ok(json!({
            "to pass on": outbox.waiting,
            "set aside": outbox.refused,
            "mails on their way": mails.on_their_way,
            "mails failed": mails.failed,
        }))
    }

    async fn clean_up(self, _context: Context) -> Result<Value, JobError> {
        let (now, pool) = (self.desk.now(), self.database.pool());
        let result = json!({
            "logins": sessions::purge(pool, now).await?,
            "visits": visits::purge(pool, now).await?,
            "credentials": credentials::purge(pool, now).await?,
            "submissions": submissions::purge(pool, now.plus_seconds(-SUBMISSIONS_SECONDS)).await?,
            "files": self.desk.files.clean_up(pool, now).await.map_err(|error| JobError::fail(format!("{error:#}")))?,
            "mails": self.mails.clean_up(now).await.map_err(|error| JobError::fail(format!("{error:#}")))?,
        });
        ran(&self.oyez, DailyCleanup::KIND).await;
        Ok(result)
    }
}

/// Tells open pages that a task has run. Live only: a page that misses it is less fresh.
pub async fn ran(oyez: &Oyez, kind: &str) {
    let event = EventRequest {
        to: Audiences::One(notice::reviewers()),
        kind: "task_ran".into(),
        data: json!({"task": kind}).as_object().cloned(),
    };
    if let Err(error) = oyez.event(event).await {
        tracing::warn!(%error, "open pages were not told that a task ran");
    }
}

fn known(task: &str) -> Result<&'static str, Refusal> {
    TASKS.iter().map(|one| one.schedule).find(|name| *name == task).ok_or(Refusal::NotFound("task"))
}

fn name(task: &'static str) -> Result<ScheduleName, Refusal> {
    ScheduleName::new(task).map_err(internal)
}

fn internal(error: impl Into<anyhow::Error>) -> Refusal {
    Refusal::Internal(error.into())
}

/// `{"logins": 3, "files": 0}` as `logins 3`, `{"done": true}` as `done`; `nothing` when there is no
/// such thing.
fn words(result: impl AsRef<str>, nothing: &str) -> String {
    let Ok(Value::Object(result)) = serde_json::from_str(result.as_ref()) else { return String::new() };
    let word = |(key, value): (&String, &Value)| match value {
        Value::Bool(true) => Some(key.clone()),
        Value::Number(number) if number.as_u64() != Some(0) => Some(format!("{key} {number}")),
        _ => None,
    };
    let words: Vec<_> = result.iter().filter_map(word).collect();
    if words.is_empty() { nothing.to_owned() } else { words.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_told_by_what_it_did() {
        assert_eq!(
            words(r#"{"logins": 3, "visits": 0, "files": 1}"#, "nothing to remove"),
            "logins 3, files 1"
        );
        assert_eq!(words(r#"{"logins": 0, "files": 0}"#, "nothing to remove"), "nothing to remove");
        assert_eq!(words(r#"{"brought up to date": true}"#, "nothing had changed"), "brought up to date");
        assert_eq!(words(r#"{"brought up to date": false}"#, "nothing had changed"), "nothing had changed");
    }
}
