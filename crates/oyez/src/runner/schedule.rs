//! What starts by the clock: jobs whose time has come, on every node, and schedules, on the one that leads.

use std::time::Duration;

use oyez_protocol::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{PAUSE, Shared, pause_after, rescue::Clocks, rest};
use crate::jobs::JobsError;

/// Jobs one step makes available.
const STEP: u32 = 500;
/// The clock may be set, and another node may plan: look again at least this often.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// A schedule that another node is firing is due until that is written.
const AT_MOST_EVERY: Duration = Duration::from_millis(10);

impl Shared {
    /// Sleeps until the next job may start, or a new one begins to wait for its time.
    pub(super) async fn promote_jobs(&self, shutdown: &CancellationToken) {
        let (rings, mut pause) = (self.jobs.scheduled(), PAUSE.0);
        loop {
            let sleep = match self.promote_step().await {
                Ok(sleep) => {
                    pause = PAUSE.0;
                    sleep
                }
                Err(error) => pause_after("start jobs whose time has come", &error, &mut pause),
            };
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                () = rings.notified() => {}
                () = tokio::time::sleep(sleep) => {}
            }
        }
    }

    async fn promote_step(&self) -> Result<Duration, JobsError> {
        let Some(next) = self.store.next_job_due().await? else { return Ok(LOOK_AGAIN) };
        if next > self.clock.now() {
            return Ok(self.until(Some(next)));
        }
        let promoted = self.jobs.promote(STEP).await?;
        // What is due and was not promoted will not be promoted by asking at once.
        Ok(if promoted == 0 { LOOK_AGAIN } else { Duration::ZERO })
    }

    /// Fires schedules while this node leads.
    pub(super) async fn keep_schedules(&self, shutdown: &CancellationToken) {
        let (rings, mut pause) = (self.jobs.planned(), PAUSE.0);
        // The clock may have been set while no server ran.
        let (mut clocks, mut is_planned) = (Clocks::new(self.clock.now(), Instant::now()), false);
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                () = self.leads.begun() => {}
            }
            is_planned &= !clocks.jumped(self.clock.now(), Instant::now(), self.jobs.lease());
            let fired = async {
                if !is_planned {
                    self.jobs.plan_again().await?;
                }
                self.jobs.fire_due().await
            };
            let sleep = match fired.await {
                Ok(next) => {
                    (pause, is_planned) = (PAUSE.0, true);
                    self.until(next).max(AT_MOST_EVERY)
                }
                Err(error) => {
                    if !rest(pause_after("fire schedules", &error, &mut pause), shutdown).await {
                        return;
                    }
                    continue;
                }
            };
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                () = rings.notified() => {}
                () = tokio::time::sleep(sleep) => {}
            }
        }
    }

    /// How long until a moment, at most [`LOOK_AGAIN`].
    pub(super) fn until(&self, moment: Option<Timestamp>) -> Duration {
        let millis = |at: Timestamp| u64::try_from(at.millis_since(self.clock.now())).unwrap_or(0);
        moment.map_or(LOOK_AGAIN, |at| Duration::from_millis(millis(at)).min(LOOK_AGAIN))
    }
}
