//! Lines that break, answers that are lost, workers that die.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use oyez_client::{Client, Context, JobError, Worker, protocol::api::jobs::JobState};
use tokio::sync::{Notify, Semaphore};

use crate::{
    gate::Gate,
    support::{Count, Fixture, count, start},
};

/// Short, so that a job is taken over soon.
const LEASE: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_asked_for_again_and_nothing_is_done_twice() {
    let fixture = Fixture::new().await;
    let gate = Gate::before(&fixture.url).await;
    let client = Client::new(&gate.url(), &fixture.key).unwrap();
    gate.lose_answers(2);
    let first = client.enqueue(&count(1)).await.unwrap();
    assert!(gate.has_lost());
    let claims = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&claims);
    let worker = Worker::new(fixture.client.clone(), "w1").handle(move |_: Context, _: Count| {
        counted.fetch_add(1, Ordering::SeqCst);
        async { Ok::<_, JobError>(()) }
    });
    let working = start(worker);
    fixture.until_state(first.id, JobState::Completed).await;
    let last = fixture.enqueue(&count(2)).await;
    fixture.until_state(last, JobState::Completed).await;
    working.stop().await;
    assert_eq!(claims.load(Ordering::SeqCst), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_whose_answer_was_lost_is_an_end_all_the_same() {
    let fixture = Fixture::new().await;
    let gate = Gate::before(&fixture.url).await;
    let client = Client::new(&gate.url(), &fixture.key).unwrap();
    let lossy = gate.clone();
    let worker = Worker::new(client, "w1").prefetch(0).handle(move |_: Context, _: Count| {
        // The next answer on this line is the one to the end of the job.
        lossy.lose_answers(1);
        async { Ok::<_, JobError>(()) }
    });
    let working = start(worker);
    let id = fixture.enqueue(&count(1)).await;
    let job = fixture.until_state(id, JobState::Completed).await;
    assert_eq!(job.attempt, 1);
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_waits_for_a_server_that_is_away() {
    let fixture = Fixture::new().await;
    let gate = Gate::before(&fixture.url).await;
    gate.close();
    let client = Client::new(&gate.url(), &fixture.key).unwrap();
    let worker = Worker::new(client, "w1").handle(|_: Context, _: Count| async { Ok::<_, JobError>(()) });
    let working = start(worker);
    let id = fixture.enqueue(&count(1)).await;
    while gate.refused() < 3 {
        tokio::task::yield_now().await;
    }
    gate.open();
    fixture.until_state(id, JobState::Completed).await;
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_takes_longer_than_its_lease_stays_with_its_worker() {
    let fixture = Fixture::with_lease(2 * LEASE).await;
    let finish = Arc::new(Notify::new());
    let told = Arc::clone(&finish);
    let worker = Worker::new(fixture.client.clone(), "w1").handle(move |_: Context, _: Count| {
        let finish = Arc::clone(&finish);
        async move {
            finish.notified().await;
            Ok::<_, JobError>(())
        }
    });
    let working = start(worker);
    let id = fixture.enqueue(&count(1)).await;
    let mut lease = fixture.until_state(id, JobState::Running).await.lease_until;
    let first = lease.unwrap();
    // Until the lease that it had at first is over.
    while lease.unwrap().millis_since(first) <= 2_000 {
        let known = lease;
        lease = fixture.until(id, |job| job.lease_until > known).await.lease_until;
    }
    told.notify_one();
    let job = fixture.until_state(id, JobState::Completed).await;
    assert_eq!(job.attempt, 1);
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_job_of_a_worker_that_died_is_taken_over_and_goes_on_where_it_was() {
    let fixture = Fixture::with_lease(LEASE).await;
    let (uploads, reached) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let worker = |name: &str| {
        let (uploads, reached) = (Arc::clone(&uploads), Arc::clone(&reached));
        Worker::new(fixture.client.clone(), name).handle(move |context: Context, _: Count| {
            let (uploads, reached) = (Arc::clone(&uploads), Arc::clone(&reached));
            async move {
                let upload = async {
                    uploads.fetch_add(1, Ordering::SeqCst);
                    Ok::<_, JobError>(())
                };
                context.checkpoint("Upload", upload).await?;
                if context.attempt() == 1 {
                    reached.add_permits(1);
                    std::future::pending::<()>().await;
                }
                Ok(())
            }
        })
    };
    let first = start(worker("w1"));
    let id = fixture.enqueue(&count(1)).await;
    reached.acquire().await.unwrap().forget();
    first.kill().await;
    let second = start(worker("w2"));
    let job = fixture.until_state(id, JobState::Completed).await;
    assert_eq!((job.attempt, job.worker.unwrap().as_str()), (2, "w2"));
    assert_eq!(uploads.load(Ordering::SeqCst), 1);
    let attempts = fixture.client.job_attempts(id).await.unwrap();
    assert_eq!(attempts[0].outcome.as_deref(), Some("lost"));
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_cut_off_stops_working_on_what_is_anothers() {
    let fixture = Fixture::with_lease(LEASE).await;
    let gate = Gate::before(&fixture.url).await;
    let cut_off = Client::new(&gate.url(), &fixture.key).unwrap();
    let reached = Arc::new(Semaphore::new(0));
    let stopped = Arc::new(Semaphore::new(0));

    /// Notes when its handler is stopped.
    struct Stopped(Arc<Semaphore>);
    impl Drop for Stopped {
        fn drop(&mut self) {
            self.0.add_permits(1);
        }
    }

    let first = {
        let (reached, stopped) = (Arc::clone(&reached), Arc::clone(&stopped));
        start(Worker::new(cut_off, "w1").handle(move |_: Context, _: Count| {
            let (reached, stopped) = (Arc::clone(&reached), Stopped(Arc::clone(&stopped)));
            async move {
                reached.add_permits(1);
                std::future::pending::<()>().await;
                drop(stopped);
                Ok::<_, JobError>(())
            }
        }))
    };
    let id = fixture.enqueue(&count(1)).await;
    reached.acquire().await.unwrap().forget();
    gate.close();
    let second = start(
        Worker::new(fixture.client.clone(), "w2")
            .handle(|_: Context, _: Count| async { Ok::<_, JobError>(()) }),
    );
    let job = fixture.until_state(id, JobState::Completed).await;
    assert_eq!((job.attempt, job.worker.unwrap().as_str()), (2, "w2"));
    stopped.acquire().await.unwrap().forget();
    gate.open();
    first.stop().await;
    second.stop().await;
    assert_eq!(fixture.client.job_attempts(id).await.unwrap().len(), 2);
}
