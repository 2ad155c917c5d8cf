//! Who is calling: a browser with a session or a visit, a form from one of our pages, or an API client with a token.
//!
//! Pages take cookies only and the API takes tokens only, so no foreign site can make a browser call the API.

use std::net::SocketAddr;

use axum::{
    extract::{ConnectInfo, FromRequest, FromRequestParts, Request},
    http::{Extensions, HeaderMap, header, request::Parts},
    response::Redirect,
};
use subtle::ConstantTimeEq;

use super::{
    Web, cookies,
    fields::Fields,
    problem::{PageError, Problem},
};
use crate::{
    access,
    application::{ApplicationId, TrackingCode},
    limits,
    people::{Person, PersonId},
    refusal::Refusal,
};

/// Somebody signed in in a browser. Whoever is not is led to the login; whoever still has a temporary password, to the
/// page that sets a real one.
#[derive(Debug)]
pub(super) struct Signed {
    pub(super) person: Person,
    pub(super) csrf: String,
}

impl FromRequestParts<Web> for Signed {
    type Rejection = Result<Redirect, PageError>;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Self::Rejection> {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let secret = cookies::read(&parts.headers, cookies::SESSION).unwrap_or_default();
        match web.login.resume(secret).await {
            Ok((person, _)) if person.must_set_password && !matches!(path, "/password" | "/logout") => {
                Err(Ok(Redirect::to("/password")))
            }
            Ok((person, csrf)) => Ok(Self { person, csrf }),
            Err(Refusal::Unauthenticated(_)) => {
                Err(Ok(Redirect::to(&format!("/login?next={}", form_encode(path)))))
            }
            Err(error) => Err(Err(PageError::from(error))),
        }
    }
}

/// Somebody of the office, in a browser.
#[derive(Debug)]
pub(super) struct Staff {
    pub(super) person: Person,
    pub(super) csrf: String,
}

impl FromRequestParts<Web> for Staff {
    type Rejection = Result<Redirect, PageError>;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Self::Rejection> {
        let Signed { person, csrf } = Signed::from_request_parts(parts, web).await?;
        access::may_review(&person).map_err(|error| Err(PageError::from(error)))?;
        Ok(Self { person, csrf })
    }
}

/// A browser that looks at one application's status page.
#[derive(Debug)]
pub(super) struct Visitor {
    pub(super) application: ApplicationId,
    pub(super) csrf: String,
}

impl FromRequestParts<Web> for Visitor {
    type Rejection = Result<Redirect, PageError>;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Self::Rejection> {
        let secret = cookies::read(&parts.headers, cookies::VISIT).unwrap_or_default();
        match web.login.resume_visit(secret).await {
            Ok((application, csrf)) => Ok(Self { application, csrf }),
            Err(Refusal::Unauthenticated(_)) => {
                // The code is in the address already; it saves typing and opens nothing.
                let code = parts.uri.path().strip_prefix("/status/").unwrap_or_default();
                let code = code.split('/').next().and_then(TrackingCode::parse);
                let query = code.map(|code| format!("?code={code}")).unwrap_or_default();
                Err(Ok(Redirect::to(&format!("/status{query}"))))
            }
            Err(error) => Err(Err(PageError::from(error))),
        }
    }
}

/// A text as it stands in a query.
pub(super) fn form_encode(text: &str) -> String {
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
        if !is_ours(&parts.headers) {
            return Err(Err(PageError(Refusal::Forged)));
        }
        let fields = Fields::from_request(Request::from_parts(parts, body), web).await.map_err(Err)?;
        prove(fields.one("csrf"), &signed.csrf).map_err(|error| Err(error.into()))?;
        Ok(Self { person: signed.person, fields })
    }
}

/// Whether a form carries the proof of one of our pages. Compared in constant time, as every secret is.
pub(super) fn prove(given: &str, csrf: &str) -> Result<(), Refusal> {
    if bool::from(given.as_bytes().ct_eq(csrf.as_bytes())) { Ok(()) } else { Err(Refusal::Forged) }
}

/// A form that anybody sent from one of our pages: nobody is signed in, so the browser's word is all there is.
#[derive(Debug)]
pub(super) struct OpenForm {
    pub(super) fields: Fields,
    /// Where it comes from, as limits count it.
    pub(super) place: String,
}

impl FromRequest<Web> for OpenForm {
    type Rejection = PageError;

    async fn from_request(request: Request, web: &Web) -> Result<Self, PageError> {
        if !is_ours(request.headers()) {
            return Err(Refusal::Forged.into());
        }
        let place = place(request.extensions());
        Ok(Self { fields: Fields::from_request(request, web).await?, place })
    }
}

/// Where a request comes from, as limits count it.
pub(super) fn place(extensions: &Extensions) -> String {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>();
    peer.map_or_else(|| "nowhere".to_owned(), |ConnectInfo(address)| limits::place(address.ip()))
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
        // Suppliers and applicants have tokens too, for their streams; this API is the office's.
        let id = principal.id.as_str().strip_prefix("staff-").and_then(|id| id.parse().ok());
        let person = web.login.person(PersonId(id.ok_or_else(missing)?)).await?;
        access::may_review(&person)?;
        Ok(Self(person))
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
