//! The one cookie of a signed-in browser: Oyez's token, which opens the live stream and the pages.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::sign_in::SESSION_SECONDS;

/// The name under which Oyez looks for a token when a page opens the live stream.
const NAME: &str = "oyez_session";

/// The cookie's value, when the browser sent it.
pub(super) fn read(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(NAME)?.strip_prefix('='))
}

/// Sets the cookie for as long as a login lasts. Scripts cannot read it, and foreign sites cannot make a browser send
/// it with a form.
pub(super) fn set(value: &str, secure: bool) -> (HeaderName, HeaderValue) {
    line(format!("{NAME}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={SESSION_SECONDS}"), secure)
}

/// Takes the cookie back.
pub(super) fn clear(secure: bool) -> (HeaderName, HeaderValue) {
    line(format!("{NAME}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"), secure)
}

fn line(mut text: String, secure: bool) -> (HeaderName, HeaderValue) {
    if secure {
        text.push_str("; Secure");
    }
    (header::SET_COOKIE, HeaderValue::try_from(text).expect("tokens are plain ASCII"))
}
