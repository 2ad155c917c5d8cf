//! One connection to a mail server, and the words spoken on it (RFC 5321), each with its answer.

use std::{fmt, io, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustls_pki_types::ServerName;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

/// Longest answer, in bytes: more than any server has to say.
const MAX_ANSWER_BYTES: u64 = 16 * 1024;

/// Bytes both ways, encrypted or not.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// An open connection that said hello.
pub(super) struct Connection {
    wire: BufReader<Box<dyn Wire>>,
    /// What the server offers, in capitals: `STARTTLS`, `AUTH PLAIN LOGIN`.
    offers: Vec<String>,
}

/// A good answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) code: u16,
    pub(super) text: String,
}

/// How a word went wrong.
#[derive(Debug)]
pub(super) enum Fault {
    /// The server answered so.
    Answered(Answer),
    /// It did not, or not so that it can be read.
    Silence(String),
}

/// How to encrypt.
#[derive(Clone)]
pub(super) struct Secure {
    pub(super) config: Arc<rustls::ClientConfig>,
    pub(super) name: ServerName<'static>,
}

impl Connection {
    /// Connects and reads the greeting. With `secure`, it is encrypted from the first byte.
    pub(super) async fn open(
        host: &str,
        port: u16,
        hello: &str,
        secure: Option<&Secure>,
        timeout: Duration,
    ) -> Result<Self, Fault> {
        let connecting = tokio::time::timeout(timeout, TcpStream::connect((host, port)));
        let stream =
            connecting.await.map_err(|_| Fault::Silence(format!("{host}:{port} does not answer")))?;
        let stream = stream.map_err(|error| Fault::Silence(format!("{host}:{port}: {error}")))?;
        // Each word waits for its answer: there is nothing to gather.
        stream.set_nodelay(true)?;
        let wire: Box<dyn Wire> = match secure {
            None => Box::new(stream),
            Some(secure) => encrypted(secure, stream).await?,
        };
        let mut connection = Self { wire: BufReader::new(wire), offers: Vec::new() };
        connection.answer().await?;
        connection.hello(hello).await?;
        Ok(connection)
    }

    /// Whether the server offers something.
    pub(super) fn offers(&self, word: &str) -> bool {
        self.offers.iter().any(|offer| offer.split(' ').next() == Some(word))
    }

    /// Goes on encrypted.
    pub(super) async fn secured(mut self, secure: &Secure, hello: &str) -> Result<Self, Fault> {
        self.say("STARTTLS").await?;
        // What came in the clear behind the answer would be taken for the server's encrypted words.
        if !self.wire.buffer().is_empty() {
            return Err(Fault::Silence("the server spoke on before the connection was encrypted".into()));
        }
        let wire = encrypted(secure, self.wire.into_inner()).await?;
        let mut connection = Self { wire: BufReader::new(wire), offers: Vec::new() };
        connection.hello(hello).await?;
        Ok(connection)
    }

    /// Logs in, by PLAIN or LOGIN, whichever is offered.
    pub(super) async fn login(&mut self, user: &str, password: &str) -> Result<(), Fault> {
        let ways = self.offers.iter().find(|offer| offer.starts_with("AUTH ") || offer.starts_with("AUTH="));
        let ways = ways.cloned().unwrap_or_default();
        let offered = |way: &str| ways.split([' ', '=']).any(|offer| offer == way);
        if offered("PLAIN") {
            let both = STANDARD.encode(format!("\0{user}\0{password}"));
            self.say(&format!("AUTH PLAIN {both}")).await?;
        } else if offered("LOGIN") {
            self.say("AUTH LOGIN").await?;
            self.say(&STANDARD.encode(user)).await?;
            self.say(&STANDARD.encode(password)).await?;
        } else {
            return Err(Fault::Silence("the mail server takes neither AUTH PLAIN nor AUTH LOGIN".into()));
        }
        Ok(())
    }

    /// Says one line and reads the answer. Lines are ours, and what comes from others in them was checked; should a
    /// line break have come through all the same, nothing is said: the server would take the rest for a command.
    pub(super) async fn say(&mut self, line: &str) -> Result<Answer, Fault> {
        if line.contains(['\r', '\n']) {
            return Err(Fault::Silence("a line break in a line of SMTP: nothing was sent".into()));
        }
        self.wire.write_all(format!("{line}\r\n").as_bytes()).await?;
        self.wire.flush().await?;
        self.answer().await
    }

