//! The cookies of a browser: its session, its visit to a status page, and Oyez's token for the live stream.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::login::{SESSION_SECONDS, VISIT_SECONDS};

/// This application's session.
pub(super) const SESSION: &str = "suppliers_session";
/// A visit to one application's status page.
pub(super) const VISIT: &str = "suppliers_visit";
/// The cookie in which Oyez looks for a token when a page opens the live stream.
pub(super) const STREAM: &str = "oyez_session";

/// A cookie's value, when the browser sent it.
pub(super) fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// Sets a cookie for as long as a login lasts. Scripts cannot read it, and foreign sites cannot make a browser send
/// it with a form.
pub(super) fn set(name: &str, value: &str, secure: bool) -> (HeaderName, HeaderValue) {
    let seconds = if name == VISIT { VISIT_SECONDS } else { SESSION_SECONDS };
    line(format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}"), secure)
}

/// Takes a cookie away.
pub(super) fn clear(name: &str, secure: bool) -> (HeaderName, HeaderValue) {
    line(format!("{name}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"), secure)
}

fn line(mut text: String, secure: bool) -> (HeaderName, HeaderValue) {
    if secure {
        text.push_str("; Secure");
    }
    let value = HeaderValue::from_str(&text).expect("cookies hold base64 and JWTs, both printable ASCII");
    (header::SET_COOKIE, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::COOKIE,
            HeaderValue::from_static("xoyez_session=no; oyez_session=a.b.c; other=1"),
        );
        assert_eq!(read(&headers, STREAM), Some("a.b.c"));
        assert_eq!(read(&headers, SESSION), None);
    }
}
