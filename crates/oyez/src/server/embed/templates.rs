//! Templates of an application that embeds Oyez.

use oyez_protocol::{
    Locale, TemplateName,
    api::{
        deliveries::Medium,
        templates::{PreviewRequest, TemplateRequest, TemplateView},
    },
};

use crate::{
    server::{Error, Oyez},
    templates::{Message, TemplatesError},
};

/// Templates: the words and looks of messages to people who are away.
///
/// ```no_run
/// # use oyez::{Oyez, protocol::{TemplateName, api::{deliveries::Medium, templates::TemplateRequest}}};
/// # async fn example(oyez: Oyez) -> Result<(), oyez::server::Error> {
/// let ticket = TemplateName::new("ticket_created").expect("a name");
/// let template = TemplateRequest {
///     subject: Some("Ticket {{ ticket.id }}: {{ ticket.title }}".into()),
///     html: Some("<p>{{ message }}</p>".into()),
///     ..TemplateRequest::default()
/// };
/// oyez.templates().put(&ticket, Medium::Email, template).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct Templates<'a> {
    oyez: &'a Oyez,
}

impl Oyez {
    /// Templates: the words and looks of messages to people who are away.
    pub fn templates(&self) -> Templates<'_> {
        Templates { oyez: self }
    }
}

impl Templates<'_> {
    /// Stores a template in place of the one with the same name and language; on return it is on disk and in use, and
    /// within a second on other nodes. One that cannot be rendered is refused with part, line and column.
    pub async fn put(
        &self,
        kind: &TemplateName,
        medium: Medium,
        template: TemplateRequest,
    ) -> Result<TemplateView, Error> {
        Ok(self.oyez.inner.templates.put(kind, medium, template).await?)
    }

    /// The e-mail template of this name in exactly this language.
    pub async fn get(
        &self,
        kind: &TemplateName,
        locale: Option<&Locale>,
    ) -> Result<Option<TemplateView>, Error> {
        Ok(self.oyez.inner.templates.get(kind, locale).await?)
    }

    /// All templates, by name and language: of those with the same, the one that is used.
    pub async fn list(&self) -> Result<Vec<TemplateView>, Error> {
        Ok(self.oyez.inner.templates.list().await?)
    }

    /// What would be sent, with the data given and made-up data for the rest.
    pub async fn preview(
        &self,
        kind: &TemplateName,
        medium: Medium,
        request: PreviewRequest,
    ) -> Result<Message, Error> {
        Ok(self.oyez.inner.templates.preview(kind, medium, request).await?)
    }

    /// Deletes a stored template: what it stood before is used again. Returns whether there was one.
    pub async fn delete(
        &self,
        kind: &TemplateName,
        medium: Medium,
        locale: Option<&Locale>,
    ) -> Result<bool, Error> {
        match self.oyez.inner.templates.delete(kind, medium, locale).await {
            Ok(()) => Ok(true),
            Err(TemplatesError::NotFound { .. } | TemplatesError::NotStored(..)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
