//! Why a call about webhooks is refused, or failed.

use oyez_core::notification::Invalid;
use oyez_protocol::{ErrorCode, WebhookName, api::webhooks::MAX_WEBHOOKS};
use oyez_store::StoreError;

/// Why it is refused, or failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WebhooksError {
    /// A field is wrong.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// No such endpoint.
    #[error("there is no webhook {0}")]
    NotFound(WebhookName),
    /// There are too many.
    #[error("there are {MAX_WEBHOOKS} webhooks, which is the most: delete one first")]
    TooMany,
    /// The server's key is another one than when the secret was made.
    #[error(
        "the secret of the webhook {0} is lost, because the signing key of this server was replaced: rotate it, and \
         give the application the new one"
    )]
    SecretLost(WebhookName),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl WebhooksError {
    /// The stable code for a client.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid(invalid) => invalid.code,
            Self::NotFound(_) => ErrorCode::NotFound,
            Self::TooMany | Self::SecretLost(_) => ErrorCode::Conflict,
            Self::Store(error) => error.code(),
        }
    }
}
