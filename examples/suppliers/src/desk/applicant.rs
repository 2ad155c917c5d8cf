//! What applicants do: apply, look at their application, send documents.

use serde::Serialize;

use super::{Desk, Promises, SubmissionKey, find, submission::Seen};
use crate::{
    application::{Application, ApplicationId, Entry, Form},
    database::{applications, documents, documents::NewDocument},
    document::{self, Document, DocumentId, DocumentKind},
    errand::{Errand, Lane},
    life_cycle::Move,
    notice,
    refusal::Refusal,
};

/// A document that an applicant sends.
#[derive(Debug)]
pub struct Upload {
    /// What it is meant to show.
    pub kind: DocumentKind,
    /// As the browser names it.
    pub name: String,
    /// The file.
    pub bytes: Vec<u8>,
}

/// An application with what an applicant may see of it.
#[derive(Debug)]
pub struct Trail {
    /// The application.
    pub application: Application,
    /// Its documents.
    pub documents: Vec<Document>,
    /// Its timeline, without names.
    pub entries: Vec<Entry>,
}

#[derive(Serialize)]
struct Applied<'a> {
    form: &'a Form,
}

impl Desk {
    /// Takes an application: gives it the next tracking code, thanks the applicant, tells the reviewers.
    pub async fn apply(&self, form: &Form, key: Option<&SubmissionKey>) -> Result<Application, Refusal> {
        let now = self.clock.now();
        let said = serde_json::to_vec(&Applied { form }).map_err(|error| Refusal::Internal(error.into()))?;
        let mut tx = self.database.write().await?;
        let seen = Seen::check(&mut tx, "anybody".into(), key, &[&said]).await?;
        if let Seen::Before(id) = seen {
            return find(&mut tx, ApplicationId(id)).await;
        }
        let (id, _) = applications::insert(&mut tx, form, now).await?;
        let application = find(&mut tx, id).await?;
        applications::add_entry(&mut tx, id, None, "submitted", "", now).await?;
        let promises = Promises { application: &application, lane: Lane::Single, now };
        let applicant = Errand::Introduce {
            user: id.user_id(),
            name: form.contact_name.clone(),
            email: form.email.clone(),
            roles: vec![],
        };
        promises.errand(&mut tx, applicant).await?;
        promises.reviewers(&mut tx, notice::new_application(&application)).await?;
        promises.applicant(&mut tx, Some(notice::received(&application, &self.office))).await?;
        seen.remember(&mut tx, id.0, now).await?;
        self.commit(tx).await?;
        Ok(application)
    }

    /// Takes a document of the applicant's.
    pub async fn upload(
        &self,
        id: ApplicationId,
        upload: &Upload,
        key: Option<&SubmissionKey>,
    ) -> Result<Document, Refusal> {
        let Upload { kind, name, bytes } = upload;
        if bytes.len() > document::MOST_BYTES {
            return Err(Refusal::TooLarge(format!(
                "a file may take {} MiB at most",
                document::MOST_BYTES / (1024 * 1024)
            )));
        }
        let (media_type, ending) = document::media_type(bytes)?;
        let name = document::safe_name(name, ending);
        // On disk before the row that makes it a document, and outside the transaction: others need not wait for it.
        let file = self.files.put(bytes).await.map_err(Refusal::Internal)?;
        let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        let new =
            NewDocument { application: id, kind: *kind, name: &name, file: &file, media_type, bytes: size };
        let taken = self.keep(&new, bytes, key).await;
        if !matches!(&taken, Ok(document) if document.file == file) {
            self.files.remove(&file).await;
        }
        taken
    }

    async fn keep(
        &self,
        new: &NewDocument<'_>,
        bytes: &[u8],
        key: Option<&SubmissionKey>,
    ) -> Result<Document, Refusal> {
        let now = self.clock.now();
        let id = new.application;
        let mut tx = self.database.write().await?;
        let said = [new.kind.as_str().as_bytes(), new.name.as_bytes(), bytes];
        let seen = Seen::check(&mut tx, format!("applicant {id}"), key, &said).await?;
        let known = |document: Option<Document>| document.ok_or(Refusal::NotFound("document"));
        if let Seen::Before(document) = seen {
            return known(documents::get(&mut tx, DocumentId(document)).await?);
        }
        let mut application = find(&mut tx, id).await?;
        application.status = application.status.after(Move::Upload)?;
        if documents::count(&mut tx, id).await? >= document::MOST_DOCUMENTS {
            let most = document::MOST_DOCUMENTS;
            return Err(Refusal::Conflict(format!("an application may have {most} documents at most")));
        }
        let document = documents::insert(&mut tx, new, now).await?;
        let document = known(documents::get(&mut tx, document).await?)?;
        application.updated_at = now;
        applications::update(&mut tx, &application).await?;
        let body = format!("{}: {}", document.kind.display(), document.name);
        applications::add_entry(&mut tx, id, None, "uploaded", &body, now).await?;
        let promises = Promises { application: &application, lane: Lane::Single, now };
        promises.reviewers(&mut tx, notice::document_uploaded(&application, &document)).await?;
        promises.applicant(&mut tx, None).await?;
        seen.remember(&mut tx, document.id.0, now).await?;
        self.commit(tx).await?;
        Ok(document)
    }

    /// An application as its applicant sees it: without the names of those who review it.
    pub async fn trail(&self, id: ApplicationId) -> Result<Trail, Refusal> {
        let mut connection = self.database.pool().acquire().await?;
        let application = find(&mut connection, id).await?;
        let documents = documents::list(&mut connection, id).await?;
        let mut entries = applications::entries(&mut connection, id).await?;
        entries.retain(|entry| entry.kind != "credentials");
        for entry in &mut entries {
            entry.person = entry.person.take().map(|_| "The supplier office".into());
        }
        Ok(Trail { application, documents, entries })
    }
}
