//! Commands a client sends over WebSocket, read with an error that says what would be right.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    code::ErrorCode,
    ids::{NotificationId, Seq, TopicName},
};

/// Most ids one `mark_*` command may name.
pub const MAX_MARK_IDS: usize = 1_000;
/// Most items one `history` command may ask for.
pub const MAX_HISTORY: u32 = 200;
/// Longest quotation from what was sent, in the message of a refusal.
const MAX_REASON_CHARS: usize = 300;
/// Longest `ref`, in bytes of JSON.
pub const MAX_REF_BYTES: usize = 128;

/// One command, with the client's own `ref` for the answer.
#[derive(Debug, Clone)]
pub struct ClientFrame {
    /// Echoed in `ack` and `error`, as the JSON string or number it was sent as.
    pub reference: Option<Box<RawValue>>,
    /// What the client wants.
    pub command: Command,
}

/// What a client may ask for.
#[derive(Debug, Clone)]
pub enum Command {
    /// Answered with `pong` and the same timestamp, verbatim JSON.
    Ping {
        /// A number, a string, or absent.
        timestamp: Option<Box<RawValue>>,
    },
    /// Changes the state of items in the user's inbox.
    Mark {
        /// What to change.
        action: MarkAction,
        /// Which items.
        selection: Selection,
    },
    /// Receives a topic's events on this connection.
    Subscribe {
        /// Which topic.
        topic: TopicName,
    },
    /// Stops receiving a topic's events on this connection.
    Unsubscribe {
        /// Which topic.
        topic: TopicName,
    },
    /// Sends a live-only event to the topic's other members.
    Signal {
        /// Which topic.
        topic: TopicName,
        /// The event's `type` for those who receive it.
        name: String,
        /// All other keys of the frame, as they were sent.
        data: serde_json::Map<String, serde_json::Value>,
    },
    /// Renews the token of this connection.
    Auth {
        /// A new JWT.
        token: String,
    },
    /// Asks for items before a position, newest first.
    History {
        /// Only items with a smaller seq; absent: from the newest.
        before: Option<Seq>,
        /// How many at most, 1 to [`MAX_HISTORY`].
        limit: u32,
    },
    /// Asks that a job of the user be cancelled.
    CancelJob {
        /// Which job.
        job_id: String,
    },
}

/// A change of an item's state. Each is idempotent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum MarkAction {
    /// The user saw that it is there.
    Seen,
    /// The user read it (which also means seen).
    Read,
    /// The user wants it to count as unread again.
    Unread,
    /// Out of the list and out of the counts.
    Archive,
}

/// Which items a mark changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// These; ids that are not in the inbox are passed over.
    Ids(Vec<NotificationId>),
    /// All, or all up to and including a position.
    All {
        /// Leaves what arrived after the user last looked.
        up_to: Option<Seq>,
    },
}

/// Why a frame was not understood; becomes an `error` frame.
#[derive(Debug, Clone)]
pub struct FrameError {
    /// Echoed when it could be read.
    pub reference: Option<Box<RawValue>>,
    /// Stable code.
    pub code: ErrorCode,
    /// A sentence that says what would be right.
    pub message: String,
}

#[derive(Deserialize)]
struct Raw<'a> {
    #[serde(rename = "ref", borrow, default)]
    reference: Option<&'a RawValue>,
    #[serde(rename = "type", borrow, default)]
    kind: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct PingFields {
    #[serde(default)]
    timestamp: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct MarkFields {
    #[serde(default)]
    id: Option<NotificationId>,
    #[serde(default)]
    ids: Option<Vec<NotificationId>>,
    #[serde(default)]
    all: Option<bool>,
    #[serde(default)]
    up_to_seq: Option<Seq>,
}

#[derive(Deserialize)]
struct TopicFields {
    topic: TopicName,
}

#[derive(Deserialize)]
struct AuthFields {
    token: String,
}

#[derive(Deserialize)]
struct HistoryFields {
    #[serde(default)]
    before: Option<Seq>,
    #[serde(default)]
    limit: Option<u32>,
}

#[derive(Deserialize)]
struct CancelFields {
    job_id: String,
}

impl ClientFrame {
    /// Reads one text message.
    ///
    /// Unknown fields are ignored. Every refusal names the field and what was expected; it never echoes a token.
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        let bare = |code, message: String| FrameError { reference: None, code, message };
        let first = text.trim_start().as_bytes().first().copied();
        if first != Some(b'{') {
            return Err(match serde_json::from_str::<serde::de::IgnoredAny>(text) {
                Ok(_) => bare(
                    ErrorCode::NotAnObject,
                    "a frame is one JSON object, such as {\"type\":\"ping\"}".into(),
                ),
                Err(error) => bare(ErrorCode::NotJson, format!("the frame is not JSON: {error}")),
            });
        }
        let raw: Raw = serde_json::from_str(text)
            .map_err(|error| bare(ErrorCode::NotJson, format!("the frame is not JSON: {error}")))?;
        let reference = checked_reference(raw.reference)?;
        let refuse = |code, message: String| FrameError { reference: reference.clone(), code, message };
        let Some(kind) = raw.kind else {
            return Err(refuse(ErrorCode::TypeMissing, "the frame has no \"type\"".into()));
        };
        let Ok(kind) = serde_json::from_str::<String>(kind.get()) else {
            return Err(refuse(ErrorCode::TypeMissing, "\"type\" must be a string".into()));
        };
        let command = read_command(&kind, text).map_err(|(code, message)| refuse(code, message))?;
        Ok(Self { reference, command })
    }
}

type Refusal = (ErrorCode, String);

