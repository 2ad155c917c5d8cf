//! One text, encoded once per form in which some connection wants it.
//!
//! WebSocket frames come from [`crate::websocket::encode`]; server-sent events (WHATWG HTML, section 9.2) are
//! written here. Nothing is encoded before the first connection asks for its form.

use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;
use oyez_core::inbox::StoredItem;
use oyez_protocol::{
    CloseCode, Seq,
    frame::server::{self, push_item, push_item_head},
};
use serde::Deserialize;

use super::outbox::{Head, Piece};
use crate::websocket::encode::{self, SharedItem, SharedText};

/// How a connection wants its frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// WebSocket messages.
    WebSocket,
    /// WebSocket messages, longer ones compressed (permessage-deflate without context takeover).
    Deflate,
    /// Server-sent events.
    EventStream,
}

impl Format {
    /// How many there are.
    pub(super) const COUNT: usize = 3;

    pub(super) fn index(self) -> usize {
        self as usize
    }

    /// Appends one whole frame that no other connection shares.
    pub fn push_text(self, out: &mut Vec<u8>, text: &str) {
        match self {
            Self::WebSocket | Self::Deflate => encode::push_text(out, text),
            Self::EventStream => push_event(out, text),
        }
    }

    /// Appends one stored item with its states, for one connection alone.
    pub fn push_item(self, out: &mut Vec<u8>, item: &StoredItem) {
        let mut text = String::with_capacity(item.tail.len() + 32);
        push_item(&mut text, item.seq, &item.times, &item.tail);
        match self {
            Self::WebSocket => encode::push_text(out, &text),
            Self::Deflate => out.extend_from_slice(SharedText::compressed(&text).frame(true)),
            Self::EventStream => {
                out.extend_from_slice(format!("id: {}\n", item.seq).as_bytes());
                push_event(out, &text);
            }
        }
    }

    /// What keeps an idle connection alive.
    pub(super) fn keep_alive(self) -> Bytes {
        match self {
            Self::WebSocket | Self::Deflate => encode::ping().into(),
            Self::EventStream => Bytes::from_static(b":\n\n"),
        }
    }

    /// Whether the other side answers a keep-alive, so that silence means it is gone.
    pub(super) fn answers_keep_alive(self) -> bool {
        self != Self::EventStream
    }

    /// The last bytes of a connection that the server ends. An event stream has no close frame: it is told why by a
    /// `goodbye`, unless it is only asked to come back.
    pub(super) fn close(self, code: CloseCode, reason: &str) -> Option<Bytes> {
        match self {
            Self::WebSocket | Self::Deflate => Some(encode::close(code, reason).into()),
            Self::EventStream if code == CloseCode::GoingAway => None,
            Self::EventStream => {
                let mut out = Vec::new();
                push_event(&mut out, &server::closed(code, reason));
                Some(out.into())
            }
        }
    }
}

/// A frame that many connections share.
#[derive(Debug)]
pub(super) struct Text {
    text: Arc<str>,
    forms: [Option<Bytes>; Format::COUNT],
}

impl Text {
    pub(super) fn new(text: Arc<str>) -> Self {
        Self { text, forms: Default::default() }
    }

    /// The frame in one form.
    pub(super) fn form(&mut self, format: Format) -> &Bytes {
        let text = &*self.text;
        self.forms[format.index()].get_or_insert_with(|| match format {
            Format::WebSocket => SharedText::plain(text).frame(false).clone(),
            Format::Deflate => SharedText::compressed(text).frame(true).clone(),
            Format::EventStream => {
                let mut out = Vec::with_capacity(text.len() + 48);
                push_event(&mut out, text);
                out.into()
            }
        })
    }
}

/// A notification's shared tail: each recipient's frame is a head of their own and this.
#[derive(Debug)]
pub(super) struct Item<'a> {
    kind: &'a str,
    tail: &'a str,
    plain: Option<SharedItem>,
    deflate: Option<SharedItem>,
    event: Option<Bytes>,
}

