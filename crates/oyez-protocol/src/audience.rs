//! Who a thing is for: `user:<id>`, `role:<name>`, `topic:<name>`, `everyone`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::ids::{NameError, RoleName, TopicName, UserId};

/// One group of recipients. A publish names one or several; each recipient gets the thing once.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Audience {
    /// One user, known or not yet known.
    User(UserId),
    /// Everybody who holds the role at the moment of the publish.
    Role(RoleName),
    /// The topic's members at the moment of the publish.
    Topic(TopicName),
    /// Every user Oyez knows.
    Everyone,
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Audience {}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Audience {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, Type};
        let description = "Who a thing is for: `user:<id>`, `role:<name>`, `topic:<name>` or `everyone`.";
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(description))
            .examples(["user:anna", "role:admin", "topic:business-7", "everyone"])
            .into()
    }
}

/// A text that names no audience.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AudienceError {
    /// No known prefix.
    #[error(
        "{0:?} is not an audience: expected \"user:<id>\", \"role:<name>\", \"topic:<name>\" or \"everyone\""
    )]
    Unknown(String),
    /// A known prefix before a name that is not valid.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl FromStr for Audience {
    type Err = AudienceError;
    fn from_str(text: &str) -> Result<Self, AudienceError> {
        if text == "everyone" {
            return Ok(Self::Everyone);
        }
        match text.split_once(':') {
            Some(("user", id)) => Ok(Self::User(UserId::new(id)?)),
            Some(("role", name)) => Ok(Self::Role(RoleName::new(name)?)),
            Some(("topic", name)) => Ok(Self::Topic(TopicName::new(name)?)),
            _ => Err(AudienceError::Unknown(text.chars().take(40).collect())),
        }
    }
}

impl TryFrom<String> for Audience {
    type Error = AudienceError;
    fn try_from(text: String) -> Result<Self, AudienceError> {
        text.parse()
    }
}

impl From<Audience> for String {
    fn from(audience: Audience) -> Self {
        audience.to_string()
    }
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::Role(name) => write!(f, "role:{name}"),
            Self::Topic(name) => write!(f, "topic:{name}"),
            Self::Everyone => f.write_str("everyone"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_audience_reads_back_as_it_was_written() {
        for text in ["user:alice", "user:a:b", "role:super_admin", "topic:business-7", "everyone"] {
            assert_eq!(text.parse::<Audience>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn an_unknown_audience_is_refused_with_the_grammar() {
        for text in ["", "alice", "users:alice", "Everyone", "role:", "topic:a b"] {
            assert!(text.parse::<Audience>().is_err(), "{text:?}");
        }
        let refused = "alice".parse::<Audience>().unwrap_err().to_string();
        assert!(refused.contains("\"user:<id>\""), "{refused}");
    }
}
