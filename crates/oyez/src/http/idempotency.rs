//! The header `Idempotency-Key`, or the field `idempotency_key`: the same key and body replays the answer for a day.

use http::HeaderMap;
use oyez_core::notification::{Idempotency, check_key, fingerprint_of};
use oyez_protocol::ErrorCode;
use serde::Serialize;

use super::{access::Caller, refusal::Refusal};

/// The header's name.
pub(crate) const HEADER: &str = "idempotency-key";

/// The header's key, if there is one.
pub(crate) fn of_header(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(value) = headers.get(HEADER) else { return Ok(None) };
    // What is not visible ASCII cannot be a key; the check below says what can.
    let key = value.to_str().unwrap_or_default().trim();
    check_key("Idempotency-Key", key)?;
    Ok(Some(key.to_owned()))
}

/// One key from header and body; two different ones are a mistake.
pub(crate) fn merge(header: Option<String>, field: Option<String>) -> Result<Option<String>, Refusal> {
    match (header, field) {
        (Some(header), Some(field)) if header != field => {
            let detail =
                "the header \"Idempotency-Key\" and the field \"idempotency_key\" differ: send one of them";
            Err(Refusal::new(ErrorCode::Invalid, detail))
        }
        (header, field) => Ok(header.or(field)),
    }
}

/// What recognises a repeated create of this kind by this caller. The fingerprint is of the body as it was understood,
/// so spacing and the order of fields do not count.
pub(crate) fn recognise<T: Serialize>(
    kind: &str,
    caller: &Caller,
    key: Option<String>,
    body: &T,
) -> Result<Option<Idempotency>, Refusal> {
    let Some(key) = key else { return Ok(None) };
    check_key("idempotency_key", &key)?;
    let body = serde_json::to_value(body).unwrap_or_default();
    let scope = format!("{kind}:{}", caller.scope());
    Ok(Some(Idempotency { scope, key, fingerprint: fingerprint_of(body) }))
}
