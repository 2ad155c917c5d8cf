//! Who is calling: a browser with the stream's cookie, a form from one of our pages, or an API client with a token.
//!
//! Pages take the cookie only and the API takes tokens only, so no foreign site can make a browser call the API.

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, header, request::Parts},
    response::Redirect,
};
use oyez::protocol::UserId;

use super::{
    Web, cookies,
    fields::Fields,
    problem::{PageError, Problem},
};
use crate::refusal::Refusal;

impl Web {
    /// Whose token this is.
    async fn owner(&self, token: &str) -> Result<UserId, Refusal> {
        let principal = self.oyez.verify_token(token).await.map_err(|error| match error {
            oyez::server::Error::Auth(_) => Refusal::Unauthenticated("the token is not valid or has run out"),
            other => Refusal::Internal(other.into()),
        })?;
        Ok(principal.id)
    }
}

/// Somebody signed in in a browser. Whoever is not is led to the login.
#[derive(Debug)]
pub(super) struct Signed(pub(super) UserId);

impl FromRequestParts<Web> for Signed {
    type Rejection = Result<Redirect, PageError>;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Self::Rejection> {
        let token = cookies::read(&parts.headers).unwrap_or_default();
        match web.owner(token).await {
            Ok(owner) => Ok(Self(owner)),
            Err(Refusal::Unauthenticated(_)) => Err(Ok(Redirect::to("/login"))),
            Err(error) => Err(Err(PageError::from(error))),
        }
    }
}

/// A form that somebody signed in sent from one of our pages.
#[derive(Debug)]
pub(super) struct SignedForm {
    pub(super) owner: UserId,
    pub(super) fields: Fields,
}

impl FromRequest<Web> for SignedForm {
    type Rejection = Result<Redirect, PageError>;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Self::Rejection> {
        let (mut parts, body) = request.into_parts();
        let Signed(owner) = Signed::from_request_parts(&mut parts, web).await?;
        if !is_ours(&parts.headers) {
            return Err(Err(PageError(Refusal::Forged)));
        }
        let fields = Fields::from_request(Request::from_parts(parts, body), web).await.map_err(Err)?;
        Ok(Self { owner, fields })
    }
}

/// Whether a browser says that the request comes from our own origin. With a cookie that foreign sites cannot make a
/// browser send (`SameSite=Lax`), this is what keeps forged forms out.
pub(super) fn is_ours(headers: &HeaderMap) -> bool {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok()) {
        return matches!(site, "same-origin" | "none");
    }
    match (text(header::ORIGIN), text(header::HOST)) {
        (Some(origin), Some(host)) => {
            origin.split_once("://").is_some_and(|(_, authority)| authority == host)
        }
        // Every browser that can be tricked sends one of the two; what sends neither is no browser.
        (None, _) => true,
        (Some(_), None) => false,
    }
}

/// An API client with `Authorization: Bearer <token>`, the token that `POST /api/login` gave.
#[derive(Debug)]
pub(super) struct ApiCaller(pub(super) UserId);

impl FromRequestParts<Web> for ApiCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Problem> {
        let missing =
            || Refusal::Unauthenticated("send the token of POST /api/login as Authorization: Bearer");
        let given = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = given.and_then(|value| value.strip_prefix("Bearer ")).ok_or_else(missing)?;
        Ok(Self(web.owner(token).await?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn forms_of_other_sites_are_told_apart() {
        let table: [(&[(&'static str, &'static str)], bool); 6] = [
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("origin", "http://a.example:8080"), ("host", "a.example:8080")], true),
            (&[("origin", "http://b.example"), ("host", "a.example")], false),
            (&[("origin", "null"), ("host", "a.example")], false),
        ];
        for (given, expected) in table {
            assert_eq!(is_ours(&headers(given)), expected, "{given:?}");
        }
    }
}
