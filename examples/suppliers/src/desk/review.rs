//! What reviewers do with one application: take it up, ask for documents, verify them, approve, reject.

use oyez::protocol::Timestamp;
use sqlx::SqliteConnection;

use super::{Desk, Promises, SubmissionKey, find, submission::Seen};
use crate::{
    access,
    application::{Application, ApplicationId},
    database::{applications, credentials, documents, people, people::NewPerson},
    document::{DocumentId, DocumentKind},
    errand::{Errand, Lane},
    life_cycle::Move,
    login,
    notice::{self, FirstLogin},
    people::{Person, PersonId, Role},
    refusal::{self, Refusal},
};

/// A move with what it needs.
#[derive(Debug, Clone)]
pub enum Step {
    /// Take it up, or go on with it.
    Review,
    /// Ask for these documents, with some words.
    RequestDocuments(Vec<DocumentKind>, String),
    /// Find a document good.
    Verify(DocumentId),
    /// Say yes.
    Approve,
    /// Say no, with the reason.
    Reject(String),
}

impl Step {
    fn name(&self) -> Move {
        match self {
            Self::Review => Move::Review,
            Self::RequestDocuments(..) => Move::RequestDocuments,
            Self::Verify(_) => Move::Verify,
            Self::Approve => Move::Approve,
            Self::Reject(_) => Move::Reject,
        }
    }
}

impl Desk {
    /// Makes a move and tells those it concerns.
    pub async fn step(
        &self,
        person: &Person,
        id: ApplicationId,
        step: &Step,
        key: Option<&SubmissionKey>,
    ) -> Result<Application, Refusal> {
        access::may_review(person)?;
        let mut tx = self.database.write().await?;
        let said = format!("{id} {step:?}");
        let seen = Seen::check(&mut tx, format!("person {}", person.id), key, &[said.as_bytes()]).await?;
        if let Seen::Before(_) = seen {
            return find(&mut tx, id).await;
        }
        let now = self.clock.now();
        let application = self.moved(&mut tx, person, id, step, Lane::Single, now).await?;
        seen.remember(&mut tx, id.0, now).await?;
        self.commit(tx).await?;
        Ok(application)
    }

    /// Makes a move within a transaction.
    pub(super) async fn moved(
        &self,
        tx: &mut SqliteConnection,
        person: &Person,
        id: ApplicationId,
        step: &Step,
        lane: Lane,
        now: Timestamp,
    ) -> Result<Application, Refusal> {
        let mut application = find(tx, id).await?;
        let was = application.status;
        application.status = was.after(step.name())?;
        application.updated_at = now;
        if application.status.is_final() {
            application.decided_at = Some(now);
        }
        let by = Some(person.id);
        let mut mail = None;
        let mut told = None;
        match step {
            Step::Review => {
                applications::add_entry(tx, id, by, "reviewed", "", now).await?;
                mail = Some(notice::status_changed(&application, &self.office));
            }
            Step::RequestDocuments(kinds, note) => {
                let note = request(&mut application, kinds, note)?;
                let names: Vec<_> = application.requested.iter().map(|kind| kind.display()).collect();
                let body = [&names.join(", "), note.as_deref().unwrap_or_default()].join("\n");
                applications::add_entry(tx, id, by, "requested", body.trim(), now).await?;
                let (kinds, note) = (&application.requested, note.as_deref());
                mail = Some(notice::documents_requested(&application, &self.office, kinds, note));
            }
            Step::Verify(document) => {
                told = Some(verify(tx, &application, *document, person.id, now).await?);
            }
            Step::Approve => {
                let first = open_account(tx, &application, now).await?;
                applications::add_entry(tx, id, by, "approved", "", now).await?;
                mail = Some(notice::approved(&application, &self.office, &first));
            }
            Step::Reject(reason) => {
                let reason = refusal::text("reason", reason, 2_000)?;
                applications::add_entry(tx, id, by, "rejected", &reason, now).await?;
                application.rejection_reason = Some(reason);
                mail = Some(notice::status_changed(&application, &self.office));
            }
        }
        applications::update(tx, &application).await?;
        let promises = Promises { application: &application, lane, now };
        if matches!(step, Step::Approve) {
            promises.errand(tx, supplier(&application)).await?;
        }
        let told = told.unwrap_or_else(|| notice::application_updated(&application, &person.name, was));
        promises.reviewers(tx, told).await?;
        promises.applicant(tx, mail).await?;
        Ok(application)
    }

