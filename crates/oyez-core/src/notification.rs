//! Notifications: checks what an application publishes and composes the text that every recipient shares.

use std::sync::Arc;

use oyez_protocol::{
    Audience, ErrorCode, NotificationId, Seq, Timestamp, UserId, api::publish::NotificationRequest,
    frame::RESERVED_KEYS,
};
use sha2::{Digest as _, Sha256};

use crate::{
    envelope::{MAX_DATA_BYTES, Object, check_audiences, check_keys, check_kind, check_length, quoted},
    fallback::{Medium, medium},
};

/// The type of a notification that was given none.
pub const GENERIC: &str = "notification";
/// Longest `message`, in characters.
pub const MAX_MESSAGE_CHARS: usize = 4_000;
/// Longest `title`, in characters.
pub const MAX_TITLE_CHARS: usize = 200;
/// Longest `url`, and `icon` that is one, in bytes.
pub const MAX_URL_BYTES: usize = 2_000;
/// Longest `icon` that is a name, and `severity`, in bytes.
pub const MAX_WORD_BYTES: usize = 64;
/// Largest `actor`, in bytes of JSON.
pub const MAX_ACTOR_BYTES: usize = 4 * 1024;
/// Longest `group_key` and `idempotency_key`, in bytes.
pub const MAX_KEY_BYTES: usize = 255;

/// A checked notification, ready to store.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Names it.
    pub id: NotificationId,
    /// The frame's type; `notification` when none was given.
    pub kind: Arc<str>,
    /// The frame after its head: `{"seq":N,` and this are the whole frame.
    pub tail: Arc<str>,
    /// Whose inboxes it lands in; each recipient gets one item.
    pub audience: Vec<Audience>,
    /// When it was published.
    pub created_at: Timestamp,
    /// Lands then, not now.
    pub send_at: Option<Timestamp>,
    /// Of no use after this.
    pub expires_at: Option<Timestamp>,
    /// Items with one key are shown as a group.
    pub group_key: Option<String>,
    /// The media that may carry it to people who are away; none: as the policy says.
    pub media: Option<Vec<Medium>>,
    /// Makes a repeated publish the same publish.
    pub idempotency: Option<Idempotency>,
}

/// Recognises a request that is sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// Who asked, such as `key:abc`: two callers may choose the same key.
    pub scope: String,
    /// The caller's key.
    pub key: String,
    /// SHA-256 of the body in canonical form: the same key with another body is a mistake.
    pub fingerprint: [u8; 32],
}

/// Items that were committed together: one notification, or one part of a large audience.
#[derive(Debug, Clone)]
pub struct Landed {
    /// What landed.
    pub notification: NotificationId,
    /// Its type.
    pub kind: Arc<str>,
    /// The shared frame tail.
    pub tail: Arc<str>,
    /// In whose inbox, and at which position.
    pub recipients: Vec<(UserId, Seq)>,
}

/// Why a publish is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Invalid {
    /// Stable code.
    pub code: ErrorCode,
    /// Which field of the body, such as `message` or `data.seq`.
    pub field: String,
    /// A sentence that names the field, what was given and what would be right.
    pub message: String,
}

/// Checks a request and composes what is stored and sent.
///
/// With a `type`, the keys of `data` stand beside the envelope's; without, they stay under `data`. The frame's
/// `timestamp` is the moment it is meant to land. A `send_at` that is past means now. `scope` names the caller, within
/// whom idempotency keys are unique.
pub fn draft(
    request: &NotificationRequest,
    id: NotificationId,
    scope: &str,
    now: Timestamp,
) -> Result<Draft, Invalid> {
    let audience = check_audiences(&request.to)?;
    // Said aloud, `notification` means the same as nothing.
    let kind = request.kind.as_deref().filter(|kind| *kind != GENERIC);
    if let Some(kind) = kind {
        check_kind("type", kind)?;
    }
    check_texts(request)?;
    let media = request.media.as_deref().map(check_media).transpose()?;
    let send_at = request.send_at.filter(|send_at| *send_at > now);
    check_times(request, send_at, now)?;
    let idempotency = match &request.idempotency_key {
        None => None,
        Some(key) => {
            check_key("idempotency_key", key)?;
            Some(Idempotency { scope: scope.into(), key: key.clone(), fingerprint: fingerprint(request) })
        }
    };
    let tail = compose(request, kind, id, send_at.unwrap_or(now))?;
    Ok(Draft {
        id,
        kind: kind.unwrap_or(GENERIC).into(),
        tail: tail.into(),
        audience,
        created_at: now,
        send_at,
        expires_at: request.expires_at,
        group_key: request.group_key.clone(),
        media,
        idempotency,
    })
}

/// SHA-256 of what a request asks for: the order of keys and the idempotency key itself do not matter.
pub fn fingerprint(request: &NotificationRequest) -> [u8; 32] {
    let mut body = serde_json::to_value(request).expect("a request was read from JSON");
    if let Some(fields) = body.as_object_mut() {
        fields.remove("idempotency_key");
    }
    fingerprint_of(body)
}

/// SHA-256 of any JSON body, whatever the order of its keys.
pub fn fingerprint_of(mut body: serde_json::Value) -> [u8; 32] {
    body.sort_all_objects();
    Sha256::digest(body.to_string().as_bytes()).into()
}

