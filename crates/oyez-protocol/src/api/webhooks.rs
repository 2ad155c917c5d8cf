//! `/api/v1/webhooks`: applications that are told by signed requests (Standard Webhooks).

use serde::{Deserialize, Serialize};

use crate::{ids::WebhookName, time::Timestamp};

/// Most endpoints there may be.
pub const MAX_WEBHOOKS: usize = 100;
/// Most types that an endpoint may name.
pub const MAX_WEBHOOK_TYPES: usize = 100;

/// `PUT /api/v1/webhooks/{name}`: makes an endpoint, or replaces all but its secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct WebhookRequest {
    /// Where the requests go: `https://…`.
    #[cfg_attr(feature = "openapi", schema(example = "https://app.example.com/hooks/oyez"))]
    pub url: String,
    /// What it is told: `notification` (a user's notification, as the rules of fallback have it), `delivery.sent`,
    /// `delivery.delivered`, `delivery.retrying`, `delivery.failed`, `delivery.bounced`, `delivery.skipped`,
    /// `job.completed`, `job.failed`; or `delivery.*`, `job.*`, `*`.
    #[cfg_attr(feature = "openapi", schema(example = json!(["notification", "delivery.*"])))]
    pub events: Vec<String>,
    /// Only of these types of notifications, and kinds of jobs; a `*` at the end stands for any text. Absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = json!(["ticket_*"])))]
    pub types: Option<Vec<String>>,
    /// It is told nothing. Absent: false, which also takes an endpoint into service again that was disabled because it
    /// failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
}

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Webhook {
    /// Its name.
    pub name: WebhookName,
    /// Where the requests go.
    pub url: String,
    /// What it is told.
    pub events: Vec<String>,
    /// Only of these; null: of all.
    pub types: Option<Vec<String>>,
    /// It is told nothing.
    pub disabled: bool,
    /// Why Oyez disabled it; null when a person did.
    pub disabled_reason: Option<String>,
    /// Since when every request has failed; null while it answers.
    pub failing_since: Option<Timestamp>,
    /// Why the last request failed; null when it did not.
    pub last_error: Option<String>,
    /// When it answered well the last time.
    pub delivered_at: Option<Timestamp>,
    /// Until then requests carry a second signature, by the secret before.
    pub old_secret_until: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When a person changed it the last time.
    pub updated_at: Timestamp,
}

/// Answers `PUT`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebhookChanged {
    /// The endpoint as it is now.
    #[serde(flatten)]
    pub webhook: Webhook,
    /// What its requests are signed with, `whsec_…`: in the answer that made it, and never again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// `POST /api/v1/webhooks/{name}/rotate`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RotateRequest {
    /// Seconds for which the old secret signs too, 0 to 2,678,400 (31 days); absent: 86,400 (a day).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap: Option<u32>,
}

/// The new secret, shown once.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RotatedSecret {
    /// What requests are signed with from now on.
    pub secret: String,
    /// Until then the old secret signs too.
    pub old_secret_until: Timestamp,
}

/// What became of a test: one request of the type `webhook.test`, sent at once and once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebhookTested {
    /// Whether it answered 2xx.
    pub delivered: bool,
    /// What it answered; null when there was no answer.
    pub status: Option<u16>,
    /// The beginning of its answer.
    pub answer: Option<String>,
    /// Why it was not delivered.
    pub error: Option<String>,
}
