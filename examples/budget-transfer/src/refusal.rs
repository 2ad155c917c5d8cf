//! Every way the application says no, with a stable code and a sentence that helps.
//!
//! The web layer turns it into problem+json for the API and into a page for people.

/// Why a request was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Nobody is signed in, or the credentials are wrong.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// Too many wrong passwords.
    #[error("too many failed logins; try again in a while")]
    TooManyLogins,
    /// A form that did not come from one of our pages.
    #[error("the form came from another site; go back, reload and try again")]
    Forged,
    /// No such thing, or not theirs to see.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// It contradicts what is there.
    #[error("{0}")]
    Conflict(String),
    /// A field is missing or cannot be read.
    #[error("{field}: {message}")]
    Invalid {
        /// Which field.
        field: String,
        /// What would be right.
        message: String,
    },
    /// It can be read and not booked; each complaint is a sentence.
    #[error("the transfer cannot be booked: {}", .0.join("; "))]
    NotBookable(Vec<String>),
    /// One submission key with two different contents.
    #[error("this idempotency key was used before for something else")]
    KeyReused,
    /// A fault of ours; the cause is for the log.
    #[error("something went wrong on our side")]
    Internal(#[source] anyhow::Error),
}

impl Refusal {
    /// A field that cannot be read.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), message: message.into() }
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated(_) => "unauthenticated",
            Self::TooManyLogins => "too_many_logins",
            Self::Forged => "csrf_failed",
            Self::NotFound(_) => "not_found",
            Self::Conflict(_) => "conflict",
            Self::Invalid { .. } => "invalid",
            Self::NotBookable(_) => "not_bookable",
            Self::KeyReused => "idempotency_mismatch",
            Self::Internal(_) => "internal",
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Unauthenticated(_) => 401,
            Self::TooManyLogins => 429,
            Self::Forged => 403,
            Self::NotFound(_) => 404,
            Self::Conflict(_) => 409,
            Self::Invalid { .. } | Self::NotBookable(_) | Self::KeyReused => 422,
            Self::Internal(_) => 500,
        }
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        Self::Internal(error.into())
    }
}

impl From<oyez::server::Error> for Refusal {
    fn from(error: oyez::server::Error) -> Self {
        Self::Internal(error.into())
    }
}

/// Takes one line of text: trimmed, at most `most` characters, nothing that cannot be seen; empty only when it may be.
pub fn line(field: &str, text: &str, least: usize, most: usize) -> Result<String, Refusal> {
    let text = text.trim();
    let count = text.chars().count();
    if count < least || count > most || text.chars().any(char::is_control) {
        return Err(Refusal::invalid(field, format!("expected one line of {least} to {most} characters")));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_trimmed_bounded_and_printable() {
        assert_eq!(line("description", "  Training ", 1, 200).unwrap(), "Training");
        assert_eq!(line("note", " ", 0, 200).unwrap(), "");
        for bad in ["", "  ", "a\nb", "a\u{0}b", &"x".repeat(201)] {
            assert!(line("description", bad, 1, 200).is_err(), "{bad:?}");
        }
        let refused = line("description", "", 1, 200).unwrap_err();
        assert_eq!(refused.to_string(), "description: expected one line of 1 to 200 characters");
        assert_eq!((refused.status(), refused.code()), (422, "invalid"));
    }
}
