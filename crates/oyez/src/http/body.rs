//! What a request carries, read with errors that say what would be right: JSON bodies, query strings, path segments.

mod misfit;

use std::borrow::Cow;

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, FromRequestParts, Path, Request, rejection::PathRejection},
};
use http::{HeaderMap, header, request::Parts};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use oyez_protocol::ErrorCode;
use serde::de::DeserializeOwned;

use super::{Http, refusal::Refusal};

/// What a message shows to who gave an id that is none.
const EXAMPLE_ID: &str = "01930d2e-7c5a-7bbb-8000-000000000001";

/// A JSON body.
pub(crate) struct Json<T>(pub(crate) T);

/// A JSON body, or the default when there is none.
pub(crate) struct OptionalJson<T>(pub(crate) T);

/// A query string.
pub(crate) struct Query<T>(pub(crate) T);

/// The variable segments of the path.
pub(crate) struct Segments<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Http> for Json<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &Http) -> Result<Self, Refusal> {
        check_content_type(request.headers())?;
        let body = read_body(request.into_body(), state.body_limit()).await?;
        if body.is_empty() {
            return Err(Refusal::new(ErrorCode::NotJson, "the body is empty: expected a JSON object"));
        }
        parse(&body).map(Self)
    }
}

impl<T: DeserializeOwned + Default> FromRequest<Http> for OptionalJson<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &Http) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        let body = read_body(body, state.body_limit()).await?;
        if body.is_empty() {
            return Ok(Self(T::default()));
        }
        check_content_type(&parts.headers)?;
        parse(&body).map(Self)
    }
}

fn check_content_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let given = headers.get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default());
    let essence = given.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let subtype = essence.split_once('/').filter(|(kind, _)| kind.eq_ignore_ascii_case("application"));
    let is_json = subtype.is_some_and(|(_, subtype)| {
        subtype.eq_ignore_ascii_case("json") || subtype.to_ascii_lowercase().ends_with("+json")
    });
    if is_json {
        return Ok(());
    }
    let detail = "the header \"Content-Type\" must be \"application/json\"";
    Err(Refusal::new(ErrorCode::UnsupportedMediaType, detail))
}

async fn read_body(body: Body, limit: usize) -> Result<Bytes, Refusal> {
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.downcast_ref::<LengthLimitError>().is_some() => {
            Err(Refusal::new(ErrorCode::TooLarge, format!("the body is larger than {limit} bytes")))
        }
        Err(_) => Err(Refusal::new(ErrorCode::Invalid, "the body ended early")),
    }
}

/// Every body is an object; serde would take a list of the fields' values for one. What does not fit is read a second
/// time, so that what does costs no trace of where in it we are.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    let is_list = body.trim_ascii_start().starts_with(b"[");
    let error = match serde_json::from_slice(body) {
        Ok(value) if !is_list => return Ok(value),
        Ok(_) => None,
        Err(error) => Some(error),
    };
    Err(misfit::refuse::<T>(body).unwrap_or_else(|| {
        // It may not fit before the place where it stops being JSON.
        let error = serde_json::from_slice::<serde::de::IgnoredAny>(body).err().or(error);
        let why = error.map(|error| format!(": {error}")).unwrap_or_default();
        Refusal::new(ErrorCode::NotJson, format!("the body is not JSON{why}"))
    }))
}

impl<T: DeserializeOwned> FromRequestParts<Http> for Query<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Http) -> Result<Self, Refusal> {
        match axum::extract::Query::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(query)) => Ok(Self(query)),
            Err(rejection) => {
                let text = rejection.body_text();
                let detail = text.split_once("query string: ").map_or(text.as_str(), |(_, reason)| reason);
                Err(Refusal::new(ErrorCode::Invalid, format!("the query is wrong: {}", about_ids(detail))))
            }
        }
    }
}

impl<T: DeserializeOwned + Send> FromRequestParts<Http> for Segments<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Http) -> Result<Self, Refusal> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(segments)) => Ok(Self(segments)),
            Err(PathRejection::FailedToDeserializePathParams(rejection)) => {
                let text = rejection.body_text();
                let detail = text.strip_prefix("Invalid URL: ").unwrap_or(&text);
                Err(Refusal::new(ErrorCode::Invalid, format!("the path is wrong: {}", about_ids(detail))))
            }
            Err(rejection) => Err(Refusal::internal(rejection.body_text())),
        }
    }
}

/// A sentence about an id that is none, with what one looks like in place of how its parsing failed.
fn about_ids(sentence: &str) -> Cow<'_, str> {
    match sentence.find("UUID parsing failed") {
        Some(at) => format!("{}an id looks like {EXAMPLE_ID}", &sentence[..at]).into(),
        None => sentence.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_body_says_where_and_what_was_expected() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(dead_code, reason = "only its shape matters")]
        struct Shape {
            to: String,
        }
        let refused = |body: &str| *parse::<Shape>(body.as_bytes()).unwrap_err().problem;
        let problem = refused("{\n \"to\": }");
        assert_eq!(problem.code, ErrorCode::NotJson);
        assert_eq!(problem.detail, "the body is not JSON: expected value at line 2 column 8");
        assert_eq!(refused("").code, ErrorCode::NotJson);
        let problem = refused("{}");
        assert_eq!((problem.code, problem.field.as_deref()), (ErrorCode::Invalid, Some("to")));
        assert_eq!(refused("[\"a\"]").detail, "the body is a list: expected an object");
        assert_eq!(refused("{\"to\":\"a\",\"tto\":1}").field.as_deref(), Some("tto"));
        let problem = refused("{\"to\":7}");
        assert!(
            problem.detail.starts_with("invalid type: integer `7`, expected a string"),
            "{}",
            problem.detail
        );
    }

    #[test]
    fn who_gives_no_id_is_shown_one() {
        let sentence = "Cannot parse `id` with value `nope`: UUID parsing failed: invalid character at 1";
        let told =
            "Cannot parse `id` with value `nope`: an id looks like 01930d2e-7c5a-7bbb-8000-000000000001";
        assert_eq!(about_ids(sentence), told);
        assert_eq!(about_ids("something else"), "something else");
    }

    #[test]
    fn json_is_json_whatever_its_parameters() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, value.parse().unwrap());
            check_content_type(&headers).is_ok()
        };
        assert!(
            of("application/json")
                && of("Application/JSON; charset=utf-8")
                && of("application/merge-patch+json")
        );
        assert!(!of("text/plain") && !of("application/x-www-form-urlencoded") && !of(""));
        assert!(check_content_type(&HeaderMap::new()).is_err());
    }
}
