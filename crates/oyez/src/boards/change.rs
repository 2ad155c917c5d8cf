//! Changing boards: read, decided and written in one transaction.

use std::sync::Arc;

use oyez_core::{
    board::{Board, Guard, Latest, Outcome, Refused, deleted, patched, replaced},
    notification::Idempotency,
};
use oyez_protocol::{
    BoardName, Timestamp,
    api::boards::{BoardChanged, BoardPatchRequest, BoardRequest},
};
use oyez_store::StoreError;

use super::{Boards, BoardsError, tell::News};

/// What a transaction did.
struct Written {
    answer: BoardChanged,
    /// What was there, and what is there now; nothing when all is as it was.
    news: Option<(Latest, Board)>,
}

impl Boards {
    /// Makes a board, or replaces its document. On return it is on disk. With `idempotency`, a repeated call answers
    /// as the first one did and changes nothing.
    pub async fn put(
        &self,
        name: &BoardName,
        request: BoardRequest,
        guard: Guard,
        idempotency: Option<Idempotency>,
    ) -> Result<BoardChanged, BoardsError> {
        let board = name.clone();
        let decide = move |latest: &Latest, now: Timestamp| replaced(&board, latest, &request, guard, now);
        self.change(name, decide, idempotency).await
    }

    /// Changes part of a board, as [`Boards::put`] does the whole.
    pub async fn patch(
        &self,
        name: &BoardName,
        request: BoardPatchRequest,
        guard: Guard,
        idempotency: Option<Idempotency>,
    ) -> Result<BoardChanged, BoardsError> {
        let decide = move |latest: &Latest, now: Timestamp| patched(latest, &request, guard, now);
        self.change(name, decide, idempotency).await
    }

    /// Deletes a board with its history.
    pub async fn delete(&self, name: &BoardName, guard: Guard) -> Result<(), BoardsError> {
        let (now, board, ended) = (self.shared.clock.now(), name.clone(), name.clone());
        let shared = Arc::clone(&self.shared);
        let deleting = self.shared.store.write_then(
            move |tx| {
                Box::pin(async move {
                    let latest = tx.board(&board).await?;
                    Ok(match deleted(&latest, guard) {
                        Ok(version) => tx.delete_board(&board, version, now).await.map(|()| Ok(version))?,
                        Err(refused) => Err(BoardsError::refused(&board, refused)),
                    })
                })
            },
            move |outcome: &Result<u64, BoardsError>| {
                if let Ok(version) = outcome {
                    shared.untold.add(ended, News::ended(*version));
                }
            },
        );
        deleting.await?.map(drop)
    }

    async fn change(
        &self,
        name: &BoardName,
        decide: impl FnOnce(&Latest, Timestamp) -> Result<Outcome, Refused> + Send + 'static,
        idempotency: Option<Idempotency>,
    ) -> Result<BoardChanged, BoardsError> {
        let (now, keep, name) = (self.shared.clock.now(), self.shared.options.history, name.clone());
        let shared = Arc::clone(&self.shared);
        let changing = self.shared.store.write_then(
            move |tx| {
                Box::pin(async move {
                    if let Some(one) = &idempotency
                        && let Some(first) = tx.recall(&one.scope, &one.key, now).await?
                    {
                        return if first.fingerprint == one.fingerprint {
                            Ok(Ok(Written { answer: first_answer(&first.response)?, news: None }))
                        } else {
                            Ok(Err(BoardsError::IdempotencyMismatch))
                        };
                    }
                    let latest = tx.board(&name).await?;
                    let (board, changed) = match decide(&latest, now) {
                        Ok(Outcome::Changed(board)) => (board, true),
                        Ok(Outcome::Same(board)) => (board, false),
                        Err(refused) => return Ok(Err(BoardsError::refused(&name, refused))),
                    };
                    let answer = BoardChanged {
                        name,
                        version: board.version,
                        created: latest.board.is_none(),
                        changed,
                    };
                    if changed {
                        tx.put_board(&board, keep).await?;
                    }
                    if let Some(one) = &idempotency {
                        let response = serde_json::to_string(&answer)
                            .map_err(|error| StoreError::Fault(error.to_string()))?;
                        tx.remember(&one.scope, &one.key, &one.fingerprint, &response, now).await?;
                    }
                    Ok(Ok(Written { answer, news: changed.then_some((latest, board)) }))
                })
            },
            move |outcome: &Result<Written, BoardsError>| {
                if let Ok(Written { news: Some((latest, board)), .. }) = outcome {
                    shared.untold.add(board.name.clone(), News::changed(latest, board));
                }
            },
        );
        Ok(changing.await??.answer)
    }
}

fn first_answer(response: &str) -> Result<BoardChanged, StoreError> {
    let unreadable = |error| StoreError::Fault(format!("an answer cannot be read back: {error}"));
    serde_json::from_str(response).map_err(unreadable)
}
