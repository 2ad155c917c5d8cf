//! Keeps the board `suppliers` current: after each change that counts, and every five minutes by its `refresh` job.

use std::{sync::Arc, time::Duration};

use oyez::{
    Context, Job, JobError, Oyez,
    protocol::{
        BoardName, JobKind, RoleName,
        api::boards::{BoardChanged, BoardRequest, RefreshRequest},
    },
};
use oyez_core::board::Guard;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::{desk::Desk, refusal::Refusal, statistics, tasks};

/// At most one count in this time, however fast applications change.
const PACE: Duration = Duration::from_millis(200);

/// Counts and writes the board.
#[derive(Debug, Serialize, Deserialize)]
pub struct SupplierStatistics {
    /// Which board; there is one.
    pub board: String,
}

impl Job for SupplierStatistics {
    const KIND: &'static str = "supplier_statistics";
}

/// The board's keeper. Clones take turns.
#[derive(Clone)]
pub struct Dashboard {
    desk: Desk,
    oyez: Oyez,
    turn: Arc<Mutex<()>>,
}

impl Dashboard {
    /// The board's name.
    pub fn board() -> BoardName {
        BoardName::new("suppliers").expect("a name")
    }

    /// A keeper for this desk's figures.
    pub fn new(desk: Desk, oyez: Oyez) -> Self {
        Self { desk, oyez, turn: Arc::default() }
    }

    /// Makes the board with the present figures, and has this process bring it up to date when asked.
    pub async fn open(&self) -> Result<(), Refusal> {
        let keeper = self.clone();
        self.oyez.jobs().handle(move |context, _job: SupplierStatistics| keeper.clone().count(context))?;
        let internal = |error: anyhow::Error| Refusal::Internal(error);
        let reviewer = RoleName::new("reviewer").map_err(|error| internal(error.into()))?;
        let kind = JobKind::new(SupplierStatistics::KIND).map_err(|error| internal(error.into()))?;
        self.write(Some(vec![reviewer]), Some(RefreshRequest { kind, args: None, queue: None })).await?;
        Ok(())
    }

    /// Counts, and writes the board if anything differs.
    pub async fn bring_up_to_date(&self) -> Result<BoardChanged, Refusal> {
        self.write(None, None).await
    }

    async fn write(
        &self,
        roles: Option<Vec<RoleName>>,
        refresh: Option<RefreshRequest>,
    ) -> Result<BoardChanged, Refusal> {
        // Counting and writing belong together: of two at once, the one that counted first could write last.
        let _turn = self.turn.lock().await;
        let state = statistics::board(&self.desk.counts().await?, self.desk.now());
        let request = BoardRequest {
            state,
            roles: roles.map(Some),
            refresh: refresh.map(Some),
            ..BoardRequest::default()
        };
        Ok(self.oyez.boards().put(&Self::board(), request, Guard::Any).await?)
    }

    async fn count(self, _context: Context) -> Result<Value, JobError> {
        let changed = self.bring_up_to_date().await?;
        tasks::ran(&self.oyez, SupplierStatistics::KIND).await;
        Ok(json!({"brought up to date": changed.changed}))
    }

    /// Follows the desk until the shutdown.
    pub async fn run(self, shutdown: CancellationToken) {
        loop {
            // `notify_one` keeps one permit, so a change committed while we counted is not missed.
            tokio::select! {
                () = self.desk.counted.notified() => {}
                () = shutdown.cancelled() => return,
            }
            if let Err(error) = self.bring_up_to_date().await {
                // The five-minute job mends it at the latest.
                tracing::error!("the dashboard is out of date: {error:?}");
            }
            tokio::select! {
                () = tokio::time::sleep(PACE) => {}
                () = shutdown.cancelled() => return,
            }
        }
    }
}
