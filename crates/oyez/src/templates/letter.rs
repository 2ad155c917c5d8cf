//! What a message tells, and whom.

use jiff::tz::TimeZone;
use oyez_protocol::{Locale, UserId};
use serde_json::{Map, Value};

/// What the application is called, and where it is.
#[derive(Debug, Clone, Default)]
pub struct App {
    /// Its name, as readers know it.
    pub name: String,
    /// Where it is on the web, without a slash at the end; empty: nowhere. Paths in notifications are on this site.
    pub url: String,
}

/// Who reads it.
#[derive(Debug, Clone)]
pub struct Reader {
    /// Who.
    pub id: UserId,
    /// What people call them.
    pub name: Option<String>,
    /// Where it goes.
    pub email: Option<String>,
    /// Their language.
    pub locale: Option<Locale>,
    /// Where their clock hangs.
    pub zone: TimeZone,
}

/// One message to one reader.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Who reads it.
    pub reader: Reader,
    /// What it tells.
    pub tells: Tells,
    /// Where the reader ends mails like this one; `None`: they cannot.
    pub unsubscribe_url: Option<String>,
    /// Where the reader says what they want to be told.
    pub preferences_url: Option<String>,
}

/// What a message tells.
#[derive(Debug, Clone)]
pub enum Tells {
    /// One notification, as its frame is.
    Notification(Map<String, Value>),
    /// Several in one.
    Digest {
        /// Those that are listed, the oldest first.
        items: Vec<Map<String, Value>>,
        /// How many there are.
        total: u64,
    },
}

impl Letter {
    /// The type of the notification; `None` for a digest.
    pub fn kind(&self) -> Option<&str> {
        match &self.tells {
            Tells::Notification(fields) => fields.get("type").and_then(Value::as_str),
            Tells::Digest { .. } => None,
        }
    }
}
