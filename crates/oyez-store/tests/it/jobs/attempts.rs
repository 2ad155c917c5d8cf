//! Attempts: their leases, reports, steps and ends.

use oyez_core::job::Outcome;
use oyez_protocol::{
    JobId,
    api::jobs::{JobState, StepStatus},
};
use oyez_store::{Claimed, Concluding, ProgressWrite, Renewed, StepWrite};

use super::support::{claim_of, concluded, created, done, failed, job};
use crate::support::{Fixture, at, draft, user};

async fn renew(fixture: &Fixture, attempts: Vec<(JobId, u32)>, second: i64) -> Vec<Renewed> {
    fixture.change(move |tx| Box::pin(async move { tx.renew(&attempts, at(second)).await })).await
}

async fn step(
    fixture: &Fixture,
    claimed: &Claimed,
    name: &str,
    result: Option<&str>,
    second: i64,
) -> Renewed {
    let status = if result.is_some() { StepStatus::Completed } else { StepStatus::Processing };
    let step = StepWrite {
        id: claimed.job.id,
        attempt: claimed.job.attempt,
        name: name.into(),
        number: Some(1),
        of: Some(5),
        status,
        result: result.map(str::to_owned),
        lease_until: at(second + 15),
    };
    fixture.change(move |tx| Box::pin(async move { tx.step(&step, at(second)).await })).await
}

