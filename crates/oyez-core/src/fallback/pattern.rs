//! Which types a rule or a preference speaks of: one, or all that start alike.

use std::fmt;

use crate::{
    envelope::{MAX_KIND_BYTES, quoted},
    notification::Invalid,
};

/// A type (`ticket_created`), the beginning of types (`ticket_*`), or all of them (`*`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    open: bool,
}

impl Pattern {
    /// Reads a pattern; the refusal names the field.
    pub fn parse(field: &str, given: &str) -> Result<Self, Invalid> {
        let (text, open) = given.strip_suffix('*').map_or((given, false), |start| (start, true));
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        if (text.is_empty() && !open) || text.len() > MAX_KIND_BYTES || !text.bytes().all(allowed) {
            let message = format!(
                "\"{field}\" names the type {}: expected 1 to {MAX_KIND_BYTES} of the characters a-z A-Z 0-9 _ - . \
                 such as \"ticket_created\", or a beginning with one * at its end such as \"ticket_*\"",
                quoted(given)
            );
            return Err(Invalid::new(field, message));
        }
        Ok(Self { text: text.into(), open })
    }

    /// Whether it speaks of a type.
    pub fn matches(&self, kind: &str) -> bool {
        if self.open { kind.starts_with(&self.text) } else { kind == self.text }
    }

    /// Whether it speaks of every type that the other one speaks of.
    pub fn covers(&self, other: &Self) -> bool {
        if self.open { other.text.starts_with(&self.text) } else { self == other }
    }

    /// How exact it is: of two that match a type, the one with the larger rank counts.
    pub fn rank(&self) -> usize {
        if self.open { self.text.len() } else { usize::MAX }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.text, if self.open { "*" } else { "" })
    }
}
