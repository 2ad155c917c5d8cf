//! Schedules: kept, held, and fired once for each planned time.

use oyez_core::schedule::{Misfire, NewSchedule, Overlap, Plan, firing_job};
use oyez_protocol::{JobId, JobKind, ScheduleName, Timestamp, api::jobs::JobRequest};
use oyez_store::{Enqueued, Fire, JobFilter, Store};
use uuid::Uuid;

use super::support::created;
use crate::support::{Fixture, at, options};

fn name(text: &str) -> ScheduleName {
    ScheduleName::new(text).unwrap()
}

fn every_minute(text: &str) -> NewSchedule {
    NewSchedule {
        name: name(text),
        plan: Plan::parse("* * * * *", "Europe/Zurich").unwrap(),
        job: JobRequest::new(JobKind::new("report").unwrap()),
        misfire: Misfire::Once,
        overlap: Overlap::Skip,
        paused: None,
    }
}

async fn put(fixture: &Fixture, schedule: NewSchedule, next: Option<Timestamp>, second: i64) {
    fixture
        .change(move |tx| Box::pin(async move { tx.put_schedule(&schedule, next, at(second)).await }))
        .await;
}

/// Fires the planned times in seconds, as one of several nodes that all decided the same.
fn fire(expected: i64, times: &[i64]) -> Fire {
    let request = every_minute("nightly").job;
    let job = |second: &i64| {
        firing_job(&name("nightly"), &request, at(*second), JobId(Uuid::now_v7()), at(*second)).unwrap()
    };
    Fire {
        schedule: name("nightly"),
        expected: at(expected),
        jobs: times.iter().map(job).collect(),
        planned_until: at(times.last().copied().unwrap_or(expected)),
        next_at: Some(at(expected + 60)),
    }
}

async fn run(store: &Store, fire: Fire) -> Option<Vec<Enqueued>> {
    store.write(move |tx| Box::pin(async move { tx.fire(&fire, at(200)).await })).await.unwrap()
}

#[tokio::test]
async fn a_schedule_is_kept_as_it_was_made_and_changed() {
    let mut fixture = Fixture::new().await;
    put(&fixture, every_minute("nightly"), Some(at(60)), 0).await;
    fixture.reopen().await;
    let got = fixture.store.schedule(&name("nightly")).await.unwrap().unwrap();
    assert_eq!((got.cron.as_str(), got.time_zone.as_str()), ("* * * * *", "Europe/Zurich"));
    assert_eq!(
        (got.misfire, got.overlap, got.paused, got.built_in),
        (Misfire::Once, Overlap::Skip, false, false)
    );
    assert_eq!((got.next_at, got.planned_until, got.last_planned_at), (Some(at(60)), at(0), None));
    assert_eq!(got.job.kind.as_str(), "report");

    let all = Misfire::All { window: std::time::Duration::from_millis(90_500), max: 7 };
    let changed =
        NewSchedule { misfire: all, overlap: Overlap::Queue, paused: Some(true), ..every_minute("nightly") };
    put(&fixture, changed, None, 5).await;
    let unsaid = NewSchedule { misfire: all, paused: None, ..every_minute("nightly") };
    put(&fixture, unsaid, None, 6).await;
    let got = fixture.store.schedule(&name("nightly")).await.unwrap().unwrap();
    assert_eq!((got.misfire, got.paused, got.created_at, got.updated_at), (all, true, at(0), at(6)));
    let delete = || fixture.change(|tx| Box::pin(async move { tx.delete_schedule(&name("nightly")).await }));
    assert!(delete().await);
    assert!(!delete().await);
}

