//! Names of background work: jobs, their kinds, queues, schedules and workers.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::NameError;

/// Longest job kind, in bytes.
const MAX_KIND_BYTES: usize = 48;
/// Longest queue or schedule name, in bytes.
const MAX_WORK_NAME_BYTES: usize = 64;
/// Longest worker name, in bytes.
const MAX_WORKER_BYTES: usize = 128;

/// A job's id: a UUID version 7 (RFC 9562), so ids sort by creation time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, format = "uuid", example = "01930d2e-7c5a-7bbb-8000-000000000001"))]
#[serde(transparent)]
pub struct JobId(pub Uuid);

/// What sort of work a job is: a small letter, then up to 47 small letters, digits or `_`. It begins the types of the
/// job's frames: `oracle_upload` gives `oracle_upload_progress`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, pattern = "^[a-z][a-z0-9_]{0,47}$", example = "oracle_upload"))]
#[serde(try_from = "String")]
pub struct JobKind(Arc<str>);

/// Where a job waits: a small letter or digit, then up to 63 of those, `_`, `.` or `-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, pattern = "^[a-z0-9][a-z0-9_.-]{0,63}$", example = "default"))]
#[serde(try_from = "String")]
pub struct QueueName(Arc<str>);

/// A schedule's name: the same alphabet and length as a queue's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, pattern = "^[a-z0-9][a-z0-9_.-]{0,63}$", example = "nightly-report"))]
#[serde(try_from = "String")]
pub struct ScheduleName(Arc<str>);

/// Who runs a job, for people to read: 1 to 128 bytes of printable text, such as `host-1:4711`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, min_length = 1, max_length = 128, example = "host-1:4711"))]
#[serde(try_from = "String")]
pub struct WorkerName(Arc<str>);

impl JobKind {
    /// Checks and takes a kind.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let starts = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        if !starts || text.len() > MAX_KIND_BYTES || !text.bytes().all(allowed) {
            let expected = "a letter a-z, then up to 47 of a-z, 0-9 or '_', such as \"oracle_upload\"";
            return Err(NameError::new("job kind", text, expected));
        }
        Ok(Self(text.into()))
    }

    /// The kind as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl QueueName {
    /// The queue of jobs that name none.
    pub const DEFAULT: &str = "default";

    /// Checks and takes a queue's name.
    pub fn new(text: &str) -> Result<Self, NameError> {
        checked("queue", text).map(Self)
    }

    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for QueueName {
    fn default() -> Self {
        Self(Self::DEFAULT.into())
    }
}

impl ScheduleName {
    /// Checks and takes a schedule's name.
    pub fn new(text: &str) -> Result<Self, NameError> {
        checked("schedule", text).map(Self)
    }

    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl WorkerName {
    /// Checks and takes a worker's name.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let printable = !text.chars().any(char::is_control) && text.trim() == text;
        if text.is_empty() || text.len() > MAX_WORKER_BYTES || !printable {
            let expected = "1 to 128 bytes of printable text without surrounding spaces";
            return Err(NameError::new("worker", text, expected));
        }
        Ok(Self(text.into()))
    }

    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

pub(super) fn checked(kind: &'static str, text: &str) -> Result<Arc<str>, NameError> {
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let starts = text.bytes().next().is_some_and(word);
    let allowed = |byte: u8| word(byte) || b"_.-".contains(&byte);
    if !starts || text.len() > MAX_WORK_NAME_BYTES || !text.bytes().all(allowed) {
        let expected = "a letter a-z or digit, then up to 63 of a-z, 0-9, '_', '.' or '-'";
        return Err(NameError::new(kind, text, expected));
    }
    Ok(text.into())
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for QueueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for ScheduleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for WorkerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<String> for JobKind {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl TryFrom<String> for QueueName {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl TryFrom<String> for ScheduleName {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl TryFrom<String> for WorkerName {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl FromStr for JobId {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}

impl FromStr for JobKind {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl FromStr for QueueName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl FromStr for ScheduleName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl FromStr for WorkerName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_work_are_checked_and_the_refusal_says_what_would_be_right() {
        for good in ["a", "oracle_upload", "x9", &"k".repeat(48)] {
            assert_eq!(JobKind::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "_a", "9a", "Upload", "a-b", "a b", &"k".repeat(49)] {
            assert!(JobKind::new(bad).is_err(), "{bad:?}");
        }
        for good in ["default", "oyez.cleanup", "9-to-5", &"q".repeat(64)] {
            assert!(QueueName::new(good).is_ok() && ScheduleName::new(good).is_ok(), "{good:?}");
        }
        for bad in ["", ".a", "-a", "A", "a/b", &"q".repeat(65)] {
            assert!(QueueName::new(bad).is_err() && ScheduleName::new(bad).is_err(), "{bad:?}");
        }
        let refused = serde_json::from_str::<QueueName>("\"Mail\"").unwrap_err().to_string();
        assert!(
            refused.starts_with("queue \"Mail\" is not valid: expected a letter a-z or digit"),
            "{refused}"
        );
        assert!(WorkerName::new("host 1 (4711)").is_ok());
        assert!(WorkerName::new("a\nb").is_err());
        assert_eq!(QueueName::default().as_str(), "default");
    }
}
