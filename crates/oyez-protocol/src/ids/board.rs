//! Names of boards.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{NameError, TopicName, work::checked};

/// How a board is named where topics are: `board:suppliers`.
const TOPIC_PREFIX: &str = "board:";

/// A board's name: a small letter or digit, then up to 63 of those, `_`, `.` or `-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, pattern = "^[a-z0-9][a-z0-9_.-]{0,63}$", example = "suppliers"))]
#[serde(try_from = "String")]
pub struct BoardName(Arc<str>);

impl BoardName {
    /// Checks and takes a board's name.
    pub fn new(text: &str) -> Result<Self, NameError> {
        checked("board", text).map(Self)
    }

    /// The board that `board:<name>` names, where a topic may stand; `None`: it is a topic like any other.
    pub fn of_topic(topic: &TopicName) -> Option<Result<Self, NameError>> {
        topic.as_str().strip_prefix(TOPIC_PREFIX).map(Self::new)
    }

    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BoardName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<String> for BoardName {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl FromStr for BoardName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_is_named_like_a_queue_and_says_so_when_it_is_not() {
        for good in ["suppliers", "2026.sales", "a-b_c", &"b".repeat(64)] {
            assert_eq!(BoardName::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "Suppliers", "a b", "-a", "a/b", "board:a", &"b".repeat(65)] {
            assert!(BoardName::new(bad).is_err(), "{bad:?}");
        }
        let refused = BoardName::new("A B").unwrap_err().to_string();
        assert_eq!(
            refused,
            "board \"A B\" is not valid: expected a letter a-z or digit, then up to 63 of a-z, 0-9, '_', '.' or '-'"
        );
    }

    #[test]
    fn a_topic_that_begins_with_board_means_one() {
        let of = |topic: &str| BoardName::of_topic(&TopicName::new(topic).unwrap());
        assert_eq!(of("board:suppliers").unwrap().unwrap().as_str(), "suppliers");
        assert!(of("board:").unwrap().is_err() && of("board:A").unwrap().is_err());
        assert!(of("boards").is_none());
    }
}
