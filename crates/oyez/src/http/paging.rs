//! Cursors and limits of lists. A cursor is the last entry's own name, so a page never skips or repeats an entry
//! because others came or went.

use oyez_protocol::api::page::{DEFAULT_LIMIT, MAX_LIMIT, Page};
use serde::Deserialize;

use super::refusal::Refusal;

/// `?cursor=&limit=`.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct PageQuery {
    #[serde(default)]
    pub(crate) cursor: Option<String>,
    #[serde(default)]
    pub(crate) limit: Option<u32>,
}

/// The limit asked for, or the usual one.
pub(crate) fn limit(asked: Option<u32>) -> Result<u32, Refusal> {
    match asked {
        None => Ok(DEFAULT_LIMIT),
        Some(limit) if (1..=MAX_LIMIT).contains(&limit) => Ok(limit),
        Some(limit) => Err(Refusal::at("limit", format!("\"limit\" must be 1 to {MAX_LIMIT}, not {limit}"))),
    }
}

impl PageQuery {
    pub(crate) fn limit(&self) -> Result<u32, Refusal> {
        limit(self.limit)
    }

    /// The entry after which this page begins.
    pub(crate) fn after<T: std::str::FromStr>(&self) -> Result<Option<T>, Refusal> {
        let Some(cursor) = self.cursor.as_deref().filter(|cursor| !cursor.is_empty()) else {
            return Ok(None);
        };
        let unknown = |_| Refusal::at("cursor", "\"cursor\" must be the \"next_cursor\" of an earlier page");
        cursor.parse().map(Some).map_err(unknown)
    }
}

/// A page whose store was asked for one entry more than the limit, to know whether there is another page.
pub(crate) fn page<T>(mut data: Vec<T>, limit: u32, name: impl Fn(&T) -> String) -> Page<T> {
    let limit = limit as usize;
    let more = data.len() > limit;
    data.truncate(limit);
    let next_cursor = data.last().filter(|_| more).map(name);
    Page { data, next_cursor }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_names_its_last_entry_only_when_there_are_more() {
        let name = |entry: &u32| entry.to_string();
        assert_eq!(page(vec![1, 2, 3], 2, name).next_cursor.as_deref(), Some("2"));
        assert_eq!(page(vec![1, 2], 2, name).next_cursor, None);
        assert_eq!(page(Vec::<u32>::new(), 2, name).next_cursor, None);
        assert!(limit(Some(0)).is_err() && limit(Some(201)).is_err() && limit(Some(200)).is_ok());
    }
}
