//! `/api/v1/users/{id}/push-subscriptions`: the browsers that show a user's notifications while no page is open.

use serde::{Deserialize, Serialize};

use crate::{ids::PushSubscriptionId, time::Timestamp};

/// Most subscriptions of one user; one more takes the place of the oldest.
pub const MAX_SUBSCRIPTIONS: u32 = 20;
/// Longest `endpoint`, in bytes.
pub const MAX_ENDPOINT_BYTES: usize = 2_048;
/// Longest `device`, in characters.
pub const MAX_DEVICE_CHARS: usize = 100;

/// `POST`: what the browser's `PushSubscription.toJSON()` gives, with a name for people if you like.
///
/// Fields that are unknown here are ignored: browsers may add some.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PushSubscriptionRequest {
    /// Where the browser's push service takes messages; whoever knows it may send, so it is not shown again.
    #[cfg_attr(feature = "openapi", schema(example = "https://push.example.net/v1/abc"))]
    pub endpoint: String,
    /// What messages are encrypted with.
    pub keys: PushKeys,
    /// What people call the device, up to [`MAX_DEVICE_CHARS`] characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
}

/// The browser's keys (RFC 8291), in base64url.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PushKeys {
    /// Its public key: 65 bytes, an uncompressed point on P-256.
    pub p256dh: String,
    /// Its secret for authentication: 16 bytes.
    pub auth: String,
}

/// A subscription, as far as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PushSubscription {
    /// Names it.
    pub id: PushSubscriptionId,
    /// The push service that its browser uses, without the address's secret part.
    #[cfg_attr(feature = "openapi", schema(example = "https://push.example.net"))]
    pub service: String,
    /// What people call the device.
    pub device: Option<String>,
    /// When it was made, or renewed.
    pub created_at: Timestamp,
    /// When its push service took a message the last time.
    pub sent_at: Option<Timestamp>,
}

/// `GET /api/v1/push/key`: what a page needs to subscribe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PushKey {
    /// The `applicationServerKey` (RFC 8292): 65 bytes in base64url. Null: web push is not set up here.
    pub public_key: Option<String>,
}
