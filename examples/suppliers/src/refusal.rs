//! Every way the application says no, with a stable code and a sentence that helps.
//!
//! The web layer turns it into problem+json for the API and into a page for people.

use crate::{access::Forbidden, life_cycle::WrongMove};

/// Why a request was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Nobody is signed in, or the credentials are wrong.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// Too many tries of one kind from one place, or for one address.
    #[error("too many {what}; try again in {} minutes", .retry_after_seconds.div_ceil(60))]
    TooMany {
        /// Of what.
        what: &'static str,
        /// When to try again.
        retry_after_seconds: u64,
    },
    /// Known, but without the right.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// A form that did not come from one of our pages.
    #[error("the form is too old or came from another site; go back, reload and try again")]
    Forged,
    /// No such thing.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The application does not stand where the move starts.
    #[error(transparent)]
    WrongMove(#[from] WrongMove),
    /// It contradicts what is there.
    #[error("{0}")]
    Conflict(String),
    /// A field is missing or out of range.
    #[error("{field}: {message}")]
    Invalid {
        /// Which field.
        field: &'static str,
        /// What would be right.
        message: String,
    },
    /// A file or a form is larger than allowed.
    #[error("{0}")]
    TooLarge(String),
    /// One submission key with two different contents.
    #[error("this idempotency key was used before for something else")]
    KeyReused,
    /// A fault of ours; the cause is for the log.
    #[error("something went wrong on our side")]
    Internal(#[source] anyhow::Error),
}

impl Refusal {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated(_) => "unauthenticated",
            Self::TooMany { .. } => "too_many",
            Self::Forbidden(_) => "forbidden",
            Self::Forged => "csrf_failed",
            Self::NotFound(_) => "not_found",
            Self::WrongMove(_) => "wrong_move",
            Self::Conflict(_) => "conflict",
            Self::Invalid { .. } => "invalid",
            Self::TooLarge(_) => "too_large",
            Self::KeyReused => "idempotency_mismatch",
            Self::Internal(_) => "internal",
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Unauthenticated(_) => 401,
            Self::TooMany { .. } => 429,
            Self::Forbidden(_) | Self::Forged => 403,
            Self::NotFound(_) => 404,
            Self::WrongMove(_) | Self::Conflict(_) => 409,
            Self::Invalid { .. } | Self::KeyReused => 422,
            Self::TooLarge(_) => 413,
            Self::Internal(_) => 500,
        }
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        Self::Internal(error.into())
    }
}

impl From<anyhow::Error> for Refusal {
    fn from(error: anyhow::Error) -> Self {
        Self::Internal(error)
    }
}

impl From<oyez::server::Error> for Refusal {
    fn from(error: oyez::server::Error) -> Self {
        Self::Internal(error.into())
    }
}

/// Takes one line of text: trimmed, 1 to `most` characters, nothing that cannot be seen.
pub fn line(field: &'static str, text: &str, most: usize) -> Result<String, Refusal> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > most || text.chars().any(char::is_control) {
        return Err(Refusal::Invalid {
            field,
            message: format!("expected one line of 1 to {most} characters"),
        });
    }
    Ok(text.to_owned())
}

/// Takes a text of several lines: trimmed, 1 to `most` characters; browsers' line ends become `\n`.
pub fn text(field: &'static str, text: &str, most: usize) -> Result<String, Refusal> {
    let text = text.replace("\r\n", "\n");
    let text = text.trim();
    let unseen = |c: char| c.is_control() && c != '\n' && c != '\t';
    if text.is_empty() || text.chars().count() > most || text.chars().any(unseen) {
        return Err(Refusal::Invalid {
            field,
            message: format!("expected a text of 1 to {most} characters"),
        });
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_trimmed_bounded_and_printable() {
        assert_eq!(line("title", "  Acme Ltd ", 200).unwrap(), "Acme Ltd");
        assert_eq!(text("body", "a\r\nb\n", 10).unwrap(), "a\nb");
        for bad in ["", "  ", "a\nb", "a\u{0}b", &"x".repeat(201)] {
            assert!(line("title", bad, 200).is_err(), "{bad:?}");
        }
        let refused = line("title", "", 200).unwrap_err();
        assert_eq!(refused.to_string(), "title: expected one line of 1 to 200 characters");
        assert_eq!((refused.status(), refused.code()), (422, "invalid"));
    }
}
