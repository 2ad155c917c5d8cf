//! Boards: documents that dashboards show, and their last versions.

use std::sync::Arc;

use oyez_core::board::{Board, Latest, State, text};
use oyez_protocol::{BoardName, JobKind, RoleName, Timestamp, api::boards::RefreshRequest};

use crate::{
    engine::{Row, args, sql},
    error::StoreError,
    store::Store,
    writer::Tx,
};

/// A board without its document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardRow {
    /// Its name.
    pub name: BoardName,
    /// Counts its changes.
    pub version: u64,
    /// When it became this version.
    pub updated_at: Timestamp,
    /// Who may see it; `None`: those who may open the dashboard.
    pub roles: Option<Vec<RoleName>>,
    /// The kind of job that brings it up to date.
    pub refresh: Option<JobKind>,
    /// Bytes of JSON that its document takes.
    pub bytes: u64,
}

/// Where a board is, and who may know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardHead {
    /// Its name.
    pub name: BoardName,
    /// The last version.
    pub version: u64,
    /// Who may see it; `None`: those who may open the dashboard.
    pub roles: Option<Vec<RoleName>>,
    /// Whether it is there; else it was deleted.
    pub exists: bool,
}

/// A document as it was.
#[derive(Debug, Clone, PartialEq)]
pub struct PastState {
    /// Which version.
    pub version: u64,
    /// When the board became this version.
    pub at: Timestamp,
    /// The document.
    pub state: State,
}

impl Tx {
    /// The last that is known of a name, as it is in this transaction.
    pub async fn board(&mut self, name: &BoardName) -> Result<Latest, StoreError> {
        let row = self.fetch_one(sql!("boards/columns", "boards/one"), args![name.as_str()]).await?;
        row.as_ref().map_or(Ok(Latest::default()), latest)
    }

    /// Stores a board as it is now; of its past, `keep` versions stay, this one included.
    pub async fn put_board(&mut self, board: &Board, keep: u32) -> Result<(), StoreError> {
        let args = args![
            board.name.as_str(),
            board.version,
            board.created_at,
            board.updated_at,
            board.roles.as_ref().map(written).transpose()?,
            board.refresh.as_ref().map(written).transpose()?,
            text(&board.state),
            keep
        ];
        self.execute(sql!("boards/put"), args).await.map(|_| ())
    }

    /// Deletes a board with its past; what is left is that it ended with `version`.
    pub async fn delete_board(
        &mut self,
        name: &BoardName,
        version: u64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(sql!("boards/end"), args![name.as_str(), version, now]).await?;
        self.execute(sql!("boards/forget"), args![name.as_str()]).await.map(|_| ())
    }
}

impl Store {
    /// The last that is known of a name.
    pub async fn board(&self, name: &BoardName) -> Result<Latest, StoreError> {
        let args = args![name.as_str()];
        let row = self.reader().await?.fetch_one(sql!("boards/columns", "boards/one"), args).await?;
        row.as_ref().map_or(Ok(Latest::default()), latest)
    }

    /// Boards by name; the next page begins after the last of this one.
    pub async fn boards(&self, after: Option<&BoardName>, limit: u32) -> Result<Vec<BoardRow>, StoreError> {
        let args = args![after.map_or("", BoardName::as_str), limit];
        let rows = self.reader().await?.fetch(sql!("boards/list"), args).await?;
        let board = |row: &Row| {
            Ok(BoardRow {
                name: row.name(0)?,
                version: row.count(1)?,
                updated_at: row.time(2)?,
                roles: read(row, 3)?,
                refresh: read::<RefreshRequest>(row, 4)?.map(|refresh| refresh.kind),
                bytes: row.count(5)?,
            })
        };
        rows.iter().map(board).collect()
    }

    /// Where each board is, deleted ones too, by name.
    pub async fn board_heads(&self) -> Result<Vec<BoardHead>, StoreError> {
        let rows = self.reader().await?.fetch(sql!("boards/head", "boards/by_name"), args![]).await?;
        rows.iter().map(head).collect()
    }

    /// Where one board is.
    pub async fn board_head(&self, name: &BoardName) -> Result<Option<BoardHead>, StoreError> {
        let args = args![name.as_str()];
        let row = self.reader().await?.fetch_one(sql!("boards/head", "boards/one"), args).await?;
        row.as_ref().map(head).transpose()
    }

    /// Boards that name a job to bring them up to date, by name.
    pub async fn boards_to_refresh(&self) -> Result<Vec<(BoardName, RefreshRequest)>, StoreError> {
        let rows = self.reader().await?.fetch(sql!("boards/to_refresh"), args![]).await?;
        let mut boards = Vec::with_capacity(rows.len());
        for row in &rows {
            if let Some(refresh) = read(row, 1)? {
                boards.push((row.name(0)?, refresh));
            }
        }
        Ok(boards)
    }

    /// The last versions of a board before one, the newest first.
    pub async fn board_history(
        &self,
        name: &BoardName,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<PastState>, StoreError> {
        let before = before.map_or(i64::MAX, |before| i64::try_from(before).unwrap_or(i64::MAX));
        let args = args![name.as_str(), before, limit];
        let rows = self.reader().await?.fetch(sql!("boards/history"), args).await?;
        let past =
            |row: &Row| Ok(PastState { version: row.count(0)?, at: row.time(1)?, state: document(row, 2)? });
        rows.iter().map(past).collect()
    }

    /// A board's document as it was at a version, as long as that is kept.
    pub async fn board_at(&self, name: &BoardName, version: u64) -> Result<Option<State>, StoreError> {
        let args = args![name.as_str(), version];
        let row = self.reader().await?.fetch_one(sql!("boards/at"), args).await?;
        row.map(|row| document(&row, 0)).transpose()
    }
}

fn head(row: &Row) -> Result<BoardHead, StoreError> {
    Ok(BoardHead { name: row.name(0)?, version: row.count(1)?, roles: read(row, 2)?, exists: row.flag(3)? })
}

fn latest(row: &Row) -> Result<Latest, StoreError> {
    let version = row.count(1)?;
    if row.opt_text(6)?.is_none() {
        return Ok(Latest { version, board: None });
    }
    let board = Board {
        name: row.name(0)?,
        version,
        created_at: row.time(2)?,
        updated_at: row.time(3)?,
        roles: read(row, 4)?,
        refresh: read(row, 5)?,
        state: Arc::new(document(row, 6)?),
    };
    Ok(Latest { version, board: Some(board) })
}

fn document(row: &Row, column: usize) -> Result<State, StoreError> {
    read(row, column)?.ok_or_else(|| StoreError::Fault("a board without a document".into()))
}

fn read<T: serde::de::DeserializeOwned>(row: &Row, column: usize) -> Result<Option<T>, StoreError> {
    let unreadable = |error| StoreError::Fault(format!("a board cannot be read back: {error}"));
    row.opt_text(column)?.map(serde_json::from_str).transpose().map_err(unreadable)
}

fn written<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Fault(error.to_string()))
}
