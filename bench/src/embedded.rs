//! An application that embeds Oyez and whose jobs do nothing, as a process of its own on the server's core.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use oyez::{Config, Job, JobError, Oyez};
use serde::{Deserialize, Serialize};

use crate::{clock, generator::tally};

/// Jobs asked for in one transaction.
const TOGETHER: usize = 1_000;
/// Jobs asked for one by one, to see how soon they start, and the pause between them.
const SINGLE: (usize, Duration) = (1_000, Duration::from_millis(4));

/// What came out.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Figures {
    /// Jobs written down per second, a thousand at a time.
    pub(crate) enqueued_per_second: f64,
    /// Jobs claimed, run and written down as completed, per second.
    pub(crate) ended_per_second: f64,
    /// From the call that asks for a job to the first line of its handler, in milliseconds.
    pub(crate) start_p50_ms: f64,
    pub(crate) start_p95_ms: f64,
}

#[derive(Serialize, Deserialize)]
struct Nothing {
    asked_at: u64,
}

impl Job for Nothing {
    const KIND: &'static str = "nothing";
}

/// Runs so many jobs, then single ones; prints JSON.
#[expect(clippy::print_stdout, reason = "whoever started this reads the figures")]
pub(crate) fn run(jobs: usize, folder: &Path) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let figures = runtime.block_on(measure(jobs, folder))?;
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}

async fn measure(jobs: usize, folder: &Path) -> anyhow::Result<Figures> {
    let oyez = Oyez::open(Config { data_dir: folder.join("embedded"), ..Config::default() }).await?;
    let started = Instant::now();
    let request = oyez.jobs().request(&Nothing { asked_at: 0 })?;
    for first in (0..jobs).step_by(TOGETHER) {
        let batch = vec![request.clone(); TOGETHER.min(jobs - first)];
        for accepted in oyez.jobs().enqueue_batch(&batch).await? {
            accepted?;
        }
    }
    let enqueued = started.elapsed().as_secs_f64();

    let ran = Arc::new(AtomicUsize::new(0));
    let waits = Arc::new(Mutex::new(tally::latencies()));
    let (counted, noted) = (Arc::clone(&ran), Arc::clone(&waits));
    let started = Instant::now();
    oyez.jobs().handle(move |_, job: Nothing| {
        counted.fetch_add(1, Ordering::Relaxed);
        if job.asked_at > 0 {
            let micros = clock::now().saturating_sub(job.asked_at) / 1_000;
            noted.lock().unwrap_or_else(PoisonError::into_inner).saturating_record(micros);
        }
        async { Ok::<_, JobError>(()) }
    })?;
    wait_for_the_end(&oyez, &ran, jobs).await?;
    let ended = started.elapsed().as_secs_f64();

    for _ in 0..SINGLE.0 {
        let asked_at = clock::now();
        oyez.jobs().enqueue(oyez.jobs().request(&Nothing { asked_at })?).await?;
        tokio::time::sleep(SINGLE.1).await;
    }
    wait_for_the_end(&oyez, &ran, jobs + SINGLE.0).await?;
    let waits = waits.lock().unwrap_or_else(PoisonError::into_inner).clone();
    oyez.shutdown().await;
    let ms = |share: f64| waits.value_at_quantile(share) as f64 / 1_000.0;
    Ok(Figures {
        enqueued_per_second: jobs as f64 / enqueued,
        ended_per_second: jobs as f64 / ended,
        start_p50_ms: ms(0.5),
        start_p95_ms: ms(0.95),
    })
}

/// Until so many have run, and every end is on disk.
async fn wait_for_the_end(oyez: &Oyez, ran: &AtomicUsize, jobs: usize) -> anyhow::Result<()> {
    let patience = Instant::now();
    loop {
        if ran.load(Ordering::Relaxed) == jobs && unfinished(oyez).await? == 0 {
            return Ok(());
        }
        if patience.elapsed() > Duration::from_secs(120) {
            anyhow::bail!("only {} of {jobs} jobs ran", ran.load(Ordering::Relaxed));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Jobs of our kind that have not ended, or 1 when there are any.
async fn unfinished(oyez: &Oyez) -> anyhow::Result<usize> {
    use oyez::protocol::{JobKind, api::jobs::JobState};
    let kind = JobKind::new(Nothing::KIND).context("the kind is a name")?;
    for state in [JobState::Available, JobState::Running, JobState::Retryable] {
        let filter = oyez_store::jobs::JobFilter {
            state: Some(state),
            kind: Some(kind.clone()),
            ..Default::default()
        };
        if !oyez.jobs().list(&filter, None, 1).await?.is_empty() {
            return Ok(1);
        }
    }
    Ok(0)
}
