//! How attempts end, and what a handler that misbehaves costs.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use oyez::{JobError, runner::RunnerOptions};
use oyez_core::job::JobState;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::world::{World, at_once};

#[tokio::test]
async fn a_job_runs_to_its_end_and_leaves_its_result() {
    let world = World::new().await;
    let running = world.runs(|context, work| async move {
        assert_eq!((context.attempt(), context.kind().as_str()), (1, "work"));
        Ok(json!({"double": work.number * 2}))
    });
    let id = world.enqueue(|request| request.args = crate::world::work(21).args).await;
    let record = world.reaches(id, JobState::Completed).await;
    assert_eq!(record.result.as_deref(), Some(r#"{"double":42}"#));
    assert_eq!(world.outcomes(id).await, ["done"]);
    running.stop().await;
}

#[tokio::test]
async fn a_failing_job_is_tried_again_after_its_backoff_until_its_attempts_are_used_up() {
    let world = World::new().await;
    let running = world.runs(|context, _| async move {
        let cause = std::io::Error::other("the disk is full");
        Err::<(), _>(JobError::from(cause)).inspect_err(|_| assert!(context.attempt() < 4))
    });
    let id = world.enqueue(|_| {}).await;
    for attempt in 1..3 {
        let record = loop {
            let record = world.reaches(id, JobState::Retryable).await;
            if record.attempt == attempt {
                break record;
            }
        };
        assert_eq!(record.error.as_deref(), Some("the disk is full"));
        let wait = record.run_at.millis_since(world.clock.now());
        assert!((9_000..40_000).contains(&wait), "{wait}");
        world.hand.advance(60);
        world.jobs.scheduled().notify_one();
    }
    world.reaches(id, JobState::Discarded).await;
    assert_eq!(world.outcomes(id).await, ["failed", "failed", "failed"]);
    running.stop().await;
}

#[tokio::test]
async fn a_finished_step_is_not_done_again_when_the_job_is_retried() {
    let world = World::new().await;
    let (prepared, sent) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let counts = (Arc::clone(&prepared), Arc::clone(&sent));
    let running = world.runs(move |context, _| {
        let (prepared, sent) = (Arc::clone(&counts.0), Arc::clone(&counts.1));
        async move {
            context.step("Prepare", 1, 2).await?;
            let file: String = context
                .checkpoint("Prepare", async {
                    Ok(format!("file-{}", prepared.fetch_add(1, Ordering::SeqCst)))
                })
                .await?;
            context.step("Send", 2, 2).await?;
            if sent.fetch_add(1, Ordering::SeqCst) == 0 {
                return Err(JobError::fail("the line was cut"));
            }
            Ok(json!({"file": file}))
        }
    });
    let id = world.enqueue(|request| request.backoff = Some(at_once())).await;
    let record = world.reaches(id, JobState::Completed).await;
    assert_eq!(record.result.as_deref(), Some(r#"{"file":"file-0"}"#));
    assert_eq!((prepared.load(Ordering::SeqCst), sent.load(Ordering::SeqCst)), (1, 2));
    assert_eq!(world.outcomes(id).await, ["failed", "done"]);
    let steps = world.jobs.steps(id).await.unwrap();
    let steps: Vec<_> = steps.iter().map(|step| (step.name.as_str(), step.number, step.attempt)).collect();
    assert_eq!(steps, [("Prepare", Some(1), 1), ("Send", Some(2), 2)]);
    running.stop().await;
}

#[tokio::test]
async fn a_handler_that_says_how_the_attempt_ends_is_believed() {
    let world = World::new().await;
    let running = world.runs(|context, work| async move {
        match (work.number, context.attempt()) {
            (1, _) => Err(JobError::discard("no such account")),
            (2, _) => Err(JobError::cancel("it was withdrawn")),
            (3, 1) => Err(JobError::snooze(Duration::from_secs(30))),
            (4, 1) => Err(JobError::retry_after(Duration::from_secs(500), "busy")),
            _ => Ok(()),
        }
    });
    let mut ids = Vec::new();
    for number in 1..=4 {
        ids.push(world.enqueue(|request| request.args = crate::world::work(number).args).await);
    }
    assert_eq!(world.reaches(ids[0], JobState::Discarded).await.error.as_deref(), Some("no such account"));
    world.reaches(ids[1], JobState::Cancelled).await;
    let snoozed = world.reaches(ids[2], JobState::Scheduled).await;
    assert_eq!((snoozed.attempt, snoozed.given_back), (1, 1), "it does not count");
    let later = world.reaches(ids[3], JobState::Retryable).await;
    assert_eq!(later.run_at.millis_since(world.clock.now()), 500_000);
    world.hand.advance(500);
    world.jobs.scheduled().notify_one();
    for id in &ids[2..] {
        world.reaches(*id, JobState::Completed).await;
    }
    running.stop().await;
}

#[tokio::test]
async fn a_panic_nonsense_and_arguments_that_do_not_fit_harm_their_own_job_and_say_what_was_wrong() {
    let world = World::new().await;
    let running = world.runs(|context, work| async move {
        match work.number {
            1 => panic!("index {} is out of range", 7),
            2 => context.progress(900.0, "nearly").await?,
            3 => context.step("Send", 6, 5).await?,
            4 => return Ok(json!({"text": "x".repeat(300 * 1024)})),
            _ => {}
        }
        Ok(json!(null))
    });
    let mut ids = Vec::new();
    for number in 0..=4 {
        let request = |request: &mut oyez_protocol::api::jobs::JobRequest| {
            request.args = crate::world::work(number).args;
            request.max_attempts = Some(1);
        };
        ids.push(world.enqueue(request).await);
    }
    let unfit = serde_json::value::to_raw_value(&json!({"number": "seven"})).unwrap();
    ids.push(world.enqueue(|request| request.args = Some(unfit)).await);
    world.reaches(ids[0], JobState::Completed).await;
    let mut errors = Vec::new();
    for id in &ids[1..] {
        errors.push(world.reaches(*id, JobState::Discarded).await.error.unwrap());
    }
    let expected = [
        "the handler panicked: index 7 is out of range",
        "\"percent\" is 900: it must be a number from 0 to 100",
        "\"step_number\" is 6, but there are 5 steps",
        "the result has 307211 bytes of JSON",
        "the arguments do not fit the kind work: invalid type: string \"seven\"",
    ];
    for (error, expected) in errors.iter().zip(expected) {
        assert!(error.starts_with(expected), "{error}");
    }
    running.stop().await;
}

#[tokio::test]
async fn a_job_whose_steps_have_no_end_is_refused_another_one() {
    let world = World::new().await;
    let running = world.runs(|context, work| async move {
        for number in 0.. {
            let result = if work.number == 1 { "x".repeat(250 * 1024) } else { String::new() };
            context.checkpoint(&format!("step {number}"), async { Ok(result) }).await?;
        }
        Ok(())
    });
    let mut errors = Vec::new();
    for number in [0, 1] {
        let request = |request: &mut oyez_protocol::api::jobs::JobRequest| {
            (request.args, request.max_attempts) = (crate::world::work(number).args, Some(1));
        };
        let id = world.enqueue(request).await;
        errors.push(world.reaches(id, JobState::Discarded).await.error.unwrap());
        assert!(world.jobs.steps(id).await.unwrap().len() <= 1_000);
    }
    assert!(errors[0].starts_with("the job has 1000 steps, and 1000 are the most"), "{}", errors[0]);
    assert!(errors[1].starts_with("the results of the job's steps would take"), "{}", errors[1]);
    running.stop().await;
}

#[tokio::test]
async fn a_handler_that_never_gives_way_loses_its_job_and_no_other() {
    let world = World::new().await;
    let running = world.runs(|_, work| async move {
        if work.number == 1 {
            loop {
                std::thread::park();
            }
        }
        Ok(())
    });
    let stuck = world
        .enqueue(|request| {
            request.args = crate::world::work(1).args;
            (request.timeout, request.max_attempts) = (Some(0.05), Some(1));
        })
        .await;
    for _ in 0..20 {
        let id = world.enqueue(|_| {}).await;
        world.reaches(id, JobState::Completed).await;
    }
    let record = world.reaches(stuck, JobState::Discarded).await;
    assert_eq!(record.error.as_deref(), Some("the attempt took longer than its timeout"));
    assert_eq!(world.outcomes(stuck).await, ["timed_out"]);
    assert_eq!(running.runner.load(), (0, 1));
    running.stop().await;
}

#[tokio::test]
async fn a_handler_that_is_asked_to_stop_and_never_does_loses_its_job_without_a_time_limit_too() {
    let world = World::new().await;
    let options = RunnerOptions { patience: Duration::from_millis(20), ..RunnerOptions::default() };
    let begun = Arc::new(Semaphore::new(0));
    let tell = Arc::clone(&begun);
    let running = world.runs_with(options, move |_, work| {
        let begun = Arc::clone(&tell);
        async move {
            begun.add_permits(1);
            if work.number == 1 {
                loop {
                    std::thread::park();
                }
            }
            std::future::pending::<Result<(), JobError>>().await
        }
    });
    let waits = world.enqueue(|_| {}).await;
    let loops = world.enqueue(|request| request.args = crate::world::work(1).args).await;
    begun.acquire_many(2).await.unwrap().forget();
    for id in [waits, loops] {
        assert_eq!(world.jobs.cancel(id).await.unwrap().state, JobState::Running);
        let record = world.reaches(id, JobState::Cancelled).await;
        let error = record.error.as_deref();
        assert_eq!(error, Some("it was asked to stop, and was stopped because it did not"));
        assert_eq!(world.outcomes(id).await, ["cancelled"]);
    }
    assert_eq!(running.runner.load(), (0, 1), "one thread is lost");
    running.stop().await;
}

#[tokio::test]
async fn a_handler_that_waits_too_long_is_dropped_where_it_waits() {
    let world = World::new().await;
    let running = world.runs(|_, _| std::future::pending::<Result<(), JobError>>());
    let id = world.enqueue(|request| (request.timeout, request.max_attempts) = (Some(0.02), Some(1))).await;
    world.reaches(id, JobState::Discarded).await;
    assert_eq!(world.outcomes(id).await, ["timed_out"]);
    assert_eq!(running.runner.load().1, 0, "no thread is lost");
    running.stop().await;
}

#[tokio::test]
async fn a_cancellation_reaches_the_handler_and_one_that_waits_ends_at_once() {
    let world = World::new().await;
    let waits = world.enqueue(|request| request.run_at = Some(world.clock.now().plus_seconds(60))).await;
    assert_eq!(world.jobs.cancel(waits).await.unwrap().state, JobState::Cancelled);
    assert!(world.jobs.cancel(waits).await.is_err(), "it has ended");

    let begun = Arc::new(Semaphore::new(0));
    let tell = Arc::clone(&begun);
    let running = world.runs(move |context, _| {
        let begun = Arc::clone(&tell);
        async move {
            begun.add_permits(1);
            context.cancelled().await;
            Err::<(), _>(JobError::fail("stopped half-way"))
        }
    });
    let id = world.enqueue(|_| {}).await;
    begun.acquire().await.unwrap().forget();
    assert_eq!(world.jobs.cancel(id).await.unwrap().state, JobState::Running);
    let record = world.reaches(id, JobState::Cancelled).await;
    assert_eq!((record.attempt, world.outcomes(id).await), (1, vec!["cancelled".to_owned()]));
    running.stop().await;
}

#[tokio::test]
async fn a_job_that_ended_badly_runs_again_by_hand() {
    let world = World::new().await;
    let running = world.runs(|context, _| async move {
        if context.attempt() == 1 { Err(JobError::discard("not today")) } else { Ok(()) }
    });
    let id = world.enqueue(|request| request.max_attempts = Some(1)).await;
    world.reaches(id, JobState::Discarded).await;
    assert_eq!(world.jobs.retry(id).await.unwrap().state, JobState::Available);
    world.reaches(id, JobState::Completed).await;
    assert_eq!(world.outcomes(id).await, ["discarded", "done"]);
    running.stop().await;
}

#[tokio::test]
async fn a_shutdown_gives_the_attempt_back_and_the_next_process_goes_on_where_it_was() {
    let world = World::new().await;
    let begun = Arc::new(Semaphore::new(0));
    let tell = Arc::clone(&begun);
    let running = world.runs(move |context, _| {
        let begun = Arc::clone(&tell);
        async move {
            context.checkpoint("first", async { Ok(1) }).await?;
            begun.add_permits(1);
            std::future::pending::<Result<(), JobError>>().await
        }
    });
    let id = world.enqueue(|request| request.max_attempts = Some(1)).await;
    begun.acquire().await.unwrap().forget();
    running.stop_within(Duration::ZERO).await;
    let record = world.reaches(id, JobState::Available).await;
    assert_eq!((record.attempt, record.given_back), (1, 1));
    assert_eq!(world.outcomes(id).await, ["given_back"]);

    let running = world.runs(|context, _| async move {
        let first: u32 = context.checkpoint("first", async { panic!("it was done") }).await?;
        Ok(json!({"first": first}))
    });
    let record = world.reaches(id, JobState::Completed).await;
    assert_eq!((record.attempt, record.result.as_deref()), (2, Some(r#"{"first":1}"#)));
    running.stop().await;
}
