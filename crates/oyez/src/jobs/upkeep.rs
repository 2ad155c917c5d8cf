//! The work behind the calls: attempts' ends are written, progress that was held back goes out, and depths are counted.

use std::{collections::BTreeMap, time::Duration};

use oyez_core::job::progress_frame;
use oyez_protocol::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    Jobs, Shared,
    finish::{self, Handed},
};
use crate::bus::Stage;

/// The clock may be set: look again at least this often.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How often what waits is counted for the metrics; less often when that takes more than a hundredth of the time.
const COUNT_EVERY: Duration = Duration::from_secs(15);

/// The worker behind [`Jobs`].
pub struct Upkeep {
    jobs: Jobs,
    endings: mpsc::Receiver<Handed>,
}

impl Upkeep {
    pub(super) fn new(jobs: Jobs, endings: mpsc::Receiver<Handed>) -> Self {
        Self { jobs, endings }
    }

    /// Works until `shutdown`; ends that were handed over before are written first.
    pub async fn run(self, shutdown: CancellationToken) {
        let shared = self.jobs.shared.clone();
        tokio::join!(
            finish::run(&shared, self.endings, &shutdown),
            self.jobs.send_what_waits(&shutdown),
            self.jobs.count(&shutdown),
        );
    }
}

impl Jobs {
    /// Progress that came too fast to be sent or written at once: the latest goes out when its time has come.
    async fn send_what_waits(&self, shutdown: &CancellationToken) {
        let shared = &self.shared;
        loop {
            let (moved, next) = shared.live.due(shared.now());
            let mut writes = Vec::new();
            for moved in moved {
                let now = shared.now();
                if moved.due.wire && shared.is_heard(&moved.record) {
                    let frame = progress_frame(&moved.record, &moved.progress, now);
                    shared.tell(&moved.record, frame, Stage::Underway);
                }
                if moved.due.store {
                    writes.push(shared.progress_write(&moved, now));
                }
            }
            if !writes.is_empty() {
                let attempts: Vec<_> = writes.iter().map(|one| (one.id, one.attempt)).collect();
                let written = shared.store.write(move |tx| Box::pin(async move { tx.report(&writes).await }));
                match written.await {
                    Ok(renewed) => renewed.iter().for_each(|one| drop(self.heard(one))),
                    Err(error) => {
                        tracing::warn!(%error, "could not write the progress of jobs");
                        attempts.iter().for_each(|(job, attempt)| shared.live.not_stored(*job, *attempt));
                        // What is due is due again in a second.
                        continue;
                    }
                }
            }
            let sleep = next.map(|next| shared.until(next).min(LOOK_AGAIN));
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                () = shared.live.waits.notified() => {}
                () = tokio::time::sleep(sleep.unwrap_or_default()), if sleep.is_some() => {}
            }
        }
    }

    /// Says how many jobs wait where, and learns which queues other nodes limited.
    async fn count(&self, shutdown: &CancellationToken) {
        let mut known = BTreeMap::new();
        loop {
            let began = tokio::time::Instant::now();
            let counted = async {
                self.shared.read_limits().await?;
                self.shared.store.queue_depths().await
            };
            match counted.await {
                Ok(depths) => {
                    // What there was and is not any more is told once more, as none.
                    known.retain(|_, jobs| std::mem::take(jobs) > 0);
                    for depth in depths {
                        let labels = self.shared.meters.labels(&depth.queue, &depth.kind);
                        *known.entry((labels, depth.state.as_str())).or_default() += depth.jobs;
                    }
                    known.iter().for_each(|(labels, jobs)| gauge(labels, *jobs));
                }
                Err(error) => tracing::warn!(%error, "could not count jobs"),
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(COUNT_EVERY.max(began.elapsed() * 100)) => {}
            }
        }
    }
}

fn gauge((of, state): &([(&'static str, String); 2], &'static str), jobs: u64) {
    let [queue, kind] = of.clone();
    let labels = [queue, kind, ("state", (*state).to_owned())];
    metrics::gauge!("oyez_jobs", &labels).set(jobs as f64);
}

impl Shared {
    /// How long it is until then.
    pub(super) fn until(&self, moment: Timestamp) -> Duration {
        Duration::from_millis(u64::try_from(moment.millis_since(self.now())).unwrap_or(0))
    }
}
