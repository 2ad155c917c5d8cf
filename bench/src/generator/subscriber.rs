//! One WebSocket connection that only listens, reading frames without an allocation per message.

use std::{
    collections::HashMap,
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr},
};

use mio::net::TcpStream;
use socket2::{Domain, Protocol, Socket, Type};

use super::{
    stamp::{StampFinder, number},
    tally::Tally,
};
use crate::clock;

/// Any sixteen bytes do; the answer to them is known beforehand.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &[u8] = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const SEQ: &[u8] = br#"{"seq":"#;
/// Compressed messages that are remembered: more than are on their way at once.
const MOST_KNOWN: usize = 4_096;

/// How a subscriber presents itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Greeting {
    /// Path and query.
    pub(crate) path: String,
    pub(crate) token: String,
    pub(crate) deflate: bool,
    /// The socket's receive buffer; `None`: the kernel's default.
    pub(crate) receive_buffer: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Connecting,
    Handshake,
    Open,
    Closed,
}

pub(crate) struct Subscriber {
    pub(crate) stream: TcpStream,
    pub(crate) state: State,
    /// Bytes of a frame, or of the handshake's answer, that was cut.
    carry: Vec<u8>,
    last_seq: u64,
}

/// Things all subscribers of a generator share.
pub(crate) struct Scratch {
    pub(crate) buffer: Box<[u8]>,
    pub(crate) finder: StampFinder,
    pub(crate) inflater: flate2::Decompress,
    pub(crate) inflated: Vec<u8>,
    /// Stamps of compressed messages that were unpacked lately: a fan-out sends the same bytes to all, and unpacking
    /// them a thousand times would measure the generator.
    known: HashMap<Box<[u8]>, u64>,
    /// The first stamped message, to show.
    pub(crate) sample: Option<String>,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Self {
            buffer: vec![0; 256 * 1024].into(),
            finder: StampFinder::new(),
            inflater: flate2::Decompress::new(false),
            inflated: Vec::with_capacity(128 * 1024),
            known: HashMap::new(),
            sample: None,
        }
    }
}

