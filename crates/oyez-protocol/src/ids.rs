//! Newtypes for every name and position on the wire, so that no function can be called the wrong way round.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

mod board;
mod delivery;
mod receiver;
mod template;
mod work;

pub use board::BoardName;
pub use delivery::{DeliveryId, DigestId};
pub use receiver::{PushSubscriptionId, WebhookName};
pub use template::{Locale, TemplateName};
pub use work::{JobId, JobKind, QueueName, ScheduleName, WorkerName};

/// Longest user id, role or topic name, in bytes.
pub const MAX_NAME_BYTES: usize = 128;

/// Why a user id, role or topic name is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {given:?} is not valid: expected {expected}")]
pub struct NameError {
    kind: &'static str,
    given: String,
    expected: &'static str,
}

impl NameError {
    fn new(kind: &'static str, given: &str, expected: &'static str) -> Self {
        // Cut, so that a hostile megabyte does not come back as an error message.
        let given = given.chars().take(40).collect();
        Self { kind, given, expected }
    }
}

/// A recipient, as the application names them: 1 to 128 bytes of any printable text, case-sensitive.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, min_length = 1, max_length = 128, example = "anna"))]
#[serde(try_from = "String")]
pub struct UserId(Arc<str>);

/// A role: 1 to 128 ASCII letters, digits, `_`, `-`, `.`, `:` or `/`, case-sensitive.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, min_length = 1, max_length = 128, example = "admin"))]
#[serde(try_from = "String")]
pub struct RoleName(Arc<str>);

/// A topic's name, e.g. `business-7`: the same alphabet and length as a role.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, min_length = 1, max_length = 128, example = "business-7"))]
#[serde(try_from = "String")]
pub struct TopicName(Arc<str>);

impl UserId {
    /// Checks and takes a user id.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let printable = !text.chars().any(char::is_control) && text.trim() == text;
        if text.is_empty() || text.len() > MAX_NAME_BYTES || !printable {
            let expected = "1 to 128 bytes of printable text without surrounding spaces";
            return Err(NameError::new("user id", text, expected));
        }
        Ok(Self(text.into()))
    }

    /// The id as the application wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl RoleName {
    /// Checks and takes a role's name.
    pub fn new(text: &str) -> Result<Self, NameError> {
        checked_name("role", text).map(Self)
    }

    /// The name alone, without `role:`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TopicName {
    /// Checks and takes a topic's name.
    pub fn new(text: &str) -> Result<Self, NameError> {
        checked_name("topic", text).map(Self)
    }

    /// The name alone, without `topic:`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn checked_name(kind: &'static str, text: &str) -> Result<Arc<str>, NameError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:/".contains(&byte);
    if text.is_empty() || text.len() > MAX_NAME_BYTES || !text.bytes().all(allowed) {
        return Err(NameError::new(kind, text, "1 to 128 letters, digits, '_', '-', '.', ':' or '/'"));
    }
    Ok(text.into())
}

/// An item's position in its inbox: 1, 2, 3 … without gaps, in commit order. 0 is "before the first".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = u64, example = 7))]
#[serde(transparent)]
pub struct Seq(pub u64);

impl Seq {
    /// Before the first item.
    pub const ZERO: Self = Self(0);

    /// The position right after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A notification's id: a UUID version 7 (RFC 9562), so ids sort by creation time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, format = "uuid", example = "01930d2e-7c5a-7bbb-8000-000000000001"))]
#[serde(transparent)]
pub struct NotificationId(pub Uuid);

/// One live connection, unique across nodes and restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, format = "uuid", example = "01930d2e-7c5a-7bbb-8000-000000000001"))]
#[serde(transparent)]
pub struct ConnectionId(pub Uuid);

/// One login of a user: all refresh tokens that grew out of it are one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, format = "uuid", example = "01930d2e-7c5a-7bbb-8000-000000000001"))]
#[serde(transparent)]
pub struct SessionId(pub Uuid);

/// Names one life of a database. A `seq` means something only together with the epoch it was counted in:
/// after a restore from backup the epoch differs and a client starts over from a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String))]
#[serde(transparent)]
pub struct Epoch(pub Arc<str>);

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for NotificationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<String> for UserId {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl TryFrom<String> for RoleName {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl TryFrom<String> for TopicName {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl FromStr for UserId {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl FromStr for RoleName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl FromStr for TopicName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl FromStr for NotificationId {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}

impl FromStr for ConnectionId {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}

impl FromStr for SessionId {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_and_the_refusal_says_what_would_be_right() {
        assert!(UserId::new("auth0|5f7").is_ok());
        assert!(UserId::new("Zoë Müller").is_ok());
        for bad in ["", " x", "x\n", &"x".repeat(129)] {
            assert!(UserId::new(bad).is_err(), "{bad:?}");
        }
        assert!(TopicName::new("business-7").is_ok());
        let refused = TopicName::new("two words").unwrap_err().to_string();
        assert_eq!(
            refused,
            "topic \"two words\" is not valid: expected 1 to 128 letters, digits, '_', '-', '.', ':' or '/'"
        );
    }

    #[test]
    fn a_hostile_name_is_not_echoed_whole() {
        let refused = RoleName::new(&"é".repeat(100_000)).unwrap_err().to_string();
        assert!(refused.len() < 300, "{}", refused.len());
    }
}
