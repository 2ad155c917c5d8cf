//! Agrees on permessage-deflate (RFC 7692 section 7.1), in the one form that costs no memory per connection.

use http::{HeaderMap, HeaderValue, header::SEC_WEBSOCKET_EXTENSIONS};

const AGREED: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// The answer to the first offer of the client's that can be met.
pub(super) fn negotiate(headers: &HeaderMap) -> Option<HeaderValue> {
    let lines = headers.get_all(SEC_WEBSOCKET_EXTENSIONS).into_iter().filter_map(|line| line.to_str().ok());
    let mut offers = lines.flat_map(|line| line.split(','));
    offers.find_map(answer).map(|answer| HeaderValue::from_str(&answer).expect("ASCII"))
}

/// `None`: not permessage-deflate, not valid (section 7.1: then it is declined, not an error), or asking for a
/// smaller window than the one shared compressor has.
fn answer(offer: &str) -> Option<String> {
    let mut parts = offer.split(';').map(str::trim);
    if !parts.next()?.eq_ignore_ascii_case("permessage-deflate") {
        return None;
    }
    let mut seen: Vec<&str> = Vec::with_capacity(4);
    let mut answer = AGREED.to_owned();
    for part in parts {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (name.trim_end(), Some(unquoted(value.trim_start()))),
            None => (part, None),
        };
        if seen.contains(&name) {
            return None;
        }
        seen.push(name);
        match (name, value) {
            ("server_no_context_takeover" | "client_no_context_takeover", None) => {}
            // Any window of the client's can be read.
            ("client_max_window_bits", None) => {}
            ("client_max_window_bits", Some(bits)) if window_bits(bits).is_some() => {}
            ("server_max_window_bits", Some(bits)) if window_bits(bits) == Some(15) => {
                answer.push_str("; server_max_window_bits=15");
            }
            _ => return None,
        }
    }
    Some(answer)
}

fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

/// 8 to 15, without leading zeros.
fn window_bits(text: &str) -> Option<u8> {
    let bits = text.parse().ok().filter(|bits| (8..=15).contains(bits))?;
    (!text.starts_with(['0', '+'])).then_some(bits)
}
