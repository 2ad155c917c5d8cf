//! What a connection says and means, as far as the hub must know: bytes in, actions out.
//!
//! The hub moves bytes and keeps order; the protocol is the gateway's, behind [`Peer`].

use bytes::Bytes;
use oyez_protocol::{CloseCode, Timestamp, TopicName, frame::client::ClientFrame};

/// The protocol of one connection: what its bytes mean. It never waits and never asks for the time.
pub trait Peer: Send {
    /// Bytes arrived; they may be changed in place. What follows from them is appended to `actions`.
    fn received(&mut self, bytes: &mut [u8], now: Timestamp, actions: &mut Vec<Action>);

    /// The command that was asked about last is answered, so the next may follow.
    fn answered(&mut self, now: Timestamp, actions: &mut Vec<Action>);
}

/// What a connection wants done, in order.
#[derive(Debug)]
pub enum Action {
    /// Send this frame on this connection.
    Frame(String),
    /// Send these bytes as they are.
    Raw(Bytes),
    /// Let the gateway carry out a command; [`super::Reply::Answer`] ends it. One at a time.
    Ask(Box<ClientFrame>),
    /// Stop hearing a topic on this connection.
    Unsubscribe(TopicName),
    /// End the connection, and say why.
    Close(CloseCode, String),
    /// The other side said goodbye: send what waits, then end.
    End,
}
