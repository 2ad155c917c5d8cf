//! Schedules fire, once each time, and as their rules say.

use std::time::Duration;

use oyez_core::job::JobState;
use oyez_protocol::{
    JobKind, ScheduleName,
    api::{
        jobs::JobRequest,
        schedules::{MisfireRequest, Overlap, ScheduleRequest},
    },
};
use oyez_store::jobs::JobFilter;

use crate::world::{Work, World, wanted};

fn name(text: &str) -> ScheduleName {
    ScheduleName::new(text).unwrap()
}

fn schedule(cron: &str, overlap: Overlap, misfire: MisfireRequest) -> ScheduleRequest {
    let job = JobRequest {
        args: crate::world::work(0).args,
        ..JobRequest::new(JobKind::new(Work::KIND_NAME).unwrap())
    };
    ScheduleRequest { cron: cron.into(), time_zone: None, job, misfire, overlap, paused: None }
}

impl Work {
    const KIND_NAME: &'static str = <Self as oyez::Job>::KIND;
}

/// The planned times that were fired, oldest first, as minutes after the start.
async fn fired(world: &World) -> Vec<i64> {
    let jobs = world.jobs.list(&JobFilter::default(), None, 1_000).await.unwrap();
    let start = crate::world::START.parse().unwrap();
    let minutes = jobs.iter().map(|job| job.planned_at.unwrap().millis_since(start) / 60_000);
    let mut minutes: Vec<_> = minutes.collect();
    minutes.sort_unstable();
    minutes
}

/// Ends whatever was made.
async fn finish(world: &World) {
    for begun in world.jobs.claim(&wanted("w"), Duration::ZERO).await.unwrap() {
        world.jobs.ended(begun.job.id, begun.job.attempt, oyez_core::job::Outcome::Done(None)).await;
        world.reaches(begun.job.id, JobState::Completed).await;
    }
}

#[tokio::test]
async fn two_nodes_that_look_at_the_same_moment_fire_each_time_once() {
    let world = World::new().await;
    let twin = world.twin().await;
    let every_minute = schedule("* * * * *", Overlap::Allow, MisfireRequest::Once);
    world.jobs.put_schedule(name("minute"), &every_minute).await.unwrap();
    for _ in 0..50 {
        world.hand.advance(60);
        let looks = (world.jobs.fire_due(), twin.jobs.fire_due(), world.jobs.fire_due());
        let (one, two, three) = tokio::join!(looks.0, looks.1, looks.2);
        assert!(one.is_ok() && two.is_ok() && three.is_ok());
    }
    assert_eq!(fired(&world).await, (1..=50).collect::<Vec<_>>());
}

