//! Jobs that bring boards up to date: asked for by the schedule `oyez.boards`, and by hand.

use oyez_core::board::refresh_job;
use oyez_protocol::{BoardName, api::jobs::JobAccepted};

use super::{Boards, BoardsError};

/// Keeps the keys of these jobs apart from those of applications.
const CALLER: &str = "boards";

impl Boards {
    /// Asks for the job that brings a board up to date. One that is unfinished stands for it.
    pub async fn refresh(&self, name: &BoardName) -> Result<JobAccepted, BoardsError> {
        let board = self.get(name).await?;
        let refresh = board.refresh.ok_or_else(|| BoardsError::NoRefresh(name.clone()))?;
        Ok(self.shared.jobs.enqueue(&refresh_job(name, &refresh), CALLER).await?)
    }

    /// The same for all boards that name a job. Returns how many jobs were made.
    pub async fn refresh_all(&self) -> Result<u64, BoardsError> {
        let boards = self.shared.store.boards_to_refresh().await?;
        let requests: Vec<_> = boards.iter().map(|(name, refresh)| refresh_job(name, refresh)).collect();
        let mut made = 0;
        for (accepted, (board, _)) in
            self.shared.jobs.enqueue_batch(&requests, CALLER).await?.into_iter().zip(&boards)
        {
            match accepted {
                Ok(accepted) => made += u64::from(accepted.created),
                Err(error) => tracing::warn!(%error, %board, "a board could not be refreshed"),
            }
        }
        Ok(made)
    }
}
