//! A ticket and the words it is described with. Plain values, no decisions.

use std::fmt;

use oyez::protocol::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    life_cycle::Status,
    people::{Mention, PersonId},
};

/// A ticket's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TicketId(pub i64);

impl fmt::Display for TicketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A project's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProjectId(pub i64);

/// What tickets are about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Project {
    /// Which.
    pub id: ProjectId,
    /// As people call it.
    pub name: String,
}

/// How much an incident hurts; decides when it must be resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Priority {
    /// Resolved within a week.
    Low,
    /// Resolved within three days.
    Medium,
    /// Resolved within a day.
    High,
    /// Resolved within four hours.
    Critical,
}

impl Priority {
    /// Every priority, the mildest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The word in the database and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
        }
    }

    /// The word for people.
    pub fn display(self) -> &'static str {
        match self {
            Self::Low => "Low",
            Self::Medium => "Medium",
            Self::High => "High",
            Self::Critical => "Critical",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.as_str() == text)
    }

    /// When a ticket of this priority must be resolved.
    pub fn resolution_due_at(self, created_at: Timestamp) -> Timestamp {
        let hours = match self {
            Self::Critical => 4,
            Self::High => 24,
            Self::Medium => 72,
            Self::Low => 168,
        };
        created_at.plus_seconds(hours * 3600)
    }
}

/// What kind of trouble it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Category {
    /// It does the wrong thing.
    Bug,
    /// It does nothing at all.
    Outage,
    /// It is too slow.
    Performance,
    /// It lets the wrong people in.
    Security,
    /// Somebody needs to know something.
    Question,
}

impl Category {
    /// Every category, in the order forms offer them.
    pub const ALL: [Self; 5] = [Self::Bug, Self::Outage, Self::Performance, Self::Security, Self::Question];

    /// The word in the database and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bug => "BUG",
            Self::Outage => "OUTAGE",
            Self::Performance => "PERFORMANCE",
            Self::Security => "SECURITY",
            Self::Question => "QUESTION",
        }
    }

    /// The word for people.
    pub fn display(self) -> &'static str {
        match self {
            Self::Bug => "Bug",
            Self::Outage => "Outage",
            Self::Performance => "Performance",
            Self::Security => "Security",
            Self::Question => "Question",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.as_str() == text)
    }
}

/// One incident, from report to approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Which.
    pub id: TicketId,
    /// Where it happened.
    pub project: Project,
    /// One line.
    pub title: String,
    /// The whole story.
    pub description: String,
    /// How much it hurts.
    pub priority: Priority,
    /// What kind of trouble.
    pub category: Category,
    /// Where it stands.
    pub status: Status,
    /// Who reported it, and judges the work.
    pub created_by: Mention,
    /// Who works on it, in the order they were assigned.
    pub assigned_to: Vec<Mention>,
    /// When it was reported.
    pub created_at: Timestamp,
    /// When it must be resolved.
    pub resolution_due_at: Timestamp,
    /// When an admin took note of it.
    pub opened_at: Option<Timestamp>,
    /// When work began, the last time it did.
    pub started_at: Option<Timestamp>,
    /// When work ended, the last time it did.
    pub resolved_at: Option<Timestamp>,
    /// When its creator approved.
    pub closed_at: Option<Timestamp>,
    /// Why the work was last rejected.
    pub rejection_comment: Option<String>,
    /// The topic its open pages listen to. Whoever knows the name may listen, so only those who may see the ticket are
    /// told; what is sent there says no more than "look again".
    pub watch_topic: String,
}

impl Ticket {
    /// Whether the person is one of those who work on it.
    pub fn is_assigned_to(&self, person: PersonId) -> bool {
        self.assigned_to.iter().any(|developer| developer.id == person)
    }
}

/// What happened to a ticket, or was said about it: one line of its timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Which.
    pub id: i64,
    /// `created`, `opened`, `assigned`, `started`, `finished`, `approved`, `rejected` or `commented`.
    pub kind: String,
    /// Who did it.
    pub author: Mention,
    /// A comment's text, a rejection's reason, the names assigned; empty otherwise.
    pub body: String,
    /// When.
    pub at: Timestamp,
}
