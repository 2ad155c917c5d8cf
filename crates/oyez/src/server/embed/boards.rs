//! Boards of an application that embeds Oyez.

use oyez_core::board::{Board, Guard};
use oyez_protocol::{
    BoardName,
    api::{
        boards::{BoardChanged, BoardPatchRequest, BoardRequest},
        jobs::JobAccepted,
    },
};
use oyez_store::{BoardRow, PastState};
use serde_json::{Map, Value};

use crate::{
    boards::BoardsError,
    server::{Error, Oyez},
};

/// Boards: documents that dashboards show, kept current on every screen.
///
/// ```no_run
/// # use oyez::{Oyez, protocol::BoardName};
/// # async fn example(oyez: Oyez) -> Result<(), oyez::server::Error> {
/// let suppliers = BoardName::new("suppliers").expect("a name");
/// let state = serde_json::json!({"pending": 3, "approved": 10});
/// oyez.boards().set(&suppliers, state.as_object().expect("an object").clone()).await?;
/// let change = serde_json::json!({"pending": 2, "approved": 11});
/// oyez.boards().merge(&suppliers, change.as_object().expect("an object").clone()).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct Boards<'a> {
    oyez: &'a Oyez,
}

impl Oyez {
    /// Boards: documents that dashboards show.
    pub fn boards(&self) -> Boards<'_> {
        Boards { oyez: self }
    }
}

impl Boards<'_> {
    /// Makes a board, or replaces its document; on return it is on disk. Roles and refresh stay as they are.
    pub async fn set(&self, name: &BoardName, state: Map<String, Value>) -> Result<BoardChanged, Error> {
        self.put(name, BoardRequest { state, ..BoardRequest::default() }, Guard::Any).await
    }

    /// Merges a patch (RFC 7396) into a board's document.
    pub async fn merge(&self, name: &BoardName, patch: Map<String, Value>) -> Result<BoardChanged, Error> {
        let request = BoardPatchRequest { state: Some(patch), ..BoardPatchRequest::default() };
        self.patch(name, request, Guard::Any).await
    }

    /// Makes a board, or replaces its document, and roles and refresh where they are named. The guard says what must be
    /// there.
    pub async fn put(
        &self,
        name: &BoardName,
        request: BoardRequest,
        guard: Guard,
    ) -> Result<BoardChanged, Error> {
        Ok(self.oyez.inner.boards.put(name, request, guard, None).await?)
    }

    /// Changes part of a board. The guard says what must be there.
    pub async fn patch(
        &self,
        name: &BoardName,
        request: BoardPatchRequest,
        guard: Guard,
    ) -> Result<BoardChanged, Error> {
        Ok(self.oyez.inner.boards.patch(name, request, guard, None).await?)
    }

    /// Deletes a board with its history. Viewers are told that it is gone.
    pub async fn delete(&self, name: &BoardName, guard: Guard) -> Result<(), Error> {
        Ok(self.oyez.inner.boards.delete(name, guard).await?)
    }

    /// One board.
    pub async fn get(&self, name: &BoardName) -> Result<Option<Board>, Error> {
        match self.oyez.inner.boards.get(name).await {
            Ok(board) => Ok(Some(board)),
            Err(BoardsError::NotFound(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Boards by name, without their documents; the next page begins after the last of this one.
    pub async fn list(&self, after: Option<&BoardName>, limit: u32) -> Result<Vec<BoardRow>, Error> {
        Ok(self.oyez.inner.boards.list(after, limit).await?)
    }

    /// The last versions of a board before one, the newest first.
    pub async fn history(
        &self,
        name: &BoardName,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<PastState>, Error> {
        Ok(self.oyez.inner.boards.history(name, before, limit).await?)
    }

    /// Asks for the job that brings a board up to date, as the schedule `oyez.boards` does every five minutes.
    pub async fn refresh(&self, name: &BoardName) -> Result<JobAccepted, Error> {
        Ok(self.oyez.inner.boards.refresh(name).await?)
    }
}
