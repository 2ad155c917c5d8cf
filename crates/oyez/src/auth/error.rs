//! Why a caller is refused: a stable code and a sentence, never a token.

use std::borrow::Cow;

use oyez_protocol::ErrorCode;
use oyez_store::StoreError;

/// A refusal. `message` is for the caller; nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct AuthError {
    /// Stable code.
    pub code: ErrorCode,
    /// A sentence that says what would be right.
    pub message: Cow<'static, str>,
    /// Seconds to wait before the next try, for `too_many_requests`.
    pub retry_after: Option<u64>,
}

impl AuthError {
    /// A refusal with a sentence.
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), retry_after: None }
    }

    pub(super) fn missing() -> Self {
        Self::new(ErrorCode::TokenMissing, "no credentials: send \"Authorization: Bearer <token>\"")
    }
}

impl From<StoreError> for AuthError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "credentials could not be checked");
        if error.is_temporary() || matches!(error, StoreError::Closed) {
            Self::new(ErrorCode::Unavailable, "credentials cannot be checked right now: try again")
        } else {
            Self::new(ErrorCode::Internal, "credentials could not be checked")
        }
    }
}
