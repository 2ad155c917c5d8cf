//! `/api/v1/connections`: who is connected to this node now.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{ConnectionId, Seq, UserId},
    time::Timestamp,
};

/// One live connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Connection {
    /// Names it.
    pub id: ConnectionId,
    /// Whose.
    pub user_id: UserId,
    /// `notifications` or `dashboard`.
    pub stream: String,
    /// `websocket` or `sse`.
    pub transport: String,
    /// Where from.
    pub address: Option<String>,
    /// Since when.
    pub connected_at: Timestamp,
    /// The last item handed to it.
    pub seq: Seq,
    /// Bytes that wait in memory because it does not read.
    pub waiting_bytes: u64,
}
