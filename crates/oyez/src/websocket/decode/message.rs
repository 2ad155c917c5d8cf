//! A message that arrives in pieces.

use super::{Violation, head::Opcode};
use crate::websocket::deflate::{InflateError, inflate};

/// Compressed bytes beyond the limit that are let through: what DEFLATE may add to a body that does not shrink.
const DEFLATE_SLACK: u64 = 1024;

#[derive(Debug)]
pub(super) struct Message {
    opcode: Opcode,
    compressed: bool,
    payload: Vec<u8>,
    /// Bytes at the front of `payload` known to be UTF-8.
    checked: usize,
}

impl Message {
    pub(super) fn new(opcode: Opcode, compressed: bool) -> Self {
        Self { opcode, compressed, payload: Vec::new(), checked: 0 }
    }

    pub(super) fn room(&self, max_message: u32) -> u64 {
        room(self.compressed, max_message) - self.payload.len() as u64
    }

    /// Takes one unmasked piece. Text is checked as it comes, so that a message that can never be right is
    /// refused at its first wrong byte and not at its end.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), Violation> {
        self.payload.extend_from_slice(piece);
        if self.opcode != Opcode::Text || self.compressed {
            return Ok(());
        }
        match simdutf8::compat::from_utf8(&self.payload[self.checked..]) {
            Ok(_) => self.checked = self.payload.len(),
            // `None`: cut inside a character that may still turn out right.
            Err(error) if error.error_len().is_none() => self.checked += error.valid_up_to(),
            Err(_) => return Err(Violation::InvalidUtf8),
        }
        Ok(())
    }

    /// Unpacks the whole; afterwards [`Message::bytes`] is what was sent. Unpacked text is yet to be checked.
    pub(super) fn finish(&mut self, max_message: u32) -> Result<Opcode, Violation> {
        if self.compressed {
            self.payload = unpack(&self.payload, max_message)?;
        } else if self.opcode == Opcode::Text && self.checked < self.payload.len() {
            return Err(Violation::InvalidUtf8);
        }
        Ok(self.opcode)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.payload
    }
}

/// Payload bytes a new message may take.
pub(super) fn room(compressed: bool, max_message: u32) -> u64 {
    u64::from(max_message) + if compressed { DEFLATE_SLACK } else { 0 }
}

fn unpack(packed: &[u8], max_message: u32) -> Result<Vec<u8>, Violation> {
    inflate(packed, max_message as usize).map_err(|error| match error {
        InflateError::Malformed => Violation::BadDeflate,
        InflateError::TooBig => Violation::TooBig { limit: max_message },
    })
}
