//! What a connection is when it comes to the hub, and what others may know of it.

use std::{
    io::{self, IoSlice, Read, Write},
    net::{IpAddr, Shutdown, TcpStream},
    os::unix::net::UnixStream,
};

use mio::{Interest, Registry, Token, event::Source, net};
use oyez_core::{access::Rights, inbox::Standing};
use oyez_protocol::{BoardName, ConnectionId, RoleName, Seq, SessionId, Timestamp, TopicName, UserId};
use serde::Serialize;

use super::{encoding::Format, peer::Peer};

/// A connection to take over.
pub struct Attach {
    /// Names it.
    pub id: ConnectionId,
    /// Whose it is.
    pub user: UserId,
    /// What it receives.
    pub stream: Stream,
    /// How it wants its frames.
    pub format: Format,
    /// It asked for the frames that plain clients do not know.
    pub full: bool,
    /// The login it belongs to.
    pub session: Option<SessionId>,
    /// When its token ends and it is closed; `None`: never.
    pub expires_at: Option<Timestamp>,
    /// Topics it hears from the start, beside those its user is a member of.
    pub topics: Vec<TopicName>,
    /// Boards it watches from the start.
    pub boards: Vec<BoardName>,
    /// It watches every board that its user may see.
    pub all_boards: bool,
    /// Where it comes from.
    pub address: Option<IpAddr>,
    /// What its bytes mean.
    pub peer: Box<dyn Peer>,
    /// The socket.
    pub socket: Socket,
    /// Bytes that were read from the socket already.
    pub leftover: Box<[u8]>,
}

/// What a connection receives by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// The user's items, and events addressed to the user, their roles and topics.
    Notifications,
    /// Only events of the topics it subscribed to.
    Dashboard,
}

/// A non-blocking stream socket.
#[derive(Debug)]
pub enum Socket {
    /// The client's own connection.
    Tcp(net::TcpStream),
    /// One end of a pair whose other end a task pumps: TLS, HTTP/2, server-sent events.
    Pair(net::UnixStream),
}

impl Socket {
    /// Takes a TCP connection over.
    pub fn tcp(stream: TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self::Tcp(net::TcpStream::from_std(stream)))
    }

    /// Takes one end of a pair over.
    pub fn pair(stream: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self::Pair(net::UnixStream::from_std(stream)))
    }

    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.register(registry, token, Interest::READABLE),
            Self::Pair(stream) => stream.register(registry, token, Interest::READABLE),
        }
    }

    /// Says from now on also when it becomes writable. Most sockets are never full, so this is not asked for from
    /// the start; mio is edge-triggered, so once asked for it costs nothing.
    pub(super) fn watch_writable(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        match self {
            Self::Tcp(stream) => stream.reregister(registry, token, interest),
            Self::Pair(stream) => stream.reregister(registry, token, interest),
        }
    }

    pub(super) fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.deregister(registry),
            Self::Pair(stream) => stream.deregister(registry),
        }
    }

    pub(super) fn finish(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Self::Pair(stream) => stream.shutdown(Shutdown::Write),
        }
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Pair(stream) => stream.read(buffer),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Pair(stream) => stream.write(bytes),
        }
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write_vectored(slices),
            Self::Pair(stream) => stream.write_vectored(slices),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the operator sees of a connection.
#[derive(Debug, Clone, Serialize)]
pub struct ConnectionInfo {
    /// Names it.
    pub id: ConnectionId,
    /// Whose it is.
    pub user: UserId,
    /// What it receives.
    pub stream: Stream,
    /// `websocket` or `sse`.
    pub transport: &'static str,
    /// Where it comes from.
    pub address: Option<IpAddr>,
    /// Since when.
    pub connected_at: Timestamp,
    /// The last item handed to it.
    pub seq: Seq,
    /// Bytes that wait in memory because it does not read.
    pub waiting_bytes: usize,
}

/// What the store says about a user who is connected.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The user's head, roles and topics.
    pub standing: Standing,
    /// What [`super::Hub::users`] gave with the user before the store was read.
    pub version: u32,
    /// What the user's roles allow.
    pub rights: Rights,
}

/// How a connection's stream begins.
#[derive(Debug, Clone)]
pub struct Greeting {
    /// The first frames, in order.
    pub frames: Vec<String>,
    /// Items follow from right after this position.
    pub position: Seq,
    /// The newest item's position.
    pub head: Seq,
    /// The roles the user holds.
    pub roles: Vec<RoleName>,
    /// The topics the user is a member of.
    pub topics: Vec<TopicName>,
}
