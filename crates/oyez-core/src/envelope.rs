//! The checks that notifications, events and signals share, and the JSON they are composed of.
//!
//! Text is written straight into one buffer: a publish is the hot path, and a `Value` per frame would cost more than
//! all its checks.

use std::io::Write as _;

use oyez_protocol::{
    Audience, ErrorCode, Timestamp,
    api::publish::{Audiences, MAX_AUDIENCES},
    frame::RESERVED_TYPES,
};
use serde::Serialize;

use crate::{access::is_own, notification::Invalid};

/// Most bytes of a publisher's `data`, as compact JSON.
pub const MAX_DATA_BYTES: usize = 32 * 1024;
/// Longest `type`, in bytes.
pub const MAX_KIND_BYTES: usize = 64;

impl Invalid {
    /// A field that is missing, too long, or not what it should be.
    pub(crate) fn new(field: &str, message: impl Into<String>) -> Self {
        Self { code: ErrorCode::Invalid, field: field.into(), message: message.into() }
    }

    /// The same refusal for a body that stands at `place` in a larger one.
    pub(crate) fn within(self, place: &str) -> Self {
        let field = format!("{place}.{}", self.field);
        let message = self.message.replacen(&format!("\"{}\"", self.field), &format!("\"{field}\""), 1);
        Self { field, message, ..self }
    }
}

/// `given` as it may stand in an error: quoted, and cut so that a hostile megabyte does not come back.
pub(crate) fn quoted(given: &str) -> String {
    const SHOWN: usize = 40;
    match given.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}…", &given[..end]),
        None => format!("{given:?}"),
    }
}

/// Checks a frame's type.
pub(crate) fn check_kind(field: &str, kind: &str) -> Result<(), Invalid> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    if kind.is_empty() || kind.len() > MAX_KIND_BYTES || !kind.bytes().all(allowed) {
        let message = format!(
            "\"{field}\" must be 1 to {MAX_KIND_BYTES} of the characters a-z A-Z 0-9 _ - . (such as \
             \"ticket_created\"), not {}",
            quoted(kind)
        );
        return Err(Invalid::new(field, message));
    }
    if RESERVED_TYPES.contains(&kind) {
        let message =
            format!("\"{field}\" must not be {kind:?}: the protocol uses it itself; choose another");
        return Err(Invalid::new(field, message));
    }
    Ok(())
}

/// The audiences, each once, in the order they were named.
pub(crate) fn check_audiences(to: &Audiences) -> Result<Vec<Audience>, Invalid> {
    let named = to.as_slice();
    if let Some(own) = named.iter().find(|one| matches!(one, Audience::Topic(topic) if is_own(topic))) {
        let message = format!("\"to\" names {own}, where only Oyez itself speaks: name another topic");
        return Err(Invalid::new("to", message));
    }
    match named.len() {
        0 => Err(Invalid::new("to", "\"to\" is empty: name at least one audience, such as \"user:7\"")),
        1 => Ok(named.to_vec()),
        2..=MAX_AUDIENCES => {
            let mut seen = std::collections::HashSet::with_capacity(named.len());
            Ok(named.iter().filter(|audience| seen.insert(*audience)).cloned().collect())
        }
        count => {
            let message = format!("\"to\" may name {MAX_AUDIENCES} audiences at most, not {count}");
            Err(Invalid::new("to", message))
        }
    }
}

/// Refuses text of more characters than `limit`. Bytes are compared first: most text is short.
pub(crate) fn check_length(field: &str, text: &str, limit: usize) -> Result<(), Invalid> {
    if text.len() <= limit {
        return Ok(());
    }
    let count = text.chars().count();
    if count <= limit {
        return Ok(());
    }
    Err(Invalid::new(field, format!("\"{field}\" may have {limit} characters at most, not {count}")))
}

/// Refuses data that uses a key of the envelope it will stand in.
pub(crate) fn check_keys(
    data: &serde_json::Map<String, serde_json::Value>,
    reserved: &[&str],
) -> Result<(), Invalid> {
    match data.keys().find(|key| reserved.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => Err(Invalid {
            code: ErrorCode::ReservedKey,
            field: format!("data.{key}"),
            message: format!(
                "\"data\" must not use the key {key:?}: it belongs to the envelope; choose another"
            ),
        }),
    }
}

/// A JSON object that is being written: keys in the order of the calls.
pub(crate) struct Object {
    json: Vec<u8>,
}

impl Object {
    /// Starts after `{` (a whole object) or after nothing (the rest of one whose head comes later).
    pub(crate) fn starting(with: &str, capacity: usize) -> Self {
        let mut json = Vec::with_capacity(capacity);
        json.extend_from_slice(with.as_bytes());
        Self { json }
    }

    fn key(&mut self, key: &str) {
        if !matches!(self.json.last(), None | Some(b'{')) {
            self.json.push(b',');
        }
        self.push(key);
        self.json.push(b':');
    }

    fn push<T: Serialize + ?Sized>(&mut self, value: &T) {
        serde_json::to_writer(&mut self.json, value).expect("JSON values with string keys can be written");
    }

    /// Adds a key whose value is any JSON.
    pub(crate) fn field<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) {
        self.key(key);
        self.push(value);
    }

    /// Adds a key whose value is a text that JSON need not escape.
    pub(crate) fn plain(&mut self, key: &str, value: impl std::fmt::Display) {
        self.key(key);
        write!(self.json, "\"{value}\"").expect("a Vec takes all that is written");
    }

    /// Adds a time.
    pub(crate) fn time(&mut self, key: &str, time: Timestamp) {
        self.plain(key, time);
    }

    /// Adds all keys of `data` beside those that are there.
    ///
    /// Errors when they take more than `limit` bytes.
    pub(crate) fn flatten(
        &mut self,
        data: &serde_json::Map<String, serde_json::Value>,
        limit: usize,
    ) -> Result<(), Invalid> {
        let before = self.json.len();
        for (key, value) in data {
            self.field(key, value);
        }
        check_size("data", self.json.len() - before, limit)
    }

    /// Adds a key whose value may take `limit` bytes.
    pub(crate) fn limited<T: Serialize + ?Sized>(
        &mut self,
        key: &str,
        value: &T,
        limit: usize,
    ) -> Result<(), Invalid> {
        self.key(key);
        let before = self.json.len();
        self.push(value);
        check_size(key, self.json.len() - before, limit)
    }

    /// The finished text, closed with `}`.
    pub(crate) fn finish(mut self) -> String {
        self.json.push(b'}');
        String::from_utf8(self.json).expect("JSON is UTF-8")
    }
}

fn check_size(field: &str, bytes: usize, limit: usize) -> Result<(), Invalid> {
    if bytes <= limit {
        return Ok(());
    }
    let message = format!("\"{field}\" may take {limit} bytes of JSON at most, not {bytes}");
    Err(Invalid { code: ErrorCode::Invalid, field: field.into(), message })
}
