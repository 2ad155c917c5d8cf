//! A client that costs as little as possible: HTTP/1.1 requests on a kept connection, and a reader of WebSocket frames.

use std::io;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};

use super::Target;

/// One kept connection.
pub(super) struct Connection {
    stream: BufReader<TcpStream>,
    head: String,
}

impl Connection {
    /// Connects, for requests with the target's key.
    pub(super) async fn open(target: &Target) -> io::Result<Self> {
        let stream = TcpStream::connect(&target.address).await?;
        stream.set_nodelay(true)?;
        let head = format!(
            "Host: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n",
            target.address, target.key
        );
        Ok(Self { stream: BufReader::with_capacity(4096, stream), head })
    }

    /// Posts a body and returns status and answer.
    pub(super) async fn post(&mut self, path: &str, body: &str) -> io::Result<(u16, String)> {
        let request =
            format!("POST {path} HTTP/1.1\r\n{}Content-Length: {}\r\n\r\n{body}", self.head, body.len());
        self.stream.get_mut().write_all(request.as_bytes()).await?;
        let head = self.read_head().await?;
        let length = header(&head, "content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer).await?;
        Ok((status(&head)?, String::from_utf8_lossy(&answer).into_owned()))
    }

    /// Turns the connection into a live stream.
    pub(super) async fn upgrade(mut self, path: &str, host: &str) -> io::Result<Frames> {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        self.stream.get_mut().write_all(request.as_bytes()).await?;
        let head = self.read_head().await?;
        match status(&head)? {
            101 => Ok(Frames { stream: self.stream }),
            other => Err(io::Error::other(format!("the live stream was refused with {other}"))),
        }
    }

    async fn read_head(&mut self) -> io::Result<String> {
        let mut head = Vec::with_capacity(512);
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.stream.read_u8().await?);
        }
        Ok(String::from_utf8_lossy(&head).into_owned())
    }
}

/// The server's frames.
pub(super) struct Frames {
    stream: BufReader<TcpStream>,
}

impl Frames {
    /// The next frame's payload; servers neither mask nor, here, fragment (RFC 6455 section 5.2).
    pub(super) async fn next(&mut self) -> io::Result<Vec<u8>> {
        let _opcode = self.stream.read_u8().await?;
        let length = match self.stream.read_u8().await? & 0x7f {
            126 => usize::from(self.stream.read_u16().await?),
            127 => usize::try_from(self.stream.read_u64().await?).map_err(io::Error::other)?,
            short => usize::from(short),
        };
        let mut payload = vec![0; length];
        self.stream.read_exact(&mut payload).await?;
        Ok(payload)
    }
}

fn status(head: &str) -> io::Result<u16> {
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    status.ok_or_else(|| io::Error::other("the answer is not HTTP"))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
