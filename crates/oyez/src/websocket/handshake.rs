//! Judges a request that wants to become a WebSocket: RFC 6455 section 4.2 over HTTP/1.1, RFC 8441 over HTTP/2.
//!
//! Only the protocol's own rules are here. Who may connect, and from which page, is decided elsewhere, between
//! [`check`] and [`Upgrade::accept`].

mod extension;

#[cfg(test)]
mod tests;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version,
    header::{
        ALLOW, CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
        SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
    },
    request::Parts,
};
use sha1::{Digest as _, Sha1};

/// Appended to the client's key before it is hashed (RFC 6455 section 1.3).
const ACCEPT_GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const VERSION_13: HeaderValue = HeaderValue::from_static("13");
const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");
const CONNECTION_UPGRADE: HeaderValue = HeaderValue::from_static("Upgrade");

/// A request that may be answered with [`Upgrade::accept`].
///
/// Has no `Debug`: a client may carry its token among the subprotocols.
#[allow(missing_debug_implementations, reason = "the headers hold secrets")]
pub struct Upgrade<'a> {
    headers: &'a HeaderMap,
    /// The answer to the client's key; HTTP/2 has none.
    accept_key: Option<HeaderValue>,
}

/// What to answer with, after which the stream carries frames.
#[derive(Debug)]
pub struct Accept {
    /// 101 over HTTP/1.1, 200 over HTTP/2.
    pub status: StatusCode,
    /// All headers the answer needs.
    pub headers: HeaderMap,
    /// Whether permessage-deflate was agreed.
    pub deflate: bool,
}

/// Why a request cannot become a WebSocket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// 400, 405 or 426.
    pub status: StatusCode,
    /// A sentence that says what would be right.
    pub message: &'static str,
    /// Headers that belong to the status.
    pub headers: HeaderMap,
}

/// Checks everything that RFC 6455 and RFC 8441 ask of the request.
pub fn check(parts: &Parts) -> Result<Upgrade<'_>, Refusal> {
    let accept_key = match parts.version {
        Version::HTTP_11 => Some(check_http1(parts)?),
        Version::HTTP_2 => {
            check_http2(parts)?;
            None
        }
        _ => return Err(upgrade_required("a WebSocket needs HTTP/1.1 or HTTP/2")),
    };
    // After all else: only a client that does speak WebSocket is helped by the version's number.
    if parts.headers.get(SEC_WEBSOCKET_VERSION) != Some(&VERSION_13) {
        let message = "this server speaks WebSocket version 13: send Sec-WebSocket-Version: 13";
        return Err(refusal(StatusCode::UPGRADE_REQUIRED, message, &[(SEC_WEBSOCKET_VERSION, VERSION_13)]));
    }
    Ok(Upgrade { headers: &parts.headers, accept_key })
}

/// Whether the request asks for a WebSocket at all, rightly or wrongly.
pub fn is_wanted(parts: &Parts) -> bool {
    extended_connect(parts).is_some() || lists_token(&parts.headers, &UPGRADE, "websocket")
}

fn check_http1(parts: &Parts) -> Result<HeaderValue, Refusal> {
    let headers = &parts.headers;
    if parts.method != Method::GET {
        let message = "a WebSocket is opened with GET";
        return Err(refusal(
            StatusCode::METHOD_NOT_ALLOWED,
            message,
            &[(ALLOW, "GET".parse().expect("ASCII"))],
        ));
    }
    if !lists_token(headers, &UPGRADE, "websocket") {
        return Err(upgrade_required("this address speaks WebSocket: send Upgrade: websocket"));
    }
    if !lists_token(headers, &CONNECTION, "upgrade") {
        let message = "a WebSocket needs Connection: Upgrade; does a proxy in between take it off?";
        return Err(upgrade_required(message));
    }
    let mut keys = headers.get_all(SEC_WEBSOCKET_KEY).iter();
    let (Some(key), None) = (keys.next(), keys.next()) else {
        return Err(bad_request("a WebSocket needs Sec-WebSocket-Key exactly once"));
    };
    // Sixteen bytes, whatever they are.
    if BASE64_STANDARD.decode(key).is_ok_and(|nonce| nonce.len() == 16) {
        Ok(accept_key(key.as_bytes()))
    } else {
        Err(bad_request("Sec-WebSocket-Key must be sixteen bytes in base64"))
    }
}

fn check_http2(parts: &Parts) -> Result<(), Refusal> {
    match extended_connect(parts) {
        Some("websocket") => Ok(()),
        Some(_) => Err(bad_request("the :protocol of this address is websocket")),
        None => {
            Err(upgrade_required("over HTTP/2 a WebSocket is opened with CONNECT and :protocol websocket"))
        }
    }
}

fn extended_connect(parts: &Parts) -> Option<&str> {
    if parts.method != Method::CONNECT {
        return None;
    }
    parts.extensions.get::<hyper::ext::Protocol>().map(hyper::ext::Protocol::as_str)
}

fn accept_key(key: &[u8]) -> HeaderValue {
    let hash = Sha1::new().chain_update(key).chain_update(ACCEPT_GUID).finalize();
    HeaderValue::from_str(&BASE64_STANDARD.encode(hash)).expect("base64 is ASCII")
}

impl<'a> Upgrade<'a> {
    /// The subprotocols the client speaks, most wanted first.
    pub fn subprotocols(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        subprotocols(self.headers)
    }

    /// The answer. `subprotocol` is one the client named, or none; permessage-deflate is agreed to when the
    /// client offers it in a form that can be met and `allow_deflate` is set.
    pub fn accept(self, subprotocol: Option<&str>, allow_deflate: bool) -> Accept {
        let mut headers = HeaderMap::with_capacity(5);
        let status = match self.accept_key {
            Some(key) => {
                headers.insert(CONNECTION, CONNECTION_UPGRADE);
                headers.insert(UPGRADE, WEBSOCKET);
                headers.insert(SEC_WEBSOCKET_ACCEPT, key);
                StatusCode::SWITCHING_PROTOCOLS
            }
            None => StatusCode::OK,
        };
        if let Some(chosen) = subprotocol.and_then(|chosen| HeaderValue::from_str(chosen).ok()) {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, chosen);
        }
        let answer = allow_deflate.then(|| extension::negotiate(self.headers)).flatten();
        let deflate = answer.is_some();
        if let Some(answer) = answer {
            headers.insert(SEC_WEBSOCKET_EXTENSIONS, answer);
        }
        Accept { status, headers, deflate }
    }
}

/// The subprotocols in a request's headers, most wanted first.
pub fn subprotocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    tokens(headers, &SEC_WEBSOCKET_PROTOCOL)
}

fn lists_token(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    tokens(headers, name).any(|token| token.eq_ignore_ascii_case(wanted))
}

fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> + use<'a> {
    let lines = headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|token| !token.is_empty())
}

fn upgrade_required(message: &'static str) -> Refusal {
    refusal(StatusCode::UPGRADE_REQUIRED, message, &[(UPGRADE, WEBSOCKET), (CONNECTION, CONNECTION_UPGRADE)])
}

fn bad_request(message: &'static str) -> Refusal {
    refusal(StatusCode::BAD_REQUEST, message, &[])
}

fn refusal(status: StatusCode, message: &'static str, headers: &[(HeaderName, HeaderValue)]) -> Refusal {
    Refusal { status, message, headers: headers.iter().cloned().collect() }
}
