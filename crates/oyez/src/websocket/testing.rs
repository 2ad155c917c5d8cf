//! Entry points that the tests and the fuzz targets share: they feed hostile bytes and check what must hold.
//!
//! Compiled for tests and for the feature `fuzzing` only.

use super::decode::{Event, Reader, Violation};

/// An event that outlives its reader.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "mirrors `Event`")]
pub enum Owned {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, String),
    Violation(Violation),
}

impl From<Event<'_>> for Owned {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Text(text) => Self::Text(text.into()),
            Event::Binary(bytes) => Self::Binary(bytes.into()),
            Event::Ping(bytes) => Self::Ping(bytes.into()),
            Event::Pong(bytes) => Self::Pong(bytes.into()),
            Event::Close { code, reason } => Self::Close(code, reason.into()),
        }
    }
}

/// All events of a stream that arrives at once.
pub fn events(bytes: &[u8], max_message: u32, deflate: bool) -> Vec<Owned> {
    events_cut(bytes, max_message, deflate, |_| usize::MAX)
}

/// All events of a stream that arrives in pieces; `size` says how long the piece at an offset is.
pub fn events_cut(
    bytes: &[u8],
    max_message: u32,
    deflate: bool,
    mut size: impl FnMut(usize) -> usize,
) -> Vec<Owned> {
    let mut reader = Reader::new(max_message, deflate);
    let mut events = Vec::new();
    let mut offset = 0;
    while offset < bytes.len() {
        let end = offset.saturating_add(size(offset).max(1)).min(bytes.len());
        let mut piece = bytes[offset..end].to_vec();
        let mut input = &mut piece[..];
        loop {
            match reader.next(&mut input) {
                Ok(Some(event)) => events.push(event.into()),
                Ok(None) => break,
                Err(violation) => events.push(Owned::Violation(violation)),
            }
        }
        assert!(input.is_empty(), "a reader that wants no more has taken all");
        offset = end;
    }
    events
}

/// A client's frame: `first` is FIN, reserved bits and opcode.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..=125 => bytes.push(0x80 | length as u8),
        length @ 126..=0xffff => {
            bytes.push(0xfe);
            bytes.extend((length as u16).to_be_bytes());
        }
        length => {
            bytes.push(0xff);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    let mask = [0x37, 0xfa, 0x21, payload.len() as u8];
    bytes.extend(mask);
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// Reads any bytes with and without permessage-deflate, whole and cut by rules taken from the bytes themselves,
/// and panics when the events differ or go on after an end.
pub fn read_any(bytes: &[u8]) {
    const MAX: u32 = 512;
    for deflate in [false, true] {
        let whole = events(bytes, MAX, deflate);
        let ends = |event: &Owned| matches!(event, Owned::Violation(_) | Owned::Close(..));
        if let Some(end) = whole.iter().position(ends) {
            assert_eq!(end + 1, whole.len(), "nothing follows an end");
        }
        assert_eq!(events_cut(bytes, MAX, deflate, |_| 1), whole, "byte by byte");
        let uneven = |offset: usize| usize::from(bytes[offset] % 23) + 1;
        assert_eq!(events_cut(bytes, MAX, deflate, uneven), whole, "unevenly cut");
    }
}

/// Reads any text as a session's command and panics when the answer cannot be sent back.
pub fn command_any(text: &str) {
    use oyez_protocol::frame::{client::ClientFrame, server};

    match ClientFrame::parse(text) {
        Ok(frame) => {
            let _ = format!("{frame:?}");
        }
        Err(refused) => {
            let answer = server::error(refused.reference.as_deref(), refused.code, &refused.message);
            assert!(answer.len() < 2048, "a refusal does not echo the input: {} bytes", answer.len());
        }
    }
}

/// Seeds of the generated cases: 10,000, or as many as `OYEZ_CASES` says.
pub fn seeds() -> std::ops::Range<u64> {
    let count = std::env::var("OYEZ_CASES").ok().and_then(|count| count.parse().ok());
    0..count.unwrap_or(10_000)
}

/// A small fast generator (SplitMix64), so that a seed names a case for ever.
pub struct Dice(u64);

impl Dice {
    /// Starts the sequence that belongs to `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    fn byte(&mut self) -> u8 {
        self.below(256) as u8
    }
}

