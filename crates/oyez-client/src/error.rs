//! What can go wrong between a program and its server.

use std::{fmt, time::Duration};

use oyez_protocol::ErrorCode;
use serde_json::Value;

/// Why a call failed. [`Error::code`] is what to branch on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The client or the worker was set up wrongly; says what would be right.
    #[error("{0}")]
    Setup(String),
    /// The arguments or the result of a job cannot be written as JSON.
    #[error("cannot be written as JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    /// The server could not be reached, or the connection broke, however often it was tried.
    #[error("the server could not be reached: {0}")]
    Unreachable(#[source] reqwest::Error),
    /// The server refused.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// What answered does not speak as an Oyez of this version does.
    #[error("the answer is not what an Oyez of this version gives: {0}")]
    Answer(String),
}

/// Why the server refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The stable code; none when it is not known to this version, or a proxy answered.
    pub code: Option<ErrorCode>,
    /// A sentence that says what would be right.
    pub detail: String,
    /// Which field is wrong, when it is one.
    pub field: Option<String>,
    /// How long to wait before the next try.
    pub retry_after: Option<Duration>,
    /// Finds the request in the server's log.
    pub request_id: Option<String>,
}

impl Error {
    /// The server's stable code, when it gave one.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused(refusal) => refusal.code,
            _ => None,
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable(error) => !error.is_builder(),
            Self::Refused(refusal) => matches!(refusal.status, 408 | 429 | 502 | 503 | 504),
            Self::Setup(_) | Self::NotJson(_) | Self::Answer(_) => false,
        }
    }

    /// Whether the attempt that was reported on is not ours any more, or its job is gone.
    pub fn is_lost(&self) -> bool {
        matches!(self.code(), Some(ErrorCode::Fenced | ErrorCode::JobFinal | ErrorCode::NotFound))
    }

    /// Whether the server may have done what was asked, although it did not say so.
    pub(crate) fn may_be_done(&self) -> bool {
        match self {
            Self::Unreachable(error) => !error.is_connect(),
            // Not from the server itself, which says 429 and 503 before it does anything.
            Self::Refused(refusal) => matches!(refusal.status, 408 | 502 | 504),
            Self::Setup(_) | Self::NotJson(_) | Self::Answer(_) => false,
        }
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) => refusal.retry_after,
            _ => None,
        }
    }
}

impl Refusal {
    /// Reads `application/problem+json`, and whatever else stands there as far as it goes.
    pub(crate) fn read(status: u16, body: &str) -> Self {
        let problem: Value = serde_json::from_str(body).unwrap_or_default();
        let text = |key: &str| problem[key].as_str().map(str::to_owned);
        Self {
            status,
            code: serde_json::from_value(problem["code"].clone()).ok(),
            detail: text("detail").unwrap_or_else(|| format!("HTTP status {status}")),
            field: text("field"),
            retry_after: problem["retry_after"].as_u64().map(Duration::from_secs),
            request_id: text("request_id"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)?;
        match self.code {
            Some(code) => write!(f, " ({})", code.as_str()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str) -> Error {
        Error::Refused(Box::new(Refusal::read(status, body)))
    }

    #[test]
    fn a_problem_is_read_with_its_code_and_field() {
        let body = r#"{"code":"invalid","detail":"\"priority\" is 12","field":"priority","request_id":"r1"}"#;
        let error = refused(422, body);
        assert_eq!(error.code(), Some(ErrorCode::Invalid));
        assert_eq!(error.to_string(), "\"priority\" is 12 (invalid)");
        assert!(!error.is_temporary());
    }

    #[test]
    fn what_a_proxy_or_a_newer_server_says_is_an_error_all_the_same() {
        let error = refused(502, "<html>Bad gateway</html>");
        assert_eq!((error.code(), error.to_string().as_str()), (None, "HTTP status 502"));
        assert!(error.is_temporary() && error.may_be_done());
        let error = refused(409, r#"{"code":"of_the_future","detail":"no"}"#);
        assert_eq!((error.code(), error.to_string().as_str()), (None, "no"));
    }

    #[test]
    fn a_server_that_is_busy_has_done_nothing() {
        let error = refused(429, r#"{"code":"too_many","detail":"slow down","retry_after":3}"#);
        assert!(error.is_temporary() && !error.may_be_done());
        assert_eq!(error.retry_after(), Some(Duration::from_secs(3)));
    }

    #[test]
    fn an_attempt_of_somebody_else_is_lost() {
        assert!(refused(409, r#"{"code":"fenced"}"#).is_lost());
        assert!(refused(404, r#"{"code":"not_found"}"#).is_lost());
        assert!(!refused(409, r#"{"code":"conflict"}"#).is_lost());
    }
}