#[tokio::test]
async fn a_job_runs_to_its_end() {
    let fixture = Fixture::new().await;
    let id = created(&fixture.enqueue(vec![job()]).await)[0];
    let claimed = fixture.claim_one(1).await;
    assert_eq!((claimed.job.id, claimed.job.attempt, claimed.job.state), (id, 1, JobState::Running));
    let concluded = fixture.end(&claimed.job, done(), 2).await;
    assert_eq!(concluded.state, Some(JobState::Completed));
    let job = fixture.job(id).await;
    assert_eq!((job.state, job.finalized_at, job.lease_until), (JobState::Completed, Some(at(2)), None));
    assert_eq!(job.result.as_deref(), Some(r#"{"rows":3}"#));
    let attempts = fixture.store.job_attempts(id).await.unwrap();
    assert_eq!(attempts.len(), 1);
    assert_eq!((attempts[0].outcome.as_deref(), attempts[0].started_at), (Some("done"), at(1)));
    assert_eq!((attempts[0].ended_at, attempts[0].worker.as_ref().unwrap().as_str()), (Some(at(2)), "w1"));
}

#[tokio::test]
async fn a_job_that_fails_waits_and_is_tried_again_until_its_attempts_are_used_up() {
    let fixture = Fixture::new().await;
    let id = created(&fixture.enqueue(vec![job()]).await)[0];
    let mut second = 0;
    for attempt in 1..=3 {
        let claimed = fixture.claim_one(second).await;
        assert_eq!(claimed.job.attempt, attempt);
        let ended = fixture.end(&claimed.job, failed(&format!("no {attempt}")), second).await;
        let expected = if attempt < 3 { JobState::Retryable } else { JobState::Discarded };
        assert_eq!(ended.state, Some(expected));
        assert!(fixture.claim(claim_of(1), second).await.jobs.is_empty());
        second += 10_000;
        fixture.change(move |tx| Box::pin(tx.promote(at(second), 9))).await;
    }
    let job = fixture.job(id).await;
    assert_eq!((job.error.as_deref(), job.attempt, job.state), (Some("no 3"), 3, JobState::Discarded));
    let attempts = fixture.store.job_attempts(id).await.unwrap();
    let errors: Vec<_> = attempts.iter().map(|one| one.error.as_deref().unwrap()).collect();
    assert_eq!(errors, ["no 1", "no 2", "no 3"]);
}

#[tokio::test]
async fn an_attempt_given_back_does_not_count() {
    let fixture = Fixture::new().await;
    let mut once = job();
    once.max_attempts = 1;
    let id = created(&fixture.enqueue(vec![once]).await)[0];
    for attempt in 1..=3 {
        let claimed = fixture.claim_one(attempt).await;
        let ended = fixture.end(&claimed.job, Outcome::GivenBack, attempt).await;
        assert_eq!(ended.state, Some(JobState::Available));
    }
    let claimed = fixture.claim_one(9).await;
    assert_eq!((claimed.job.attempt, claimed.job.given_back), (4, 3));
    fixture.end(&claimed.job, failed("now it counts"), 9).await;
    assert_eq!(fixture.state(id).await, JobState::Discarded);
}

#[tokio::test]
async fn a_worker_that_lost_its_job_changes_nothing_any_more() {
    let fixture = Fixture::new().await;
    let id = created(&fixture.enqueue(vec![job()]).await)[0];
    let lost = fixture.claim_one(0).await;
    step(&fixture, &lost, "Upload", Some("1"), 1).await;
    let overdue = fixture.change(|tx| Box::pin(tx.overdue(at(16), 9))).await;
    assert_eq!(overdue.len(), 1);
    assert_eq!(fixture.end(&overdue[0], Outcome::Lost, 16).await.state, Some(JobState::Available));
    let taken_over = fixture.claim_one(16).await;
    assert_eq!(taken_over.job.attempt, 2);
    // What the first one finished need not be done again.
    assert_eq!(taken_over.steps.len(), 1);
    assert_eq!(
        (taken_over.steps[0].name.as_str(), taken_over.steps[0].result.as_deref()),
        ("Upload", Some("1"))
    );

    assert_eq!(fixture.end(&lost.job, done(), 17).await.state, None);
    assert!(!step(&fixture, &lost, "Upload", Some("2"), 17).await.current);
    assert!(!step(&fixture, &lost, "Import", Some("3"), 17).await.current);
    assert!(!renew(&fixture, vec![(id, 1)], 99).await[0].current);
    let late = ProgressWrite { id, attempt: 1, progress: r#"{"percent":99.0}"#.into(), lease_until: at(99) };
    let late = fixture.change(move |tx| Box::pin(async move { tx.report(&[late]).await })).await;
    assert!(!late[0].current);

    let job = fixture.job(id).await;
    assert_eq!((job.state, job.attempt, job.lease_until), (JobState::Running, 2, Some(at(31))));
    assert_eq!((job.result, job.progress), (None, None));
    assert_eq!(fixture.store.job_steps(id).await.unwrap().len(), 1);
    assert_eq!(fixture.end(&taken_over.job, done(), 18).await.state, Some(JobState::Completed));
    assert_eq!(fixture.end(&taken_over.job, done(), 19).await.state, None);
    let outcomes: Vec<_> = fixture.store.job_attempts(id).await.unwrap();
    assert_eq!(
        outcomes.iter().map(|one| one.outcome.as_deref().unwrap()).collect::<Vec<_>>(),
        ["lost", "done"]
    );
}

#[tokio::test]
async fn one_statement_renews_many_leases_and_says_who_lost_theirs() {
    let fixture = Fixture::new().await;
    let ids = created(&fixture.enqueue(vec![job(), job(), job()]).await);
    let claims = fixture.claim(claim_of(3), 0).await;
    fixture.end(&claims.jobs[1].job, done(), 1).await;
    let stopped = ids[2];
    fixture.change(move |tx| Box::pin(tx.cancel_job(stopped, at(2)))).await;
    let asked = claims.jobs.iter().map(|one| (one.job.id, one.job.attempt)).collect();
    let renewed = renew(&fixture, asked, 60).await;
    let seen: Vec<_> = renewed.iter().map(|one| (one.current, one.cancel)).collect();
    assert_eq!(seen, [(true, false), (false, false), (true, true)]);
    assert_eq!(fixture.job(ids[0]).await.lease_until, Some(at(60)));
    assert!(fixture.change(|tx| Box::pin(tx.overdue(at(59), 9))).await.is_empty());
    assert!(renew(&fixture, Vec::new(), 60).await.is_empty());
}

#[tokio::test]
async fn progress_is_there_for_those_who_come_late_and_renews_the_lease() {
    let fixture = Fixture::new().await;
    let mut owned = job();
    owned.user = Some(user("anna"));
    let id = created(&fixture.enqueue(vec![owned, job()]).await)[0];
    let claimed = fixture.claim_one(0).await;
    let progress = r#"{"step":"Upload to UCM","step_number":2,"percent":40.5,"status":"processing"}"#;
    let write = ProgressWrite { id, attempt: 1, progress: progress.into(), lease_until: at(70) };
    let told = fixture.change(move |tx| Box::pin(async move { tx.report(&[write]).await })).await;
    assert_eq!(told, [Renewed { id, attempt: 1, current: true, cancel: false }]);
    assert!(fixture.store.standing(&user("anna")).await.unwrap().has_jobs);
    let unfinished = fixture.store.unfinished_jobs(&user("anna"), 9).await.unwrap();
    assert_eq!(unfinished.len(), 1);
    let progress = unfinished[0].progress.as_ref().unwrap();
    assert_eq!((progress.percent, progress.step.as_deref()), (Some(40.5), Some("Upload to UCM")));
    assert_eq!(unfinished[0].lease_until, Some(at(70)));
    assert!(fixture.store.unfinished_jobs(&user("bob"), 9).await.unwrap().is_empty());
    fixture.end(&claimed.job, done(), 9).await;
    assert!(!fixture.store.standing(&user("anna")).await.unwrap().has_jobs);
}

#[tokio::test]
async fn a_completed_step_stays_as_it_is_and_a_failed_one_is_done_again() {
    let fixture = Fixture::new().await;
    let id = created(&fixture.enqueue(vec![job()]).await)[0];
    let first = fixture.claim_one(0).await;
    step(&fixture, &first, "a", None, 1).await;
    step(&fixture, &first, "a", Some(r#"{"document":7}"#), 2).await;
    step(&fixture, &first, "a", Some("other"), 3).await;
    step(&fixture, &first, "b", None, 4).await;
    fixture
        .end(&first.job, Outcome::RetryAfter { delay: std::time::Duration::ZERO, error: "x".into() }, 5)
        .await;
    let second = fixture.claim_one(6).await;
    assert_eq!(second.steps.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["a"]);
    step(&fixture, &second, "b", Some("1"), 7).await;
    let steps = fixture.store.job_steps(id).await.unwrap();
    let seen: Vec<_> = steps.iter().map(|one| (one.name.as_str(), one.attempt, one.started_at)).collect();
    assert_eq!(seen, [("a", 1, at(1)), ("b", 2, at(7))]);
    assert_eq!(steps[0].result.as_deref(), Some(r#"{"document":7}"#));
    assert_eq!((steps[0].finished_at, steps[1].status), (Some(at(2)), StepStatus::Completed));
}

#[tokio::test]
async fn a_notification_of_the_end_lands_with_it_or_not_at_all() {
    let fixture = Fixture::new().await;
    created(&fixture.enqueue(vec![job(), job()]).await);
    let claims = fixture.claim(claim_of(2), 0).await;
    let concluding = |claimed: &Claimed| Concluding {
        id: claimed.job.id,
        attempt: claimed.job.attempt,
        conclusion: concluded(&claimed.job, done(), at(1)),
        end: Some(draft("user:anna")),
    };
    let mut ended: Vec<_> = claims.jobs.iter().map(concluding).collect();
    // A worker that says the same twice, and one that lost its job.
    ended.push(concluding(&claims.jobs[0]));
    ended.push(Concluding { attempt: 7, ..concluding(&claims.jobs[1]) });
    let done = fixture.change(move |tx| Box::pin(async move { tx.conclude(&ended, at(1)).await })).await;
    let landed: Vec<_> = done.iter().map(|one| (one.state.is_some(), one.landed.is_some())).collect();
    assert_eq!(landed, [(true, true), (true, true), (false, false), (false, false)]);
    assert_eq!(done[1].landed.as_ref().unwrap().recipients[0].1.0, 2);
    assert_eq!(fixture.items("anna").await.len(), 2);
}

#[tokio::test]
async fn what_is_read_of_attempts_that_run_is_theirs_alone() {
    let fixture = Fixture::new().await;
    let ids = created(&fixture.enqueue(vec![job(), job()]).await);
    let claims = fixture.claim(claim_of(2), 0).await;
    fixture.end(&claims.jobs[0].job, done(), 1).await;
    let asked = vec![(ids[1], 1), (ids[0], 1), (ids[1], 2)];
    let found = fixture.change(move |tx| Box::pin(async move { tx.running(&asked).await })).await;
    let found: Vec<_> = found.iter().map(|one| one.as_ref().map(|job| job.id)).collect();
    assert_eq!(found, [Some(ids[1]), None, None]);
}
