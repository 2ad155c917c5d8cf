//! Silent workers, clocks that jump, a store that is busy.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use oyez::jobs::{JobsError, JobsOptions};
use oyez_core::job::{JobState, Outcome};
use oyez_protocol::api::workers::{Complete, Heartbeat, ProgressReport, StepReport};
use oyez_store::{Store, StoreOptions};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::world::{World, at_once, user, wanted, work};

fn done(attempt: u32) -> Complete {
    serde_json::from_value(json!({"attempt": attempt, "result": {"by": attempt}})).unwrap()
}

#[tokio::test]
async fn a_stale_workers_late_completion_is_refused_and_its_successors_counts() {
    let mut world = World::new().await;
    let id = world.enqueue(|request| request.user = Some(user("anna"))).await;
    let first = world.jobs.claim(&wanted("first"), Duration::ZERO).await.unwrap();
    let step: StepReport =
        serde_json::from_value(json!({"attempt": 1, "name": "prepare", "status": "completed", "result": 7}))
            .unwrap();
    world.jobs.step(id, &step).await.unwrap();
    assert_eq!((first.len(), world.jobs.rescue(10).await.unwrap()), (1, 0), "its lease lasts");

    world.hand.advance(16);
    assert_eq!(world.jobs.rescue(10).await.unwrap(), 1);
    world.reaches(id, JobState::Available).await;
    let second = world.jobs.claim(&wanted("second"), Duration::ZERO).await.unwrap();
    assert_eq!((second[0].job.attempt, second[0].steps[0].result.as_deref()), (2, Some("7")));
    let refusals = [
        world.jobs.complete(id, &done(1)).await,
        world.jobs.heartbeat(id, &Heartbeat { attempt: 1 }).await,
        world
            .jobs
            .progress(id, &ProgressReport { attempt: 1, percent: Some(99.0), ..Default::default() })
            .await,
        world.jobs.step(id, &step).await,
    ];
    for refused in refusals {
        assert!(matches!(refused, Err(JobsError::Fenced { attempt: 1, .. })), "{refused:?}");
    }
    world.jobs.complete(id, &done(2)).await.unwrap();
    let record = world.job(id).await;
    assert_eq!((record.state, record.result.as_deref()), (JobState::Completed, Some(r#"{"by":2}"#)));
    assert_eq!(world.outcomes(id).await, ["lost", "done"]);
    let frames = world.heard();
    assert!(frames.iter().all(|frame| frame["percent"] != 99.0), "{frames:?}");
    assert!(matches!(world.jobs.complete(id, &done(2)).await, Err(JobsError::Fenced { .. })));
}

#[tokio::test]
async fn a_worker_that_reports_keeps_its_job_and_hears_that_it_should_stop() {
    let world = World::new().await;
    let id = world.enqueue(|_| {}).await;
    world.jobs.claim(&wanted("first"), Duration::ZERO).await.unwrap();
    for _ in 0..5 {
        world.hand.advance(10);
        assert!(!world.jobs.heartbeat(id, &Heartbeat { attempt: 1 }).await.unwrap().cancel);
        assert_eq!(world.jobs.rescue(10).await.unwrap(), 0);
    }
    world.jobs.cancel(id).await.unwrap();
    assert!(world.jobs.heartbeat(id, &Heartbeat { attempt: 1 }).await.unwrap().cancel);
    let report = ProgressReport { attempt: 1, message: Some("m".into()), ..Default::default() };
    assert!(world.jobs.progress(id, &report).await.unwrap().cancel);
}

#[tokio::test]
async fn a_worker_that_reports_for_ever_loses_its_job_when_its_time_is_over() {
    let world = World::new().await;
    let id = world.enqueue(|request| (request.timeout, request.max_attempts) = (Some(30.0), Some(1))).await;
    world.jobs.claim(&wanted("stubborn"), Duration::ZERO).await.unwrap();
    for _ in 0..3 {
        world.hand.advance(10);
        world.jobs.heartbeat(id, &Heartbeat { attempt: 1 }).await.unwrap();
        assert_eq!(world.jobs.rescue(10).await.unwrap(), 0);
    }
    world.hand.advance(6);
    world.jobs.rescue(10).await.unwrap();
    world.reaches(id, JobState::Discarded).await;
    assert_eq!(world.outcomes(id).await, ["timed_out"]);
}

#[tokio::test]
async fn reports_go_on_when_the_server_has_started_again_meanwhile() {
    let world = World::new().await;
    let id = world.enqueue(|_| {}).await;
    world.jobs.claim(&wanted("first"), Duration::ZERO).await.unwrap();
    let twin = world.twin().await;
    let report = ProgressReport { attempt: 1, percent: Some(40.0), ..Default::default() };
    twin.jobs.progress(id, &report).await.unwrap();
    let nonsense = ProgressReport { attempt: 1, percent: Some(900.0), ..Default::default() };
    assert!(matches!(twin.jobs.progress(id, &nonsense).await, Err(JobsError::Invalid(_))));
    assert_eq!(world.job(id).await.progress.unwrap().percent, Some(40.0));
    twin.jobs.complete(id, &done(1)).await.unwrap();
    assert_eq!(world.job(id).await.state, JobState::Completed);
}

#[tokio::test]
async fn a_jump_of_the_clock_takes_no_job_from_a_handler_that_lives() {
    let world = World::new().await;
    let (begun, go_on) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let signals = (Arc::clone(&begun), Arc::clone(&go_on));
    let running = world.runs(move |_, _| {
        let (begun, go_on) = (Arc::clone(&signals.0), Arc::clone(&signals.1));
        async move {
            begun.add_permits(1);
            go_on.acquire().await.unwrap().forget();
            Ok(())
        }
    });
    let id = world.enqueue(|_| {}).await;
    begun.acquire().await.unwrap().forget();
    for jump in [3_600, -7_200] {
        world.hand.advance(jump);
        // Work that comes after the jump shows that the runner went on.
        let later = world.enqueue(|_| {}).await;
        begun.acquire().await.unwrap().forget();
        assert_eq!(world.job(later).await.state, JobState::Running);
    }
    go_on.add_permits(3);
    world.reaches(id, JobState::Completed).await;
    assert_eq!(world.outcomes(id).await, ["done"]);
    running.stop().await;
}

#[tokio::test]
async fn a_claim_whose_asker_has_gone_is_given_back() {
    let world = World::new().await;
    let id = world.enqueue(|_| {}).await;
    let (held, hold) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    // The writer is kept busy until the asker is gone.
    let (tell, wait) = (Arc::clone(&held), Arc::clone(&hold));
    let store = world.store.clone();
    let busy = tokio::spawn(async move {
        let held = store.write(move |_| {
            Box::pin(async move {
                tell.add_permits(1);
                wait.acquire().await.unwrap().forget();
                Ok(())
            })
        });
        held.await.unwrap();
    });
    held.acquire().await.unwrap().forget();
    let wish = wanted("impatient");
    {
        let claim = world.jobs.claim(&wish, Duration::ZERO);
        tokio::pin!(claim);
        // Polled until it is in the writer's queue.
        for _ in 0..10 {
            assert!(futures_util::poll!(claim.as_mut()).is_pending());
            tokio::task::yield_now().await;
        }
    }
    hold.add_permits(1);
    busy.await.unwrap();
    let begun = tokio::time::timeout(crate::world::PATIENCE, async {
        loop {
            let record = world.job(id).await;
            if record.given_back == 1 {
                return record;
            }
            tokio::task::yield_now().await;
        }
    });
    let record = begun.await.unwrap();
    assert_eq!((record.state, record.attempt), (JobState::Available, 1));
}

#[tokio::test]
async fn a_store_that_is_busy_again_and_again_loses_no_end_and_repeats_none() {
    let quick = |options: &mut StoreOptions| options.busy_timeout = Duration::from_millis(10);
    let world = World::with(quick, JobsOptions::default()).await;
    let ran = Arc::new(Mutex::new(HashMap::new()));
    let count = Arc::clone(&ran);
    let running = world.runs(move |_, work| {
        *count.lock().unwrap().entry(work.number).or_insert(0) += 1;
        async { Ok(()) }
    });
    let other = Store::open(&StoreOptions::new(world.directory.path().join("oyez.db"))).await.unwrap();
    let over = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stop = Arc::clone(&over);
    // Another process that holds the database for longer than anybody here waits.
    let storm = tokio::spawn(async move {
        while !stop.load(std::sync::atomic::Ordering::SeqCst) {
            let held = other.write(|tx| {
                Box::pin(async move {
                    let now = crate::world::START.parse().unwrap();
                    tx.take_lease("storm", "s", now, now).await?;
                    tokio::time::sleep(Duration::from_millis(60)).await;
                    Ok(())
                })
            });
            held.await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let mut stored = 0;
    for number in 0..200 {
        let mut request = work(number);
        request.idempotency_key = Some(format!("n{number}"));
        // A caller repeats what failed; the key makes it the same job.
        while world.jobs.enqueue(&request, "test").await.is_err() {}
        stored += 1;
    }
    let all = async {
        while world.count(JobState::Completed).await < stored {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(crate::world::PATIENCE, all).await.unwrap();
    over.store(true, std::sync::atomic::Ordering::SeqCst);
    storm.await.unwrap();
    running.stop().await;
    let ran = ran.lock().unwrap();
    assert!(ran.len() == 200 && ran.values().all(|times| *times == 1), "{ran:?}");
}

#[tokio::test]
async fn a_step_whose_end_cannot_be_written_at_once_is_not_done_again() {
    let quick = |options: &mut StoreOptions| options.busy_timeout = Duration::from_millis(5);
    let world = World::with(quick, JobsOptions::default()).await;
    let other = Store::open(&StoreOptions::new(world.directory.path().join("oyez.db"))).await.unwrap();
    let (deeds, done, held) =
        (Arc::new(Mutex::new(0)), Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let signals = (Arc::clone(&deeds), Arc::clone(&done), Arc::clone(&held));
    let running = world.runs(move |context, _| {
        let (deeds, done, held) = signals.clone();
        async move {
            let deed = context.checkpoint("deed", async {
                *deeds.lock().unwrap() += 1;
                done.add_permits(1);
                held.acquire().await?.forget();
                // What cannot be written of this is no reason to fail.
                context.progress(50.0, "half").await?;
                Ok(602)
            });
            Ok(json!({"deed": deed.await?}))
        }
    });
    let id = world.enqueue(|request| request.max_attempts = Some(1)).await;
    done.acquire().await.unwrap().forget();
    // Another process holds the database for much longer than anybody here waits.
    let holds = other.write(move |tx| {
        Box::pin(async move {
            let now = crate::world::START.parse().unwrap();
            tx.take_lease("storm", "s", now, now).await?;
            held.add_permits(1);
            tokio::time::sleep(Duration::from_millis(200)).await;
            Ok(())
        })
    });
    holds.await.unwrap();
    let record = world.reaches(id, JobState::Completed).await;
    assert_eq!(record.result.as_deref(), Some(r#"{"deed":602}"#));
    assert_eq!(record.progress.unwrap().percent, Some(50.0));
    let deeds = *deeds.lock().unwrap();
    assert_eq!((deeds, world.outcomes(id).await), (1, vec!["done".to_owned()]));
    running.stop().await;
}

#[tokio::test]
async fn what_a_dead_process_had_is_taken_over_at_the_start_of_the_next() {
    let world = World::new().await;
    let id = world.enqueue(|request| request.backoff = Some(at_once())).await;
    let mut wish = wanted("oyez/local:1");
    wish.limit = 1;
    world.jobs.claim(&wish, Duration::ZERO).await.unwrap();
    let theirs = world.enqueue(|_| {}).await;
    world.jobs.claim(&wanted("elsewhere"), Duration::ZERO).await.unwrap();
    let running = world.runs(|_, _| async { Ok(()) });
    assert_eq!(world.reaches(id, JobState::Completed).await.attempt, 2);
    assert_eq!(world.outcomes(id).await, ["lost", "done"]);
    assert_eq!(world.job(theirs).await.state, JobState::Running, "a worker elsewhere has its lease");
    running.stop().await;
}

#[tokio::test]
async fn an_end_that_was_reported_wins_over_a_lease_that_ran_out_meanwhile() {
    let world = World::new().await;
    let id = world.enqueue(|_| {}).await;
    world.jobs.claim(&wanted("slow"), Duration::ZERO).await.unwrap();
    world.hand.advance(60);
    world.jobs.ended(id, 1, Outcome::Done(None)).await;
    world.jobs.rescue(10).await.unwrap();
    world.reaches(id, JobState::Completed).await;
    assert_eq!(world.outcomes(id).await, ["done"]);
}

#[tokio::test]
async fn a_clock_that_is_set_back_does_not_keep_the_jobs_of_the_dead() {
    let world = World::new().await;
    let id = world.enqueue(|_| {}).await;
    let tracked = json!({"kind": "work", "silence": 60});
    let tracked = world.jobs.track(&serde_json::from_value(tracked).unwrap(), "test").await.unwrap().id;
    world.jobs.claim(&wanted("first"), Duration::ZERO).await.unwrap();
    world.hand.advance(-86_400);
    world.jobs.shorten_leases().await.unwrap();
    world.hand.advance(14);
    assert_eq!(world.jobs.rescue(10).await.unwrap(), 0, "it has another lease's time to report");
    world.hand.advance(2);
    assert_eq!(world.jobs.rescue(10).await.unwrap(), 1);
    world.reaches(id, JobState::Available).await;
    world.hand.advance(45);
    assert_eq!(world.jobs.rescue(10).await.unwrap(), 1);
    let silent = async {
        while world.job(tracked).await.state != JobState::Discarded {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(crate::world::PATIENCE, silent).await.unwrap();
}
