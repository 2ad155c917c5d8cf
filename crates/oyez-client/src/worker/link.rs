//! Keeps a lease alive and says how far the job is, from the claim to the end.
//!
//! Reports are coalesced: the newest goes out, ten times a second at most. When the lease may have ended because the
//! server was silent for so long, the job counts as lost: another worker may have begun it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use oyez_protocol::api::workers::{ProgressReport, ReportAnswer};
use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{attempt::Attempt, error::Error};

/// Between two progress reports.
const APART: Duration = Duration::from_millis(100);

/// A job's line to the server. Clones are the same line.
#[derive(Clone)]
pub(super) struct Link(Arc<Inner>);

struct Inner {
    attempt: Attempt,
    lease: Duration,
    news: Notify,
    state: Mutex<State>,
    /// Somebody asked the job to stop.
    cancel: CancellationToken,
    /// The job is not ours any more.
    lost: CancellationToken,
    /// The attempt has ended here.
    over: CancellationToken,
}

#[derive(Default)]
struct State {
    pending: Option<ProgressReport>,
    /// Why the server refused the last report.
    refusal: Option<String>,
}

impl Link {
    pub(super) fn new(attempt: Attempt, lease: Duration, cancelled: bool) -> Self {
        let cancel = CancellationToken::new();
        if cancelled {
            cancel.cancel();
        }
        Self(Arc::new(Inner {
            attempt,
            lease,
            news: Notify::new(),
            state: Mutex::default(),
            cancel,
            lost: CancellationToken::new(),
            over: CancellationToken::new(),
        }))
    }

    pub(super) fn attempt(&self) -> &Attempt {
        &self.0.attempt
    }

    pub(super) fn cancel(&self) -> &CancellationToken {
        &self.0.cancel
    }

    pub(super) fn lost(&self) -> &CancellationToken {
        &self.0.lost
    }

    /// Ends the beat; what was to be said is not said any more.
    pub(super) fn end(&self) {
        self.0.over.cancel();
    }

    /// Says it at the next opportunity, unless something newer comes first. Returns why an earlier one was refused.
    pub(super) fn say(&self, report: ProgressReport) -> Result<(), String> {
        let refusal = {
            let mut state = self.state();
            state.pending = Some(report);
            state.refusal.take()
        };
        self.0.news.notify_one();
        refusal.map_or(Ok(()), Err)
    }

    /// Says now what was to be said, so that a step that begins comes after it.
    pub(super) async fn flush(&self) {
        let pending = self.state().pending.take();
        if let Some(report) = pending {
            let answer = self.0.attempt.beat(Some(&report), self.0.lease / 3).await;
            self.hear(&answer);
        }
    }

    /// Takes notice of what the server answered.
    pub(super) fn hear(&self, answer: &Result<ReportAnswer, Error>) {
        match answer {
            Ok(answer) if answer.cancel => self.0.cancel.cancel(),
            Ok(_) => {}
            Err(error) if error.is_lost() => self.0.lost.cancel(),
            Err(error) if error.is_temporary() => {}
            Err(error) => self.state().refusal = Some(error.to_string()),
        }
    }

    /// Beats until the attempt is over or lost.
    pub(super) async fn run(self) {
        let inner = &*self.0;
        let beat = inner.lease / 3;
        let (mut contact, mut spoke) = (Instant::now(), Instant::now() - APART);
        let mut next = contact + beat;
        loop {
            tokio::select! {
                biased;
                () = inner.over.cancelled() => return,
                () = inner.lost.cancelled() => return,
                () = inner.news.notified() => tokio::time::sleep_until(spoke + APART).await,
                () = tokio::time::sleep_until(next) => {}
            }
            if inner.over.is_cancelled() {
                return;
            }
            let report = self.state().pending.take();
            spoke = Instant::now();
            let left = (contact + inner.lease).saturating_duration_since(spoke);
            let answer = inner.attempt.beat(report.as_ref(), beat.min(left)).await;
            self.hear(&answer);
            next = spoke + beat;
            match answer {
                Err(error) if error.is_temporary() => {
                    tracing::debug!(job = %inner.attempt.job(), %error, "a report did not arrive");
                    let mut state = self.state();
                    state.pending = state.pending.take().or(report);
                    next = spoke + beat.min(Duration::from_secs(1));
                }
                // The lease counts from when the report was sent: the server may have had it at once.
                _ => contact = spoke,
            }
            if contact.elapsed() >= inner.lease {
                tracing::warn!(job = %inner.attempt.job(), "the server was silent for a whole lease: the job is lost");
                inner.lost.cancel();
            }
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
