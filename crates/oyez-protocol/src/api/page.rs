//! Lists in pages: `{"data": […], "next_cursor": …}`.

use serde::{Deserialize, Serialize};

/// Most entries of a page.
pub const MAX_LIMIT: u32 = 200;
/// Entries of a page when the request does not say.
pub const DEFAULT_LIMIT: u32 = 50;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Page<T> {
    /// The entries.
    pub data: Vec<T>,
    /// For the query parameter `cursor` of the next call; null on the last page.
    pub next_cursor: Option<String>,
}
