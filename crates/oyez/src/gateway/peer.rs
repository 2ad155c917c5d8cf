//! The two ways to speak: WebSocket, both ways, and server-sent events, one way.

use std::sync::Arc;

use oyez_protocol::Timestamp;

use super::session::{Limits, Session};
use crate::{
    hub::{Action, Peer},
    websocket::{
        decode::{Event, Reader},
        encode,
    },
};

/// A client that speaks WebSocket: frames become events, and events what the session makes of them.
pub(super) struct WebSocketPeer {
    reader: Reader,
    session: Session,
}

impl WebSocketPeer {
    pub(super) fn new(max_message: u32, deflate: bool, limits: Arc<Limits>) -> Self {
        Self { reader: Reader::new(max_message, deflate), session: Session::new(limits) }
    }
}

impl Peer for WebSocketPeer {
    fn received(&mut self, mut bytes: &mut [u8], now: Timestamp, actions: &mut Vec<Action>) {
        while !self.session.is_over() {
            match self.reader.next(&mut bytes) {
                Ok(None) => return,
                Ok(Some(Event::Text(text))) => self.session.text(text, now, actions),
                Ok(Some(Event::Binary(_))) => self.session.binary(now, actions),
                Ok(Some(Event::Ping(payload))) => {
                    if self.session.ping(now, actions) {
                        actions.push(Action::Raw(encode::pong(payload).into()));
                    }
                }
                Ok(Some(Event::Pong(_))) => {}
                Ok(Some(Event::Close { code, .. })) => {
                    actions.push(Action::Raw(encode::close_reply(code).into()));
                    self.session.end(actions);
                }
                Err(violation) => {
                    self.session.close(violation.close_code(), violation.to_string(), actions);
                }
            }
        }
    }

    fn answered(&mut self, _now: Timestamp, actions: &mut Vec<Action>) {
        self.session.answered(actions);
    }
}

/// A client that only listens.
pub(super) struct Listener;

impl Peer for Listener {
    fn received(&mut self, _bytes: &mut [u8], _now: Timestamp, _actions: &mut Vec<Action>) {}

    fn answered(&mut self, _now: Timestamp, _actions: &mut Vec<Action>) {}
}
