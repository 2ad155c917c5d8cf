//! What a request carries, read with errors that say what would be right: JSON bodies, query strings, path segments.

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, FromRequestParts, Path, Request, rejection::PathRejection},
};
use http::{HeaderMap, header, request::Parts};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use oyez_protocol::ErrorCode;
use serde::de::DeserializeOwned;

use super::{Http, refusal::Refusal};

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

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => {
            let detail = error.to_string();
            match field_of(&detail).map(str::to_owned) {
                Some(field) => Refusal::at(&field, detail),
                None => Refusal::new(ErrorCode::Invalid, detail),
            }
        }
        _ => Refusal::new(ErrorCode::NotJson, format!("the body is not JSON: {error}")),
    })
}

/// The field that serde's sentence names: ``missing field `to` at line 1 column 2``.
fn field_of(detail: &str) -> Option<&str> {
    let about_a_field = ["missing field `", "unknown field `", "duplicate field `"];
    let rest = about_a_field.iter().find_map(|start| detail.strip_prefix(start))?;
    rest.split('`').next()
}

impl<T: DeserializeOwned> FromRequestParts<Http> for Query<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Http) -> Result<Self, Refusal> {
        match axum::extract::Query::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(query)) => Ok(Self(query)),
            Err(rejection) => {
                let text = rejection.body_text();
                let detail = text.split_once("query string: ").map_or(text.as_str(), |(_, reason)| reason);
                Err(Refusal::new(ErrorCode::Invalid, format!("the query is wrong: {detail}")))
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
                Err(Refusal::new(ErrorCode::Invalid, format!("the path is wrong: {detail}")))
            }
            Err(rejection) => Err(Refusal::internal(rejection.body_text())),
        }
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
        assert_eq!(refused("{\"to\":\"a\",\"tto\":1}").field.as_deref(), Some("tto"));
        let problem = refused("{\"to\":7}");
        assert!(
            problem.detail.starts_with("invalid type: integer `7`, expected a string"),
            "{}",
            problem.detail
        );
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
