//! E-mail: renders a parcel, writes the mail, and gives it to the mail server or to a folder.
//!
//! In reading order: `letter` is what the parcel tells, `mail` writes it safely, `smtp` speaks to the server over a
//! `connection` (which is `secure`, and lettre's over a `wire`), `answer` says what the server's words mean, `file`
//! writes for development. A mail that the server took just before the connection broke is sent again, under the same
//! `Message-ID`.

mod answer;
mod connection;
mod file;
mod letter;
mod mail;
mod secure;
mod smtp;
mod wire;

use std::{path::PathBuf, time::Duration};

use futures_util::future::BoxFuture;
use jiff::tz::TimeZone;
use lettre::message::Mailbox;
use oyez_core::{
    clock::Clock,
    delivery::{self, Outcome},
};
use oyez_store::Parcel;

use super::{Medium, Sent};
use crate::{
    templates::{Message, Templates},
    unsubscribe::Unsubscribe,
};
use smtp::Smtp;

pub use smtp::{Security, SmtpOptions};

/// Parcels that wait for a turn beside those that are sent, so that one slow domain does not hold up the others.
const WAITING: usize = 4;
/// Files that are written at once.
const FILES: usize = 16;

/// What e-mail is made of.
pub struct Parts {
    /// Who mails are from: `Example <notify@example.com>`.
    pub from: String,
    /// Where answers go; `None`: to the sender.
    pub reply_to: Option<String>,
    /// How mail leaves.
    pub transport: Transport,
    /// The words.
    pub templates: Templates,
    /// Links that end mails; `None`: there are none.
    pub unsubscribe: Option<Unsubscribe>,
    /// Where readers choose what they are told; `None`: where the link leads.
    pub preferences_url: Option<String>,
    /// Where the clock of a reader hangs whose profile does not say.
    pub zone: TimeZone,
    /// The time.
    pub clock: Clock,
}

/// How mail leaves.
#[derive(Debug, Clone)]
pub enum Transport {
    /// By a mail server.
    Smtp(SmtpOptions),
    /// As files in this folder.
    File(PathBuf),
}

/// E-mail.
pub struct Email {
    from: Mailbox,
    reply_to: Option<Mailbox>,
    carrier: Carrier,
    deadline: Duration,
    templates: Templates,
    unsubscribe: Option<Unsubscribe>,
    preferences_url: Option<String>,
    zone: TimeZone,
    clock: Clock,
}

enum Carrier {
    Smtp(Box<Smtp>),
    File(PathBuf),
}

impl Email {
    /// Prepares it; connects to nothing. The error names the setting that cannot be used.
    pub fn new(parts: Parts) -> Result<Self, String> {
        let mailbox = |key: &str, text: &str| {
            text.parse().map_err(|_| format!("email.{key}: expected a name and an address, given {text:?}"))
        };
        let (carrier, deadline) = match parts.transport {
            Transport::Smtp(options) => {
                // Seven steps, of which all but the connection are quick where anything works at all.
                let deadline = options.timeout * 4;
                (Carrier::Smtp(Box::new(Smtp::new(options)?)), deadline)
            }
            Transport::File(folder) => (Carrier::File(folder), Duration::from_secs(60)),
        };
        Ok(Self {
            from: mailbox("from", &parts.from)?,
            reply_to: parts.reply_to.as_deref().map(|text| mailbox("reply_to", text)).transpose()?,
            carrier,
            deadline,
            templates: parts.templates,
            unsubscribe: parts.unsubscribe,
            preferences_url: parts.preferences_url,
            zone: parts.zone,
            clock: parts.clock,
        })
    }

    /// One attempt; both ways out say how it ended.
    async fn carry(&self, parcel: &Parcel) -> Result<Sent, Sent> {
        let Some(address) = &parcel.address else {
            return Err(Sent::refused("the user has no e-mail address"));
        };
        let to = mail::address(address).map_err(Sent::refused)?;
        let unsubscribe_url = self.unsubscribe.as_ref().and_then(|links| links.link(&letter::mails(parcel)));
        let letter =
            letter::letter(parcel, &self.zone, unsubscribe_url.clone(), self.preferences_url.clone());
        let message = self.render(letter.map_err(Sent::failed)?).await?;
        let parts = mail::Parts {
            from: &self.from,
            reply_to: self.reply_to.as_ref(),
            to: &to,
            to_name: parcel.user.name.as_deref(),
            key: &parcel.message_key,
            at: self.clock.now(),
            message: &message,
            unsubscribe_url: unsubscribe_url.as_deref(),
        };
        let bytes = mail::compose(&parts).map_err(Sent::refused)?;
        match &self.carrier {
            Carrier::Smtp(smtp) => {
                // One that gets no turn in half of its time gives its place to another.
                let Ok(turn) = tokio::time::timeout(self.deadline / 2, smtp.turn(&to)).await else {
                    return Err(Sent::new(Outcome::GivenBack));
                };
                let sent = Box::pin(smtp.send(&turn, &self.from.email, &to, &bytes)).await;
                let answer = sent.map_err(|refusal| {
                    let text = refusal.to_string();
                    Sent::new(refusal.outcome()).answered(text)
                })?;
                Ok(Sent::accepted(answer))
            }
            Carrier::File(folder) => {
                let written =
                    file::write(folder.clone(), parcel.message_key.clone(), parcel.created_at, bytes).await;
                let path = written.map_err(|error| {
                    Sent::failed(format!("the mail could not be written to {}: {error}", folder.display()))
                })?;
                Ok(Sent::accepted(format!("written to {}", path.display())))
            }
        }
    }

    /// Templates take processor time, and threads that answer others have none to give.
    async fn render(&self, letter: crate::templates::Letter) -> Result<Message, Sent> {
        self.templates.keep_up().await;
        let templates = self.templates.clone();
        let rendering = tokio::task::spawn_blocking(move || templates.render(&letter));
        match rendering.await {
            Ok(rendered) => rendered.map_err(|broken| Sent::refused(broken.to_string())),
            Err(error) => Err(Sent::failed(format!("rendering broke down: {error}"))),
        }
    }
}

impl Medium for Email {
    fn kind(&self) -> delivery::Medium {
        delivery::Medium::Email
    }

    fn send<'a>(&'a self, parcel: &'a Parcel) -> BoxFuture<'a, Sent> {
        Box::pin(async move { self.carry(parcel).await.unwrap_or_else(|sent| sent) })
    }

    fn concurrency(&self) -> usize {
        match &self.carrier {
            Carrier::Smtp(smtp) => smtp.concurrency() * WAITING,
            Carrier::File(_) => FILES,
        }
    }

    fn deadline(&self) -> Duration {
        self.deadline
    }
}

/// Connects to a mail server, logs in and says goodbye: whether mails could be sent. The error says what to mend.
pub async fn probe(options: SmtpOptions) -> Result<(), String> {
    let smtp = Smtp::new(options)?;
    smtp.probe().await.map_err(|refusal| refusal.to_string())
}
