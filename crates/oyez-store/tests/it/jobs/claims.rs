//! Claims: who gets which job, and how many a queue lets go.

use std::time::Duration;

use oyez_core::queue::{QueueSettings, RateLimit};
use oyez_protocol::{JobId, QueueName, api::jobs::JobState};
use oyez_store::Claims;

use super::support::{claim_of, created, done, job, job_of, worker};
use crate::support::{Fixture, at};

fn ids(claims: &Claims) -> Vec<JobId> {
    claims.jobs.iter().map(|one| one.job.id).collect()
}

async fn set(fixture: &Fixture, settings: QueueSettings) {
    fixture
        .change(move |tx| Box::pin(async move { tx.put_queue(&QueueName::default(), &settings).await }))
        .await;
}

#[tokio::test]
async fn the_most_urgent_goes_first_then_the_one_that_waits_longest() {
    let fixture = Fixture::new().await;
    let (mut late, mut urgent, mut early) = (job_of("c"), job_of("b"), job_of("a"));
    late.created_at = at(5);
    urgent.created_at = at(9);
    urgent.priority = 1;
    early.created_at = at(1);
    let (same_time, last) = (late.clone(), {
        let mut last = job_of("a");
        last.priority = 9;
        last
    });
    let same_time = {
        let mut job = same_time;
        job.id = job_of("c").id;
        job
    };
    let expected = [urgent.id, early.id, late.id, same_time.id, last.id];
    created(&fixture.enqueue(vec![last, late, same_time, urgent, early]).await);
    let mut got = ids(&fixture.claim(claim_of(2), 10).await);
    got.extend(ids(&fixture.claim(claim_of(9), 10).await));
    assert_eq!(got, expected);
}

#[tokio::test]
async fn a_claimed_job_is_its_workers_alone() {
    let fixture = Fixture::new().await;
    created(&fixture.enqueue((0..50).map(|_| job()).collect()).await);
    let claims = (0..10).map(|number| {
        let mut claim = claim_of(7);
        claim.worker = worker(&format!("w{number}"));
        fixture.claim(claim, 1)
    });
    let mut all: Vec<JobId> = futures_util::future::join_all(claims).await.iter().flat_map(ids).collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 50);
    let job = fixture.job(all[0]).await;
    assert_eq!((job.state, job.attempt, job.lease_until), (JobState::Running, 1, Some(at(16))));
    assert!(job.worker.unwrap().as_str().starts_with('w'));
}

#[tokio::test]
async fn a_job_planned_for_later_is_claimed_when_its_time_has_come() {
    let fixture = Fixture::new().await;
    let planned = |second| {
        let mut job = job();
        job.run_at = Some(at(second));
        job
    };
    created(&fixture.enqueue(vec![planned(60), planned(30), planned(90)]).await);
    assert_eq!(fixture.store.next_job_due().await.unwrap(), Some(at(30)));
    assert!(fixture.claim(claim_of(9), 29).await.jobs.is_empty());
    assert!(fixture.change(|tx| Box::pin(tx.promote(at(29), 9))).await.is_empty());
    let promoted = fixture.change(|tx| Box::pin(tx.promote(at(60), 1))).await;
    assert_eq!(promoted, [(QueueName::default(), job().kind, 1)]);
    assert_eq!(fixture.claim_one(60).await.job.run_at, at(30));
    assert_eq!(fixture.change(|tx| Box::pin(tx.promote(at(60), 9))).await.len(), 1);
    assert_eq!(fixture.store.next_job_due().await.unwrap(), Some(at(90)));
}

#[tokio::test]
async fn a_paused_queue_lets_nothing_go() {
    let fixture = Fixture::new().await;
    created(&fixture.enqueue(vec![job()]).await);
    set(&fixture, QueueSettings { paused: true, ..QueueSettings::default() }).await;
    assert!(fixture.claim(claim_of(9), 1).await.jobs.is_empty());
    set(&fixture, QueueSettings::default()).await;
    assert_eq!(fixture.claim(claim_of(9), 1).await.jobs.len(), 1);
}

#[tokio::test]
async fn no_more_run_at_once_than_the_queue_allows() {
    let fixture = Fixture::new().await;
    created(&fixture.enqueue((0..10).map(|_| job()).collect()).await);
    set(&fixture, QueueSettings { concurrency: Some(3), ..QueueSettings::default() }).await;
    // Several workers ask at the same time.
    let claims = futures_util::future::join_all((0..4).map(|_| fixture.claim(claim_of(2), 1))).await;
    let running: Vec<_> = claims.into_iter().flat_map(|claims| claims.jobs).collect();
    assert_eq!(running.len(), 3);
    fixture.end(&running[0].job, done(), 2).await;
    assert_eq!(fixture.claim(claim_of(9), 3).await.jobs.len(), 1);
    assert!(fixture.claim(claim_of(9), 3).await.jobs.is_empty());
}

#[tokio::test]
async fn no_more_start_in_a_stretch_of_time_than_the_queue_allows() {
    let fixture = Fixture::new().await;
    created(&fixture.enqueue((0..10).map(|_| job()).collect()).await);
    let rate = Some(RateLimit { count: 4, period: Duration::from_secs(10) });
    set(&fixture, QueueSettings { rate, ..QueueSettings::default() }).await;
    assert_eq!(fixture.claim(claim_of(3), 100).await.jobs.len(), 3);
    assert_eq!(fixture.claim(claim_of(3), 105).await.jobs.len(), 1);
    let none = fixture.claim(claim_of(3), 109).await;
    assert_eq!((none.jobs.len(), none.again_at), (0, Some(at(110))));
    assert_eq!(fixture.claim(claim_of(9), 110).await.jobs.len(), 4);
    // What the rate has used stays used when something else is set.
    set(&fixture, QueueSettings { rate, concurrency: Some(99), ..QueueSettings::default() }).await;
    assert!(fixture.claim(claim_of(9), 111).await.jobs.is_empty());
}

#[tokio::test]
async fn a_queue_is_seen_with_what_waits_and_runs_in_it() {
    let fixture = Fixture::new().await;
    let mut later = job_of("mail");
    later.run_at = Some(at(99));
    created(&fixture.enqueue(vec![job(), job(), job(), later]).await);
    let claimed = fixture.claim_one(5).await;
    let depths = fixture.store.queue_depths().await.unwrap();
    let seen: Vec<_> =
        depths.iter().map(|one| (one.kind.as_str(), one.state, one.jobs, one.oldest)).collect();
    assert_eq!(seen.len(), 3);
    assert!(seen.contains(&("upload", JobState::Available, 2, Some(at(0)))));
    assert!(seen.contains(&("upload", JobState::Running, 1, None)));
    assert!(seen.contains(&("mail", JobState::Scheduled, 1, None)));
    let running = fixture.store.running_jobs(9).await.unwrap();
    assert_eq!((running.len(), running[0].id, running[0].since), (1, claimed.job.id, at(5)));
    assert_eq!(fixture.store.next_lease_end().await.unwrap(), Some(at(20)));
    set(&fixture, QueueSettings { concurrency: Some(5), ..QueueSettings::default() }).await;
    let queues = fixture.store.queues().await.unwrap();
    assert_eq!((queues.len(), queues[0].1.concurrency), (1, Some(5)));
}