#[tokio::test]
async fn each_planned_time_is_fired_once_whoever_fires() {
    let fixture = Fixture::new().await;
    let other = Store::open_existing(&options(&fixture.directory)).await.unwrap();
    put(&fixture, every_minute("nightly"), Some(at(60)), 0).await;
    let due = fixture.store.due_schedules(at(59)).await.unwrap();
    assert!(due.is_empty());
    assert_eq!(fixture.store.next_schedule_due().await.unwrap(), Some(at(60)));
    // Two nodes that both believe to lead.
    let (one, two) = tokio::join!(run(&fixture.store, fire(60, &[60])), run(&other, fire(60, &[60])));
    assert_eq!(one.is_some() as u8 + two.is_some() as u8, 1);
    let id = created(&one.or(two).unwrap())[0];
    let got = fixture.store.schedule(&name("nightly")).await.unwrap().unwrap();
    assert_eq!((got.next_at, got.last_planned_at, got.last_job), (Some(at(120)), Some(at(60)), Some(id)));
    assert_eq!(got.unfinished, 1);
    assert_eq!(fixture.job(id).await.planned_at, Some(at(60)));

    // One that was restored to an older state of the schedule decides the same time again.
    put(&fixture, every_minute("nightly"), Some(at(60)), 0).await;
    assert_eq!(run(&other, fire(60, &[60])).await, Some(vec![Enqueued::Unique(id)]));
    assert_eq!(fixture.store.jobs(&JobFilter::default(), None, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn times_that_are_left_out_move_the_schedule_on() {
    let fixture = Fixture::new().await;
    put(&fixture, every_minute("nightly"), Some(at(60)), 0).await;
    assert_eq!(run(&fixture.store, fire(60, &[])).await, Some(Vec::new()));
    let got = fixture.store.schedule(&name("nightly")).await.unwrap().unwrap();
    assert_eq!((got.next_at, got.planned_until, got.last_job), (Some(at(120)), at(60), None));
    let fired = run(&fixture.store, fire(120, &[120, 180, 190])).await.unwrap();
    let last = created(&fired)[2];
    let got = fixture.store.schedule(&name("nightly")).await.unwrap().unwrap();
    assert_eq!((got.last_planned_at, got.last_job, got.unfinished), (Some(at(190)), Some(last), 3));
}

#[tokio::test]
async fn a_schedule_that_is_held_does_not_fire_and_runs_when_somebody_asks() {
    let fixture = Fixture::new().await;
    put(&fixture, every_minute("nightly"), Some(at(60)), 0).await;
    let pause = |paused, next, second| {
        fixture.change(move |tx| {
            Box::pin(async move { tx.pause_schedule(&name("nightly"), paused, next, at(second)).await })
        })
    };
    assert!(pause(true, None, 30).await);
    assert_eq!(run(&fixture.store, fire(60, &[60])).await, None);
    assert_eq!(fixture.store.next_schedule_due().await.unwrap(), None);
    let job = fire(0, &[77]).jobs.remove(0);
    let id = job.id;
    let ran = fixture
        .change(move |tx| Box::pin(async move { tx.run_schedule(&name("nightly"), &job, at(77)).await }))
        .await;
    assert_eq!(ran, Enqueued::Created(id));
    assert!(pause(false, Some(at(120)), 90).await);
    let got = fixture.store.schedule(&name("nightly")).await.unwrap().unwrap();
    assert_eq!((got.next_at, got.planned_until, got.last_job), (Some(at(120)), at(90), Some(id)));
    assert!(
        !fixture
            .change(|tx| Box::pin(async move { tx.pause_schedule(&name("no"), true, None, at(0)).await }))
            .await
    );
}

#[tokio::test]
async fn what_came_with_oyez_stays_as_an_operator_left_it() {
    let fixture = Fixture::new().await;
    let add = || {
        fixture.change(|tx| {
            Box::pin(async move { tx.add_built_in(&every_minute("oyez.cleanup"), Some(at(60)), at(0)).await })
        })
    };
    assert!(add().await);
    let changed = NewSchedule {
        plan: Plan::parse("@every 90s", "UTC").unwrap(),
        paused: Some(true),
        ..every_minute("oyez.cleanup")
    };
    put(&fixture, changed, None, 5).await;
    assert!(!add().await);
    let got = fixture.store.schedule(&name("oyez.cleanup")).await.unwrap().unwrap();
    assert_eq!((got.cron.as_str(), got.paused, got.built_in), ("@every 90s", true, true));
    let delete =
        fixture.change(|tx| Box::pin(async move { tx.delete_schedule(&name("oyez.cleanup")).await }));
    assert!(!delete.await);
}

#[tokio::test]
async fn one_at_a_time_holds_a_lease() {
    let fixture = Fixture::new().await;
    let take = |holder: &'static str, until, second| {
        fixture.change(move |tx| {
            Box::pin(async move { tx.take_lease("leader", holder, at(until), at(second)).await })
        })
    };
    assert!(take("a", 10, 0).await);
    assert!(!take("b", 19, 9).await);
    assert!(take("a", 15, 9).await);
    assert!(!take("b", 19, 14).await);
    assert!(take("b", 25, 15).await);
    assert!(!take("a", 30, 16).await);
    let release = |holder: &'static str| {
        fixture.change(move |tx| Box::pin(async move { tx.release_lease("leader", holder).await }))
    };
    assert!(!release("a").await);
    assert!(release("b").await);
    assert!(take("a", 30, 16).await);
}
