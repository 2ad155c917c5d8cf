//! What is made of a request: a job, or the one that stands for it already.

use std::time::Duration;

use oyez_core::job::tracked_job;
use oyez_protocol::{
    JobId, JobKind, UserId,
    api::jobs::{JobState, TrackRequest},
};
use oyez_store::Enqueued;
use uuid::Uuid;

use super::support::{claim_of, created, done, failed, idempotency, job, job_of, unique};
use crate::support::{Fixture, at, draft, user, with_key};

#[tokio::test]
async fn a_job_is_read_back_as_it_was_asked_for() {
    let mut fixture = Fixture::new().await;
    let mut asked = job();
    asked.args = r#"{"file":"träger \"1\"","n":[1,2]}"#.into();
    asked.data = r#"{"transaction_id":602}"#.into();
    asked.user = Some(user("anna"));
    asked.priority = 0;
    asked.max_attempts = 7;
    asked.timeout = Some(Duration::from_millis(1_500));
    asked.backoff.first = Duration::from_millis(250);
    asked.messages.started = Some("Oracle upload started for transaction 602".into());
    asked.run_at = Some(at(60));
    asked.unique = unique("k", &[]);
    fixture.enqueue(vec![asked.clone()]).await;
    fixture.reopen().await;
    let job = fixture.job(asked.id).await;
    assert_eq!((job.args, job.data, job.user), (asked.args, asked.data, asked.user));
    assert_eq!((job.priority, job.max_attempts, job.timeout), (0, 7, asked.timeout));
    assert_eq!((job.backoff, job.messages, job.notify), (asked.backoff, asked.messages, asked.notify));
    assert_eq!((job.state, job.run_at, job.created_at), (JobState::Scheduled, at(60), at(0)));
    assert_eq!((job.unique_key.as_deref(), job.attempt, job.track), (Some("k"), 0, false));
    assert!(fixture.store.user(&user("anna")).await.unwrap().is_some());
    assert!(fixture.store.job(JobId(Uuid::now_v7())).await.unwrap().is_none());
}

#[tokio::test]
async fn jobs_are_made_in_the_transaction_of_other_writes_or_not_at_all() {
    let fixture = Fixture::new().await;
    let (job, notification) = (job(), draft("user:anna"));
    let (id, notification_id) = (job.id, notification.id);
    let failing = fixture.store.write::<(), _>(move |tx| {
        Box::pin(async move {
            tx.enqueue(std::slice::from_ref(&job), at(0)).await?;
            tx.land(&[&notification]).await?;
            Err(oyez_store::StoreError::NotFound("thing"))
        })
    });
    assert!(failing.await.is_err());
    assert!(fixture.store.job(id).await.unwrap().is_none());
    assert!(fixture.store.notification(notification_id).await.unwrap().is_none());
}

#[tokio::test]
async fn a_request_sent_again_is_the_same_job_for_a_day() {
    let fixture = Fixture::new().await;
    let with_key = |body| {
        let mut job = job();
        job.idempotency = idempotency("k", body);
        job
    };
    // The first two arrive together.
    let (first, second) = (with_key(1), with_key(1));
    let id = first.id;
    assert_eq!(fixture.enqueue(vec![first, second]).await, [Enqueued::Created(id), Enqueued::Replayed(id)]);
    let again = fixture.enqueue_at(vec![with_key(1), with_key(2)], 86_399).await;
    assert_eq!(again, [Enqueued::Replayed(id), Enqueued::IdempotencyMismatch]);
    let later = with_key(2);
    let later_id = later.id;
    assert_eq!(fixture.enqueue_at(vec![later], 86_400).await, [Enqueued::Created(later_id)]);
}

#[tokio::test]
async fn a_key_of_a_publish_is_not_taken_for_a_job_nor_the_other_way_round() {
    let fixture = Fixture::new().await;
    fixture.publish(with_key(draft("user:a"), "p", 1)).await;
    let mut job_with_key = job();
    job_with_key.idempotency = idempotency("p", 1);
    assert_eq!(fixture.enqueue(vec![job_with_key]).await, [Enqueued::IdempotencyMismatch]);
    let mut first = job();
    first.idempotency = idempotency("j", 1);
    created(&fixture.enqueue(vec![first]).await);
    let published = fixture.publish(with_key(draft("user:a"), "j", 1)).await;
    assert_eq!(published, oyez_store::PublishOutcome::IdempotencyMismatch);
}

#[tokio::test]
async fn a_unique_key_finds_the_job_that_has_not_ended() {
    let fixture = Fixture::new().await;
    let asked = || {
        let mut job = job();
        job.unique = unique("one", &[]);
        job
    };
    let (first, second) = (asked(), asked());
    let id = first.id;
    assert_eq!(fixture.enqueue(vec![first, second]).await, [Enqueued::Created(id), Enqueued::Unique(id)]);
    let claimed = fixture.claim_one(1).await;
    assert_eq!(fixture.enqueue(vec![asked()]).await, [Enqueued::Unique(id)]);
    fixture.end(&claimed.job, failed("no"), 2).await;
    assert_eq!(fixture.state(id).await, JobState::Retryable);
    assert_eq!(fixture.enqueue(vec![asked()]).await, [Enqueued::Unique(id)]);
    fixture.change(|tx| Box::pin(tx.promote(at(600), 10))).await;
    let claimed = fixture.claim_one(601).await;
    fixture.end(&claimed.job, done(), 602).await;
    created(&fixture.enqueue(vec![asked()]).await);
}

