//! The demo's mailbox: the folder that Oyez's `file` transport writes messages into, as pages show it, and a switch for
//! the mail server that there is not.
//!
//! It shows what a mail client would, and nothing that a message says is trusted: the HTML part goes into a sandbox.

use std::path::{Path, PathBuf};

use anyhow::Context;
use mail_parser::{Address, Message, MessageParser};
use oyez::protocol::Timestamp;
use serde::Serialize;
use tokio::fs;

use crate::refusal::Refusal;

/// Messages that the list shows.
const MOST_LISTED: usize = 200;
/// Largest message that is read, in bytes.
const MOST_BYTES: u64 = 1024 * 1024;
/// Messages older than this are removed by the clean-up, in seconds.
const KEPT_SECONDS: u64 = 30 * 24 * 3600;

/// The folder of messages. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sink {
    folder: PathBuf,
    /// Where they lie while the mail server plays dead: a file in the folder's place is what Oyez then stumbles over.
    aside: PathBuf,
}

/// A message as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Names it.
    pub id: String,
    /// Whom it is for.
    pub to: String,
    /// What it says it is about.
    pub subject: String,
    /// When it was written.
    pub at: Timestamp,
}

/// A whole message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mail {
    /// The same as in the list.
    #[serde(flatten)]
    pub summary: Summary,
    /// Who sent it.
    pub from: String,
    /// The plain part.
    pub text: Option<String>,
    /// The HTML part.
    #[serde(skip)]
    pub html: Option<String>,
    /// Every header, in order.
    pub headers: Vec<(String, String)>,
}

impl Sink {
    /// The messages in this folder; it need not be there yet.
    pub fn new(folder: PathBuf) -> Self {
        let aside = folder.with_extension("aside");
        Self { folder, aside }
    }

    /// Whether the mail server plays dead.
    pub async fn is_down(&self) -> bool {
        fs::metadata(&self.folder).await.is_ok_and(|found| found.is_file())
    }

    /// Has every mail fail from now on, over a restart as well.
    pub async fn take_down(&self) -> anyhow::Result<()> {
        if self.is_down().await {
            return Ok(());
        }
        // A mail that is just being sent makes the folder anew; then once more.
        for _ in 0..10 {
            move_all(&self.folder, &self.aside).await?;
            match fs::File::create_new(&self.folder).await {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).context("could not take the mail server down"),
            }
        }
        anyhow::bail!("could not take the mail server down: it is too busy")
    }

    /// Takes mail again; what waits for its next attempt arrives then.
    pub async fn bring_up(&self) -> anyhow::Result<()> {
        if self.is_down().await {
            fs::remove_file(&self.folder).await.context("could not bring the mail server up")?;
        }
        move_all(&self.aside, &self.folder).await
    }

    /// The newest messages.
    pub async fn list(&self) -> Result<Vec<Summary>, Refusal> {
        let mut files = self.files().await?;
        files.sort_unstable_by(|one, other| other.cmp(one));
        files.truncate(MOST_LISTED);
        let mut summaries = Vec::new();
        for (at, path) in files {
            // A message that is being written is complete when the page is loaded again.
            if let Some(mail) = read(at, &path).await? {
                summaries.push(mail.summary);
            }
        }
        Ok(summaries)
    }

    /// One message.
    pub async fn get(&self, id: &str) -> Result<Mail, Refusal> {
        let found = self.files().await?.into_iter().find(|(_, path)| name(path) == Some(id));
        let (at, path) = found.ok_or(Refusal::NotFound("message"))?;
        read(at, &path).await?.ok_or(Refusal::NotFound("message"))
    }

    /// Removes old messages. Returns how many.
    pub async fn clean_up(&self, now: Timestamp) -> anyhow::Result<u64> {
        let mut removed = 0;
        for (at, path) in self.files().await? {
            if now.millis_since(at).unsigned_abs() / 1000 > KEPT_SECONDS {
                fs::remove_file(path).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    async fn files(&self) -> anyhow::Result<Vec<(Timestamp, PathBuf)>> {
        let mut files = Vec::new();
        let folder = if self.is_down().await { &self.aside } else { &self.folder };
        let mut entries = match fs::read_dir(folder).await {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(files),
            Err(error) => return Err(error).with_context(|| format!("could not read {}", folder.display())),
        };
        while let Some(entry) = entries.next_entry().await? {
            let (path, metadata) = (entry.path(), entry.metadata().await?);
            if metadata.is_file() && metadata.len() <= MOST_BYTES && name(&path).is_some() {
                let since = metadata.modified()?.duration_since(std::time::UNIX_EPOCH)?;
                let millis = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
                files.push((Timestamp::from_millis(millis), path));
            }
        }
        Ok(files)
    }
}

/// Moves what is in one folder into another, and takes the first away. Does nothing when there is none.
async fn move_all(from: &Path, to: &Path) -> anyhow::Result<()> {
    let mut entries = match fs::read_dir(from).await {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("could not read {}", from.display())),
    };
    fs::create_dir_all(to).await.with_context(|| format!("could not make {}", to.display()))?;
    while let Some(entry) = entries.next_entry().await? {
        fs::rename(entry.path(), to.join(entry.file_name())).await?;
    }
    // One that came meanwhile keeps the folder; whoever asked looks again.
    fs::remove_dir(from).await.ok();
    Ok(())
}

/// What names a message: its file's name without the ending.
fn name(path: &Path) -> Option<&str> {
    path.extension().filter(|ending| *ending == "eml")?;
    path.file_stem()?.to_str()
}

async fn read(at: Timestamp, path: &Path) -> anyhow::Result<Option<Mail>> {
    let bytes = match fs::read(path).await {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("could not read {}", path.display())),
    };
    let (Some(id), Some(message)) = (name(path), MessageParser::default().parse(&bytes)) else {
        return Ok(None);
    };
    Ok(Some(mail(id, at, &message)))
}

