//! Takes over from the dead: an attempt whose lease ran out is over, and its job goes on elsewhere.
//!
//! Leases are kept by the wall clock, because several machines look at them. When that clock jumps, leases seem to have
//! run out that did not: then one lease's time passes, by the steady clock, before anybody counts as lost.

use std::time::Duration;

use oyez_protocol::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{PAUSE, Shared, WORKER_PREFIX, execute::GIVES_WAY_WITHIN, pause_after, rest};
use crate::jobs::JobsError;

/// Attempts that one step ends.
const STEP: u32 = 200;
/// Most attempts of an earlier process that are taken over at the start; leases do the rest.
const MOST_LEFT_BEHIND: u32 = 10_000;

/// Compares the wall clock with the steady one.
pub(super) struct Clocks {
    wall: Timestamp,
    steady: Instant,
    /// Nobody counts as lost before.
    patient_until: Option<Instant>,
}

impl Clocks {
    pub(super) fn new(wall: Timestamp, steady: Instant) -> Self {
        Self { wall, steady, patient_until: None }
    }

    /// Whether the wall clock jumped since the last look, by more than half a lease.
    pub(super) fn jumped(&mut self, wall: Timestamp, steady: Instant, lease: Duration) -> bool {
        let passed = steady.saturating_duration_since(self.steady);
        let passed = i64::try_from(passed.as_millis()).unwrap_or(i64::MAX);
        let differ = wall.millis_since(self.wall).saturating_sub(passed).unsigned_abs();
        (self.wall, self.steady) = (wall, steady);
        let jumped = u128::from(differ) > lease.as_millis() / 2;
        if jumped {
            tracing::warn!(jumped_by_ms = differ, "the clock jumped");
        }
        jumped
    }

    /// Whether leases can be believed at this moment: after a jump, workers have another lease's time to report.
    fn agree(&mut self, wall: Timestamp, steady: Instant, lease: Duration) -> bool {
        if self.jumped(wall, steady, lease) {
            self.patient_until = Some(steady + lease);
        }
        self.patient_until.is_none_or(|until| until <= steady)
    }
}

impl Shared {
    /// What handlers of an earlier process of this node were at: they are gone with it.
    pub(super) async fn take_over(&self) {
        let taken = async {
            let running = self.store.running_jobs(MOST_LEFT_BEHIND).await?;
            let left = running.into_iter().filter(|job| {
                let worker = job.worker.as_ref();
                worker.is_some_and(|worker| {
                    worker.as_str().starts_with(WORKER_PREFIX) && *worker != self.worker
                })
            });
            for job in left {
                self.jobs.lost(job.id, job.attempt).await;
            }
            Ok::<_, JobsError>(())
        };
        if let Err(error) = taken.await {
            tracing::warn!(%error, "could not look for jobs of an earlier process; their leases will run out");
        }
    }

    /// Ends the attempts of the silent while this node leads.
    pub(super) async fn rescue_jobs(&self, shutdown: &CancellationToken) {
        let mut clocks = Clocks::new(self.clock.now(), Instant::now());
        // The clock may have been set while no server ran.
        let (mut pause, mut are_short) = (PAUSE.0, false);
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                () = self.leads.begun() => {}
            }
            let sleep = match self.rescue_step(&mut clocks, &mut are_short).await {
                Ok(sleep) => {
                    pause = PAUSE.0;
                    sleep
                }
                Err(error) => pause_after("rescue jobs", &error, &mut pause),
            };
            if !rest(sleep, shutdown).await {
                return;
            }
        }
    }

    async fn rescue_step(&self, clocks: &mut Clocks, are_short: &mut bool) -> Result<Duration, JobsError> {
        let lease = self.jobs.lease();
        let again = lease / 3;
        let agree = clocks.agree(self.clock.now(), Instant::now(), lease);
        if !agree || !*are_short {
            self.jobs.shorten_leases().await?;
            *are_short = true;
        }
        if !agree {
            return Ok(again);
        }
        let Some(next) = self.store.next_lease_end().await? else { return Ok(again) };
        if next > self.clock.now() {
            return Ok(self.until(Some(next)).clamp(Duration::from_millis(10), again));
        }
        // Our own first: while the store was away, nobody could renew.
        self.renew_leases().await?;
        let rescued = self.jobs.rescue(STEP).await?;
        // Those that were just handed over take a moment to be written.
        Ok(if rescued == STEP as usize {
            Duration::from_millis(10)
        } else {
            again.min(Duration::from_millis(200))
        })
    }

    /// Tells the store three times in a lease that our attempts are alive.
    pub(super) async fn keep_leases(&self, shutdown: &CancellationToken) {
        let (third, mut pause) = (self.jobs.lease() / 3, PAUSE.0);
        loop {
            let sleep = match self.renew_leases().await {
                Ok(()) => {
                    pause = PAUSE.0;
                    third
                }
                Err(error) => pause_after("renew leases", &error, &mut pause).min(third),
            };
            if !rest(sleep, shutdown).await {
                return;
            }
        }
    }

    async fn renew_leases(&self) -> Result<(), JobsError> {
        let attempts = self.slots.attempts();
        if attempts.is_empty() {
            return Ok(());
        }
        for (job, attempt) in self.jobs.renew(attempts).await? {
            self.slots.fence(job, attempt, Instant::now() + GIVES_WAY_WITHIN);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_jump_of_the_clock_workers_have_a_leases_time_to_report() {
        let lease = Duration::from_secs(15);
        let (wall, steady) = (Timestamp::from_millis(1_800_000_000_000), Instant::now());
        let seconds = Duration::from_secs;
        for jump in [3_600, -3_600] {
            let mut clocks = Clocks::new(wall, steady);
            assert!(clocks.agree(wall.plus_seconds(5), steady + seconds(5), lease));
            assert!(!clocks.agree(wall.plus_seconds(10 + jump), steady + seconds(10), lease));
            assert!(!clocks.agree(wall.plus_seconds(24 + jump), steady + seconds(24), lease));
            assert!(clocks.agree(wall.plus_seconds(25 + jump), steady + seconds(25), lease));
        }
    }
}
