//! `/api/v1/boards`: named, versioned JSON documents that are pushed live to those who may see them.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, value::RawValue};

use crate::{
    ids::{BoardName, JobKind, QueueName, RoleName},
    time::Timestamp,
};

/// The job that brings a board up to date: enqueued by the schedule `oyez.boards`, and on request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    /// What sort of work.
    pub kind: JobKind,
    /// What the worker needs: any JSON; absent: `{"board": "<name>"}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub args: Option<Box<RawValue>>,
    /// Where the job waits; absent: `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueName>,
}

impl PartialEq for RefreshRequest {
    fn eq(&self, other: &Self) -> bool {
        let args = |one: &Self| one.args.as_ref().map(|args| args.get().to_owned());
        self.kind == other.kind && self.queue == other.queue && args(self) == args(other)
    }
}

/// `PUT /api/v1/boards/{name}`: the state is replaced; `roles` and `refresh` stay when nothing is said of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BoardRequest {
    /// The whole document: a JSON object.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub state: Map<String, Value>,
    /// Holders of any of these may see it; null, or never said: those who may open the dashboard.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<RoleName>>))]
    pub roles: Option<Option<Vec<RoleName>>>,
    /// The job that brings it up to date; null: none.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<RefreshRequest>))]
    pub refresh: Option<Option<RefreshRequest>>,
    /// Makes a repeated call the same call; the header `Idempotency-Key` says it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

/// `PATCH /api/v1/boards/{name}`: a merge patch (RFC 7396) of what `GET` shows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BoardPatchRequest {
    /// What changes of the document: null removes a key, an object is merged, all else replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub state: Option<Map<String, Value>>,
    /// Holders of any of these may see it; null: those who may open the dashboard.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<RoleName>>))]
    pub roles: Option<Option<Vec<RoleName>>>,
    /// The job that brings it up to date; null: none.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<RefreshRequest>))]
    pub refresh: Option<Option<RefreshRequest>>,
    /// Makes a repeated call the same call; the header `Idempotency-Key` says it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

// Tells an explicit null from a field that is absent.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// What became of a `PUT` or `PATCH`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BoardChanged {
    /// Its name.
    pub name: BoardName,
    /// The version it has now; the header `ETag` says it too.
    pub version: u64,
    /// Whether this made the board.
    pub created: bool,
    /// Whether anything changed; else it stayed at its version.
    pub changed: bool,
}

/// `GET /api/v1/boards/{name}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BoardView {
    /// Its name.
    pub name: BoardName,
    /// Counts its changes, and goes on counting when it is deleted and made again; the header `ETag` says it too.
    pub version: u64,
    /// The whole document.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub state: Map<String, Value>,
    /// Holders of any of these may see it; null: those who may open the dashboard.
    pub roles: Option<Vec<RoleName>>,
    /// The job that brings it up to date. Users do not see its `args`.
    pub refresh: Option<RefreshRequest>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it became this version.
    pub updated_at: Timestamp,
}

/// One of `GET /api/v1/boards`: a board without its document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BoardSummary {
    /// Its name.
    pub name: BoardName,
    /// Counts its changes.
    pub version: u64,
    /// Bytes of JSON that its document takes.
    pub bytes: u64,
    /// Holders of any of these may see it; null: those who may open the dashboard.
    pub roles: Option<Vec<RoleName>>,
    /// The kind of job that brings it up to date.
    pub refresh: Option<JobKind>,
    /// When it became this version.
    pub updated_at: Timestamp,
}

/// One of `GET /api/v1/boards/{name}/history`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BoardVersion {
    /// Which version.
    pub version: u64,
    /// When the board became this version.
    pub at: Timestamp,
    /// The document as it was; with `pointer`, the value there, null when there was none.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub state: Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_leaves_roles_and_null_lifts_them() {
        let read = |text: &str| serde_json::from_str::<BoardRequest>(text);
        assert_eq!(read(r#"{"state":{}}"#).unwrap().roles, None);
        assert_eq!(read(r#"{"state":{},"roles":null}"#).unwrap().roles, Some(None));
        let named = read(r#"{"state":{},"roles":["reviewer"]}"#).unwrap().roles;
        assert_eq!(named, Some(Some(vec![RoleName::new("reviewer").unwrap()])));
        assert!(read(r#"{"roles":null}"#).is_err(), "a PUT names the state");
        assert!(read(r#"{"state":[1]}"#).is_err() && read(r#"{"state":{},"role":"x"}"#).is_err());
        let patch: BoardPatchRequest = serde_json::from_str(r#"{"refresh":null}"#).unwrap();
        assert_eq!((patch.state, patch.refresh), (None, Some(None)));
    }
}
