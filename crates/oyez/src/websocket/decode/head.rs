//! The two to fourteen bytes in front of a client frame's payload (RFC 6455 section 5.2).

use super::{Violation, message::room};

/// Longest head of a client's frame: two bytes, eight of length, four of mask.
pub(super) const MAX_HEAD: usize = 14;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Opcode {
    pub(super) fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) last: bool,
    pub(super) compressed: bool,
    pub(super) opcode: Opcode,
    pub(super) mask: [u8; 4],
    pub(super) length: u64,
}

impl Head {
    /// Whether the frame is a whole event by itself, which needs nothing but unmasking.
    pub(super) fn stands_alone(&self) -> bool {
        self.opcode.is_control() || (self.last && !self.compressed && self.opcode != Opcode::Continuation)
    }
}

/// What is allowed right now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) deflate: bool,
    /// Payload bytes the unfinished message may still take, if there is one.
    pub(super) unfinished: Option<u64>,
    pub(super) max_message: u32,
}

/// Reads a head from the front of `bytes`; `None` when more bytes are needed. Refuses at the first byte that
/// is wrong, however few have arrived, so that the answer does not depend on how the bytes were cut.
pub(super) fn parse(bytes: &[u8], rules: Rules) -> Result<Option<(Head, usize)>, Violation> {
    let Some(&first) = bytes.first() else { return Ok(None) };
    let last = first & 0x80 != 0;
    let compressed = first & 0x40 != 0;
    let opcode = match first & 0x0f {
        0 => Opcode::Continuation,
        1 => Opcode::Text,
        2 => Opcode::Binary,
        8 => Opcode::Close,
        9 => Opcode::Ping,
        10 => Opcode::Pong,
        other => return Err(Violation::ReservedOpcode(other)),
    };
    let may_compress = rules.deflate && matches!(opcode, Opcode::Text | Opcode::Binary);
    if first & 0x30 != 0 || (compressed && !may_compress) {
        return Err(Violation::ReservedBits);
    }
    if opcode.is_control() && !last {
        return Err(Violation::FragmentedControl);
    }
    match opcode {
        Opcode::Continuation if rules.unfinished.is_none() => return Err(Violation::NothingToContinue),
        Opcode::Text | Opcode::Binary if rules.unfinished.is_some() => {
            return Err(Violation::UnfinishedMessage);
        }
        _ => {}
    }

    let Some(&second) = bytes.get(1) else { return Ok(None) };
    if second & 0x80 == 0 {
        return Err(Violation::Unmasked);
    }
    let short = second & 0x7f;
    if opcode.is_control() && short > 125 {
        return Err(Violation::LongControl);
    }
    let (length, mask_at) = match short {
        126 => {
            let Some(length) = bytes.get(2..4) else { return Ok(None) };
            (u64::from(u16::from_be_bytes(length.try_into().expect("two bytes"))), 4)
        }
        127 => {
            let Some(length) = bytes.get(2..10) else { return Ok(None) };
            (u64::from_be_bytes(length.try_into().expect("eight bytes")), 10)
        }
        short => (u64::from(short), 2),
    };
    let shortest = match mask_at {
        4 => length > 125,
        10 => length > u64::from(u16::MAX) && length <= i64::MAX as u64,
        _ => true,
    };
    if !shortest {
        return Err(Violation::BadLength);
    }
    if !opcode.is_control() && length > rules.unfinished.unwrap_or(room(compressed, rules.max_message)) {
        return Err(Violation::TooBig { limit: rules.max_message });
    }
    let Some(mask) = bytes.get(mask_at..mask_at + 4) else { return Ok(None) };
    let mask = mask.try_into().expect("four bytes");
    Ok(Some((Head { last, compressed, opcode, mask, length }, mask_at + 4)))
}
