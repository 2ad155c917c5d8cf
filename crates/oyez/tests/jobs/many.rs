//! Many jobs: none lost, none done twice.

use std::sync::{
    Arc,
    atomic::{AtomicU8, AtomicUsize, Ordering},
};

use oyez_core::job::JobState;
use oyez_protocol::api::jobs::JobRequest;

use crate::world::{PATIENCE, World, work};

const MANY: usize = 100_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_thousand_jobs_none_is_lost_and_none_is_done_twice() {
    let world = World::new().await;
    let times: Arc<Vec<AtomicU8>> = Arc::new((0..MANY).map(|_| AtomicU8::new(0)).collect());
    let all = Arc::new((AtomicUsize::new(0), tokio::sync::Notify::new()));
    let (counted, told) = (Arc::clone(&times), Arc::clone(&all));
    let running = world.runs(move |_, work| {
        counted[work.number as usize].fetch_add(1, Ordering::SeqCst);
        if told.0.fetch_add(1, Ordering::SeqCst) + 1 == MANY {
            told.1.notify_one();
        }
        async { Ok(()) }
    });
    let requests: Vec<JobRequest> = (0..MANY as u64).map(work).collect();
    for requests in requests.chunks(1_000) {
        let accepted = world.jobs.enqueue_batch(requests, "test").await.unwrap();
        assert!(accepted.iter().all(|one| one.as_ref().unwrap().created));
    }
    tokio::time::timeout(PATIENCE * 5, all.1.notified()).await.expect("all run");
    running.stop().await;
    assert!(times.iter().all(|times| times.load(Ordering::SeqCst) == 1));
    let unfinished = world.store.queue_depths().await.unwrap();
    assert_eq!(unfinished, [], "every end is on disk");
    assert_eq!(world.count(JobState::Completed).await, 1_000, "as many as one page shows");
}