    /// Mails a supplier who has not set a password yet a new temporary one; any older one opens nothing any more.
    pub async fn send_credentials(&self, person: &Person, id: ApplicationId) -> Result<(), Refusal> {
        access::may_review(person)?;
        let now = self.clock.now();
        let mut tx = self.database.write().await?;
        let application = find(&mut tx, id).await?;
        let supplier = people::of_application(&mut tx, id).await?;
        let supplier = supplier.ok_or_else(|| Refusal::Conflict("there is no account yet".into()))?;
        if !supplier.must_set_password {
            return Err(Refusal::Conflict("the supplier has set a password already".into()));
        }
        let first = temporary(&mut tx, supplier.id, now).await?;
        applications::add_entry(&mut tx, id, Some(person.id), "credentials", "", now).await?;
        let promises = Promises { application: &application, lane: Lane::Single, now };
        promises.applicant(&mut tx, Some(notice::approved(&application, &self.office, &first))).await?;
        self.commit(tx).await
    }
}

/// Notes what is asked for; answers the words that go with it.
fn request(
    application: &mut Application,
    kinds: &[DocumentKind],
    note: &str,
) -> Result<Option<String>, Refusal> {
    application.requested = DocumentKind::ALL.into_iter().filter(|kind| kinds.contains(kind)).collect();
    if application.requested.is_empty() {
        return Err(Refusal::Invalid { field: "documents", message: "choose at least one".into() });
    }
    let note = if note.trim().is_empty() { None } else { Some(refusal::text("note", note, 2_000)?) };
    application.request_note.clone_from(&note);
    Ok(note)
}

async fn verify(
    tx: &mut SqliteConnection,
    application: &Application,
    document: DocumentId,
    by: PersonId,
    now: Timestamp,
) -> Result<oyez::protocol::api::publish::NotificationRequest, Refusal> {
    let unknown = || Refusal::NotFound("document");
    let found = documents::get(tx, document).await?.ok_or_else(unknown)?;
    if found.application != application.id {
        return Err(unknown());
    }
    if !documents::verify(tx, document, by, now).await? {
        return Err(Refusal::Conflict("the document is verified already".into()));
    }
    let body = format!("{}: {}", found.kind.display(), found.name);
    applications::add_entry(tx, application.id, Some(by), "verified", &body, now).await?;
    let verified = documents::get(tx, document).await?.ok_or_else(unknown)?;
    Ok(notice::document_verified(application, &verified))
}

/// Makes the supplier's account, with a temporary password.
async fn open_account(
    tx: &mut SqliteConnection,
    application: &Application,
    now: Timestamp,
) -> Result<FirstLogin, Refusal> {
    let new = NewPerson {
        email: &application.form.email,
        name: &application.form.contact_name,
        role: Role::Supplier,
        password_hash: None,
        application: Some(application.id),
    };
    let taken =
        || Refusal::Conflict(format!("{} belongs to another account already", application.form.email));
    let person = people::insert(tx, &new, now).await?.ok_or_else(taken)?;
    temporary(tx, person, now).await
}

async fn temporary(
    tx: &mut SqliteConnection,
    person: PersonId,
    now: Timestamp,
) -> Result<FirstLogin, Refusal> {
    let temporary_password = login::temporary_password();
    let expires_at = login::temporary_until(now);
    credentials::put(tx, person, &login::hash(&temporary_password), expires_at).await?;
    Ok(FirstLogin { temporary_password, expires_at })
}

/// Tells Oyez that the applicant is a supplier now.
fn supplier(application: &Application) -> Errand {
    Errand::Introduce {
        user: application.id.user_id(),
        name: application.form.contact_name.clone(),
        email: application.form.email.clone(),
        roles: Role::Supplier.names(),
    }
}
