//! Writes what a server sends: frame heads, control frames, and payloads framed once for many connections.
//!
//! A server's frames are not masked (RFC 6455 section 5.1), so one frame's bytes are right for every connection.
//! [`SharedText`] is a whole message; [`SharedItem`] a message whose first bytes differ by recipient. Both keep a
//! plain form and, when asked to, one compressed without context takeover for all who agreed to it.

mod shared;

#[cfg(test)]
mod tests;

use std::ops::Deref;

use bytes::Bytes;
use oyez_protocol::CloseCode;
pub use shared::{ItemHead, SharedItem, SharedText};

use crate::websocket::deflate::deflate;

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;
/// RSV1: the message is compressed (RFC 7692 section 6).
const COMPRESSED: u8 = 0x40;

/// Longest head of a server's frame.
const MAX_HEAD: usize = 10;
/// Longest payload of a control frame.
const MAX_CONTROL: usize = 125;

/// A few bytes on the stack; dereferences to the part in use.
#[derive(Debug, Clone, Copy)]
pub struct Short<const N: usize> {
    bytes: [u8; N],
    length: u8,
}

/// The head of a frame.
pub type Head = Short<MAX_HEAD>;
/// A whole control frame.
pub type Control = Short<{ MAX_CONTROL + 2 }>;

impl<const N: usize> Short<N> {
    const fn new() -> Self {
        assert!(N <= u8::MAX as usize, "the length must fit");
        Self { bytes: [0; N], length: 0 }
    }

    fn push(&mut self, bytes: &[u8]) {
        let start = usize::from(self.length);
        self.bytes[start..start + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len() as u8;
    }

    fn push_head(&mut self, first: u8, length: usize) {
        match length {
            0..=125 => self.push(&[first, length as u8]),
            126..=0xffff => {
                self.push(&[first, 126]);
                self.push(&(length as u16).to_be_bytes());
            }
            _ => {
                self.push(&[first, 127]);
                self.push(&(length as u64).to_be_bytes());
            }
        }
    }
}

impl<const N: usize> Deref for Short<N> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

impl<const N: usize> From<Short<N>> for Bytes {
    fn from(short: Short<N>) -> Self {
        Bytes::copy_from_slice(&short)
    }
}

/// The head of a text message of `length` bytes, sent as one frame.
pub fn text_head(length: usize) -> Head {
    head(TEXT, length)
}

/// The head of a binary message of `length` bytes, sent as one frame.
pub fn binary_head(length: usize) -> Head {
    head(BINARY, length)
}

fn head(first: u8, length: usize) -> Head {
    let mut head = Head::new();
    head.push_head(first, length);
    head
}

/// Appends a whole text message.
pub fn push_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&text_head(text.len()));
    out.extend_from_slice(text.as_bytes());
}

/// Appends a whole text message, compressed whatever its size; for a connection that agreed to it.
pub fn push_compressed_text(out: &mut Vec<u8>, text: &str) {
    push_compressed(out, TEXT, text.as_bytes());
}

/// Appends a whole binary message, compressed whatever its size; for a connection that agreed to it.
pub fn push_compressed_binary(out: &mut Vec<u8>, bytes: &[u8]) {
    push_compressed(out, BINARY, bytes);
}

fn push_compressed(out: &mut Vec<u8>, first: u8, body: &[u8]) {
    let packed = deflate(body);
    out.extend_from_slice(&head(first | COMPRESSED, packed.len()));
    out.extend_from_slice(&packed);
}

/// A ping without payload: the pong that answers it needs none.
pub fn ping() -> Control {
    control(PING, &[])
}

/// The answer to a ping; `payload` is the ping's, of at most 125 bytes.
pub fn pong(payload: &[u8]) -> Control {
    control(PONG, payload)
}

/// A close frame of ours. The reason is cut to what fits.
pub fn close(code: CloseCode, reason: &str) -> Control {
    let fits = reason.floor_char_boundary(MAX_CONTROL - 2);
    let mut frame = Control::new();
    frame.push_head(CLOSE, 2 + fits);
    frame.push(&code.as_u16().to_be_bytes());
    frame.push(&reason.as_bytes()[..fits]);
    frame
}

/// The answer to a client's close frame: the same code, or none when it gave none.
pub fn close_reply(code: Option<u16>) -> Control {
    match code {
        Some(code) => control(CLOSE, &code.to_be_bytes()),
        None => control(CLOSE, &[]),
    }
}

fn control(first: u8, payload: &[u8]) -> Control {
    let payload = &payload[..payload.len().min(MAX_CONTROL)];
    let mut frame = Control::new();
    frame.push_head(first, payload.len());
    frame.push(payload);
    frame
}