impl Subscriber {
    /// Starts to connect, from one of several loopback addresses, since one has ports for 28,000 connections only.
    pub(crate) fn connect(address: SocketAddr, source: u8, greeting: &Greeting) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
        socket.set_tcp_nodelay(true)?;
        if let Some(size) = greeting.receive_buffer {
            socket.set_recv_buffer_size(size)?;
        }
        if source > 0 {
            let from = SocketAddr::from((Ipv4Addr::new(127, 0, 0, 1 + source), 0));
            socket.bind(&from.into())?;
        }
        match socket.connect(&address.into()) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock && error.raw_os_error() != Some(115) => {
                return Err(error);
            }
            _ => {}
        }
        let stream = TcpStream::from_std(socket.into());
        Ok(Self { stream, state: State::Connecting, carry: Vec::new(), last_seq: 0 })
    }

    /// Connected or refused: sends the upgrade request.
    pub(crate) fn on_connected(&mut self, greeting: &Greeting) -> io::Result<()> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        let mut request = format!(
            "GET {} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n",
            greeting.path
        );
        if greeting.deflate {
            request.push_str("Sec-WebSocket-Extensions: permessage-deflate\r\n");
        }
        if !greeting.token.is_empty() {
            request.push_str("Authorization: Bearer ");
            request.push_str(&greeting.token);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        self.stream.write_all(request.as_bytes())?;
        self.state = State::Handshake;
        Ok(())
    }

    /// Reads what has arrived. An error means that the connection is over.
    pub(crate) fn on_readable(&mut self, scratch: &mut Scratch, tally: &mut Tally) -> io::Result<()> {
        let mut buffer = std::mem::take(&mut scratch.buffer);
        let outcome = loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => break Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
                Ok(length) => {
                    let now = clock::now();
                    if let Err(error) = self.take(&buffer[..length], now, scratch, tally) {
                        break Err(error);
                    }
                    // A short read has emptied the socket; the next arrival is a new event.
                    if length < buffer.len() {
                        break Ok(());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        scratch.buffer = buffer;
        outcome
    }

    fn take(&mut self, bytes: &[u8], now: u64, scratch: &mut Scratch, tally: &mut Tally) -> io::Result<()> {
        if self.carry.is_empty() && self.state == State::Open {
            let used = self.frames(bytes, now, scratch, tally)?;
            self.carry.extend_from_slice(&bytes[used..]);
            return Ok(());
        }
        let mut carry = std::mem::take(&mut self.carry);
        carry.extend_from_slice(bytes);
        let mut used = 0;
        if self.state == State::Handshake {
            match memchr::memmem::find(&carry, b"\r\n\r\n") {
                Some(end) => {
                    check_answer(&carry[..end])?;
                    self.state = State::Open;
                    used = end + 4;
                }
                None => {
                    self.carry = carry;
                    return Ok(());
                }
            }
        }
        used += self.frames(&carry[used..], now, scratch, tally)?;
        // Nothing is kept for a connection with nothing unfinished.
        if used < carry.len() {
            carry.drain(..used);
            self.carry = carry;
        }
        Ok(())
    }

    /// Takes whole frames off the front; returns how many bytes they had.
    fn frames(
        &mut self,
        bytes: &[u8],
        now: u64,
        scratch: &mut Scratch,
        tally: &mut Tally,
    ) -> io::Result<usize> {
        let mut used = 0;
        while let Some((first, start, end)) = frame_at(&bytes[used..]) {
            let payload = &bytes[used + start..used + end];
            match first & 0x0f {
                1 if first & 0x40 != 0 => {
                    tally.compressed += 1;
                    if let Some(stamp) = scratch.known.get(payload) {
                        tally.record(*stamp, now, end);
                        used += end;
                        continue;
                    }
                    let inflated = std::mem::take(&mut scratch.inflated);
                    let inflated = inflate(&mut scratch.inflater, payload, inflated)?;
                    self.text(&inflated, end, now, scratch, tally);
                    // Items differ by recipient in `seq`, which must be looked at.
                    if let Some(stamp) = scratch.finder.find(&inflated)
                        && !inflated.starts_with(SEQ)
                    {
                        if scratch.known.len() >= MOST_KNOWN {
                            scratch.known.clear();
                        }
                        scratch.known.insert(payload.into(), stamp);
                    }
                    scratch.inflated = inflated;
                }
                1 => self.text(payload, end, now, scratch, tally),
                8 => {
                    return Err(io::Error::other(format!("closed by the server: {:?}", close_code(payload))));
                }
                9 => self.pong(payload)?,
                _ => {}
            }
            used += end;
        }
        Ok(used)
    }

    fn text(&mut self, text: &[u8], bytes: usize, now: u64, scratch: &mut Scratch, tally: &mut Tally) {
        let Some(stamp) = scratch.finder.find(text) else {
            tally.other += 1;
            return;
        };
        tally.record(stamp, now, bytes);
        if let Some(seq) = text.strip_prefix(SEQ).and_then(number) {
            if self.last_seq != 0 && seq != self.last_seq + 1 {
                tally.out_of_order += 1;
            }
            self.last_seq = seq;
        }
        if scratch.sample.is_none() {
            scratch.sample = Some(String::from_utf8_lossy(&text[..text.len().min(400)]).into_owned());
        }
    }

    fn pong(&mut self, payload: &[u8]) -> io::Result<()> {
        // A mask of zeros leaves the payload as it is.
        let mut frame = vec![0x8a, 0x80 | payload.len() as u8, 0, 0, 0, 0];
        frame.extend_from_slice(payload);
        self.stream.write_all(&frame)
    }
}

fn check_answer(head: &[u8]) -> io::Result<()> {
    if head.starts_with(b"HTTP/1.1 101") && memchr::memmem::find(head, ACCEPT).is_some() {
        return Ok(());
    }
    let head = String::from_utf8_lossy(&head[..head.len().min(200)]).replace("\r\n", " | ");
    Err(io::Error::other(format!("the handshake was refused: {head}")))
}

/// First byte, start and end of the payload, when the whole frame is there.
fn frame_at(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let &[first, second, ..] = bytes else { return None };
    let (length, start) = match second & 0x7f {
        126 => (u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?) as usize, 4),
        127 => (u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?) as usize, 10),
        short => (usize::from(short), 2),
    };
    let end = start + length;
    (bytes.len() >= end).then_some((first, start, end))
}

fn inflate(inflater: &mut flate2::Decompress, packed: &[u8], mut into: Vec<u8>) -> io::Result<Vec<u8>> {
    inflater.reset(false);
    into.clear();
    for piece in [packed, &[0, 0, 0xff, 0xff]] {
        inflater.decompress_vec(piece, &mut into, flate2::FlushDecompress::Sync)?;
    }
    Ok(into)
}

fn close_code(payload: &[u8]) -> Option<u16> {
    payload.first_chunk().map(|code| u16::from_be_bytes(*code))
}