#[tokio::test]
async fn two_runners_on_one_store_fire_and_run_each_time_once() {
    let world = World::new().await;
    let twin = world.twin().await;
    let options = |node: &str| oyez::runner::RunnerOptions {
        node: node.into(),
        alone: false,
        ..oyez::runner::RunnerOptions::default()
    };
    let one = world.runs_with(options("one"), |_, _| async { Ok(()) });
    let two = twin.runs_with(options("two"), |_, _| async { Ok(()) });
    let every_minute = schedule("* * * * *", Overlap::Allow, MisfireRequest::Once);
    world.jobs.put_schedule(name("minute"), &every_minute).await.unwrap();
    for minute in 1..=10 {
        world.hand.advance(60);
        world.jobs.planned().notify_one();
        twin.jobs.planned().notify_one();
        let all = async {
            while world.count(JobState::Completed).await < minute {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(crate::world::PATIENCE, all).await.unwrap();
    }
    assert_eq!(fired(&world).await, (1..=10).collect::<Vec<_>>());
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn what_was_missed_while_nobody_looked_fires_as_the_policy_says() {
    let all = MisfireRequest::All { window: 180.0, max: 10 };
    let expected: [(MisfireRequest, &[i64]); 3] =
        [(MisfireRequest::Skip, &[]), (MisfireRequest::Once, &[10]), (all, &[8, 9, 10])];
    for (misfire, expected) in expected {
        let world = World::new().await;
        world
            .jobs
            .put_schedule(name("minute"), &schedule("* * * * *", Overlap::Allow, misfire))
            .await
            .unwrap();
        world.hand.advance(645);
        world.jobs.fire_due().await.unwrap();
        assert_eq!(fired(&world).await, expected, "{misfire:?}");
        world.hand.advance(15);
        world.jobs.fire_due().await.unwrap();
        assert_eq!(fired(&world).await.last(), Some(&11), "and then as planned");
    }
}

#[tokio::test]
async fn a_firing_is_left_out_or_waits_while_the_last_job_has_not_ended() {
    for (overlap, expected) in [(Overlap::Skip, vec![1, 4]), (Overlap::Queue, vec![1, 3, 4])] {
        let world = World::new().await;
        world
            .jobs
            .put_schedule(name("minute"), &schedule("* * * * *", overlap, MisfireRequest::Skip))
            .await
            .unwrap();
        for _ in 0..185 {
            world.hand.advance(1);
            world.jobs.fire_due().await.unwrap();
        }
        assert_eq!(fired(&world).await, [1], "{overlap:?}");
        finish(&world).await;
        for _ in 0..60 {
            world.hand.advance(1);
            world.jobs.fire_due().await.unwrap();
            finish(&world).await;
        }
        assert_eq!(fired(&world).await, expected, "{overlap:?}");
    }
}

#[tokio::test]
async fn a_schedule_is_held_run_by_hand_changed_and_deleted() {
    let world = World::new().await;
    let hourly = schedule("@hourly", Overlap::Skip, MisfireRequest::Once);
    let made = world.jobs.put_schedule(name("hourly"), &hourly).await.unwrap();
    let next: Vec<_> = world.jobs.next_times(&made, 3).iter().map(ToString::to_string).collect();
    assert_eq!(next, ["2026-11-20T14:00:00.000Z", "2026-11-20T15:00:00.000Z", "2026-11-20T16:00:00.000Z"]);
    assert!(world.jobs.pause_schedule(&made.name, true).await.unwrap().paused);
    world.hand.advance(7_200);
    world.jobs.fire_due().await.unwrap();
    assert_eq!(fired(&world).await, [0; 0]);
    assert!(world.jobs.run_schedule(&made.name).await.unwrap().created);
    world.jobs.pause_schedule(&made.name, false).await.unwrap();
    world.jobs.fire_due().await.unwrap();
    assert_eq!(fired(&world).await, [120], "what was planned while it was held is left out");
    finish(&world).await;
    world.hand.advance(3_600);
    world.jobs.fire_due().await.unwrap();
    assert_eq!(fired(&world).await, [120, 180]);
    world.jobs.delete_schedule(&made.name).await.unwrap();
    assert!(world.jobs.schedule(&made.name).await.is_err());
}

#[tokio::test]
async fn a_clock_that_is_set_back_silences_no_schedule() {
    for (overlap, in_the_future) in [(Overlap::Allow, vec![1_440, 1_441]), (Overlap::Queue, vec![1_440])] {
        let world = World::new().await;
        let every_minute = schedule("* * * * *", overlap, MisfireRequest::Once);
        world.jobs.put_schedule(name("minute"), &every_minute).await.unwrap();
        // The second time has to wait for the first one's job, if it must.
        for step in [86_400, 60, -86_460] {
            world.hand.advance(step);
            world.jobs.plan_again().await.unwrap();
            world.jobs.fire_due().await.unwrap();
        }
        for _ in [1, 2] {
            finish(&world).await;
            world.hand.advance(60);
            world.jobs.fire_due().await.unwrap();
        }
        assert_eq!(fired(&world).await, [vec![1, 2], in_the_future].concat(), "{overlap:?}");
    }
}

#[tokio::test]
async fn a_runner_plans_again_when_the_clock_is_set_back() {
    let world = World::new().await;
    let running = world.runs(|_, _| async { Ok(()) });
    let every_minute = schedule("* * * * *", Overlap::Allow, MisfireRequest::Once);
    let planned = world.jobs.put_schedule(name("minute"), &every_minute).await.unwrap().next_at;
    for (step, ended) in [(86_400, 1), (-86_400, 1), (60, 2)] {
        world.hand.advance(step);
        world.jobs.planned().notify_one();
        let done = async {
            let is_back = || async { world.jobs.schedule(&name("minute")).await.unwrap().next_at == planned };
            while world.count(JobState::Completed).await < ended || (step < 0 && !is_back().await) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(crate::world::PATIENCE, done).await.unwrap();
    }
    assert_eq!(fired(&world).await, [1, 1_440]);
    running.stop().await;
}
