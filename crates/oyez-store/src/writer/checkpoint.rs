//! Copies the log into the database beside the writer, so that no commit has to.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Notify, watch};

use crate::engine::Connection;

/// Between two copies: short enough to keep the log small, long enough to copy a page once that changed often.
const PAUSE: Duration = Duration::from_millis(200);
/// Under steady load a copy beside the writer never catches up, so the log would grow without end. Beyond this many
/// pages (64 MiB) the writer copies the rest itself, between two transactions.
const LONG_LOG_PAGES: u64 = 16_384;

/// What the writer tells the checkpointer, and hears from it.
#[derive(Debug, Clone)]
pub(super) struct LogSignal {
    grew: Arc<Notify>,
    too_long: Arc<AtomicBool>,
    /// Dropped by the writer when it ends.
    _writing: watch::Sender<()>,
}

pub(super) struct Checkpointer {
    connection: Connection,
    grew: Arc<Notify>,
    too_long: Arc<AtomicBool>,
    writing: watch::Receiver<()>,
}

impl LogSignal {
    /// Called after each commit.
    pub(super) fn grew(&self) {
        self.grew.notify_one();
    }

    /// Whether the writer should copy the log itself; asks once.
    pub(super) fn is_too_long(&self) -> bool {
        self.too_long.load(Ordering::Relaxed) && self.too_long.swap(false, Ordering::Relaxed)
    }
}

impl Checkpointer {
    pub(super) fn new(connection: Connection) -> (Self, LogSignal) {
        let (grew, too_long) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let (sender, writing) = watch::channel(());
        let signal = LogSignal { grew: Arc::clone(&grew), too_long: Arc::clone(&too_long), _writing: sender };
        (Self { connection, grew, too_long, writing }, signal)
    }

    /// Until the writer ends.
    pub(super) async fn run(mut self) {
        loop {
            tokio::select! {
                _ = self.writing.changed() => break,
                () = self.grew.notified() => {}
            }
            match self.connection.checkpoint().await {
                Ok(log) => self.too_long.store(log.is_longer_than(LONG_LOG_PAGES), Ordering::Relaxed),
                // The log stays and the next round tries again.
                Err(error) => tracing::warn!(%error, "could not copy the log into the database"),
            }
            tokio::select! {
                _ = self.writing.changed() => break,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
        self.connection.close().await;
    }
}