fn compose(
    request: &NotificationRequest,
    kind: Option<&str>,
    id: NotificationId,
    at: Timestamp,
) -> Result<String, Invalid> {
    // The fixed keys take about 150 bytes; text that needs no escape then fits without growing.
    let mut object = Object::starting("", 256 + request.message.len());
    object.plain("type", kind.unwrap_or(GENERIC));
    object.plain("notification_type", kind.unwrap_or(GENERIC));
    object.plain("id", id);
    object.time("timestamp", at);
    object.field("message", &request.message);
    let texts = [
        ("title", &request.title),
        ("url", &request.url),
        ("icon", &request.icon),
        ("severity", &request.severity),
        ("group_key", &request.group_key),
    ];
    for (key, text) in texts {
        if let Some(text) = text {
            object.field(key, text);
        }
    }
    if let Some(actor) = &request.actor {
        object.limited("actor", actor, MAX_ACTOR_BYTES)?;
    }
    let none = serde_json::Map::new();
    let data = request.data.as_ref().unwrap_or(&none);
    check_keys(data, &RESERVED_KEYS)?;
    if kind.is_some() {
        object.flatten(data, MAX_DATA_BYTES)?;
    } else {
        object.limited("data", data, MAX_DATA_BYTES)?;
    }
    Ok(object.finish())
}

fn check_texts(request: &NotificationRequest) -> Result<(), Invalid> {
    if request.message.trim().is_empty() {
        let message =
            format!("\"message\" is empty: write a sentence of up to {MAX_MESSAGE_CHARS} characters");
        return Err(Invalid::new("message", message));
    }
    check_length("message", &request.message, MAX_MESSAGE_CHARS)?;
    if let Some(title) = &request.title {
        check_length("title", title, MAX_TITLE_CHARS)?;
    }
    if let Some(url) = &request.url {
        check_url("url", url)?;
    }
    if let Some(icon) = &request.icon {
        check_icon(icon)?;
    }
    if let Some(severity) = &request.severity {
        check_severity(severity)?;
    }
    if let Some(group_key) = &request.group_key {
        check_key("group_key", group_key)?;
    }
    Ok(())
}

/// Reads names of media; one that is named twice counts once.
fn check_media(names: &[String]) -> Result<Vec<Medium>, Invalid> {
    let mut media = names.iter().map(|name| medium("media", name)).collect::<Result<Vec<_>, _>>()?;
    media.sort_unstable();
    media.dedup();
    Ok(media)
}

fn check_times(
    request: &NotificationRequest,
    send_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), Invalid> {
    let Some(expires_at) = request.expires_at else { return Ok(()) };
    if expires_at <= now {
        let message = format!("\"expires_at\" is {expires_at}, which is past: it is {now}");
        return Err(Invalid::new("expires_at", message));
    }
    match send_at {
        Some(send_at) if expires_at <= send_at => {
            let message = format!("\"expires_at\" ({expires_at}) must be later than \"send_at\" ({send_at})");
            Err(Invalid::new("expires_at", message))
        }
        _ => Ok(()),
    }
}

/// Whether a click may lead there: a web address, or a path on the application's own site.
///
/// Browsers read `//host` and `/\host` as another site and drop tabs and line breaks, so neither passes.
fn is_link(text: &str) -> bool {
    let lower = |prefix: &str| {
        text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
            && text.len() > prefix.len()
    };
    let web = lower("https://") || lower("http://");
    let path = text.starts_with('/') && !text.starts_with("//");
    (web || path) && !text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\')
}

/// Refuses an address that a click must not lead to.
pub(crate) fn check_url(field: &str, url: &str) -> Result<(), Invalid> {
    if url.len() > MAX_URL_BYTES {
        let message = format!("\"{field}\" may have {MAX_URL_BYTES} bytes at most, not {}", url.len());
        return Err(Invalid::new(field, message));
    }
    if is_link(url) {
        return Ok(());
    }
    let message = format!(
        "\"{field}\" is {}: expected http://…, https://… or a path that starts with one /, without spaces",
        quoted(url)
    );
    Err(Invalid::new(field, message))
}

fn check_icon(icon: &str) -> Result<(), Invalid> {
    let is_name = !icon.is_empty()
        && icon.len() <= MAX_WORD_BYTES
        && !icon.chars().any(|c| c.is_control() || c.is_whitespace() || "<>\"'`&()/\\;,".contains(c));
    if is_name || (icon.len() <= MAX_URL_BYTES && is_link(icon)) {
        return Ok(());
    }
    let message = format!(
        "\"icon\" is {}: expected a name of up to {MAX_WORD_BYTES} bytes, http(s)://… or a path",
        quoted(icon)
    );
    Err(Invalid::new("icon", message))
}

fn check_severity(severity: &str) -> Result<(), Invalid> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    if !severity.is_empty() && severity.len() <= MAX_WORD_BYTES && severity.bytes().all(allowed) {
        return Ok(());
    }
    let message = format!(
        "\"severity\" is {}: expected one word of up to {MAX_WORD_BYTES} letters, digits, '_', '-' or '.', such as \
         \"info\", \"success\", \"warning\", \"error\" or \"critical\"",
        quoted(severity)
    );
    Err(Invalid::new("severity", message))
}

/// Checks a `group_key` or `idempotency_key`.
pub fn check_key(field: &str, key: &str) -> Result<(), Invalid> {
    if !key.is_empty() && key.len() <= MAX_KEY_BYTES && !key.chars().any(char::is_control) {
        return Ok(());
    }
    let message = format!(
        "\"{field}\" must be 1 to {MAX_KEY_BYTES} bytes of printable text, not {} ({} bytes)",
        quoted(key),
        key.len()
    );
    Err(Invalid::new(field, message))
}

#[cfg(test)]
mod tests;
