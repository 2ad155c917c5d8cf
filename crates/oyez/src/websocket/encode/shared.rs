//! Messages that are encoded once and sent to many.

use std::io::Write as _;

use bytes::Bytes;
use oyez_protocol::Seq;

use super::{COMPRESSED, MAX_HEAD, Short, TEXT};
use crate::websocket::deflate::deflate;

/// Bodies up to this size are sent as they are: compressing them saves next to nothing.
const COMPRESS_OVER: usize = 256;
/// `{"seq":`, twenty digits, a comma.
const MAX_SEQ_HEAD: usize = 28;
/// A stored DEFLATE block's head: the block's type, its length, and the length inverted (RFC 1951 section 3.2.4).
const STORED_HEAD: usize = 5;

/// One text message for many connections, as whole frames.
#[derive(Debug, Clone)]
pub struct SharedText {
    plain: Bytes,
    compressed: Option<Bytes>,
}

impl SharedText {
    /// Frames a message for connections that agreed to no compression.
    pub fn plain(text: &str) -> Self {
        Self { plain: frame(TEXT, text.as_bytes()), compressed: None }
    }

    /// Frames a message in both forms. One that does not shrink has only the plain one.
    pub fn compressed(text: &str) -> Self {
        let packed = shrunk(text.as_bytes(), 0);
        let compressed = packed.map(|packed| frame(TEXT | COMPRESSED, &packed));
        Self { compressed, ..Self::plain(text) }
    }

    /// The frame for a connection that did or did not agree to permessage-deflate.
    pub fn frame(&self, deflate: bool) -> &Bytes {
        self.compressed.as_ref().filter(|_| deflate).unwrap_or(&self.plain)
    }
}

/// One inbox item's message for many recipients: `{"seq":N,` differs, the tail is shared.
///
/// What is sent to one recipient is [`SharedItem::head`] directly followed by [`SharedItem::tail`], both asked for
/// with the same `deflate`. Compressed, the head carries a stored block with `{"seq":N,` in it; the tail's
/// blocks follow on a byte boundary and refer to nothing before themselves, so that they fit behind any head.
#[derive(Debug, Clone)]
pub struct SharedItem {
    plain: Bytes,
    compressed: Option<Bytes>,
}

/// The bytes in front of a shared tail: the frame's head and `{"seq":N,`.
pub type ItemHead = Short<{ MAX_HEAD + STORED_HEAD + MAX_SEQ_HEAD }>;

impl SharedItem {
    /// `tail` is the item's JSON from behind `{"seq":N,` to the closing brace.
    pub fn plain(tail: Bytes) -> Self {
        Self { plain: tail, compressed: None }
    }

    /// The same in both forms. A tail that does not shrink has only the plain one.
    pub fn compressed(tail: Bytes) -> Self {
        let compressed = shrunk(&tail, STORED_HEAD).map(Bytes::from);
        Self { plain: tail, compressed }
    }

    /// What comes in front of the tail for the recipient at whose position `seq` the item is.
    pub fn head(&self, seq: Seq, deflate: bool) -> ItemHead {
        let mut text = [0; MAX_SEQ_HEAD];
        let mut rest = &mut text[..];
        write!(rest, r#"{{"seq":{seq},"#).expect("twenty digits are the most a u64 has");
        let used = MAX_SEQ_HEAD - rest.len();
        let text = &text[..used];

        let mut head = ItemHead::new();
        match &self.compressed {
            Some(tail) if deflate => {
                head.push_head(TEXT | COMPRESSED, STORED_HEAD + text.len() + tail.len());
                let length = text.len() as u16;
                // Not the last block, stored; the rest of the first byte is padding.
                head.push(&[0]);
                head.push(&length.to_le_bytes());
                head.push(&(!length).to_le_bytes());
            }
            _ => head.push_head(TEXT, text.len() + self.plain.len()),
        }
        head.push(text);
        head
    }

    /// What comes behind the head: a reference-counted handle, the same bytes for all.
    pub fn tail(&self, deflate: bool) -> &Bytes {
        self.compressed.as_ref().filter(|_| deflate).unwrap_or(&self.plain)
    }
}

fn frame(first: u8, payload: &[u8]) -> Bytes {
    let head = super::head(first, payload.len());
    let mut frame = Vec::with_capacity(head.len() + payload.len());
    frame.extend_from_slice(&head);
    frame.extend_from_slice(payload);
    frame.into()
}

/// The compressed body, when it is worth compressing and saves more than `overhead`.
fn shrunk(body: &[u8], overhead: usize) -> Option<Vec<u8>> {
    (body.len() > COMPRESS_OVER).then(|| deflate(body)).filter(|packed| packed.len() + overhead < body.len())
}
