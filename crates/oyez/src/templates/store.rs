//! Changing what is stored, and trying before that.

use std::sync::Arc;

use minijinja::ErrorKind;
use oyez_core::template::{Part, check};
use oyez_protocol::{
    Locale, TemplateName,
    api::{
        deliveries::Medium,
        templates::{PreviewRequest, TemplateOrigin, TemplateRequest, TemplateView},
    },
};
use oyez_store::TemplateRow;

use super::{
    DEFAULT, Templates, TemplatesError,
    catalogue::{Catalogue, Entry},
    context::context,
    error::Broken,
    letter::Letter,
    message::{Chosen, Message},
    sample,
};

/// What is stored beside the operator's files at most.
const MAX_TEMPLATES: u64 = oyez_core::template::MAX_TEMPLATES;

impl Templates {
    /// Stores a template in place of the one with the same name and language. On return it is on disk and in use.
    ///
    /// It is tried first, with made-up data: what is not Jinja or MJML, or names a template, filter or function that is
    /// not there, is refused with part, line and column. Variables are not checked: what will be there is the
    /// publisher's business.
    pub async fn put(
        &self,
        kind: &TemplateName,
        medium: Medium,
        request: TemplateRequest,
    ) -> Result<TemplateView, TemplatesError> {
        check(medium, &request)?;
        let _changing = self.shared.changing.lock().await;
        // It may include what another node stored.
        self.catch_up().await?;
        let row = TemplateRow {
            kind: kind.clone(),
            medium,
            template: request,
            updated_at: self.shared.clock.now(),
        };
        let entry = Entry::stored(row.clone());
        self.attempt(&entry).await?;
        let putting = self.shared.store.write(move |tx| {
            Box::pin(async move {
                let others = tx.other_templates(&row.kind, row.medium, row.template.locale.as_ref()).await?;
                if others >= MAX_TEMPLATES {
                    return Ok(Err(TemplatesError::TooMany(others)));
                }
                tx.put_template(&row).await.map(Ok)
            })
        });
        putting.await??;
        self.read_stored().await?;
        Ok(entry.view())
    }

    /// Deletes a stored template: what it stood before is used again.
    pub async fn delete(
        &self,
        kind: &TemplateName,
        medium: Medium,
        locale: Option<&Locale>,
    ) -> Result<(), TemplatesError> {
        oyez_core::template::check_medium(medium)?;
        let _changing = self.shared.changing.lock().await;
        match self.get(kind, locale).await?.map(|template| template.origin) {
            Some(TemplateOrigin::Folder) => {
                return Err(TemplatesError::NotStored(kind.clone(), "one of the operator's files"));
            }
            Some(TemplateOrigin::BuiltIn) => {
                return Err(TemplatesError::NotStored(kind.clone(), "built in"));
            }
            Some(TemplateOrigin::Stored) | None => {}
        }
        let (name, tag) = (kind.clone(), locale.cloned());
        let deleting = self
            .shared
            .store
            .write(move |tx| Box::pin(async move { tx.delete_template(&name, medium, tag.as_ref()).await }));
        if !deleting.await? {
            return Err(TemplatesError::NotFound { kind: kind.clone(), medium, locale: locale.cloned() });
        }
        Ok(self.read_stored().await?)
    }

    /// What would be sent for a type: with the parts that the request brings in place of those that are there, and
    /// made-up data where it brings none. A variable that is missing is refused, as it is when a message is sent.
    pub async fn preview(
        &self,
        kind: &TemplateName,
        medium: Medium,
        request: PreviewRequest,
    ) -> Result<Message, TemplatesError> {
        let locale = request.locale.clone();
        oyez_core::template::check_medium(medium)?;
        self.catch_up().await?;
        let tried = match request.template.clone() {
            None => None,
            Some(template) => {
                check(medium, &template)?;
                let template = TemplateRequest { locale: locale.clone(), ..template };
                let updated_at = self.shared.clock.now();
                Some(Entry::stored(TemplateRow { kind: kind.clone(), medium, template, updated_at }))
            }
        };
        let letter = sample::letter(
            kind.as_str(),
            locale.as_ref(),
            &request,
            &self.shared.app,
            self.shared.clock.now(),
        );
        let (templates, kind) = (self.clone(), kind.clone());
        let trying = tokio::task::spawn_blocking(move || {
            let catalogue = match &tried {
                Some(entry) => Arc::new(templates.with(entry)),
                None => templates.present(),
            };
            let name = shown_as(kind.as_str());
            let chosen = Chosen::new(&catalogue, name, letter.reader.locale.as_ref());
            let context = context(&letter, &templates.shared.app);
            chosen.render(catalogue.engine(), &context).map_err(|(_, broken)| broken)
        });
        Ok(finished(trying.await)?)
    }

    /// Whether a template can be used, as far as that can be known without real data.
    async fn attempt(&self, entry: &Entry) -> Result<(), Broken> {
        let (now, app) = (self.shared.clock.now(), &self.shared.app);
        let request = PreviewRequest::default();
        let letter = sample::letter(entry.kind.as_str(), entry.template.locale.as_ref(), &request, app, now);
        let (templates, entry) = (self.clone(), entry.clone());
        let trying = tokio::task::spawn_blocking(move || templates.try_out(&entry, &letter));
        finished(trying.await)
    }

    fn try_out(&self, entry: &Entry, letter: &Letter) -> Result<(), Broken> {
        let catalogue = self.with(entry);
        let flaw = |part: &Part| catalogue.engine().flaw(&entry.key(*part));
        if let Some(broken) = Part::ALL.iter().find_map(flaw) {
            return Err(broken.clone());
        }
        let engine = catalogue.engine().lenient();
        let chosen = Chosen::new(&catalogue, shown_as(entry.kind.as_str()), entry.template.locale.as_ref());
        match chosen.render(&engine, &context(letter, &self.shared.app)) {
            Err((kind, broken)) if is_certain(kind) => Err(broken),
            // What made-up data cannot show is found when it is sent, or by a preview with real data.
            _ => Ok(()),
        }
    }

    /// All templates as they would be with this one.
    fn with(&self, entry: &Entry) -> Catalogue {
        Catalogue::new(self.present().entries().cloned().chain([entry.clone()]).collect())
    }
}

/// The type whose message shows a template: one that others extend is seen in the one for all types.
fn shown_as(kind: &str) -> &str {
    if kind == "layout" { DEFAULT } else { kind }
}

/// Whether an error of a trial is one with any data.
fn is_certain(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::SyntaxError
            | ErrorKind::BadEscape
            | ErrorKind::TemplateNotFound
            | ErrorKind::UnknownFilter
            | ErrorKind::UnknownTest
            | ErrorKind::UnknownFunction
            | ErrorKind::UnknownBlock
            | ErrorKind::TooManyArguments
            | ErrorKind::OutOfFuel
            | ErrorKind::WriteFailure
    )
}

fn finished<T>(outcome: Result<Result<T, Broken>, tokio::task::JoinError>) -> Result<T, Broken> {
    outcome.unwrap_or_else(|error| {
        let reason = format!("rendering broke down: {error}");
        Err(Broken { template: "?".into(), part: Part::Html, place: None, reason })
    })
}
