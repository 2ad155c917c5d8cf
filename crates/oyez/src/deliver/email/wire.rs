//! What lettre speaks over: a stream that hands out what the mail server says line by line, as lettre can read it.
//!
//! lettre has a line in memory before it looks how long it is, and knows only answers that are written as RFC 5321 asks
//! servers to write. Clients are asked for more: an answer that is overlooked after a mail was sent makes a second copy.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncBufRead as _, AsyncRead, AsyncWrite, BufReader, ReadBuf};

/// Longest line, in bytes; the rest of a longer one is left out. The protocol allows 512, lettre takes 1000.
const MAX_LINE_BYTES: usize = 900;
/// What a server may offer and a mail may need.
const OFFERS: [&str; 3] = ["STARTTLS", "AUTH", "SMTPUTF8"];

/// A stream to a mail server.
#[derive(Debug)]
pub(super) struct Wire<S> {
    stream: BufReader<S>,
    /// The beginning of a line that has no end yet.
    begun: Vec<u8>,
    /// What is left of a line that is being read.
    line: Vec<u8>,
}

impl<S: AsyncRead> Wire<S> {
    /// Over a stream on which the server speaks first.
    pub(super) fn new(stream: S) -> Self {
        Self { stream: BufReader::new(stream), begun: Vec::new(), line: Vec::new() }
    }

    /// Over a stream on which the server waits to be spoken to. lettre waits for a greeting, and finds this one.
    pub(super) fn greeted(stream: S) -> Self {
        Self { line: b"220 \r\n".to_vec(), ..Self::new(stream) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        while wire.line.is_empty() {
            let there = ready!(Pin::new(&mut wire.stream).poll_fill_buf(context))?;
            if there.is_empty() {
                let closed = "the mail server closed it";
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::UnexpectedEof, closed)));
            }
            let end = there.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(there.len(), |at| at + 1);
            let room = MAX_LINE_BYTES.saturating_sub(wire.begun.len());
            wire.begun.extend_from_slice(&there[..taken.min(room)]);
            Pin::new(&mut wire.stream).consume(taken);
            if end.is_some() {
                wire.line = readable(&wire.begun).into_bytes();
                wire.begun.clear();
            }
        }
        let count = wire.line.len().min(out.remaining());
        out.put_slice(&wire.line[..count]);
        wire.line.drain(..count);
        Poll::Ready(Ok(()))
    }
}

/// A line as lettre can read it: text, of bearable length, with a space behind a code that stands alone, with the
/// protocol's line end, and its offers in capitals. `AUTH=PLAIN` is how logins were offered before there was a standard.
///
/// A code of a kind that the protocol does not have, such as 571, becomes the general one of its class and stands in the
/// text: what matters is the first digit.
fn readable(line: &[u8]) -> String {
    let mut line = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
    line.truncate(line.floor_char_boundary(MAX_LINE_BYTES));
    if line.len() == 3 {
        line.push(' ');
    }
    if let [class @ b'2'..=b'5', b'6'..=b'9', b'0'..=b'9', b' ' | b'-', ..] = *line.as_bytes() {
        let (code, text) = line.split_at(3);
        line = format!("{}50{}{code} {}", char::from(class), &text[..1], &text[1..]);
    }
    let word = line.get(4..).and_then(|text| text.split([' ', '=']).next()).unwrap_or_default();
    if OFFERS.iter().any(|offer| offer.eq_ignore_ascii_case(word)) {
        line = line.to_ascii_uppercase().replacen('=', " ", 1);
    }
    line + "\r\n"
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

impl<S> AsyncTokioStream for Wire<S>
where
    S: AsyncRead + AsyncWrite + std::fmt::Debug + Unpin + Send + Sync,
{
    /// lettre's trait has it, its dialogue never asks.
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    #[test]
    fn a_line_is_made_readable() {
        let long = [b"250 ".as_slice(), &[0xe4; 2_000]].concat();
        assert!(readable(&long).len() < 1_000);
        let lines: [(&[u8], &str); _] = [
            (b"250 2.0.0 OK\r\n", "250 2.0.0 OK\r\n"),
            (b"250\r\n", "250 \r\n"),
            (b"250 \r\n", "250 \r\n"),
            (b"250-\r\n", "250-\r\n"),
            (b"354 go\n", "354 go\r\n"),
            (b"550 pas trouv\xe9\r\n", "550 pas trouv\u{fffd}\r\n"),
            (b"250-StartTLS\r\n", "250-STARTTLS\r\n"),
            (b"250-auth plain login\r\n", "250-AUTH PLAIN LOGIN\r\n"),
            (b"250-AUTH=PLAIN LOGIN\r\n", "250-AUTH PLAIN LOGIN\r\n"),
            (b"250-SIZE=1\r\n", "250-SIZE=1\r\n"),
            (b"535 Authentication failed\r\n", "535 Authentication failed\r\n"),
            (b"571-Not\r\n", "550-571 Not\r\n"),
            (b"471 later\r\n", "450 471 later\r\n"),
            (b"571\r\n", "550 571 \r\n"),
            (b"\r\n", "\r\n"),
        ];
        for (said, read) in lines {
            assert_eq!(readable(said), read);
        }
    }

    #[tokio::test]
    async fn one_line_is_read_at_a_time_and_an_endless_one_is_not_kept() {
        let said = format!("250-{}\r\n250 b\r\n250 c", "a".repeat(100_000));
        let mut wire = Wire::greeted(said.as_bytes());
        let mut read = [0; 2_000];
        for expected in [6, MAX_LINE_BYTES + 2, 7] {
            assert_eq!(wire.read(&mut read).await.unwrap(), expected);
            assert!(read[..expected].ends_with(b"\r\n") && wire.begun.capacity() <= 2 * MAX_LINE_BYTES);
        }
        assert_eq!(wire.read(&mut read).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
