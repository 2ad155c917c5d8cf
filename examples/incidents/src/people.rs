//! Who uses the desk: admins who run it, developers who solve tickets, clients who report them.
//!
//! Plain values; nothing here knows a database or a page.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A person's id in this application. Oyez knows the same person as user `"<id>"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersonId(pub i64);

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What a person may be. One person can be several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Opens tickets and assigns them.
    Admin,
    /// Works on the tickets assigned to them.
    Developer,
    /// Reports incidents and approves or rejects the work.
    Client,
}

impl Role {
    /// Every role, in the order pages show them.
    pub const ALL: [Self; 3] = [Self::Admin, Self::Developer, Self::Client];

    /// The role as it is written everywhere; also the role's name in Oyez.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Developer => "developer",
            Self::Client => "client",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// Somebody's name and id, as tickets mention people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mention {
    /// Who.
    pub id: PersonId,
    /// As people read it.
    pub name: String,
}

/// A person who may sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Person {
    /// Who.
    pub id: PersonId,
    /// What they sign in with.
    pub email: String,
    /// As others read it.
    pub name: String,
    /// Sorted, without repeats.
    pub roles: Vec<Role>,
}

impl Person {
    /// Whether the person holds the role.
    pub fn is(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}
