//! What others than its worker do to a job.

use std::time::Duration;

use oyez_core::{
    job::{JobRecord, Outcome},
    schedule::{Misfire, NewSchedule, Overlap, Plan},
};
use oyez_protocol::{
    JobId, JobKind,
    api::jobs::{JobRequest, JobState},
};
use oyez_store::{CancelOutcome, JobFilter, RetryOutcome};

use super::support::{claim_of, created, done, failed, job, job_of, unique};
use crate::support::{Fixture, at, user};

async fn cancel(fixture: &Fixture, id: JobId, second: i64) -> CancelOutcome {
    fixture.change(move |tx| Box::pin(tx.cancel_job(id, at(second)))).await
}

async fn retry(fixture: &Fixture, id: JobId, second: i64) -> RetryOutcome {
    fixture.change(move |tx| Box::pin(tx.retry_job(id, at(second)))).await
}

#[tokio::test]
async fn a_waiting_job_is_cancelled_at_once() {
    let fixture = Fixture::new().await;
    let mut later = job();
    later.run_at = Some(at(99));
    let ids = created(&fixture.enqueue(vec![job(), later]).await);
    for id in ids {
        let CancelOutcome::Cancelled(told) = cancel(&fixture, id, 3).await else { panic!("not cancelled") };
        assert_eq!((told.state, told.finalized_at), (JobState::Cancelled, Some(at(3))));
        let stored = fixture.job(id).await;
        assert_eq!((stored.state, stored.finalized_at), (JobState::Cancelled, Some(at(3))));
        assert!(matches!(cancel(&fixture, id, 4).await, CancelOutcome::AlreadyFinal(JobState::Cancelled)));
    }
    assert!(fixture.claim(claim_of(9), 100).await.jobs.is_empty());
    assert!(matches!(cancel(&fixture, job().id, 4).await, CancelOutcome::Unknown));
}

#[tokio::test]
async fn a_running_job_is_asked_to_stop_and_never_runs_again() {
    let fixture = Fixture::new().await;
    let ids = created(&fixture.enqueue(vec![job(), job(), job()]).await);
    let claims = fixture.claim(claim_of(3), 0).await;
    for id in &ids {
        let id = *id;
        let CancelOutcome::Requested(told) = cancel(&fixture, id, 3).await else { panic!("not asked") };
        assert_eq!(told.cancel_requested_at, Some(at(3)));
        cancel(&fixture, id, 5).await;
        assert_eq!(fixture.job(id).await.cancel_requested_at, Some(at(3)));
    }
    // The worker concluded before it heard of it: the wish counts all the same, unless the work was done.
    let ends = [failed("no"), Outcome::Snooze { delay: Duration::from_secs(9) }, done()];
    let mut states = Vec::new();
    for (claimed, outcome) in claims.jobs.iter().zip(ends) {
        states.push(fixture.end(&claimed.job, outcome, 6).await.state.unwrap());
    }
    assert_eq!(states, [JobState::Cancelled, JobState::Cancelled, JobState::Completed]);
    assert_eq!(fixture.job(ids[1]).await.finalized_at, Some(at(6)));
    assert_eq!(fixture.store.next_job_due().await.unwrap(), None);
}

#[tokio::test]
async fn a_job_that_ended_runs_once_more_with_what_it_had_finished() {
    let fixture = Fixture::new().await;
    let mut once = job();
    once.max_attempts = 1;
    let id = created(&fixture.enqueue(vec![once]).await)[0];
    assert!(matches!(retry(&fixture, id, 0).await, RetryOutcome::Unfinished(JobState::Available)));
    let claimed = fixture.claim_one(0).await;
    assert!(matches!(retry(&fixture, id, 0).await, RetryOutcome::Unfinished(JobState::Running)));
    fixture.end(&claimed.job, failed("no"), 1).await;
    let RetryOutcome::Retried(told) = retry(&fixture, id, 2).await else { panic!("not retried") };
    assert_eq!((told.state, told.max_attempts, told.finalized_at), (JobState::Available, 2, None));
    let claimed = fixture.claim_one(3).await;
    assert_eq!(claimed.job.attempt, 2);
    fixture.end(&claimed.job, done(), 4).await;
    assert!(matches!(retry(&fixture, id, 5).await, RetryOutcome::Retried(_)));
    let claimed = fixture.claim_one(6).await;
    fixture.end(&claimed.job, done(), 7).await;
    // What each ended with stays known.
    let attempts = fixture.store.job_attempts(id).await.unwrap();
    let kept: Vec<_> = attempts.iter().map(|one| (one.error.as_deref(), one.result.as_deref())).collect();
    let result = fixture.job(id).await.result;
    assert!(result.is_some());
    assert_eq!(kept, [(Some("no"), None), (None, result.as_deref()), (None, result.as_deref())]);
    assert!(matches!(retry(&fixture, job().id, 5).await, RetryOutcome::Unknown));
}

