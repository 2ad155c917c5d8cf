//! `/api/v1/topics/{name}/members`: who belongs to a topic.

use serde::{Deserialize, Serialize};

use crate::ids::UserId;

/// One member of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Member {
    /// Who.
    pub user_id: UserId,
}
