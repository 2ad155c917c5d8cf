//! One HTTP/1.1 keep-alive connection that sends a request, waits for its answer, and is free again.

use std::{
    io::{self, Read as _, Write as _},
    net::SocketAddr,
};

use mio::net::TcpStream;

/// A request on its way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InFlight {
    pub(crate) sent_at: u64,
    /// Whether it belongs to the measured window.
    pub(crate) counts: bool,
}

pub(crate) struct Publisher {
    pub(crate) stream: TcpStream,
    pub(crate) in_flight: Option<InFlight>,
    received: Vec<u8>,
    unsent: Vec<u8>,
}

/// An answer: its status and the beginning of its body.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Publisher {
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = std::net::TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let stream = TcpStream::from_std(stream);
        Ok(Self { stream, in_flight: None, received: Vec::new(), unsent: Vec::new() })
    }

    pub(crate) fn send(&mut self, request: &[u8], in_flight: InFlight) -> io::Result<()> {
        self.in_flight = Some(in_flight);
        self.unsent.extend_from_slice(request);
        self.flush()
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(sent) => drop(self.unsent.drain(..sent)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads; returns the answer once it is whole.
    pub(crate) fn on_readable(&mut self, buffer: &mut [u8]) -> io::Result<Option<Answer>> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => self.received.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        let Some(head) = memchr::memmem::find(&self.received, b"\r\n\r\n") else { return Ok(None) };
        let text = String::from_utf8_lossy(&self.received[..head]).to_ascii_lowercase();
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
        let end = head + 4 + length;
        if self.received.len() < end {
            return Ok(None);
        }
        let body = &self.received[head + 4..end];
        let body = String::from_utf8_lossy(&body[..body.len().min(500)]).into_owned();
        self.received.clear();
        Ok(Some(Answer { status, body }))
    }
}