#[tokio::test]
async fn a_job_that_waits_for_its_next_attempt_gets_it_now() {
    let fixture = Fixture::new().await;
    let id = created(&fixture.enqueue(vec![job()]).await)[0];
    let claimed = fixture.claim_one(0).await;
    fixture.end(&claimed.job, failed("no"), 1).await;
    let RetryOutcome::Retried(told) = retry(&fixture, id, 2).await else { panic!("not retried") };
    assert_eq!((told.state, told.max_attempts), (JobState::Available, 3));
    fixture.claim_one(2).await;
}

#[tokio::test]
async fn a_job_whose_key_another_has_meanwhile_is_not_retried() {
    let fixture = Fixture::new().await;
    let asked = || {
        let mut job = job();
        job.unique = unique("k", &[]);
        job
    };
    let first = created(&fixture.enqueue(vec![asked()]).await)[0];
    cancel(&fixture, first, 1).await;
    let second = created(&fixture.enqueue(vec![asked()]).await)[0];
    assert!(matches!(retry(&fixture, first, 2).await, RetryOutcome::Unique(holder) if holder == second));
    cancel(&fixture, second, 3).await;
    assert!(matches!(retry(&fixture, first, 4).await, RetryOutcome::Retried(_)));
}

#[tokio::test]
async fn jobs_that_match_are_cancelled_and_retried_in_small_steps() {
    let fixture = Fixture::new().await;
    let mut jobs: Vec<_> = (0..20).map(|_| job()).collect();
    jobs.extend((0..5).map(|_| job_of("mail")));
    for (number, job) in jobs.iter_mut().enumerate() {
        job.run_at = (number % 3 == 0).then_some(at(99));
    }
    created(&fixture.enqueue(jobs).await);
    fixture.claim(claim_of(4), 0).await;
    let filter = JobFilter { kind: Some(JobKind::new("upload").unwrap()), ..JobFilter::default() };
    let (mut cancelled, mut asked) = (0, 0);
    loop {
        let filter = filter.clone();
        let step =
            fixture.change(move |tx| Box::pin(async move { tx.cancel_jobs(&filter, at(1), 6).await })).await;
        assert!(step.len() <= 6);
        for outcome in &step {
            match outcome {
                CancelOutcome::Cancelled(_) => cancelled += 1,
                CancelOutcome::Requested(_) => asked += 1,
                other => panic!("{other:?}"),
            }
        }
        if step.len() < 6 {
            break;
        }
    }
    assert_eq!(cancelled + asked, 20);
    assert!(asked <= 4);
    let mut retried = 0;
    loop {
        let filter = filter.clone();
        let step = fixture
            .change(move |tx| Box::pin(async move { tx.retry_jobs(&filter, at(2), at(2), 6).await }))
            .await;
        retried += step.iter().filter(|one| matches!(one, RetryOutcome::Retried(_))).count();
        if step.len() < 6 {
            break;
        }
    }
    assert_eq!(retried, cancelled);
}

