//! What waits to be written to one socket: shared pieces, written with as few system calls as they allow.
//!
//! It never grows beyond what its owner lets in, and an empty one owns no memory.

use std::{
    collections::VecDeque,
    io::{self, IoSlice, Write},
};

use bytes::Bytes;

/// Slices handed to one system call; Linux takes 1,024 at most.
const MOST_SLICES: usize = 256;
/// As many do for a queue of a few frames, and cost less to lay out.
const FEW_SLICES: usize = 8;

/// A few bytes of one recipient's own, in front of what is shared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    bytes: [u8; Self::ROOM],
    length: u8,
}

impl Head {
    // The longest there is: `id: N`, `data: {"seq":N,` with twenty digits each.
    const ROOM: usize = 62;
    const NONE: Self = Self { bytes: [0; Self::ROOM], length: 0 };

    pub(super) fn new(bytes: &[u8]) -> Self {
        let mut head = Self::NONE;
        head.bytes[..bytes.len()].copy_from_slice(bytes);
        head.length = bytes.len() as u8;
        head
    }
}

/// One or more whole frames in a row.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    head: Head,
    body: Bytes,
    /// How many live-only events it holds; these may be given up when the other side does not read.
    events: u32,
}

impl Piece {
    /// Memory a piece takes beside its bytes.
    const COST: usize = size_of::<Self>();

    /// Frames that must arrive.
    pub(super) fn kept(body: Bytes) -> Self {
        Self { head: Head::NONE, body, events: 0 }
    }

    /// Live-only events: `count` frames in one buffer.
    pub(super) fn events(body: Bytes, count: u32) -> Self {
        Self { head: Head::NONE, body, events: count }
    }

    /// An inbox item.
    pub(super) fn item(head: Head, body: Bytes) -> Self {
        Self { head, body, events: 0 }
    }

    pub(super) fn head(&self) -> &[u8] {
        &self.head.bytes[..usize::from(self.head.length)]
    }

    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    pub(super) fn len(&self) -> usize {
        usize::from(self.head.length) + self.body.len()
    }
}

/// Whether everything went out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flush {
    /// Nothing waits.
    Drained,
    /// The socket takes no more now.
    Blocked,
}

/// The queue of one socket.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    pieces: VecDeque<Piece>,
    /// Bytes of the first piece that are written already.
    written: usize,
    /// Memory held: bytes that wait, and what keeps them.
    held: usize,
}

impl Outbox {
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Bytes of memory this queue holds on to.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    pub(super) fn push(&mut self, piece: Piece) {
        self.held += piece.len() + Piece::COST;
        self.pieces.push_back(piece);
    }

    /// Gives up the oldest live-only events until `room` bytes are free below `bound`, or none are left.
    /// Returns how many events were given up. One that is half written stays, or the stream would break.
    pub(super) fn make_room(&mut self, room: usize, bound: usize) -> u32 {
        let mut given_up = 0;
        let mut index = usize::from(self.written > 0);
        while self.held + room + Piece::COST > bound && index < self.pieces.len() {
            if self.pieces[index].events == 0 {
                index += 1;
                continue;
            }
            let Some(piece) = self.pieces.remove(index) else { break };
            self.held -= piece.len() + Piece::COST;
            given_up += piece.events;
        }
        given_up
    }

    /// Writes until nothing waits or the socket is full. Returns also how many bytes went out.
    pub(super) fn write_to(&mut self, socket: &mut impl Write) -> io::Result<(Flush, usize)> {
        let mut total = 0;
        while !self.pieces.is_empty() {
            match self.offer(socket) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    total += count;
                    self.advance(count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok((Flush::Blocked, total));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        // An idle connection keeps no queue.
        self.pieces = VecDeque::new();
        Ok((Flush::Drained, total))
    }

    /// Hands as much to the socket as one system call takes, in the cheapest way: most sockets are owed a single frame.
    fn offer(&self, socket: &mut impl Write) -> io::Result<usize> {
        match self.pieces.len() {
            1 if self.pieces[0].head().is_empty() => socket.write(&self.pieces[0].body()[self.written..]),
            few if few * 2 <= FEW_SLICES => self.offer_slices::<FEW_SLICES>(socket),
            _ => self.offer_slices::<MOST_SLICES>(socket),
        }
    }

    fn offer_slices<const MOST: usize>(&self, socket: &mut impl Write) -> io::Result<usize> {
        let mut slices = [IoSlice::new(&[]); MOST];
        let used = self.gather(&mut slices);
        socket.write_vectored(&slices[..used])
    }

    fn gather<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut used = 0;
        let mut skip = self.written;
        for piece in &self.pieces {
            if used + 2 > slices.len() {
                break;
            }
            for part in [piece.head(), piece.body()] {
                let skipped = skip.min(part.len());
                skip -= skipped;
                if skipped < part.len() {
                    slices[used] = IoSlice::new(&part[skipped..]);
                    used += 1;
                }
            }
        }
        used
    }

    fn advance(&mut self, count: usize) {
        self.written += count;
        while let Some(first) = self.pieces.front() {
            let length = first.len();
            if self.written < length {
                break;
            }
            self.written -= length;
            self.held -= length + Piece::COST;
            self.pieces.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many bytes at a time, and in all.
    struct Narrow {
        got: Vec<u8>,
        step: usize,
        room: usize,
    }

    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.room == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let count = bytes.len().min(self.step).min(self.room);
            self.got.extend_from_slice(&bytes[..count]);
            self.room -= count;
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn piece(text: &'static str) -> Piece {
        Piece::item(Head::new(b"<"), Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn pieces_arrive_whole_and_in_order_however_little_the_socket_takes() {
        for step in 1..9 {
            let mut outbox = Outbox::default();
            let mut socket = Narrow { got: Vec::new(), step, room: 5 };
            for text in ["one>", "two>", "three>"] {
                outbox.push(piece(text));
            }
            assert_eq!(outbox.write_to(&mut socket).unwrap(), (Flush::Blocked, 5));
            socket.room = 100;
            assert_eq!(outbox.write_to(&mut socket).unwrap(), (Flush::Drained, 12));
            assert_eq!(socket.got, b"<one><two><three>");
            assert_eq!((outbox.held(), outbox.is_empty()), (0, true));
        }
    }

    #[test]
    fn only_events_are_given_up_the_oldest_first_and_never_half_of_one() {
        let mut outbox = Outbox::default();
        let event = |text: &'static str| Piece::events(Bytes::from_static(text.as_bytes()), 1);
        for next in [event("e1"), piece("kept>"), event("e2"), event("e3")] {
            outbox.push(next);
        }
        let mut socket = Narrow { got: Vec::new(), step: 9, room: 1 };
        assert_eq!(outbox.write_to(&mut socket).unwrap().0, Flush::Blocked);
        let bound = outbox.held();
        assert_eq!(outbox.make_room(2, bound), 1, "e2 goes; e1 is half written");
        outbox.push(event("e4"));
        socket.room = 100;
        assert_eq!(outbox.write_to(&mut socket).unwrap().0, Flush::Drained);
        assert_eq!(socket.got, b"e1<kept>e3e4");
    }
}
