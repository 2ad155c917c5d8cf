//! `/api/v1/queues`: where jobs wait, and how fast they may leave.

use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    ids::{JobKind, QueueName},
    time::Timestamp,
};

/// At most `count` starts in each `period`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RateRequest {
    /// 1 to 1,000,000.
    pub count: u32,
    /// Seconds, 0.001 to 86,400.
    pub period: f64,
}

/// `PATCH /api/v1/queues/{name}`. What is absent stays; null lifts a limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct QueuePatch {
    /// True: nothing of it starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
    /// How many of its jobs may run at once, on all nodes together.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u32>))]
    pub concurrency: Option<Option<u32>>,
    /// How many may start in a stretch of time.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<RateRequest>))]
    pub rate: Option<Option<RateRequest>>,
}

// Tells an explicit null, which lifts the limit, from a field that is absent.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// `GET /api/v1/queues/{name}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueueView {
    /// Its name.
    pub name: QueueName,
    /// Whether it is held.
    pub paused: bool,
    /// How many of its jobs may run at once.
    pub concurrency: Option<u32>,
    /// How many may start in a stretch of time.
    pub rate: Option<RateRequest>,
    /// How many jobs are in which state, by kind.
    pub kinds: Vec<KindDepth>,
    /// When the job that waits longest became available.
    pub oldest_waiting: Option<Timestamp>,
}

/// How many unfinished jobs of one kind a queue holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KindDepth {
    /// What sort of work.
    pub kind: JobKind,
    /// Wait for a worker.
    pub available: u64,
    /// Wait for their time.
    pub scheduled: u64,
    /// Are running.
    pub running: u64,
    /// Failed, and wait for their next attempt.
    pub retryable: u64,
    /// When the one that waits longest became available.
    #[serde(default)]
    pub oldest_waiting: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_lifts_a_limit_and_silence_leaves_it() {
        let patch: QueuePatch = serde_json::from_str(r#"{"concurrency":null}"#).unwrap();
        assert_eq!((patch.concurrency, patch.rate, patch.paused), (Some(None), None, None));
        let patch: QueuePatch = serde_json::from_str(r#"{"rate":{"count":5,"period":1}}"#).unwrap();
        assert_eq!(patch.rate, Some(Some(RateRequest { count: 5, period: 1.0 })));
        assert!(serde_json::from_str::<QueuePatch>(r#"{"pause":true}"#).is_err());
    }
}
