//! Frames the server writes. A notification's frame is `{"seq":N,` and a tail that all its recipients share;
//! everything else is written whole.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    code::{CloseCode, ErrorCode},
    ids::{BoardName, ConnectionId, Epoch, NotificationId, Seq, UserId},
    time::Timestamp,
};

/// The first frame on every connection.
#[derive(Debug, Clone, Serialize)]
pub struct ConnectionEstablished<'a> {
    /// A sentence for people; existing clients show it.
    pub message: &'a str,
    /// Whose stream this is.
    pub user_id: &'a UserId,
    /// Names this connection in `/api/v1/connections` and the log.
    pub connection_id: ConnectionId,
    /// The epoch in which `seq` counts.
    pub epoch: &'a Epoch,
    /// The newest item's position.
    pub seq: Seq,
    /// Whether the stream goes on right after the `since` the client named.
    pub resumed: bool,
    /// Items neither read nor archived.
    pub unread: u64,
    /// Items neither seen nor archived.
    pub unseen: u64,
    /// Seconds between the server's keep-alive pings.
    pub ping_interval: u64,
    /// The server's clock.
    pub server_time: Timestamp,
}

/// The state of one item after a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ItemState {
    /// Which item.
    pub id: NotificationId,
    /// When the user saw it.
    pub seen_at: Option<Timestamp>,
    /// When the user read it.
    pub read_at: Option<Timestamp>,
    /// When it left the list.
    pub archived_at: Option<Timestamp>,
}

/// A change of counts or item states, sent on every full connection of the user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InboxChange {
    /// The inbox's position at which the counts hold: items after it count on top. Not called `seq` on the wire, which
    /// is the mark of an item.
    #[serde(rename = "up_to_seq")]
    pub seq: Seq,
    /// Items neither read nor archived.
    pub unread: u64,
    /// Items neither seen nor archived.
    pub unseen: u64,
    /// What changed, when few enough to list.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<ItemState>,
    /// More changed than is listed: read the inbox again.
    #[serde(skip_serializing_if = "is_false")]
    pub all: bool,
}

// serde's `skip_serializing_if` passes a reference.
fn is_false(value: &bool) -> bool {
    !value
}

#[derive(Serialize)]
struct Typed<'a, T> {
    r#type: &'a str,
    #[serde(flatten)]
    fields: T,
}

