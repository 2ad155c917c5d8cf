//! The session cookie of web pages, and the proof that a write comes from such a page (CSRF).
//!
//! A browser sends the cookie by itself, so a request that changes something must also show that a page of ours made
//! it: `Sec-Fetch-Site: same-origin`, or an `Origin` that is this server's, or, from programs that send neither, the
//! header `X-Oyez-CSRF` with any value (a foreign page cannot add it without asking by CORS first).

use http::{HeaderMap, Method, header, request::Parts};
use oyez_protocol::ErrorCode;

use super::{error::AuthError, secret::Secret};

/// The cookie's name.
pub const COOKIE: &str = "oyez_session";
/// Any value in it proves that a page of ours, or no page at all, made the request.
pub const CSRF_HEADER: &str = "x-oyez-csrf";

/// The session cookie's value, if the browser sent one.
pub(super) fn read(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
        .filter(|value| !value.is_empty())
}

/// `Set-Cookie` for a session of so many seconds.
pub fn set(value: &Secret, max_age_seconds: u64, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!(
        "{COOKIE}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={max_age_seconds}{secure}",
        value.reveal()
    )
}

/// `Set-Cookie` that takes it away.
pub fn clear(secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0{secure}")
}

/// Whether a request that carries the cookie may change something.
pub(super) fn check_write(parts: &Parts) -> Result<(), AuthError> {
    if matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let proven = match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => is_same_origin(parts, origin),
        (None, None) => parts.headers.contains_key(CSRF_HEADER),
    };
    if proven {
        return Ok(());
    }
    let message = "a write with the session cookie must come from a page of this server, \
                   or carry the header X-Oyez-CSRF";
    Err(AuthError::new(ErrorCode::CsrfFailed, message))
}

/// Whether an `Origin` header names the host that the request went to. The scheme is not compared: a proxy that ends
/// TLS hides it, and who can serve pages on the same host and port over HTTP reads the cookie anyway.
pub fn is_same_origin(parts: &Parts, origin: &str) -> bool {
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| parts.uri.authority().map(http::uri::Authority::as_str));
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let default_port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return false,
    };
    let bare =
        |authority: &str| authority.strip_suffix(default_port).unwrap_or(authority).to_ascii_lowercase();
    host.is_some_and(|host| bare(host) == bare(authority))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(headers: &[(&str, &str)]) -> Parts {
        let mut request = http::Request::post("/api/v1/notifications").header("host", "oyez.example:8000");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let parts = post(&[("cookie", "a=b; oyez_session=abc.d; x=y"), ("cookie", "oyez_session=second")]);
        assert_eq!(read(&parts.headers), Some("abc.d"));
        assert_eq!(read(&post(&[("cookie", "oyez_sessions=1; oyez_session=")]).headers), None);
    }

    #[test]
    fn a_write_needs_a_proof_that_no_foreign_page_can_make() {
        let allowed = |headers: &[(&str, &str)]| check_write(&post(headers)).is_ok();
        assert!(allowed(&[("sec-fetch-site", "same-origin")]));
        assert!(allowed(&[("origin", "https://OYEZ.example:8000")]));
        assert!(allowed(&[("x-oyez-csrf", "1")]));
        assert!(!allowed(&[]));
        assert!(!allowed(&[("sec-fetch-site", "same-site")]));
        assert!(!allowed(&[("sec-fetch-site", "cross-site"), ("x-oyez-csrf", "1")]));
        assert!(!allowed(&[("origin", "https://evil.example"), ("x-oyez-csrf", "1")]));
        assert!(!allowed(&[("origin", "null")]));
        assert!(!allowed(&[("origin", "https://oyez.example:8001")]));
        let (get, ()) = http::Request::get("/").body(()).unwrap().into_parts();
        assert!(check_write(&get).is_ok());
    }

    #[test]
    fn the_default_port_may_be_left_out() {
        let mut parts = post(&[]);
        parts.headers.insert("host", "oyez.example".parse().unwrap());
        assert!(is_same_origin(&parts, "https://oyez.example:443"));
        assert!(is_same_origin(&parts, "http://oyez.example"));
        assert!(!is_same_origin(&parts, "ftp://oyez.example"));
    }
}