/// A stream of a few frames, mostly right, with some bytes broken: deeper reaching than noise.
pub fn hostile_stream(seed: u64) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    let mut stream = Vec::new();
    for _ in 0..=dice.below(6) {
        let first = match dice.below(10) {
            0 => dice.byte(),
            1 => 0xc1,
            2 => 0x01,
            3 | 4 => 0x80,
            5 => 0x00,
            6 => 0x89,
            7 => [0x88, 0x8a][dice.below(2) as usize],
            _ => 0x81,
        };
        let longest = [8, 130, 700][dice.below(3) as usize];
        let length = dice.below(longest) as usize;
        let body: Vec<u8> = match dice.below(4) {
            0 => (0..length).map(|_| dice.byte()).collect(),
            1 => "añ€😀".bytes().cycle().take(length).collect(),
            _ => (0..length).map(|_| b' ' + dice.below(90) as u8).collect(),
        };
        stream.extend(frame(first, &body));
    }
    for _ in 0..dice.below(4) {
        let at = dice.below(stream.len() as u64) as usize;
        match dice.below(4) {
            0 => stream[at] = dice.byte(),
            1 => stream[at] ^= 1 << dice.below(8),
            2 => {
                stream.remove(at);
            }
            _ => stream.insert(at, dice.byte()),
        }
        if stream.is_empty() {
            break;
        }
    }
    stream
}

/// A command that is mostly right, with some of its text broken.
pub fn hostile_command(seed: u64) -> String {
    const TYPES: [&str; 16] = [
        "ping",
        "mark_seen",
        "mark_read",
        "mark_unread",
        "archive",
        "clear_all",
        "subscribe",
        "unsubscribe",
        "signal",
        "auth",
        "history",
        "cancel_job",
        "",
        "nonsense",
        "PING",
        "\\u0000",
    ];
    const KEYS: [&str; 16] = [
        "type",
        "timestamp",
        "id",
        "ids",
        "all",
        "up_to_seq",
        "topic",
        "name",
        "token",
        "before",
        "limit",
        "job_id",
        "ref",
        "seq",
        "message",
        "é",
    ];
    let mut dice = Dice::new(seed);
    let mut text = String::from("{");
    if dice.below(20) > 0 {
        text.push_str(&format!(r#""type":"{}""#, TYPES[dice.below(16) as usize]));
    }
    for _ in 0..dice.below(6) {
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(&format!(r#""{}":"#, KEYS[dice.below(16) as usize]));
        match dice.below(10) {
            0 => text.push_str(&dice.below(u64::MAX).to_string()),
            1 => text.push_str("-1"),
            2 => text.push_str("1e999"),
            3 => text.push_str("null"),
            4 => text.push_str("true"),
            5 => text.push_str(&format!("{:?}", "x".repeat(dice.below(40_000) as usize))),
            6 => text.push_str(r#""0198f2a0-0000-7000-8000-000000000000""#),
            7 => text.push_str(&"[".repeat(dice.below(300) as usize)),
            8 => text.push_str(r#"["0198f2a0-0000-7000-8000-000000000000"]"#),
            _ => text.push_str(r#""business-7""#),
        }
    }
    text.push('}');
    for _ in 0..dice.below(3) {
        let at = text.floor_char_boundary(dice.below(text.len() as u64 + 1) as usize);
        match dice.below(3) {
            0 => text.truncate(at),
            1 => text.insert(at, char::from_u32(dice.below(0x3000) as u32).unwrap_or('?')),
            _ => text.insert_str(at, ["\"", "\\", "{", "}", ",", "\u{0}"][dice.below(6) as usize]),
        }
    }
    text
}
