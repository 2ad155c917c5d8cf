//! Reads what a client sent: strict, incremental, in place.
//!
//! [`Reader`] unmasks inside the caller's buffer and hands out slices of it. Only a frame or message that is cut
//! by the end of the buffer is copied aside, into memory that goes as soon as the message is complete: an idle
//! connection holds none.

mod head;
mod message;
mod violation;

#[cfg(test)]
mod tests;

use std::mem;

use head::{Head, MAX_HEAD, Opcode, Rules};
use message::Message;
pub use violation::Violation;

use crate::websocket::mask::unmask;

/// Largest message a client may send unless configured otherwise, in bytes.
pub const DEFAULT_MAX_MESSAGE: u32 = 64 * 1024;

/// One whole message or control frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// A text message, checked to be UTF-8.
    Text(&'a str),
    /// A binary message.
    Binary(&'a [u8]),
    /// Must be answered with a pong of the same payload.
    Ping(&'a [u8]),
    /// Answers a ping, or came unasked; both are fine.
    Pong(&'a [u8]),
    /// The client says goodbye. Nothing that follows is read.
    Close {
        /// Why, when the client said so; a code that may be sent back as it is.
        code: Option<u16>,
        /// For people; often empty.
        reason: &'a str,
    },
}

/// Where one connection's incoming stream stands.
#[derive(Debug)]
pub struct Reader {
    // All that is unfinished; `None` between frames.
    partial: Option<Box<Partial>>,
    max_message: u32,
    deflate: bool,
    ended: bool,
}

#[derive(Debug, Default)]
struct Partial {
    /// The beginning of a frame's head.
    head: [u8; MAX_HEAD],
    head_length: u8,
    /// The frame whose payload is arriving, and how much of it has.
    frame: Option<(Head, u64)>,
    /// The payload of a control frame that was cut.
    control: Vec<u8>,
    /// The data message in progress.
    message: Option<Message>,
    /// What the caller was given a reference to; dropped at its next call.
    handed_out: HandedOut,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum HandedOut {
    #[default]
    Nothing,
    Control,
    Message,
}

/// A whole message or control frame, and where its payload lies.
enum Ready<'b> {
    /// In the caller's buffer.
    InPlace(Opcode, &'b [u8]),
    /// In [`Partial::handed_out`].
    Aside(Opcode),
}

impl Reader {
    /// A reader for a fresh connection. `deflate`: permessage-deflate without client context takeover was agreed.
    pub fn new(max_message: u32, deflate: bool) -> Self {
        Self { partial: None, max_message, deflate, ended: false }
    }

    /// Takes the next event off the front of `input`, which is advanced and whose payload bytes are unmasked in
    /// place. `None` means all of `input` was taken; call until then, since the call that returns `None` also
    /// frees what the last event borrowed. After [`Event::Close`] or a violation everything is ignored.
    ///
    /// The sequence of events does not depend on how the stream was cut into inputs.
    pub fn next<'a, 'b: 'a>(&'a mut self, input: &mut &'b mut [u8]) -> Result<Option<Event<'a>>, Violation> {
        let ready = match self.advance(input) {
            Ok(Some(ready)) => ready,
            Ok(None) => return Ok(None),
            Err(violation) => {
                self.ended = true;
                self.partial = None;
                return Err(violation);
            }
        };
        let event = match ready {
            Ready::InPlace(opcode, payload) => event(opcode, payload),
            Ready::Aside(opcode) => event(opcode, self.partial.as_deref().map_or(&[], Partial::handed_out)),
        };
        self.ended = matches!(event, Ok(Event::Close { .. }) | Err(_));
        event.map(Some)
    }

    /// Whether a frame or message is unfinished: a connection that stays so for long is not idle but stuck.
    pub fn is_partial(&self) -> bool {
        self.partial.is_some()
    }

    fn advance<'b>(&mut self, input: &mut &'b mut [u8]) -> Result<Option<Ready<'b>>, Violation> {
        self.release();
        loop {
            if self.ended {
                *input = &mut [];
            }
            let Some((head, received)) = self.frame(input)? else { return Ok(None) };
            let missing = head.length - received;
            let available = missing.min(input.len() as u64);
            let (piece, rest) = mem::take(input).split_at_mut(available as usize);
            *input = rest;
            unmask(piece, head.mask, received);
            let is_whole = available == missing;
            if is_whole && received == 0 && head.stands_alone() {
                return Ok(Some(Ready::InPlace(head.opcode, piece)));
            }

            let partial = self.partial.get_or_insert_default();
            if piece.is_empty() && !is_whole {
                // Only the head has come: the payload may still be read in place.
                partial.frame = Some((head, received));
                return Ok(None);
            }
            if head.opcode.is_control() {
                partial.control.extend_from_slice(piece);
                if is_whole {
                    partial.handed_out = HandedOut::Control;
                    return Ok(Some(Ready::Aside(head.opcode)));
                }
            } else {
                let message =
                    partial.message.get_or_insert_with(|| Message::new(head.opcode, head.compressed));
                message.push(piece)?;
                if is_whole && head.last {
                    let opcode = message.finish(self.max_message)?;
                    partial.handed_out = HandedOut::Message;
                    return Ok(Some(Ready::Aside(opcode)));
                }
            }
            if !is_whole {
                partial.frame = Some((head, received + available));
                return Ok(None);
            }
        }
    }

    /// The frame whose payload comes next, and how much of it has been read.
    fn frame(&mut self, input: &mut &mut [u8]) -> Result<Option<(Head, u64)>, Violation> {
        if let Some(frame) = self.partial.as_mut().and_then(|partial| partial.frame.take()) {
            return Ok(Some(frame));
        }
        let message = self.partial.as_ref().and_then(|partial| partial.message.as_ref());
        let unfinished = message.map(|message| message.room(self.max_message));
        let rules = Rules { deflate: self.deflate, unfinished, max_message: self.max_message };

        if self.partial.as_ref().is_none_or(|partial| partial.head_length == 0) {
            if let Some((head, size)) = head::parse(input, rules)? {
                *input = &mut mem::take(input)[size..];
                return Ok(Some((head, 0)));
            }
            if input.is_empty() {
                return Ok(None);
            }
        }
        let partial = self.partial.get_or_insert_default();
        while let Some((byte, rest)) = mem::take(input).split_first_mut() {
            *input = rest;
            partial.head[usize::from(partial.head_length)] = *byte;
            partial.head_length += 1;
            let so_far = &partial.head[..usize::from(partial.head_length)];
            if let Some((head, _)) = head::parse(so_far, rules)? {
                partial.head_length = 0;
                return Ok(Some((head, 0)));
            }
        }
        Ok(None)
    }

    /// Drops what the last event borrowed, and the whole of `partial` when nothing is unfinished.
    fn release(&mut self) {
        let Some(partial) = &mut self.partial else { return };
        match mem::take(&mut partial.handed_out) {
            HandedOut::Nothing => {}
            HandedOut::Control => partial.control = Vec::new(),
            HandedOut::Message => partial.message = None,
        }
        if partial.message.is_none() && partial.frame.is_none() && partial.head_length == 0 {
            self.partial = None;
        }
    }
}

impl Partial {
    fn handed_out(&self) -> &[u8] {
        match (self.handed_out, &self.message) {
            (HandedOut::Control, _) => &self.control,
            (HandedOut::Message, Some(message)) => message.bytes(),
            _ => &[],
        }
    }
}

fn event(opcode: Opcode, payload: &[u8]) -> Result<Event<'_>, Violation> {
    let text = |bytes| simdutf8::basic::from_utf8(bytes).map_err(|_| Violation::InvalidUtf8);
    Ok(match opcode {
        Opcode::Text => Event::Text(text(payload)?),
        Opcode::Binary | Opcode::Continuation => Event::Binary(payload),
        Opcode::Ping => Event::Ping(payload),
        Opcode::Pong => Event::Pong(payload),
        Opcode::Close => match payload {
            [] => Event::Close { code: None, reason: "" },
            [_] => return Err(Violation::BadClose),
            [high, low, reason @ ..] => {
                let code = u16::from_be_bytes([*high, *low]);
                if !may_be_sent(code) {
                    return Err(Violation::BadClose);
                }
                Event::Close { code: Some(code), reason: text(reason)? }
            }
        },
    })
}

/// Close codes that may stand in a frame: RFC 6455 section 7.4 and the IANA registry (1012-1014), and the ranges
/// for libraries and applications.
fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}
