//! Why a call about boards is refused, or failed.

use oyez_core::{board::Refused, notification::Invalid};
use oyez_protocol::{BoardName, ErrorCode};
use oyez_store::StoreError;

use crate::jobs::JobsError;

/// Why it is refused, or failed. Nothing was written, unless the store failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BoardsError {
    /// A field is wrong.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// It is not as the caller expects.
    #[error("{}", Refused::Mismatch { present: *.present })]
    Mismatch {
        /// Its version; `None`: there is no such board.
        present: Option<u64>,
    },
    /// No such board.
    #[error("there is no board {0}")]
    NotFound(BoardName),
    /// Nothing brings it up to date.
    #[error("the board {0} names no job that would bring it up to date: set its \"refresh\"")]
    NoRefresh(BoardName),
    /// The key was used for something else.
    #[error(
        "this idempotency key was used before with another body: use a new key, or repeat the first body unchanged"
    )]
    IdempotencyMismatch,
    /// The job could not be asked for.
    #[error(transparent)]
    Job(#[from] JobsError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl BoardsError {
    pub(super) fn refused(name: &BoardName, refused: Refused) -> Self {
        match refused {
            Refused::Invalid(invalid) => Self::Invalid(invalid),
            Refused::Mismatch { present } => Self::Mismatch { present },
            Refused::Missing => Self::NotFound(name.clone()),
        }
    }

    /// The stable code for a client.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid(invalid) => invalid.code,
            Self::Mismatch { .. } => ErrorCode::VersionMismatch,
            Self::NotFound(_) => ErrorCode::NotFound,
            Self::NoRefresh(_) => ErrorCode::Conflict,
            Self::IdempotencyMismatch => ErrorCode::IdempotencyMismatch,
            Self::Job(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }
}
