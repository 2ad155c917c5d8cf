//! One connection to a mail server, on which lettre speaks (RFC 5321) word by word, so that each answer is known by the
//! word it was given to. Connecting and encrypting are ours; `docs/decisions/0012-smtp-dialogue.md` says why.

use std::{error::Error as _, fmt, io};

use lettre::transport::smtp::{
    Error,
    authentication::{Credentials, DEFAULT_MECHANISMS},
    client::{AsyncSmtpConnection, AsyncTokioStream},
    commands::Starttls,
    extension::{ClientId, Extension},
    response::Response,
};
use tokio::net::TcpStream;

use super::{secure::Secure, wire::Wire};

/// An open connection that said hello.
pub(super) struct Connection {
    smtp: AsyncSmtpConnection,
}

/// An open connection that is to go on encrypted.
pub(super) struct Clear {
    connection: Connection,
    /// What it runs over, once more: lettre does not give its stream back.
    stream: TcpStream,
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

impl Connection {
    /// Connects and reads the greeting. With `secure`, it is encrypted from the first byte.
    pub(super) async fn open(
        host: &str,
        port: u16,
        hello: &ClientId,
        secure: Option<&Secure>,
    ) -> Result<Self, Fault> {
        let stream = connect(host, port).await?;
        match secure {
            None => Self::over(Wire::new(stream), hello).await,
            Some(secure) => Self::over(Wire::new(secure.encrypt(stream).await?), hello).await,
        }
    }

    async fn over(wire: impl AsyncTokioStream + 'static, hello: &ClientId) -> Result<Self, Fault> {
        let smtp = AsyncSmtpConnection::connect_with_transport(Box::new(wire), hello).await?;
        Ok(Self { smtp })
    }

    /// Whether the server offers something.
    pub(super) fn offers(&self, extension: Extension) -> bool {
        self.smtp.server_info().supports_feature(extension)
    }

    /// Logs in, by PLAIN or LOGIN, whichever is offered.
    pub(super) async fn login(&mut self, user: &str, password: &str) -> Result<(), Fault> {
        let login = Credentials::new(user.into(), password.into());
        self.smtp.auth(DEFAULT_MECHANISMS, &login).await?;
        Ok(())
    }

    /// Says one command and reads the answer. What comes from others in it was checked; should a line break have come
    /// through all the same, nothing is said: the server would take the rest for a command.
    pub(super) async fn say(&mut self, command: impl fmt::Display) -> Result<Answer, Fault> {
        let line = command.to_string();
        if line.strip_suffix("\r\n").unwrap_or(&line).contains(['\r', '\n']) {
            return Err(Fault::Silence("a line break in a line of SMTP: nothing was sent".into()));
        }
        Ok(self.smtp.command(line).await?.into())
    }

    /// Sends a mail after `DATA`, and reads whether the server takes it.
    pub(super) async fn mail(&mut self, mail: &[u8]) -> Result<Answer, Fault> {
        // The line end before the dot that ends the mail is lettre's.
        let mail = mail.strip_suffix(b"\r\n").unwrap_or(mail);
        Ok(self.smtp.message(mail).await?.into())
    }
}

impl Clear {
    /// Connects in the clear and reads the greeting.
    pub(super) async fn open(host: &str, port: u16, hello: &ClientId) -> Result<Self, Fault> {
        let stream = connect(host, port).await?.into_std()?;
        let wire = Wire::new(TcpStream::from_std(stream.try_clone()?)?);
        let connection = Connection::over(wire, hello).await?;
        Ok(Self { connection, stream: TcpStream::from_std(stream)? })
    }

    /// Whether the server offers to go on encrypted.
    pub(super) fn offers_starttls(&self) -> bool {
        self.connection.offers(Extension::StartTls)
    }

    /// Goes on encrypted, and says hello anew.
    ///
    /// Nothing that was read in the clear is known to the new connection (RFC 3207, section 4.2): neither what the
    /// server offered, nor what somebody may have sent behind its answer to be taken for its encrypted words.
    pub(super) async fn secured(mut self, secure: &Secure, hello: &ClientId) -> Result<Connection, Fault> {
        self.connection.say(Starttls).await?;
        drop(self.connection);
        Connection::over(Wire::greeted(secure.encrypt(self.stream).await?), hello).await
    }
}

async fn connect(host: &str, port: u16) -> Result<TcpStream, Fault> {
    let stream = TcpStream::connect((host, port)).await;
    let stream = stream.map_err(|error| Fault::Silence(format!("{host}:{port}: {error}")))?;
    // Each word waits for its answer: there is nothing to gather.
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        let text = response.message().collect::<Vec<_>>().join("\n");
        Self { code: response.code().into(), text }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let text = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        match error.status() {
            Some(code) => Self::Answered(Answer { code: code.into(), text }),
            None if error.is_response() => {
                Self::Silence(format!("the mail server's answer cannot be read: {text}"))
            }
            None if error.is_client() => Self::Silence(text),
            None => Self::Silence(format!("the connection broke: {text}")),
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Silence(error.to_string())
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.text)
    }
}

#[cfg(test)]
mod tests;
