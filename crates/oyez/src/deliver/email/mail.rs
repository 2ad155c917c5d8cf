//! A message as it goes over the wire (RFC 5322, MIME).
//!
//! Nothing of a name, a subject or an address can become a header of its own: control characters are taken out before
//! they are encoded, and an address that is none is refused.

use std::time::{Duration, SystemTime};

use lettre::{
    Address, Message as Mail,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{HeaderName, HeaderValue},
    },
};
use oyez_protocol::Timestamp;

use crate::templates::Message;

/// Longest name of a sender or reader that is shown, in characters.
const MAX_NAME_CHARS: usize = 100;
/// Longest address, in bytes (RFC 5321, section 4.5.3.1.3).
const MAX_ADDRESS_BYTES: usize = 254;

/// What a mail is made of.
pub(super) struct Parts<'a> {
    pub(super) from: &'a Mailbox,
    pub(super) reply_to: Option<&'a Mailbox>,
    pub(super) to: &'a Address,
    pub(super) to_name: Option<&'a str>,
    /// Names the mail, in every attempt alike.
    pub(super) key: &'a str,
    pub(super) at: Timestamp,
    pub(super) message: &'a Message,
    /// Where one click ends mails like this one.
    pub(super) unsubscribe_url: Option<&'a str>,
}

/// Reads a reader's address. The error says why it cannot be used.
pub(super) fn address(text: &str) -> Result<Address, String> {
    let refused = |why: &str| format!("{:?} is no e-mail address: {why}", shown(text));
    if text.len() > MAX_ADDRESS_BYTES {
        return Err(refused("it is too long"));
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace() || "<>,;\"\\()".contains(c)) {
        return Err(refused("it has characters that no address has"));
    }
    text.parse().map_err(|error: lettre::address::AddressError| refused(&error.to_string()))
}

fn shown(text: &str) -> String {
    text.chars().take(60).collect()
}

/// Writes a mail. The error says what of it cannot be written.
pub(super) fn compose(parts: &Parts<'_>) -> Result<Vec<u8>, String> {
    let at = u64::try_from(parts.at.as_millis()).unwrap_or_default();
    let named = parts.to_name.map(one_line).filter(|name| !name.is_empty());
    let mut mail = Mail::builder()
        .from(parts.from.clone())
        .to(Mailbox::new(named, parts.to.clone()))
        .subject(one_line(&parts.message.subject))
        .date(SystemTime::UNIX_EPOCH + Duration::from_millis(at))
        .message_id(Some(message_id(parts.key, parts.from)))
        // Vacation programs answer no machine (RFC 3834).
        .raw_header(header("Auto-Submitted", "auto-generated"));
    if let Some(reply_to) = parts.reply_to {
        mail = mail.reply_to(reply_to.clone());
    }
    if let Some(url) = parts.unsubscribe_url {
        mail = mail
            .raw_header(header("List-Unsubscribe", &format!("<{url}>")))
            .raw_header(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"));
    }
    let text = parts.message.text.clone();
    let mail = match &parts.message.html {
        Some(html) => mail.multipart(MultiPart::alternative_plain_html(text, html.clone())),
        None => mail.singlepart(SinglePart::plain(text)),
    };
    mail.map(|mail| mail.formatted()).map_err(|error| format!("the mail cannot be written: {error}"))
}

/// The mail's name in the world: the delivery's, at the sender's domain.
pub(super) fn message_id(key: &str, from: &Mailbox) -> String {
    format!("<{key}@{}>", from.email.domain())
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), one_line_of(value, usize::MAX))
}

fn one_line(text: &str) -> String {
    one_line_of(text, MAX_NAME_CHARS.max(crate::templates::MAX_SUBJECT_CHARS))
}

/// Words with single spaces between them: no line break and no control character is left.
fn one_line_of(text: &str, limit: usize) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let line = words.collect::<Vec<_>>().join(" ");
    line.chars().take(limit).collect()
}

#[cfg(test)]
mod tests;