#[tokio::test]
async fn a_key_that_covers_ends_is_taken_until_the_job_is_deleted() {
    let fixture = Fixture::new().await;
    let asked = || {
        let mut job = job();
        job.unique = unique("once", &JobState::ALL);
        job
    };
    let first = asked();
    let id = first.id;
    fixture.enqueue(vec![first]).await;
    let claimed = fixture.claim_one(1).await;
    fixture.end(&claimed.job, done(), 2).await;
    assert_eq!(fixture.enqueue(vec![asked()]).await, [Enqueued::Unique(id)]);
    assert_eq!(fixture.change(|tx| Box::pin(tx.retain_jobs(at(3), 10))).await, 1);
    created(&fixture.enqueue(vec![asked()]).await);
}

#[tokio::test]
async fn a_key_that_covers_only_some_states_never_stops_a_job_on_its_way() {
    let fixture = Fixture::new().await;
    // One may wait while another runs.
    let asked = || {
        let mut job = job();
        job.max_attempts = 9;
        job.unique = unique("k", &[JobState::Available, JobState::Retryable, JobState::Completed]);
        job
    };
    created(&fixture.enqueue(vec![asked()]).await);
    let first = fixture.claim_one(1).await;
    created(&fixture.enqueue(vec![asked()]).await);
    let second = fixture.claim_one(2).await;
    let waiting = created(&fixture.enqueue(vec![asked()]).await)[0];
    // Both come back into a state in which the third has the key: they go on without it.
    assert_eq!(fixture.end(&first.job, failed("a"), 3).await.state, Some(JobState::Retryable));
    assert_eq!(fixture.end(&second.job, done(), 3).await.state, Some(JobState::Completed));
    assert_eq!(fixture.job(first.job.id).await.unique_key, None);
    assert_eq!(fixture.enqueue(vec![asked()]).await, [Enqueued::Unique(waiting)]);
    fixture.change(|tx| Box::pin(tx.promote(at(600), 10))).await;
    assert_eq!(fixture.claim(claim_of(9), 601).await.jobs.len(), 2);
}

#[tokio::test]
async fn of_jobs_that_come_back_together_one_has_the_key() {
    let fixture = Fixture::new().await;
    let asked = |second| {
        let mut job = job();
        job.unique = unique("k", &[JobState::Available]);
        job.run_at = Some(at(second));
        job
    };
    created(&fixture.enqueue(vec![asked(10), asked(11), asked(12)]).await);
    let promoted = fixture.change(|tx| Box::pin(tx.promote(at(20), 10))).await;
    assert_eq!(promoted.iter().map(|(.., count)| *count).sum::<u32>(), 3);
    let held = fixture.store.jobs(&Default::default(), None, 9).await.unwrap();
    assert_eq!(held.iter().filter(|job| job.unique_key.is_some()).count(), 1);
    assert!(matches!(fixture.enqueue(vec![asked(0)]).await[..], [Enqueued::Unique(_)]));
}

#[tokio::test]
async fn tracked_work_runs_from_the_start_and_no_worker_gets_it() {
    let fixture = Fixture::new().await;
    let request = TrackRequest {
        kind: JobKind::new("import").unwrap(),
        key: Some("file-7".into()),
        user: Some(UserId::new("anna").unwrap()),
        data: None,
        worker: None,
        silence: Some(60.0),
        notify: None,
        messages: None,
        idempotency_key: None,
    };
    let tracked = tracked_job(&request, JobId(Uuid::now_v7()), "key:test", at(0)).unwrap();
    let again = tracked_job(&request, JobId(Uuid::now_v7()), "key:test", at(0)).unwrap();
    let id = tracked.id;
    assert_eq!(fixture.enqueue(vec![tracked, again]).await, [Enqueued::Created(id), Enqueued::Unique(id)]);
    let job = fixture.job(id).await;
    assert_eq!((job.state, job.attempt, job.lease_until), (JobState::Running, 1, Some(at(60))));
    assert!(fixture.claim(claim_of(9), 1).await.jobs.is_empty());
    assert_eq!(fixture.change(|tx| Box::pin(tx.overdue(at(60), 9))).await.len(), 1);
    assert_eq!(fixture.end(&job, done(), 61).await.state, Some(JobState::Completed));
}

#[tokio::test]
async fn kinds_and_queues_do_not_mix() {
    let fixture = Fixture::new().await;
    let mut elsewhere = job_of("mail");
    elsewhere.queue = super::support::queue("slow");
    created(&fixture.enqueue(vec![job_of("upload"), job_of("mail"), elsewhere]).await);
    let mut claim = claim_of(9);
    claim.kinds = Some(vec![JobKind::new("mail").unwrap(), JobKind::new("unknown").unwrap()]);
    let claims = fixture.claim(claim.clone(), 1).await;
    assert_eq!(claims.jobs.iter().map(|one| one.job.kind.as_str()).collect::<Vec<_>>(), ["mail"]);
    claim.queue = super::support::queue("slow");
    assert_eq!(fixture.claim(claim.clone(), 1).await.jobs.len(), 1);
    claim.kinds = Some(Vec::new());
    claim.queue = Default::default();
    assert!(fixture.claim(claim, 1).await.jobs.is_empty());
}
