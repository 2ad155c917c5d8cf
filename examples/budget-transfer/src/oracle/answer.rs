//! Reads an answer, and says of a failed call whether Oracle may have done it.

use reqwest::{Response, StatusCode};
use serde_json::Value;

/// The most of an answer that is read: a log with its attachments fits, an endless one ends.
const MOST_BYTES: usize = 32 * 1024 * 1024;

/// Why a call did not work. The message never holds credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Nothing was done, and it may work later: no connection, too many calls.
    #[error("{0}")]
    NotDone(String),
    /// Nothing was done, and asking again will not help: wrong credentials, a request Oracle does not take.
    #[error("{0}")]
    Refused(String),
    /// It may have been done: no answer came, or one from something in between.
    #[error("{0}")]
    Unsure(String),
}

impl CallError {
    /// What a failure below HTTP means.
    pub(super) fn of(error: &reqwest::Error) -> Self {
        // The cause, not the address: a query may say more than a log should.
        let mut cause: &dyn std::error::Error = error;
        while let Some(below) = cause.source() {
            cause = below;
        }
        if error.is_connect() {
            Self::NotDone(format!("could not reach Oracle: {cause}"))
        } else if error.is_timeout() {
            Self::Unsure("Oracle did not answer in time".into())
        } else if error.is_builder() {
            Self::Refused(format!("the request could not be made: {cause}"))
        } else {
            Self::Unsure(format!("the connection to Oracle broke: {cause}"))
        }
    }
}

/// An answer's JSON, or what its status means.
pub(super) async fn read(mut response: Response) -> Result<Value, CallError> {
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| CallError::of(&error))? {
        if body.len() + chunk.len() > MOST_BYTES {
            return Err(CallError::Unsure("Oracle's answer does not end".into()));
        }
        body.extend_from_slice(&chunk);
    }
    if status.is_success() {
        return serde_json::from_slice(&body)
            .map_err(|_| CallError::Unsure("Oracle's answer is not JSON".into()));
    }
    let said = said(&body);
    Err(match status {
        StatusCode::UNAUTHORIZED => CallError::Refused("Oracle does not take the user and password".into()),
        StatusCode::FORBIDDEN => CallError::Refused(format!("the user may not do this in Oracle{said}")),
        StatusCode::REQUEST_TIMEOUT => CallError::Unsure("Oracle gave up waiting for the request".into()),
        StatusCode::TOO_MANY_REQUESTS => CallError::NotDone("Oracle takes no more calls for now".into()),
        status if status.is_client_error() => {
            CallError::Refused(format!("Oracle refused the request with {}{said}", status.as_u16()))
        }
        status => CallError::Unsure(format!("Oracle answered {}{said}", status.as_u16())),
    })
}

/// What an error's body says, short and on one line.
fn said(body: &[u8]) -> String {
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    let detail = parsed.as_ref().and_then(|body| body["detail"].as_str().or(body["title"].as_str()));
    let text = match detail {
        Some(detail) => detail.to_owned(),
        None => String::from_utf8_lossy(body).into_owned(),
    };
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect();
    // A page of HTML from something in between helps nobody.
    if line.is_empty() || line.starts_with('<') { String::new() } else { format!(": {line}") }
}

/// A field that is text, or a number that stands for one.
pub(super) fn text(answer: &Value, field: &'static str) -> Result<String, CallError> {
    match &answer[field] {
        Value::String(text) if !text.is_empty() => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(CallError::Unsure(format!("Oracle's answer has no {field}"))),
    }
}

/// The items of a list. An answer without one is no empty list: "not there" is only believed when Oracle says it.
pub(super) fn items(answer: &Value) -> Result<&[Value], CallError> {
    let items = answer.get("items").and_then(Value::as_array);
    items.map(Vec::as_slice).ok_or_else(|| CallError::Unsure("Oracle's answer is not a list".into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ids_are_read_from_text_and_from_numbers() {
        assert_eq!(text(&json!({"ReqstId": 6001}), "ReqstId").unwrap(), "6001");
        assert_eq!(text(&json!({"ReqstId": "6001"}), "ReqstId").unwrap(), "6001");
        for nothing in [json!({}), json!({"ReqstId": null}), json!({"ReqstId": ""})] {
            assert!(matches!(text(&nothing, "ReqstId"), Err(CallError::Unsure(_))));
        }
    }

    #[test]
    fn an_errors_body_becomes_one_short_line() {
        assert_eq!(said(br#"{"title":"Bad Request","detail":"no such\n account"}"#), ": no such account");
        assert_eq!(said(b"<html>gateway</html>"), "");
        assert_eq!(said(b""), "");
        assert_eq!(said("x".repeat(1000).as_bytes()).len(), 302);
    }
}