    /// Sends a mail after `DATA`, and reads whether the server takes it.
    pub(super) async fn mail(&mut self, mail: &[u8]) -> Result<Answer, Fault> {
        self.wire.write_all(&stuffed(mail)).await?;
        self.wire.flush().await?;
        self.answer().await
    }

    async fn hello(&mut self, name: &str) -> Result<(), Fault> {
        let answer = self.say(&format!("EHLO {name}")).await?;
        self.offers = answer.text.lines().skip(1).map(str::to_ascii_uppercase).collect();
        Ok(())
    }

    async fn answer(&mut self) -> Result<Answer, Fault> {
        let mut limited = (&mut self.wire).take(MAX_ANSWER_BYTES);
        let mut lines: Vec<String> = Vec::new();
        loop {
            let mut line = Vec::new();
            limited.read_until(b'\n', &mut line).await?;
            if line.last() != Some(&b'\n') {
                let why = if line.is_empty() && lines.is_empty() {
                    "the mail server closed the connection"
                } else {
                    "the mail server's answer ends in the middle"
                };
                return Err(Fault::Silence(why.into()));
            }
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            let code = line.get(..3).and_then(|digits| digits.parse::<u16>().ok());
            let Some(code) = code.filter(|code| (200..600).contains(code)) else {
                return Err(Fault::Silence("the mail server's answer has no code".into()));
            };
            let goes_on = line.as_bytes().get(3) == Some(&b'-');
            lines.push(line.get(4..).unwrap_or_default().to_owned());
            if !goes_on {
                let answer = Answer { code, text: lines.join("\n") };
                return if code < 400 { Ok(answer) } else { Err(Fault::Answered(answer)) };
            }
        }
    }
}

async fn encrypted(
    secure: &Secure,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<Box<dyn Wire>, Fault> {
    let connector = TlsConnector::from(Arc::clone(&secure.config));
    let encrypted = connector.connect(secure.name.clone(), stream).await;
    encrypted.map(|wire| Box::new(wire) as Box<dyn Wire>).map_err(|error| Fault::Silence(error.to_string()))
}

/// A mail as it goes over the wire: a dot at a line's beginning is doubled, and a line with a dot alone is the end.
fn stuffed(mail: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(mail.len() + 64);
    for line in mail.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            out.push(b'.');
        }
        out.extend_from_slice(line);
    }
    if !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Silence(format!("the connection broke: {error}"))
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn over(said: &str) -> Connection {
        let wire: Box<dyn Wire> =
            Box::new(tokio::io::join(io::Cursor::new(said.as_bytes().to_vec()), tokio::io::sink()));
        Connection { wire: BufReader::new(wire), offers: Vec::new() }
    }

    #[tokio::test]
    async fn an_answer_of_many_lines_is_read_to_its_end() {
        let mut connection =
            over("250-mail.test\r\n250-AUTH PLAIN LOGIN\r\n250 StartTLS\r\n451 4.3.0 later\r\n");
        connection.hello("here").await.unwrap();
        assert!(connection.offers("STARTTLS") && connection.offers("AUTH") && !connection.offers("SMTPUTF8"));
        let Err(Fault::Answered(answer)) = connection.say("NOOP").await else { panic!("it is a refusal") };
        assert_eq!(answer.to_string(), "451 4.3.0 later");
    }

    #[tokio::test]
    async fn an_answer_that_is_none_is_a_fault() {
        let long = format!("250-{}\r\n", "x".repeat(100)).repeat(1_000);
        for said in ["", "250", "250-a\r\n", "hello\r\n", "999 a\r\n", "25\u{e4} a\r\n", "\r\n", &long] {
            let fault = over(said).say("NOOP").await.unwrap_err();
            assert!(matches!(fault, Fault::Silence(_)), "{said:.20}");
        }
    }

    #[test]
    fn a_dot_that_begins_a_line_does_not_end_the_mail() {
        assert_eq!(stuffed(b"a\r\n.\r\n..b\r\nc"), b"a\r\n..\r\n...b\r\nc\r\n.\r\n");
        assert_eq!(stuffed(b".a\r\n"), b"..a\r\n.\r\n");
        assert_eq!(stuffed(b""), b"\r\n.\r\n");
    }
}