fn mail(id: &str, at: Timestamp, message: &Message<'_>) -> Mail {
    let part = |html: bool| {
        let found = message
            .parts
            .iter()
            .find(|part| if html { part.is_text_html() } else { part.is_text() && !part.is_text_html() });
        found.and_then(|part| part.text_contents()).map(str::to_owned)
    };
    Mail {
        summary: Summary {
            id: id.to_owned(),
            to: addresses(message.to()),
            subject: message.subject().unwrap_or("(no subject)").to_owned(),
            at,
        },
        from: addresses(message.from()),
        text: part(false),
        html: part(true),
        headers: message
            .headers_raw()
            .map(|(name, value)| (name.to_owned(), value.split_whitespace().collect::<Vec<_>>().join(" ")))
            .collect(),
    }
}

fn addresses(address: Option<&Address<'_>>) -> String {
    let Some(address) = address else { return String::new() };
    let spelt = address.iter().map(|one| {
        let mailbox = one.address().unwrap_or_default();
        one.name().map_or_else(|| mailbox.to_owned(), |name| format!("{name} <{mailbox}>"))
    });
    spelt.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = "From: Supplier Office <office@x.example>\r\nTo: Wile <wile@acme.example>\r\n\
        Subject: =?utf-8?q?Willkommen_Z=C3=BCrich?=\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/alternative; boundary=b\r\n\r\n\
        --b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BCezi\r\n\
        --b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Hello</p>\r\n--b--\r\n";

    #[tokio::test]
    async fn messages_are_shown_as_a_mail_client_would() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("one.eml"), MESSAGE).unwrap();
        std::fs::write(folder.path().join("two.eml.part"), "half").unwrap();
        let sink = Sink::new(folder.path().to_owned());
        let list = sink.list().await.unwrap();
        assert_eq!(list.len(), 1);
        assert_eq!(
            (list[0].to.as_str(), list[0].subject.as_str()),
            ("Wile <wile@acme.example>", "Willkommen Zürich")
        );
        let mail = sink.get("one").await.unwrap();
        assert_eq!(mail.text.as_deref().map(str::trim), Some("Grüezi"));
        assert_eq!(mail.html.as_deref().map(str::trim), Some("<p>Hello</p>"));
        assert_eq!(mail.headers[0].0, "From");
        for id in ["two", "../one", "", "one.eml"] {
            assert_eq!(sink.get(id).await.unwrap_err().status(), 404, "{id}");
        }
    }

    #[tokio::test]
    async fn a_server_that_is_down_keeps_what_it_had_and_takes_nothing() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("mail");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("one.eml"), MESSAGE).unwrap();
        let sink = Sink::new(folder.clone());
        for _ in 0..2 {
            sink.take_down().await.unwrap();
            assert!(sink.is_down().await);
            assert!(std::fs::create_dir_all(&folder).is_err(), "nothing can be written");
            assert_eq!(sink.list().await.unwrap().len(), 1);
        }
        for _ in 0..2 {
            sink.bring_up().await.unwrap();
            assert!(!sink.is_down().await);
            assert_eq!(sink.list().await.unwrap().len(), 1);
        }
    }

    #[tokio::test]
    async fn a_folder_that_is_not_there_yet_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Sink::new(folder.path().join("none")).list().await.unwrap(), []);
    }
}
