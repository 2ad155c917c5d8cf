//! `[email]`.

use std::{path::PathBuf, time::Duration};

use serde::Deserialize;

use super::{duration, path_or_none, text_or_none};

/// `[email]`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailConfig {
    /// How mail leaves.
    pub transport: EmailTransport,
    /// Who it is from.
    #[serde(deserialize_with = "text_or_none")]
    pub from: Option<String>,
    /// Where answers go.
    #[serde(deserialize_with = "text_or_none")]
    pub reply_to: Option<String>,
    /// What readers know the application as.
    pub app_name: String,
    /// Where the application is.
    #[serde(deserialize_with = "text_or_none")]
    pub app_url: Option<String>,
    /// Where readers choose what they are told.
    #[serde(deserialize_with = "text_or_none")]
    pub preferences_url: Option<String>,
    /// Every mail that a reader may do without says how to end it.
    pub unsubscribe: bool,
    /// The operator's templates.
    #[serde(deserialize_with = "path_or_none")]
    pub templates: Option<PathBuf>,
    /// The mail server.
    pub host: String,
    /// Its port; 0: the usual one.
    pub port: u16,
    /// How the connection is secured.
    pub tls: EmailTls,
    /// Certificates that are trusted beside the machine's, PEM.
    #[serde(deserialize_with = "path_or_none")]
    pub ca_file: Option<PathBuf>,
    /// The login.
    #[serde(deserialize_with = "text_or_none")]
    pub username: Option<String>,
    /// Its password.
    #[serde(deserialize_with = "text_or_none")]
    pub password: Option<String>,
    /// What this machine calls itself.
    #[serde(deserialize_with = "text_or_none")]
    pub hello: Option<String>,
    /// Connections at once.
    pub connections: usize,
    /// Mails at once to one domain.
    pub per_domain: usize,
    /// How long one step may take.
    #[serde(deserialize_with = "duration")]
    pub timeout: Duration,
    /// Where the transport `file` writes.
    #[serde(deserialize_with = "path_or_none")]
    pub folder: Option<PathBuf>,
}

/// How mail leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EmailTransport {
    /// Not at all.
    Off,
    /// By a mail server.
    Smtp,
    /// As files in a folder.
    File,
}

/// How the connection to the mail server is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EmailTls {
    /// It begins in the clear and must go on encrypted.
    Starttls,
    /// Encrypted from the first byte.
    Tls,
    /// Not at all.
    None,
}

impl EmailConfig {
    /// The port that is meant.
    pub fn port(&self) -> u16 {
        match (self.port, self.tls) {
            (0, EmailTls::Starttls) => 587,
            (0, EmailTls::Tls) => 465,
            (0, EmailTls::None) => 25,
            (port, _) => port,
        }
    }
}

impl std::fmt::Debug for EmailConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmailConfig")
            .field("transport", &self.transport)
            .field("from", &self.from)
            .field("host", &self.host)
            .field("port", &self.port())
            .field("tls", &self.tls)
            .field("username", &self.username)
            .field("password", &self.password.as_ref().map(|_| "(hidden)"))
            .finish_non_exhaustive()
    }
}
