//! The worker loop, and what handlers may do.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use oyez_client::{
    Client, Context, Done, Error, Job, JobError, Worker,
    protocol::{
        ErrorCode, JobId, UserId,
        api::jobs::{JobState, StepStatus},
    },
};
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, Semaphore};

use crate::support::{Count, Fixture, count, start};

#[tokio::test(flavor = "multi_thread")]
async fn jobs_run_at_once_as_far_as_the_worker_may_and_all_of_them_end() {
    let fixture = Fixture::new().await;
    let mut ids = Vec::new();
    for number in 0..40 {
        ids.push(fixture.enqueue(&count(number)).await);
    }
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&most);
    let worker =
        Worker::new(fixture.client.clone(), "w1").concurrency(4).handle(move |_: Context, count: Count| {
            let (running, most) = (Arc::clone(&running), Arc::clone(&most));
            async move {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                running.fetch_sub(1, Ordering::SeqCst);
                Done::with(&serde_json::json!({"twice": count.number * 2}))
            }
        });
    let working = start(worker);
    for (number, id) in ids.iter().enumerate() {
        let job = fixture.until_state(*id, JobState::Completed).await;
        assert_eq!(job.result.unwrap().get(), format!(r#"{{"twice":{}}}"#, number * 2));
        assert_eq!((job.attempt, job.worker.unwrap().as_str()), (1, "w1"));
    }
    working.stop().await;
    assert!((1..=4).contains(&seen.load(Ordering::SeqCst)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_step_is_not_done_again_and_its_result_is_there() {
    let fixture = Fixture::new().await;
    let uploads = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&uploads);
    let worker = Worker::new(fixture.client.clone(), "w1").handle(move |context: Context, count: Count| {
        let uploads = Arc::clone(&uploads);
        async move {
            context.step("Upload", 1, 2).await?;
            let upload = async {
                uploads.fetch_add(1, Ordering::SeqCst);
                Ok::<_, JobError>(format!("document {}", count.number))
            };
            let document = context.checkpoint("Upload", upload).await?;
            context.step("Import", 2, 2).await?;
            if context.attempt() == 1 {
                return Err(JobError::fail("the importer is asleep"));
            }
            context.checkpoint("Import", async { Ok::<_, JobError>(()) }).await?;
            Done::with(&document)
        }
    });
    let working = start(worker);
    let id = fixture.enqueue(&count(7)).await;
    let job = fixture.until_state(id, JobState::Completed).await;
    assert_eq!((job.attempt, job.result.unwrap().get()), (2, r#""document 7""#));
    assert_eq!(counted.load(Ordering::SeqCst), 1);
    let steps = fixture.client.job_steps(id).await.unwrap();
    let seen: Vec<_> = steps.iter().map(|step| (step.name.as_str(), step.attempt, step.status)).collect();
    assert_eq!(seen, [("Upload", 1, StepStatus::Completed), ("Import", 2, StepStatus::Completed)]);
    let attempts = fixture.client.job_attempts(id).await.unwrap();
    assert_eq!(attempts[0].error.as_deref(), Some("the importer is asleep"));
    working.stop().await;
}

/// What a handler does by the number it is given.
async fn misbehave(context: Context, count: Count) -> Result<Done, JobError> {
    match count.number {
        0 => panic!("on purpose"),
        1 => context.progress(900.0, "nonsense").await?,
        2 => std::future::pending().await,
        3 => return Done::with(&"x".repeat(300_000)),
        4 => return Err(JobError::discard("never again")),
        5 => return Err(JobError::cancel("of no use")),
        6 if context.attempt() < 3 => return Err(JobError::snooze(Duration::ZERO)),
        7 => {
            "x".parse::<u8>()?;
        }
        _ => {}
    }
    Ok(().into())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_misbehaves_harms_its_own_job_only_with_a_clear_error() {
    let fixture = Fixture::new().await;
    let working = start(Worker::new(fixture.client.clone(), "w1").concurrency(3).handle(misbehave));
    let mut ids = Vec::new();
    for number in 0..9 {
        let mut request = count(number);
        request.max_attempts = Some(1);
        request.timeout = (number == 2).then_some(0.05);
        ids.push(fixture.enqueue(&request).await);
    }
    let mut wrong = count(0);
    wrong.args = Some(serde_json::value::to_raw_value(&serde_json::json!({"numero": 1})).unwrap());
    ids.push(fixture.enqueue(&wrong).await);
    let expected = [
        (JobState::Discarded, "the handler panicked: on purpose"),
        (JobState::Discarded, "a progress of 900 per cent: it must be 0 to 100"),
        (JobState::Discarded, "the attempt took longer than its timeout"),
        (JobState::Discarded, "the result was refused"),
        (JobState::Discarded, "never again"),
        (JobState::Cancelled, "of no use"),
        (JobState::Completed, ""),
        (JobState::Discarded, "invalid digit found in string"),
        (JobState::Completed, ""),
        (JobState::Discarded, "the arguments do not fit the kind count: missing field `number`"),
    ];
    for (id, (state, error)) in ids.iter().zip(expected) {
        let job = fixture.until(*id, |job| job.finalized_at.is_some()).await;
        assert_eq!(job.state, state, "{job:?}");
        assert!(job.error.clone().unwrap_or_default().contains(error), "{job:?}");
    }
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_knows_its_job_and_says_how_far_it_is() {
    let fixture = Fixture::new().await;
    let go = Arc::new(Notify::new());
    let told = Arc::clone(&go);
    let worker = Worker::new(fixture.client.clone(), "w1").handle(move |context: Context, _: Count| {
        let go = Arc::clone(&go);
        async move {
            assert_eq!(context.user().unwrap().as_str(), "anna");
            assert_eq!(context.data()["transaction_id"], 602);
            assert_eq!((context.kind().as_str(), context.queue().as_str()), ("count", "default"));
            for percent in 0..=60 {
                context.progress(f64::from(percent), format!("row {percent}")).await?;
            }
            go.notified().await;
            Ok::<_, JobError>(())
        }
    });
    let working = start(worker);
    let mut request = count(1);
    request.user = Some(UserId::new("anna").unwrap());
    request.data = serde_json::from_str(r#"{"transaction_id":602}"#).unwrap();
    let id = fixture.enqueue(&request).await;
    let at_60 = |job: &oyez_client::protocol::api::jobs::JobView| {
        job.progress.as_ref().is_some_and(|progress| progress.percent == Some(60.0))
    };
    let job = fixture.until(id, at_60).await;
    assert_eq!(job.progress.unwrap().message.as_deref(), Some("row 60"));
    told.notify_one();
    fixture.until_state(id, JobState::Completed).await;
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_to_cancel_reaches_a_handler_that_runs() {
    let fixture = Fixture::with_lease(Duration::from_secs(3)).await;
    let worker = Worker::new(fixture.client.clone(), "w1").handle(|context: Context, _: Count| async move {
        context.cancelled().await;
        assert!(context.is_cancelled());
        Err::<(), _>(JobError::cancel("put everything back"))
    });
    let working = start(worker);
    let id = fixture.enqueue(&count(1)).await;
    fixture.until_state(id, JobState::Running).await;
    assert_eq!(fixture.client.cancel(id).await.unwrap().state, JobState::Running);
    let job = fixture.until_state(id, JobState::Cancelled).await;
    assert_eq!(job.error.as_deref(), Some("put everything back"));
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_stops_lets_jobs_end_and_gives_back_the_others() {
    let fixture = Fixture::new().await;
    let (started, finish) = (Arc::new(Semaphore::new(0)), Arc::new(Notify::new()));
    let handler = {
        let (started, finish) = (Arc::clone(&started), Arc::clone(&finish));
        move |_: Context, count: Count| {
            let (started, finish) = (Arc::clone(&started), Arc::clone(&finish));
            async move {
                started.add_permits(1);
                match count.number {
                    0 => finish.notified().await,
                    _ => std::future::pending().await,
                }
                Ok::<_, JobError>(())
            }
        }
    };
    let mut ids = Vec::new();
    for number in 0..4 {
        ids.push(fixture.enqueue(&count(number)).await);
    }
    // Two run, and two were claimed ahead.
    let worker = Worker::new(fixture.client.clone(), "w1").concurrency(2).prefetch(2);
    let working = start(worker.grace(Duration::from_millis(300)).handle(handler));
    for id in &ids {
        fixture.until_state(*id, JobState::Running).await;
    }
    started.acquire_many(2).await.unwrap().forget();
    finish.notify_one();
    working.stop().await;
    assert_eq!(fixture.client.job(ids[0]).await.unwrap().state, JobState::Completed);
    for id in &ids[1..] {
        fixture.until_state(*id, JobState::Available).await;
        let attempts = fixture.client.job_attempts(*id).await.unwrap();
        assert!(["given_back", "snoozed"].contains(&attempts[0].outcome.as_deref().unwrap()));
    }
}

#[derive(Serialize, Deserialize)]
struct Mail {}

impl Job for Mail {
    const KIND: &'static str = "mail";
}

#[tokio::test(flavor = "multi_thread")]
async fn kinds_and_queues_go_to_the_worker_that_serves_them() {
    let fixture = Fixture::new().await;
    let seen: Arc<Mutex<Vec<JobId>>> = Arc::default();
    let note = |seen: &Arc<Mutex<Vec<JobId>>>, id| seen.lock().unwrap().push(id);
    let (counted, mailed) = (Arc::clone(&seen), Arc::clone(&seen));
    let worker = Worker::new(fixture.client.clone(), "w1")
        .queue("slow")
        .queue("default")
        .handle(move |context: Context, _: Count| {
            note(&counted, context.job());
            async { Ok::<_, JobError>(()) }
        })
        .handle(move |context: Context, _: Mail| {
            note(&mailed, context.job());
            async { Ok::<_, JobError>(()) }
        });
    let mut slow = oyez_client::request(&Mail {}).unwrap();
    slow.queue = Some("slow".parse().unwrap());
    let mut elsewhere = count(2);
    elsewhere.queue = Some("elsewhere".parse().unwrap());
    let elsewhere = fixture.enqueue(&elsewhere).await;
    let ids = [fixture.enqueue(&slow).await, fixture.enqueue(&count(1)).await];
    let working = start(worker);
    for id in ids {
        fixture.until_state(id, JobState::Completed).await;
    }
    working.stop().await;
    assert_eq!(seen.lock().unwrap().len(), 2);
    assert_eq!(fixture.client.job(elsewhere).await.unwrap().state, JobState::Available);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_cannot_work_says_why() {
    let fixture = Fixture::new().await;
    let idle = start(Worker::new(fixture.client.clone(), "w1")).ended().await.unwrap_err();
    assert!(matches!(&idle, Error::Setup(why) if why.contains("Worker::handle")), "{idle}");
    let handle = |client: Client| {
        Worker::new(client, "w1").handle(|_: Context, _: Count| async { Ok::<_, JobError>(()) })
    };
    let stranger = Client::new(&fixture.url, "oyez_sk_wrong").unwrap();
    let refused = start(handle(stranger)).ended().await.unwrap_err();
    assert!(matches!(refused.code(), Some(ErrorCode::KeyInvalid | ErrorCode::TokenMalformed)), "{refused:?}");
    let nameless = Worker::new(fixture.client.clone(), "")
        .handle(|_: Context, _: Count| async { Ok::<_, JobError>(()) });
    assert!(matches!(start(nameless).ended().await, Err(Error::Setup(_))));
}
