//! Copies the log into the database beside the writer, so that no commit has to.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Mutex, Notify, watch};

use crate::{engine::Connection, error::StoreError};

/// Between two copies: short enough to keep the log small, long enough to copy a page once that changed often.
const PAUSE: Duration = Duration::from_millis(200);
/// Under steady load a copy beside the writer never catches up, so the log would grow without end. Beyond this many
/// pages (48 MiB) the writer copies the rest itself, between two transactions.
const LONG_LOG_PAGES: u64 = 12_288;
/// Beyond this a copy beside the writer is too slow for what is written. The writer waits for it and begins the log
/// anew: after a crash, a start reads all of the log.
const LONGEST_LOG_BYTES: u64 = 80 * 1024 * 1024;

/// What the writer tells the checkpointer, and hears from it.
#[derive(Debug, Clone)]
pub(super) struct LogSignal {
    grew: Arc<Notify>,
    too_long: Arc<AtomicBool>,
    /// The size at which the writer waits for a copy.
    limit: u64,
    copying: Arc<Mutex<()>>,
    /// Dropped by the writer when it ends.
    _writing: watch::Sender<()>,
}

pub(super) struct Checkpointer {
    connection: Connection,
    grew: Arc<Notify>,
    too_long: Arc<AtomicBool>,
    /// Held while it copies: the database refuses a second copy at the same time, it does not let it wait.
    copying: Arc<Mutex<()>>,
    writing: watch::Receiver<()>,
}

impl LogSignal {
    /// Called after each commit.
    pub(super) fn grew(&self) {
        self.grew.notify_one();
    }

    /// Whether the writer should copy the log itself; asks once.
    fn is_too_long(&self) -> bool {
        self.too_long.load(Ordering::Relaxed) && self.too_long.swap(false, Ordering::Relaxed)
    }

    /// Copies the log from the writer's own connection where the copy beside it does not keep up.
    pub(super) async fn shorten(&mut self, connection: &mut Connection) -> Result<(), StoreError> {
        let bytes = connection.log_bytes();
        if bytes > self.limit {
            let _alone = self.copying.lock().await;
            // Somebody reads for long, a backup perhaps: waiting for them at each commit would stop everything.
            self.limit = match connection.restart_log().await? {
                true => LONGEST_LOG_BYTES,
                false => bytes + LONGEST_LOG_BYTES,
            };
        } else if self.is_too_long() {
            connection.checkpoint().await?;
        }
        Ok(())
    }
}

impl Checkpointer {
    pub(super) fn new(connection: Connection) -> (Self, LogSignal) {
        let (grew, too_long) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let (sender, writing) = watch::channel(());
        let copying = Arc::new(Mutex::new(()));
        let signal = LogSignal {
            grew: Arc::clone(&grew),
            too_long: Arc::clone(&too_long),
            limit: LONGEST_LOG_BYTES,
            copying: Arc::clone(&copying),
            _writing: sender,
        };
        (Self { connection, grew, too_long, copying, writing }, signal)
    }

    /// Until the writer ends.
    pub(super) async fn run(mut self) {
        loop {
            tokio::select! {
                _ = self.writing.changed() => break,
                () = self.grew.notified() => {}
            }
            let copied = {
                let _alone = self.copying.lock().await;
                self.connection.checkpoint().await
            };
            match copied {
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