fn fields<'a, T: Deserialize<'a>>(kind: &str, text: &'a str) -> Result<T, Refusal> {
    // serde_json's position is within the frame, which is short; the field is named by the message.
    serde_json::from_str(text).map_err(|error| {
        // serde_json quotes the wrong value whole, however long it is.
        let error: String = error.to_string().chars().take(MAX_REASON_CHARS).collect();
        (ErrorCode::Invalid, format!("{kind}: {error}"))
    })
}

fn read_command(kind: &str, text: &str) -> Result<Command, Refusal> {
    let mark = |action| -> Result<Command, Refusal> {
        Ok(Command::Mark { action, selection: fields::<MarkFields>(kind, text)?.selection(kind)? })
    };
    match kind {
        "ping" => {
            let timestamp = fields::<PingFields>(kind, text)?.timestamp;
            if timestamp.as_ref().is_some_and(|raw| raw.get().len() > MAX_REF_BYTES) {
                let message = format!("ping: \"timestamp\" may have {MAX_REF_BYTES} bytes at most");
                return Err((ErrorCode::Invalid, message));
            }
            if timestamp.as_ref().is_some_and(|raw| raw.get().starts_with(['{', '[', 't', 'f'])) {
                let message = "ping: \"timestamp\" must be a number or a string".into();
                return Err((ErrorCode::Invalid, message));
            }
            Ok(Command::Ping { timestamp })
        }
        "mark_seen" => mark(MarkAction::Seen),
        "mark_read" => mark(MarkAction::Read),
        "mark_unread" => mark(MarkAction::Unread),
        "archive" => mark(MarkAction::Archive),
        "clear_all" => {
            let up_to = fields::<MarkFields>(kind, text)?.up_to_seq;
            Ok(Command::Mark { action: MarkAction::Archive, selection: Selection::All { up_to } })
        }
        "subscribe" => Ok(Command::Subscribe { topic: fields::<TopicFields>(kind, text)?.topic }),
        "unsubscribe" => Ok(Command::Unsubscribe { topic: fields::<TopicFields>(kind, text)?.topic }),
        "signal" => signal(kind, text),
        "auth" => match fields::<AuthFields>(kind, text) {
            Ok(AuthFields { token }) => Ok(Command::Auth { token }),
            Err(_) => Err((ErrorCode::Invalid, "auth: \"token\" must be a string with a JWT".into())),
        },
        "history" => {
            let HistoryFields { before, limit } = fields(kind, text)?;
            let limit = limit.unwrap_or(50);
            if !(1..=MAX_HISTORY).contains(&limit) {
                let message = format!("history: \"limit\" must be 1 to {MAX_HISTORY}, not {limit}");
                return Err((ErrorCode::Invalid, message));
            }
            Ok(Command::History { before, limit })
        }
        "cancel_job" => Ok(Command::CancelJob { job_id: fields::<CancelFields>(kind, text)?.job_id }),
        other => {
            let other: String = other.chars().take(40).collect();
            Err((
                ErrorCode::TypeUnknown,
                format!(
                    "unknown type {other:?}: expected ping, mark_seen, mark_read, mark_unread, archive, clear_all, \
                     subscribe, unsubscribe, signal, auth, history or cancel_job"
                ),
            ))
        }
    }
}

impl MarkFields {
    fn selection(self, kind: &str) -> Result<Selection, Refusal> {
        let refuse = |message: &str| Err((ErrorCode::Invalid, format!("{kind}: {message}")));
        match self {
            Self { id: Some(id), ids: None, all: None | Some(false), up_to_seq: None } => {
                Ok(Selection::Ids(vec![id]))
            }
            Self { id: None, ids: Some(ids), all: None | Some(false), up_to_seq: None } => match ids.len() {
                0 => refuse("\"ids\" is empty"),
                1..=MAX_MARK_IDS => Ok(Selection::Ids(ids)),
                _ => refuse("\"ids\" may name 1000 items at most; use \"all\" with \"up_to_seq\""),
            },
            Self { id: None, ids: None, all: Some(true), up_to_seq } => {
                Ok(Selection::All { up_to: up_to_seq })
            }
            Self { id: None, ids: None, all: None, up_to_seq: Some(up_to) } => {
                Ok(Selection::All { up_to: Some(up_to) })
            }
            _ => refuse("say which items: either \"id\", or \"ids\", or \"all\": true (with \"up_to_seq\")"),
        }
    }
}

fn signal(kind: &str, text: &str) -> Result<Command, Refusal> {
    let mut data: serde_json::Map<String, serde_json::Value> = fields(kind, text)?;
    let TopicFields { topic } = fields(kind, text)?;
    for key in ["type", "topic", "ref"] {
        data.remove(key);
    }
    let Some(serde_json::Value::String(name)) = data.remove("name") else {
        return Err((ErrorCode::Invalid, "signal: \"name\" must be a string, such as \"typing\"".into()));
    };
    if let Some(key) = data.keys().find(|key| super::RESERVED_KEYS.contains(&key.as_str())) {
        return Err((ErrorCode::ReservedKey, format!("signal: the key {key:?} is reserved; choose another")));
    }
    Ok(Command::Signal { topic, name, data })
}

fn checked_reference(raw: Option<&RawValue>) -> Result<Option<Box<RawValue>>, FrameError> {
    let Some(raw) = raw else { return Ok(None) };
    let scalar =
        raw.get().starts_with('"') || raw.get().starts_with(|c: char| c == '-' || c.is_ascii_digit());
    if raw.get() == "null" {
        return Ok(None);
    }
    if !scalar || raw.get().len() > MAX_REF_BYTES {
        let message = format!("\"ref\" must be a string or number of {MAX_REF_BYTES} bytes at most");
        return Err(FrameError { reference: None, code: ErrorCode::Invalid, message });
    }
    Ok(Some(raw.to_owned()))
}

#[cfg(test)]
mod tests;
