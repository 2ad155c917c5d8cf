//! Names of what receives messages for people who are away: webhook endpoints and the browsers of users.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{NameError, work::checked};

/// A webhook endpoint's name: a small letter or digit, then up to 63 of those, `_`, `.` or `-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, pattern = "^[a-z0-9][a-z0-9_.-]{0,63}$", example = "billing"))]
#[serde(try_from = "String")]
pub struct WebhookName(Arc<str>);

/// A browser's subscription to push messages: a UUID version 7 (RFC 9562).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, format = "uuid", example = "01930d2e-7c5a-7bbb-8000-000000000001"))]
#[serde(transparent)]
pub struct PushSubscriptionId(pub Uuid);

impl WebhookName {
    /// Checks and takes an endpoint's name.
    pub fn new(text: &str) -> Result<Self, NameError> {
        checked("webhook", text).map(Self)
    }

    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WebhookName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<String> for WebhookName {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl FromStr for WebhookName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl fmt::Display for PushSubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for PushSubscriptionId {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_named_like_a_queue_and_says_so_when_it_is_not() {
        assert_eq!(WebhookName::new("billing.v2").unwrap().as_str(), "billing.v2");
        let refused = WebhookName::new("My Endpoint").unwrap_err().to_string();
        assert!(refused.starts_with("webhook \"My Endpoint\" is not valid: expected"), "{refused}");
    }
}
