//! Many jobs and several workers, some of which die: none is lost, none is done twice.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use oyez_core::job::Outcome;
use oyez_protocol::{JobId, api::jobs::JobState};
use oyez_store::{Claimed, Concluding, JobFilter, Store};

use super::support::{claim_of, concluded, done, job, worker};
use crate::support::{Fixture, at};

const JOBS: usize = 100_000;
const TOGETHER: u32 = 500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_thousand_jobs_none_is_lost_and_none_is_completed_twice() {
    let fixture = Fixture::new().await;
    let enqueueing = async {
        for _ in 0..JOBS / 1_000 {
            fixture.enqueue((0..1_000).map(|_| job()).collect()).await;
        }
    };
    let completed: Arc<Mutex<HashMap<JobId, u32>>> = Arc::default();
    let workers = (0..4).map(|number| work(fixture.store.clone(), number, Arc::clone(&completed)));
    tokio::join!(enqueueing, futures_util::future::join_all(workers));
    let completed = completed.lock().unwrap().clone();
    assert_eq!(completed.len(), JOBS);
    assert!(completed.values().all(|count| *count == 1));
    assert!(fixture.store.queue_depths().await.unwrap().is_empty());
    let last = fixture.store.jobs(&JobFilter::default(), None, 1).await.unwrap();
    assert_eq!(last[0].state, JobState::Completed);
}

/// Claims until everything is done. Every seventh batch of a worker is left to its fate for a while: another rescues it,
/// and what the worker says later is refused.
async fn work(store: Store, number: usize, completed: Arc<Mutex<HashMap<JobId, u32>>>) {
    let mut claim = claim_of(TOGETHER);
    claim.worker = worker(&format!("w{number}"));
    let (mut batches, mut abandoned) = (0, Vec::new());
    while completed.lock().unwrap().len() < JOBS {
        let claims = {
            let claim = claim.clone();
            store.write(move |tx| Box::pin(async move { tx.claim(&claim, at(0)).await })).await.unwrap()
        };
        batches += 1;
        if batches % 7 == 0 {
            abandoned.extend(claims.jobs);
            continue;
        }
        complete(&store, claims.jobs, &completed).await;
        rescue(&store).await;
        complete(&store, std::mem::take(&mut abandoned), &completed).await;
    }
}

async fn complete(store: &Store, jobs: Vec<Claimed>, completed: &Mutex<HashMap<JobId, u32>>) {
    let ended: Vec<_> = jobs
        .iter()
        .map(|one| Concluding {
            id: one.job.id,
            attempt: one.job.attempt,
            conclusion: concluded(&one.job, done(), at(1)),
            end: None,
        })
        .collect();
    let ended = store.write(move |tx| Box::pin(async move { tx.conclude(&ended, at(1)).await }));
    for one in ended.await.unwrap() {
        if one.state == Some(JobState::Completed) {
            *completed.lock().unwrap().entry(one.id).or_insert(0) += 1;
        }
    }
}

/// As if every lease that was given so far had run out.
async fn rescue(store: &Store) {
    let rescued = store.write(|tx| {
        Box::pin(async move {
            let lost = tx.overdue(at(15), 100).await?;
            let ended: Vec<_> = lost
                .iter()
                .map(|job| Concluding {
                    id: job.id,
                    attempt: job.attempt,
                    conclusion: concluded(job, Outcome::GivenBack, at(15)),
                    end: None,
                })
                .collect();
            tx.conclude(&ended, at(15)).await
        })
    });
    rescued.await.unwrap();
}