#[tokio::test]
async fn lists_show_the_newest_first_page_by_page() {
    let fixture = Fixture::new().await;
    let mut owned = job_of("mail");
    owned.user = Some(user("anna"));
    let ids = created(&fixture.enqueue(vec![job(), owned, job(), job()]).await);
    cancel(&fixture, ids[2], 1).await;
    // Which of the four they are.
    let list = |filter: JobFilter, before: Option<JobId>| {
        let (store, ids) = (&fixture.store, &ids);
        async move {
            let jobs = store.jobs(&filter, before, 2).await.unwrap();
            let index = |job: &JobRecord| ids.iter().position(|id| *id == job.id).unwrap();
            jobs.iter().map(index).collect::<Vec<_>>()
        }
    };
    assert_eq!(list(JobFilter::default(), None).await, [3, 2]);
    assert_eq!(list(JobFilter::default(), Some(ids[2])).await, [1, 0]);
    let available = JobFilter { state: Some(JobState::Available), ..JobFilter::default() };
    assert_eq!(list(available.clone(), None).await, [3, 1]);
    assert_eq!(list(available, Some(ids[1])).await, [0]);
    let cancelled = JobFilter { state: Some(JobState::Cancelled), ..JobFilter::default() };
    assert_eq!(list(cancelled, None).await, [2]);
    let annas = JobFilter { user: Some(user("anna")), ..JobFilter::default() };
    assert_eq!(list(annas.clone(), None).await, [1]);
    assert!(list(JobFilter { state: Some(JobState::Running), ..annas }, None).await.is_empty());
    let mails = JobFilter { kind: Some(JobKind::new("mail").unwrap()), ..JobFilter::default() };
    assert_eq!(list(mails, None).await, [1]);
    let completed = JobFilter { state: Some(JobState::Completed), ..JobFilter::default() };
    assert!(list(completed, None).await.is_empty());
    // The last one of a page may be gone before the next is asked for.
    fixture.change(|tx| Box::pin(tx.retain_jobs(at(2), 9))).await;
    assert_eq!(list(JobFilter::default(), Some(ids[2])).await, [1, 0]);
    assert!(list(JobFilter::default(), Some(JobId(uuid::Uuid::nil()))).await.is_empty());
}

#[tokio::test]
async fn what_ended_long_ago_is_deleted_in_small_steps_and_nothing_else() {
    let fixture = Fixture::new().await;
    let ids = created(&fixture.enqueue((0..12).map(|_| job()).collect()).await);
    for claimed in fixture.claim(claim_of(10), 0).await.jobs {
        let second = if claimed.job.id == ids[0] { 100 } else { 50 };
        fixture.end(&claimed.job, done(), second).await;
    }
    let mut gone = 0;
    loop {
        let step = fixture.change(|tx| Box::pin(tx.retain_jobs(at(100), 4))).await;
        assert!(step <= 4);
        gone += step;
        if step < 4 {
            break;
        }
    }
    assert_eq!(gone, 9);
    let left: Vec<_> = fixture.store.jobs(&JobFilter::default(), None, 99).await.unwrap();
    assert_eq!(left.iter().map(|job| job.id).collect::<Vec<_>>(), [ids[11], ids[10], ids[0]]);
    assert!(fixture.store.job_attempts(ids[1]).await.unwrap().is_empty());
}

#[tokio::test]
async fn nothing_is_left_of_the_jobs_of_a_user_who_was_erased() {
    let mut fixture = Fixture::new().await;
    let of_anna = || {
        let mut job = job();
        job.user = Some(user("anna"));
        job.data = r#"{"salary":7}"#.into();
        job
    };
    let ids = created(&fixture.enqueue((0..2_500).map(|_| of_anna()).collect()).await);
    let other = created(&fixture.enqueue(vec![job()]).await)[0];
    let mut job = JobRequest::new(JobKind::new("report").unwrap());
    job.user = Some(user("anna"));
    let schedule = NewSchedule {
        name: "weekly".parse().unwrap(),
        plan: Plan::parse("@weekly", "UTC").unwrap(),
        job,
        misfire: Misfire::Once,
        overlap: Overlap::Skip,
        paused: None,
    };
    fixture.change(move |tx| Box::pin(async move { tx.put_schedule(&schedule, None, at(0)).await })).await;
    let running = fixture.claim_one(0).await;
    for claimed in fixture.claim(claim_of(2_300), 0).await.jobs {
        fixture.end(&claimed.job, done(), 1).await;
    }
    assert!(fixture.store.erase_user(&user("anna")).await.unwrap());
    for id in [ids[0], ids[1], ids[2_499]] {
        assert!(fixture.store.job(id).await.unwrap().is_none());
        assert!(fixture.store.job_attempts(id).await.unwrap().is_empty());
    }
    assert_eq!(fixture.store.schedules().await.unwrap()[0].job.user, None);
    // Whoever runs one finds that it is not theirs any more.
    assert_eq!(fixture.end(&running.job, done(), 2).await.state, None);
    assert_eq!(fixture.claim_one(3).await.job.id, other);
    fixture.reopen().await;
    assert_eq!(fixture.store.jobs(&JobFilter::default(), None, 9).await.unwrap().len(), 1);
}
