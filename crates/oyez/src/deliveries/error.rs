//! Why a call about deliveries is refused, or failed.

use oyez_core::{delivery::NotResendable, notification::Invalid};
use oyez_protocol::{DeliveryId, ErrorCode};
use oyez_store::StoreError;

/// Why it is refused, or failed. Nothing was written, unless the store failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DeliveriesError {
    /// A field is wrong.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// No such delivery.
    #[error("there is no delivery {0}")]
    NotFound(DeliveryId),
    /// It cannot be sent again.
    #[error(transparent)]
    NotResendable(#[from] NotResendable),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl DeliveriesError {
    /// The stable code for a client.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid(invalid) => invalid.code,
            Self::NotFound(_) => ErrorCode::NotFound,
            Self::NotResendable(_) => ErrorCode::Conflict,
            Self::Store(error) => error.code(),
        }
    }
}
