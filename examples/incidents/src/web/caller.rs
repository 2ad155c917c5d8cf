//! Who is calling: a browser with a session cookie, a form from one of our pages, or an API client with a token.
//!
//! Pages take cookies only and the API takes tokens only, so no foreign site can make a browser call the API.

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, header, request::Parts},
    response::Redirect,
};
use subtle::ConstantTimeEq;

use super::{
    Web, cookies,
    fields::Fields,
    problem::{PageError, Problem},
};
use crate::{
    people::{Person, PersonId},
    refusal::Refusal,
};

/// Somebody signed in in a browser. Whoever is not is led to the login.
#[derive(Debug)]
pub(super) struct Signed {
    pub(super) person: Person,
    pub(super) csrf: String,
}

impl FromRequestParts<Web> for Signed {
    type Rejection = Result<Redirect, PageError>;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Self::Rejection> {
        let secret = cookies::read(&parts.headers, cookies::SESSION).unwrap_or_default();
        match web.login.resume(secret).await {
            Ok((person, csrf)) => Ok(Self { person, csrf }),
            Err(Refusal::Unauthenticated(_)) => {
                let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
                let next: String = form_encode(path);
                Err(Ok(Redirect::to(&format!("/login?next={next}"))))
            }
            Err(error) => Err(Err(PageError::from(error))),
        }
    }
}

fn form_encode(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(encode).collect()
}

/// A form that somebody signed in sent from one of our pages.
#[derive(Debug)]
pub(super) struct SignedForm {
    pub(super) person: Person,
    pub(super) fields: Fields,
}

impl FromRequest<Web> for SignedForm {
    type Rejection = Result<Redirect, PageError>;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Self::Rejection> {
        let (mut parts, body) = request.into_parts();
        let signed = match Signed::from_request_parts(&mut parts, web).await {
            Ok(signed) => signed,
            // The path of a form is no page to come back to.
            Err(Ok(_)) => return Err(Ok(Redirect::to("/login"))),
            Err(Err(error)) => return Err(Err(error)),
        };
        let forged = || Err(PageError(Refusal::Forged));
        if !is_ours(&parts.headers) {
            return Err(forged());
        }
        let fields = Fields::from_request(Request::from_parts(parts, body), web).await.map_err(Err)?;
        // Compared in constant time, as every secret is.
        if !bool::from(fields.one("csrf").as_bytes().ct_eq(signed.csrf.as_bytes())) {
            return Err(forged());
        }
        Ok(Self { person: signed.person, fields })
    }
}

/// Whether a browser says that the request comes from our own origin. The login form, which has no session to carry a
/// proof, relies on this alone.
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
pub(super) struct ApiCaller(pub(super) Person);

impl FromRequestParts<Web> for ApiCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Problem> {
        let missing =
            || Refusal::Unauthenticated("send the token of POST /api/login as Authorization: Bearer");
        let given = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = given.and_then(|value| value.strip_prefix("Bearer ")).ok_or_else(missing)?;
        let principal = web.oyez.verify_token(token).await.map_err(|error| match error {
            oyez::server::Error::Auth(_) => Refusal::Unauthenticated("the token is not valid or has run out"),
            other => Refusal::Internal(other.into()),
        })?;
        let id = principal.id.as_str().parse().map_err(|_| missing())?;
        Ok(Self(web.login.person(PersonId(id)).await?))
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

    #[test]
    fn a_path_survives_in_a_query() {
        assert_eq!(form_encode("/tickets?status=NEW&x=ü"), "/tickets%3Fstatus%3DNEW%26x%3D%C3%BC");
    }
}
