//! The life of a ticket as a pure state machine: NEW, OPENED (then assigned), IN_PROGRESS, RESOLVED, CLOSED,
//! or from RESOLVED back to IN_PROGRESS when its creator rejects the work.
//!
//! It knows which moves exist, not who may make them (that is `access`).

use serde::{Deserialize, Serialize};

/// Where a ticket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Reported, not looked at.
    New,
    /// Acknowledged by an admin; assigned to developers while it stands here.
    Opened,
    /// Somebody works on it.
    InProgress,
    /// Work is done; its creator is asked to judge it.
    Resolved,
    /// Approved: the end.
    Closed,
}

impl Status {
    /// Every status, in the order a ticket passes them.
    pub const ALL: [Self; 5] = [Self::New, Self::Opened, Self::InProgress, Self::Resolved, Self::Closed];

    /// The word in the database and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "NEW",
            Self::Opened => "OPENED",
            Self::InProgress => "IN_PROGRESS",
            Self::Resolved => "RESOLVED",
            Self::Closed => "CLOSED",
        }
    }

    /// The word for people.
    pub fn display(self) -> &'static str {
        match self {
            Self::New => "New",
            Self::Opened => "Opened",
            Self::InProgress => "In Progress",
            Self::Resolved => "Resolved",
            Self::Closed => "Closed",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// Something that can be done to a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Move {
    /// An admin acknowledges it.
    Open,
    /// An admin says who works on it; also later, to change hands.
    Assign,
    /// A developer begins.
    Start,
    /// A developer is done.
    Finish,
    /// The creator accepts the work.
    Approve,
    /// The creator sends it back, with a reason.
    Reject,
}

impl Move {
    /// Every move, in the order of a ticket's life.
    pub const ALL: [Self; 6] =
        [Self::Open, Self::Assign, Self::Start, Self::Finish, Self::Approve, Self::Reject];

    /// The word in paths and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Assign => "assign",
            Self::Start => "start",
            Self::Finish => "finish",
            Self::Approve => "approve",
            Self::Reject => "reject",
        }
    }
}

/// Where a ticket stands, as far as its moves depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The status.
    pub status: Status,
    /// Whether anybody is assigned: work cannot start before.
    pub assigned: bool,
}

/// A move that the ticket's standing does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a ticket that is {} cannot be moved by \"{}\"; {}", from.status.as_str(), tried.as_str(), advice(.possible))]
pub struct WrongMove {
    /// Where it stands.
    pub from: Standing,
    /// What was tried.
    pub tried: Move,
    /// What could be done instead; empty when its life is over.
    pub possible: Vec<Move>,
}

fn advice(possible: &[Move]) -> String {
    if possible.is_empty() {
        return "no move is possible any more".into();
    }
    let names: Vec<_> = possible.iter().map(|step| format!("\"{}\"", step.as_str())).collect();
    format!("possible now: {}", names.join(", "))
}

impl Standing {
    /// A ticket's standing when it is reported.
    pub const REPORTED: Self = Self { status: Status::New, assigned: false };

    /// Where the ticket stands after the move, or why it cannot be made. Consumes the standing: a ticket is never
    /// in two places.
    pub fn after(self, step: Move) -> Result<Self, WrongMove> {
        self.next(step).ok_or_else(|| WrongMove { from: self, tried: step, possible: self.possible() })
    }

    /// The moves that can be made from here.
    pub fn possible(self) -> Vec<Move> {
        Move::ALL.into_iter().filter(|step| self.next(*step).is_some()).collect()
    }

    fn next(self, step: Move) -> Option<Self> {
        use Status::{Closed, InProgress, New, Opened, Resolved};
        let to = |status| Some(Self { status, ..self });
        match (step, self.status) {
            (Move::Open, New) => to(Opened),
            (Move::Assign, Opened | InProgress) => Some(Self { assigned: true, ..self }),
            (Move::Start, Opened) if self.assigned => to(InProgress),
            (Move::Finish, InProgress) => to(Resolved),
            (Move::Approve, Resolved) => to(Closed),
            (Move::Reject, Resolved) => to(InProgress),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(status: Status) -> Standing {
        Standing { status, assigned: !matches!(status, Status::New) }
    }

    #[test]
    fn a_ticket_walks_its_whole_life_and_may_be_sent_back_once() {
        use Move::{Approve, Assign, Finish, Open, Reject, Start};
        let mut standing = Standing::REPORTED;
        let mut seen = vec![];
        for step in [Open, Assign, Start, Finish, Reject, Finish, Approve] {
            standing = standing.after(step).unwrap();
            seen.push(standing.status.as_str());
        }
        assert_eq!(
            seen,
            ["OPENED", "OPENED", "IN_PROGRESS", "RESOLVED", "IN_PROGRESS", "RESOLVED", "CLOSED"]
        );
    }

    #[test]
    fn every_move_is_either_possible_or_refused_with_those_that_are() {
        let table = [
            (Status::New, "open"),
            (Status::Opened, "assign start"),
            (Status::InProgress, "assign finish"),
            (Status::Resolved, "approve reject"),
            (Status::Closed, ""),
        ];
        for (status, possible) in table {
            let names: Vec<_> = at(status).possible().into_iter().map(Move::as_str).collect();
            assert_eq!(names.join(" "), possible, "{status:?}");
            for step in Move::ALL {
                match at(status).after(step) {
                    Ok(_) => assert!(names.contains(&step.as_str())),
                    Err(wrong) => assert_eq!(wrong.possible, at(status).possible()),
                }
            }
        }
    }

    #[test]
    fn work_cannot_start_before_somebody_is_assigned() {
        let opened = Standing { status: Status::Opened, assigned: false };
        assert_eq!(opened.possible(), [Move::Assign]);
        assert_eq!(
            opened.after(Move::Start).unwrap_err().to_string(),
            "a ticket that is OPENED cannot be moved by \"start\"; possible now: \"assign\""
        );
        assert!(
            at(Status::Closed)
                .after(Move::Reject)
                .unwrap_err()
                .to_string()
                .ends_with("no move is possible any more")
        );
    }

    #[test]
    fn words_read_back_as_they_are_written() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
    }
}