fn typed<T: Serialize>(kind: &str, fields: T) -> String {
    serde_json::to_string(&Typed { r#type: kind, fields })
        .expect("frames hold strings, numbers and maps only")
}

/// `connection_established`.
pub fn connection_established(greeting: &ConnectionEstablished<'_>) -> String {
    typed("connection_established", greeting)
}

/// `inbox`.
pub fn inbox(change: &InboxChange) -> String {
    typed("inbox", change)
}

/// `pong`, with the ping's timestamp as it was sent, or null, and its `ref` if it had one.
pub fn pong(timestamp: Option<&RawValue>, reference: Option<&RawValue>) -> String {
    let timestamp = timestamp.map_or("null", RawValue::get);
    match reference.map(RawValue::get) {
        None => format!(r#"{{"type":"pong","timestamp":{timestamp}}}"#),
        Some(reference) => format!(r#"{{"type":"pong","timestamp":{timestamp},"ref":{reference}}}"#),
    }
}

/// `ack`, with the command's `ref` and result fields (an object).
pub fn ack(reference: Option<&RawValue>, result: &serde_json::Map<String, serde_json::Value>) -> String {
    #[derive(Serialize)]
    struct Ack<'a> {
        #[serde(rename = "ref")]
        reference: Option<&'a RawValue>,
        #[serde(flatten)]
        result: &'a serde_json::Map<String, serde_json::Value>,
    }
    typed("ack", Ack { reference, result })
}

/// `error`, with the command's `ref` when it could be read.
pub fn error(reference: Option<&RawValue>, code: ErrorCode, message: &str) -> String {
    #[derive(Serialize)]
    struct Error<'a> {
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<&'a RawValue>,
        code: ErrorCode,
        message: &'a str,
    }
    typed("error", Error { reference, code, message })
}

/// `board`: the whole of it; no `state` (JSON): it is gone, or not for this user any more.
pub fn board(name: &BoardName, version: u64, state: Option<&str>) -> String {
    let state = state.unwrap_or("null");
    format!(r#"{{"type":"board","name":"{name}","version":{version},"state":{state}}}"#)
}

/// `board_patch`: what leads from one version to another, as a merge patch (JSON, RFC 7396).
pub fn board_patch(name: &BoardName, version: u64, from_version: u64, patch: &str) -> String {
    format!(
        r#"{{"type":"board_patch","name":"{name}","version":{version},"from_version":{from_version},"patch":{patch}}}"#
    )
}

/// `token_expiring`: send `auth` with a new token within this many seconds.
pub fn token_expiring(expires_in: u64) -> String {
    format!(r#"{{"type":"token_expiring","expires_in":{expires_in}}}"#)
}

/// `resync`: what follows is a snapshot, because `reason`.
pub fn resync(reason: &str) -> String {
    #[derive(Serialize)]
    struct Resync<'a> {
        reason: &'a str,
    }
    typed("resync", Resync { reason })
}

/// `goodbye`: the server will close; come back after so many milliseconds.
pub fn goodbye(reason: &str, retry_after_ms: u64) -> String {
    #[derive(Serialize)]
    struct Goodbye<'a> {
        reason: &'a str,
        retry_after_ms: u64,
    }
    typed("goodbye", Goodbye { reason, retry_after_ms })
}

/// `goodbye` of a transport without close frames: the close code says whether to come back.
pub fn closed(code: CloseCode, reason: &str) -> String {
    #[derive(Serialize)]
    struct Goodbye<'a> {
        reason: &'a str,
        code: u16,
    }
    typed("goodbye", Goodbye { reason, code: code.as_u16() })
}

/// The part of an item's frame that differs by recipient: `{"seq":N,`. The shared tail follows.
pub fn item_head(seq: Seq) -> String {
    let mut head = String::with_capacity(28);
    push_item_head(&mut head, seq);
    head
}

/// Appends [`item_head`] without allocating.
pub fn push_item_head(out: &mut String, seq: Seq) {
    let written = write!(out, r#"{{"seq":{seq},"#);
    debug_assert!(written.is_ok(), "a String takes all that is written");
}

/// A whole item's frame with its state, as replays and `history` write it: `{"seq":N,"read_at":…,` and the tail.
/// A state that is not set is left out.
pub fn push_item(out: &mut String, seq: Seq, state: &ItemTimes, tail: &str) {
    push_item_head(out, seq);
    for (key, time) in
        [("seen_at", state.seen_at), ("read_at", state.read_at), ("archived_at", state.archived_at)]
    {
        if let Some(time) = time {
            let written = write!(out, r#""{key}":"{time}","#);
            debug_assert!(written.is_ok(), "a String takes all that is written");
        }
    }
    out.push_str(tail);
}

/// When an item's states were set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ItemTimes {
    /// When the user saw it.
    pub seen_at: Option<Timestamp>,
    /// When the user read it.
    pub read_at: Option<Timestamp>,
    /// When it left the list.
    pub archived_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_flat_and_begin_with_their_type() {
        let raw = |text: &str| RawValue::from_string(text.into()).unwrap();
        assert_eq!(pong(None, None), r#"{"type":"pong","timestamp":null}"#);
        assert_eq!(pong(Some(&raw("17.5")), None), r#"{"type":"pong","timestamp":17.5}"#);
        assert_eq!(pong(None, Some(&raw("7"))), r#"{"type":"pong","timestamp":null,"ref":7}"#);
        let text = error(Some(&raw("\"a\"")), ErrorCode::TypeUnknown, "unknown type \"x\"");
        assert_eq!(
            text,
            r#"{"type":"error","ref":"a","code":"type_unknown","message":"unknown type \"x\""}"#
        );
        let result = serde_json::json!({"unread": 3}).as_object().unwrap().clone();
        assert_eq!(ack(Some(&raw("1")), &result), r#"{"type":"ack","ref":1,"unread":3}"#);
    }

    #[test]
    fn an_items_frame_is_its_head_and_the_shared_tail() {
        let tail = r#""type":"x"}"#;
        let mut out = String::new();
        push_item(&mut out, Seq(7), &ItemTimes::default(), tail);
        assert_eq!(out, r#"{"seq":7,"type":"x"}"#);
        out.clear();
        let read = ItemTimes { read_at: Some(Timestamp::from_millis(0)), ..ItemTimes::default() };
        push_item(&mut out, Seq(7), &read, tail);
        assert_eq!(out, r#"{"seq":7,"read_at":"1970-01-01T00:00:00.000Z","type":"x"}"#);
    }

    #[test]
    fn codes_are_written_as_they_are_documented() {
        for code in [ErrorCode::TokenExpired, ErrorCode::NotJson, ErrorCode::Internal] {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}
