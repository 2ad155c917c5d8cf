//! A server that only accepts, and sends each published body to every listener: no routing, no storage, no checks.
//!
//! `GET` makes a connection a listener (with a ready-made handshake); the body of each `POST` goes out to all of
//! them, as one WebSocket frame: with one `send` per message and socket, or coalesced, all that is waiting with one.

use std::io::{self, Read as _, Write as _};

use mio::{Events, Interest, Poll, Token, net::TcpListener, net::TcpStream};

const LISTENER: Token = Token(usize::MAX - 1);
const UPGRADED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
const ACCEPTED: &[u8] = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";

/// How the bare server sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// One `send` for each message to each socket.
    EachMessage,
    /// One `send` to each socket for all messages that wait.
    Coalesced,
}

impl How {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::EachMessage => "each-message",
            Self::Coalesced => "coalesced",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::EachMessage, Self::Coalesced].into_iter().find(|how| how.name() == name)
    }
}

struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
    unsent: Vec<u8>,
    listens: bool,
}

/// Serves until it is killed; prints its address first.
#[expect(clippy::print_stdout, reason = "whoever started this reads where to connect")]
pub(crate) fn serve(how: How) -> anyhow::Result<()> {
    let mut poll = Poll::new()?;
    let mut listener = bind()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    println!("{}", listener.local_addr()?);
    let mut events = Events::with_capacity(1024);
    let mut connections: Vec<Option<Connection>> = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut frames: Vec<u8> = Vec::new();
    let mut ends: Vec<usize> = Vec::new();
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                accept(&listener, &poll, &mut connections)?;
                continue;
            }
            let Token(at) = event.token();
            let Some(connection) = &mut connections[at] else { continue };
            let outcome = connection.flush().and_then(|()| {
                let published = connection.read(&mut buffer, &mut frames)?;
                if published {
                    ends.push(frames.len());
                }
                Ok(())
            });
            if outcome.is_err() {
                connections[at] = None;
            }
        }
        let listeners = connections.iter_mut().flatten().filter(|connection| connection.listens);
        match how {
            How::Coalesced if !frames.is_empty() => listeners.for_each(|listener| listener.send(&frames)),
            How::EachMessage if !frames.is_empty() => {
                let mut listeners: Vec<_> = listeners.collect();
                let mut start = 0;
                for end in &ends {
                    listeners.iter_mut().for_each(|listener| listener.send(&frames[start..*end]));
                    start = *end;
                }
            }
            _ => {}
        }
        frames.clear();
        ends.clear();
    }
}

fn bind() -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM.nonblocking(), None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    socket.listen(4096)?;
    Ok(TcpListener::from_std(socket.into()))
}

fn accept(
    listener: &TcpListener,
    poll: &Poll,
    connections: &mut Vec<Option<Connection>>,
) -> anyhow::Result<()> {
    loop {
        match listener.accept() {
            Ok((mut stream, _)) => {
                stream.set_nodelay(true)?;
                let interest = Interest::READABLE | Interest::WRITABLE;
                poll.registry().register(&mut stream, Token(connections.len()), interest)?;
                connections.push(Some(Connection {
                    stream,
                    received: Vec::new(),
                    unsent: Vec::new(),
                    listens: false,
                }));
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

impl Connection {
    /// Reads requests; true when a body was appended to `frames`.
    fn read(&mut self, buffer: &mut [u8], frames: &mut Vec<u8>) -> io::Result<bool> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) if !self.listens => self.received.extend_from_slice(&buffer[..length]),
                // A listener's pongs.
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        let Some(head) = memchr::memmem::find(&self.received, b"\r\n\r\n") else { return Ok(false) };
        if self.received.starts_with(b"GET ") {
            self.listens = true;
            self.received = Vec::new();
            self.send(UPGRADED);
            return Ok(false);
        }
        let text = String::from_utf8_lossy(&self.received[..head]).to_ascii_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
        let start = head + 4;
        if self.received.len() < start + length {
            return Ok(false);
        }
        match length {
            0..=125 => frames.extend_from_slice(&[0x81, length as u8]),
            _ => {
                frames.extend_from_slice(&[0x81, 126]);
                frames.extend_from_slice(&(length as u16).to_be_bytes());
            }
        }
        frames.extend_from_slice(&self.received[start..start + length]);
        self.received.clear();
        self.send(ACCEPTED);
        Ok(true)
    }

    fn send(&mut self, bytes: &[u8]) {
        if self.unsent.is_empty() {
            let sent = self.stream.write(bytes).unwrap_or(0);
            if sent == bytes.len() {
                return;
            }
            self.unsent.extend_from_slice(&bytes[sent..]);
        } else {
            self.unsent.extend_from_slice(bytes);
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(sent) => drop(self.unsent.drain(..sent)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
