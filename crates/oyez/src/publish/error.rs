//! Why a publish, an event or a signal is refused.

use oyez_core::{notification::Invalid, rate::TooOften};
use oyez_protocol::{ErrorCode, NotificationId, TopicName};
use oyez_store::{NotificationState, StoreError};

/// Why it is refused, or failed. Nothing was written, unless it is [`PublishError::Store`].
#[derive(Debug, Clone, thiserror::Error)]
pub enum PublishError {
    /// A field is wrong.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The key was used for something else.
    #[error(
        "this idempotency key was used before with another body: use a new key, or repeat the first body unchanged"
    )]
    IdempotencyMismatch,
    /// No such notification.
    #[error("there is no notification {0}")]
    NotFound(NotificationId),
    /// It does not wait any more.
    #[error("notification {id} cannot be cancelled: it is {} already", .state.as_str())]
    TooLate {
        /// Which.
        id: NotificationId,
        /// How far it is.
        state: NotificationState,
    },
    /// The topic is not for this user.
    #[error("you are not a member of the topic {0}")]
    NotAMember(TopicName),
    /// Too many signals.
    #[error(transparent)]
    TooOften(#[from] TooOften),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PublishError {
    /// The stable code for a client.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid(invalid) => invalid.code,
            Self::IdempotencyMismatch => ErrorCode::IdempotencyMismatch,
            Self::NotFound(_) => ErrorCode::NotFound,
            Self::TooLate { .. } => ErrorCode::Conflict,
            Self::NotAMember(_) => ErrorCode::Forbidden,
            Self::TooOften(_) => ErrorCode::TooManyRequests,
            Self::Store(error) => error.code(),
        }
    }
}