impl<'a> Item<'a> {
    pub(super) fn new(kind: &'a str, tail: &'a str) -> Self {
        Self { kind, tail, plain: None, deflate: None, event: None }
    }

    /// What one recipient gets, in the form their connection wants.
    pub(super) fn piece(&mut self, seq: Seq, format: Format) -> Piece {
        let tail = self.tail;
        let shared = match format {
            Format::WebSocket => {
                self.plain.get_or_insert_with(|| SharedItem::plain(Bytes::copy_from_slice(tail.as_bytes())))
            }
            Format::Deflate => self
                .deflate
                .get_or_insert_with(|| SharedItem::compressed(Bytes::copy_from_slice(tail.as_bytes()))),
            Format::EventStream => return self.event(seq),
        };
        let deflate = format == Format::Deflate;
        Piece::item(Head::new(&shared.head(seq, deflate)), shared.tail(deflate).clone())
    }

    // The fields of an event may come in any order: `event:` stands last, so that it is shared too.
    fn event(&mut self, seq: Seq) -> Piece {
        let (kind, tail) = (self.kind, self.tail);
        let shared = self.event.get_or_insert_with(|| format!("{tail}\nevent: {kind}\n\n").into());
        let mut head = format!("id: {seq}\ndata: ");
        push_item_head(&mut head, seq);
        Piece::item(Head::new(head.as_bytes()), shared.clone())
    }
}

fn push_event(out: &mut Vec<u8>, text: &str) {
    let kind = frame_type(text);
    let parts: [&[u8]; 5] = [b"event: ", kind.as_bytes(), b"\ndata: ", text.as_bytes(), b"\n\n"];
    for part in parts {
        out.extend_from_slice(part);
    }
}

fn frame_type(text: &str) -> Cow<'_, str> {
    #[derive(Deserialize)]
    struct Typed<'a> {
        #[serde(rename = "type", borrow)]
        kind: Cow<'a, str>,
    }
    serde_json::from_str::<Typed<'_>>(text).map_or(Cow::Borrowed("message"), |typed| typed.kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(piece: &Piece) -> Vec<u8> {
        [piece.head(), piece.body()].concat()
    }

    #[test]
    fn one_item_differs_by_recipient_only_in_its_head() {
        let tail = format!(r#""type":"x","message":"{}"}}"#, "y".repeat(400));
        let mut item = Item::new("x", &tail);
        for format in [Format::WebSocket, Format::Deflate, Format::EventStream] {
            let (one, two) = (item.piece(Seq(1), format), item.piece(Seq(200), format));
            assert_ne!(one.head(), two.head());
            assert_eq!(one.body().as_ptr(), two.body().as_ptr(), "{format:?} shares the tail");
        }
        let plain = whole(&item.piece(Seq(7), Format::WebSocket));
        assert!(plain.ends_with(format!(r#"{{"seq":7,{tail}"#).as_bytes()));
        let event = String::from_utf8(whole(&item.piece(Seq(7), Format::EventStream))).unwrap();
        assert_eq!(event, format!("id: 7\ndata: {{\"seq\":7,{tail}\nevent: x\n\n"));
    }

    #[test]
    fn the_longest_position_has_room_in_a_head() {
        let mut item = Item::new("x", "\"type\":\"x\"}");
        for format in [Format::WebSocket, Format::Deflate, Format::EventStream] {
            let text = String::from_utf8_lossy(&whole(&item.piece(Seq(u64::MAX), format))).into_owned();
            assert!(text.contains("\"seq\":18446744073709551615,"), "{text}");
        }
    }

    #[test]
    fn an_event_stream_names_the_frames_type() {
        let mut out = Vec::new();
        Format::EventStream.push_text(&mut out, r#"{"type":"pong","timestamp":null}"#);
        assert_eq!(out, b"event: pong\ndata: {\"type\":\"pong\",\"timestamp\":null}\n\n");
    }
}
