//! Errors over HTTP: `application/problem+json` (RFC 9457) with a stable `code`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::code::ErrorCode;

/// Why a request was refused. Branch on `code`; `detail` is for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// A URI that names the code: `urn:oyez:problem:<code>`.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schema(example = "urn:oyez:problem:invalid"))]
    pub kind: String,
    /// The code in words.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "Invalid"))]
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The stable code.
    pub code: ErrorCode,
    /// A sentence that says what would be right.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub detail: Cow<'static, str>,
    /// Which field of the body or query, when it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The present version, when another was named; of a board also as the header `ETag`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// Seconds to wait before the next try, as the header `Retry-After` says too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// Finds this request in the server's log; the header `X-Request-Id` says it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Problem {
    /// A problem with a sentence.
    pub fn new(code: ErrorCode, detail: impl Into<Cow<'static, str>>) -> Self {
        let words = code.as_str().replace('_', " ");
        let mut letters = words.chars();
        let title =
            letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default();
        Self {
            kind: format!("urn:oyez:problem:{}", code.as_str()),
            title,
            status: code.status(),
            code,
            detail: detail.into(),
            field: None,
            version: None,
            retry_after: None,
            request_id: None,
        }
    }

    /// Names the field that is wrong.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_its_code_in_four_ways() {
        let problem = Problem::new(ErrorCode::TokenExpired, "the token has expired").at("token");
        let json = serde_json::to_value(problem).unwrap();
        assert_eq!(json["type"], "urn:oyez:problem:token_expired");
        assert_eq!(json["title"], "Token expired");
        assert_eq!(json["status"], 401);
        assert_eq!(json["code"], "token_expired");
        assert_eq!(json["field"], "token");
        assert!(json.get("request_id").is_none());
    }
}
