//! How fast jobs may leave their queues, and who is woken.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use oyez::jobs::Wanted;
use oyez_core::job::{JobRecord, JobState};
use oyez_protocol::{
    JobKind, QueueName,
    api::{queues::QueuePatch, workers::Snooze},
};
use tokio::sync::Semaphore;

use crate::world::{World, queue, wanted, work};

fn patch(json: serde_json::Value) -> QueuePatch {
    serde_json::from_value(json).unwrap()
}

#[tokio::test]
async fn a_limited_queue_runs_so_many_at_once_and_all_in_the_end() {
    let world = World::new().await;
    let limit = patch(serde_json::json!({"concurrency": 2}));
    world.jobs.patch_queue(&QueueName::default(), &limit).await.unwrap();
    let (now, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let counts = (Arc::clone(&now), Arc::clone(&most));
    let running = world.runs(move |_, _| {
        let (now, most) = (Arc::clone(&counts.0), Arc::clone(&counts.1));
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        }
    });
    let mut ids = Vec::new();
    for _ in 0..30 {
        ids.push(world.enqueue(|_| {}).await);
    }
    for id in ids {
        world.reaches(id, JobState::Completed).await;
    }
    assert!((1..=2).contains(&most.load(Ordering::SeqCst)));
    running.stop().await;
}

#[tokio::test]
async fn nothing_of_a_paused_queue_starts_until_it_is_let_go() {
    let world = World::new().await;
    let mail = queue("mail");
    world.jobs.patch_queue(&mail, &patch(serde_json::json!({"paused": true}))).await.unwrap();
    let running = world.runs(|_, _| async { Ok(()) });
    let held = world.enqueue(|request| request.queue = Some(queue("mail"))).await;
    let other = world.enqueue(|_| {}).await;
    world.reaches(other, JobState::Completed).await;
    assert_eq!(world.job(held).await.state, JobState::Available);
    world.jobs.patch_queue(&mail, &patch(serde_json::json!({"paused": false}))).await.unwrap();
    world.reaches(held, JobState::Completed).await;
    running.stop().await;
}

#[tokio::test]
async fn a_rate_lets_so_many_start_and_more_when_its_time_has_passed() {
    let world = World::new().await;
    let rate = patch(serde_json::json!({"rate": {"count": 3, "period": 60}}));
    world.jobs.patch_queue(&QueueName::default(), &rate).await.unwrap();
    for number in 0..5 {
        world.jobs.enqueue(&work(number), "test").await.unwrap();
    }
    let first = world.jobs.claim(&wanted("a"), Duration::ZERO).await.unwrap();
    assert_eq!(first.len(), 3);
    assert_eq!(world.jobs.claim(&wanted("a"), Duration::ZERO).await.unwrap().len(), 0);
    world.hand.advance(60);
    assert_eq!(world.jobs.claim(&wanted("a"), Duration::ZERO).await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_matters_more_runs_first_and_a_waiting_worker_is_woken_at_once() {
    let world = World::new().await;
    let jobs = world.jobs.clone();
    let waiting =
        tokio::spawn(async move { jobs.claim(&wanted("a"), Duration::from_secs(30)).await.unwrap() });
    let gone = world.jobs.clone();
    let leaves = tokio::spawn(async move { gone.claim(&wanted("b"), Duration::from_secs(30)).await });
    tokio::task::yield_now().await;
    leaves.abort();
    let id = world.enqueue(|_| {}).await;
    let claimed = tokio::time::timeout(crate::world::PATIENCE, waiting).await.unwrap().unwrap();
    assert_eq!(claimed.iter().map(|begun| begun.job.id).collect::<Vec<_>>(), [id]);

    let mut ids = Vec::new();
    for priority in [5, 9, 0] {
        ids.push(world.enqueue(|request| request.priority = Some(priority)).await);
    }
    let claimed = world.jobs.claim(&wanted("a"), Duration::ZERO).await.unwrap();
    assert_eq!(claimed.iter().map(|begun| begun.job.id).collect::<Vec<_>>(), [ids[2], ids[0], ids[1]]);
}

#[tokio::test]
async fn a_runner_takes_no_more_than_it_has_room_for() {
    let world = World::new().await;
    let (begun, go_on) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let signals = (Arc::clone(&begun), Arc::clone(&go_on));
    let options = oyez::runner::RunnerOptions { concurrency: 3, ..Default::default() };
    let running = world.runs_with(options, move |_, _| {
        let (begun, go_on) = (Arc::clone(&signals.0), Arc::clone(&signals.1));
        async move {
            begun.add_permits(1);
            go_on.acquire().await.unwrap().forget();
            Ok(())
        }
    });
    for _ in 0..10 {
        world.enqueue(|_| {}).await;
    }
    begun.acquire_many(3).await.unwrap().forget();
    assert_eq!((world.count(JobState::Running).await, world.count(JobState::Available).await), (3, 7));
    go_on.add_permits(10);
    begun.acquire_many(7).await.unwrap().forget();
    running.stop().await;
    assert_eq!(world.count(JobState::Completed).await, 10);
}

#[tokio::test]
async fn workers_that_take_one_job_each_leave_none_waiting() {
    let world = World::new().await;
    let mut workers = tokio::task::JoinSet::new();
    for number in 0..20 {
        let (jobs, mut wish) = (world.jobs.clone(), wanted(&format!("w{number}")));
        wish.limit = 1;
        // Longer than the pause after which a waiting worker looks without being woken.
        workers.spawn(async move { jobs.claim(&wish, Duration::from_secs(30)).await.unwrap().len() });
        tokio::task::yield_now().await;
    }
    for _ in 0..20 {
        world.enqueue(|_| {}).await;
    }
    let all = tokio::time::timeout(Duration::from_secs(15), workers.join_all()).await;
    assert_eq!(all.expect("each is woken by its own job"), [1; 20]);
}

#[tokio::test]
async fn a_job_that_comes_back_wakes_a_worker_that_can_do_it() {
    let world = World::new().await;
    let later = world.clock.now().plus_seconds(60);
    world.enqueue(|request| request.run_at = Some(later)).await;
    let promote = async {
        world.hand.advance(60);
        assert_eq!(world.jobs.promote(10).await.unwrap(), 1);
    };
    let begun = woken(&world, promote).await;
    let give_back = async {
        let snooze = Snooze { attempt: begun.attempt, seconds: 0.0 };
        world.jobs.snooze(begun.id, &snooze).await.unwrap();
    };
    assert_eq!(woken(&world, give_back).await.id, begun.id);
}

/// What the second of two waiting workers gets by this; the first one is of no use for it.
async fn woken(world: &World, cause: impl Future<Output = ()>) -> JobRecord {
    let of_kind = |worker: &str, kind: &str| Wanted {
        kinds: Some(vec![JobKind::new(kind).unwrap()]),
        ..wanted(worker)
    };
    let (useless, useful) = (of_kind("useless", "mail"), of_kind("useful", "work"));
    tokio::select! {
        biased;
        _ = world.jobs.claim(&useless, Duration::from_secs(2)) => panic!("the wrong one was woken"),
        begun = world.jobs.claim(&useful, Duration::from_secs(4)) => begun.unwrap().remove(0).job,
        () = async { cause.await; std::future::pending().await } => unreachable!(),
    }
}
