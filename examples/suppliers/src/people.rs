//! Who signs in: reviewers and admins of the office, and suppliers once they are approved.
//!
//! Plain values; nothing here knows a database or a page.

use std::fmt;

use oyez::protocol::{RoleName, UserId};
use serde::{Deserialize, Serialize};

use crate::application::ApplicationId;

/// A person's id in this application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersonId(pub i64);

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What a person is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reviews, and works on many at once: bulk approval, announcements, scheduled tasks.
    Admin,
    /// Reviews applications.
    Reviewer,
    /// Was approved; sees their own account.
    Supplier,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Admin, Self::Reviewer, Self::Supplier];

    /// The role as it is written in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Reviewer => "reviewer",
            Self::Supplier => "supplier",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// The roles that Oyez knows such a person by. An admin reviews as well, and is Oyez's operator.
    pub fn names(self) -> Vec<RoleName> {
        let words: &[&str] = match self {
            Self::Admin => &["admin", "reviewer"],
            Self::Reviewer => &["reviewer"],
            Self::Supplier => &["supplier"],
        };
        words.iter().map(|word| RoleName::new(word).expect("our roles are names")).collect()
    }
}

/// Somebody who may sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Person {
    /// Who.
    pub id: PersonId,
    /// What they sign in with.
    pub email: String,
    /// As others read it.
    pub name: String,
    /// What they are.
    pub role: Role,
    /// A supplier's own application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application: Option<ApplicationId>,
    /// Whether they signed in with a temporary password and have to set one of their own before anything else.
    pub must_set_password: bool,
}

impl Person {
    /// Whether the person works in the office.
    pub fn is_staff(&self) -> bool {
        matches!(self.role, Role::Admin | Role::Reviewer)
    }

    /// Whom Oyez knows them as. A supplier is the user their application became.
    pub fn user_id(&self) -> UserId {
        match self.application {
            Some(application) => application.user_id(),
            None => UserId::new(&format!("staff-{}", self.id)).expect("a number makes a user id"),
        }
    }
}
