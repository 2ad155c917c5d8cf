//! The life of an application as a pure state machine: Pending Review, Under Review, Documents Requested, Approved,
//! Rejected.
//!
//! It knows which moves exist, not who may make them (that is `access`).

use serde::{Deserialize, Serialize};

/// Where an application stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Came in, not looked at.
    PendingReview,
    /// A reviewer is at it.
    UnderReview,
    /// The applicant is asked for documents.
    DocumentsRequested,
    /// They are a supplier: the end.
    Approved,
    /// They are not: the end.
    Rejected,
}

impl Status {
    /// Every status, in the order of the distribution.
    pub const ALL: [Self; 5] =
        [Self::PendingReview, Self::UnderReview, Self::DocumentsRequested, Self::Approved, Self::Rejected];

    /// The word in the database and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PendingReview => "PENDING_REVIEW",
            Self::UnderReview => "UNDER_REVIEW",
            Self::DocumentsRequested => "DOCUMENTS_REQUESTED",
            Self::Approved => "APPROVED",
            Self::Rejected => "REJECTED",
        }
    }

    /// The words for people.
    pub fn display(self) -> &'static str {
        match self {
            Self::PendingReview => "Pending Review",
            Self::UnderReview => "Under Review",
            Self::DocumentsRequested => "Documents Requested",
            Self::Approved => "Approved",
            Self::Rejected => "Rejected",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether its life is over.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Approved | Self::Rejected)
    }
}

/// Something that can be done to an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Move {
    /// A reviewer takes it up, or goes on with it once documents came.
    Review,
    /// A reviewer asks for documents.
    RequestDocuments,
    /// The applicant sends a document.
    Upload,
    /// A reviewer finds a document good.
    Verify,
    /// A reviewer says yes.
    Approve,
    /// A reviewer says no, with the reason.
    Reject,
}

impl Move {
    /// Every move.
    pub const ALL: [Self; 6] =
        [Self::Review, Self::RequestDocuments, Self::Upload, Self::Verify, Self::Approve, Self::Reject];

    /// The word in paths and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Review => "review",
            Self::RequestDocuments => "request_documents",
            Self::Upload => "upload",
            Self::Verify => "verify",
            Self::Approve => "approve",
            Self::Reject => "reject",
        }
    }
}

/// A move that the application's status does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an application that is {} cannot be moved by \"{}\"; {}", from.display(), tried.as_str(), advice(.possible))]
pub struct WrongMove {
    /// Where it stands.
    pub from: Status,
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

impl Status {
    /// Where the application stands after the move, or why it cannot be made.
    pub fn after(self, step: Move) -> Result<Self, WrongMove> {
        self.next(step).ok_or_else(|| WrongMove { from: self, tried: step, possible: self.possible() })
    }

    /// The moves that can be made from here.
    pub fn possible(self) -> Vec<Move> {
        Move::ALL.into_iter().filter(|step| self.next(*step).is_some()).collect()
    }

    fn next(self, step: Move) -> Option<Self> {
        use Status::{Approved, DocumentsRequested, PendingReview, Rejected, UnderReview};
        match (step, self) {
            (_, Approved | Rejected) => None,
            (Move::Review, PendingReview | DocumentsRequested) => Some(UnderReview),
            (Move::RequestDocuments, UnderReview | DocumentsRequested) => Some(DocumentsRequested),
            (Move::Upload, here) => Some(here),
            (Move::Verify, UnderReview | DocumentsRequested) => Some(self),
            (Move::Approve, UnderReview) => Some(Approved),
            (Move::Reject, UnderReview | DocumentsRequested) => Some(Rejected),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_walks_its_whole_life() {
        use Move::{Approve, RequestDocuments, Review, Upload, Verify};
        let mut status = Status::PendingReview;
        let mut seen = vec![];
        for step in [Review, RequestDocuments, Upload, Verify, Review, Approve] {
            status = status.after(step).unwrap();
            seen.push(status.as_str());
        }
        let asked = "DOCUMENTS_REQUESTED";
        assert_eq!(seen, ["UNDER_REVIEW", asked, asked, asked, "UNDER_REVIEW", "APPROVED"]);
    }

    #[test]
    fn every_move_is_either_possible_or_refused_with_those_that_are() {
        let table = [
            (Status::PendingReview, "review upload"),
            (Status::UnderReview, "request_documents upload verify approve reject"),
            (Status::DocumentsRequested, "review request_documents upload verify reject"),
            (Status::Approved, ""),
            (Status::Rejected, ""),
        ];
        for (status, possible) in table {
            let names: Vec<_> = status.possible().into_iter().map(Move::as_str).collect();
            assert_eq!(names.join(" "), possible, "{status:?}");
            for step in Move::ALL {
                match status.after(step) {
                    Ok(_) => assert!(names.contains(&step.as_str())),
                    Err(wrong) => assert_eq!(wrong.possible, status.possible()),
                }
            }
        }
    }

    #[test]
    fn a_refusal_says_what_is_possible() {
        assert_eq!(
            Status::PendingReview.after(Move::Approve).unwrap_err().to_string(),
            "an application that is Pending Review cannot be moved by \"approve\"; possible now: \"review\", \"upload\""
        );
        let over = Status::Rejected.after(Move::Approve).unwrap_err().to_string();
        assert!(over.ends_with("no move is possible any more"), "{over}");
    }

    #[test]
    fn words_read_back_as_they_are_written() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
            assert_eq!(status.is_final(), status.possible().is_empty());
        }
    }
}
