//! Templates: the words and looks of messages to people who are away, as data.
//!
//! Three layers: what is stored over the API goes before the operator's files, and these before what is built in. Each
//! entry has a name, a medium and a language. A message of a type takes the template of that name in the reader's
//! language, else in a wider one, else in none, else the one named `default` in the same way.
//!
//! In reading order: `letter` is what a message tells, `catalogue` all templates of one moment, `engine` renders one
//! part within limits, `message` puts the parts together, `store` changes what is stored, `present` notices what other
//! nodes changed. A template reads no file and no clock, and cannot run for ever.

mod built_in;
mod catalogue;
mod context;
mod engine;
mod error;
mod filters;
mod folder;
mod letter;
mod message;
mod mjml;
mod plain;
mod present;
mod sample;
mod store;
#[cfg(test)]
mod tests;

use std::{path::PathBuf, sync::Arc};

use oyez_core::clock::Clock;
use oyez_protocol::{Locale, TemplateName, api::templates::TemplateView};
use oyez_store::Store;

use catalogue::{Catalogue, Entry};
use present::Present;

pub use error::{Broken, TemplatesError};
pub use letter::{App, Letter, Reader, Tells};
pub use message::{MAX_SUBJECT_CHARS, Message};

/// The template of types that have none of their own.
pub const DEFAULT: &str = "default";
/// The template of a message that lists several notifications.
pub const DIGEST: &str = "digest";

/// Where templates come from, and what all of them may say.
#[derive(Debug, Clone, Default)]
pub struct TemplatesOptions {
    /// What the application is called, and where it is.
    pub app: App,
    /// A folder of the operator's templates.
    pub folder: Option<PathBuf>,
}

/// Templates. Cheap to clone.
#[derive(Clone)]
pub struct Templates {
    shared: Arc<Shared>,
}

struct Shared {
    app: App,
    store: Store,
    clock: Clock,
    /// What is built in, and the operator's files over it: read once, at the start.
    files: Vec<Entry>,
    present: Present,
    /// One change at a time: what is checked is what is stored.
    changing: tokio::sync::Mutex<()>,
}

impl Templates {
    /// Reads the operator's folder and what is stored. A file that cannot be used is an error; a stored template that
    /// cannot, because another release took it, is left to fail when it is sent.
    pub async fn open(store: Store, clock: Clock, options: TemplatesOptions) -> Result<Self, TemplatesError> {
        let mut files = built_in::entries();
        if let Some(folder) = &options.folder {
            files.extend(folder::read(folder)?);
        }
        if let Some(broken) = Catalogue::new(files.clone()).broken() {
            return Err(TemplatesError::File(broken));
        }
        let present = Present::new(Catalogue::new(files.clone()), clock.now());
        let changing = tokio::sync::Mutex::default();
        let shared = Shared { app: options.app, store, clock, files, present, changing };
        let templates = Self { shared: Arc::new(shared) };
        templates.read_stored().await?;
        if let Some(broken) = templates.present().broken() {
            tracing::warn!(%broken, "a stored template cannot be used");
        }
        Ok(templates)
    }

    /// Makes a message of a letter. It takes processor time and no other, up to some tens of milliseconds for the
    /// wildest template: call it where that does not matter. What is rendered is as fresh as [`Self::keep_up`] left it.
    pub fn render(&self, letter: &Letter) -> Result<Message, Broken> {
        message::render(&self.present(), letter, &self.shared.app)
    }

    /// All templates, by name and language: of those with the same, the one that is used.
    pub async fn list(&self) -> Result<Vec<TemplateView>, TemplatesError> {
        self.catch_up().await?;
        Ok(self.present().entries().map(Entry::view).collect())
    }

    /// The template of this name in exactly this language.
    pub async fn get(
        &self,
        kind: &TemplateName,
        locale: Option<&Locale>,
    ) -> Result<Option<TemplateView>, TemplatesError> {
        self.catch_up().await?;
        Ok(self.present().exact(kind.as_str(), locale).map(Entry::view))
    }

    fn present(&self) -> Arc<Catalogue> {
        self.shared.present.catalogue()
    }
}
