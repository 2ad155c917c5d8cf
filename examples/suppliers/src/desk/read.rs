//! What the back office reads: the list, one application, counts.

use serde::Serialize;

use super::{Desk, find};
use crate::{
    access,
    application::{Application, ApplicationId, Entry},
    database::{
        applications::{self, Filter},
        bulks::{self, Bulk},
        credentials::{self, Credential},
        documents, people, statistics,
    },
    document::{Document, DocumentId},
    life_cycle::Status,
    people::Person,
    refusal::Refusal,
    statistics::Counts,
};

/// Applications on one page.
const PAGE: i64 = 25;

/// One page of the list.
#[derive(Debug)]
pub struct Page {
    /// The newest first.
    pub applications: Vec<Application>,
    /// How many stand where, of those that the rest of the filter lets through.
    pub counts: Vec<(Status, i64)>,
    /// How many the whole filter lets through.
    pub total: i64,
    /// This page, from 1.
    pub number: i64,
    /// How many pages there are; at least 1.
    pub pages: i64,
}

/// One application with all that belongs to it.
#[derive(Debug)]
pub struct Detail {
    /// The application.
    pub application: Application,
    /// Its documents.
    pub documents: Vec<Document>,
    /// Its timeline.
    pub entries: Vec<Entry>,
    /// The supplier it became, and how their temporary password stands.
    pub supplier: Option<(Person, Option<Credential>)>,
}

/// What is still to be told.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct OutboxCount {
    /// Waits for the relay.
    pub waiting: i64,
    /// Oyez refused it for ever.
    pub refused: i64,
}

impl Desk {
    /// Applications by filter, the newest first; for reviewers.
    pub async fn list(&self, person: &Person, filter: &Filter, number: i64) -> Result<Page, Refusal> {
        access::may_review(person)?;
        let pool = self.database.pool();
        let counted = applications::count_by_status(pool, filter).await?;
        let counts: Vec<(Status, i64)> = Status::ALL
            .into_iter()
            .map(|status| (status, counted.get(&status).copied().unwrap_or(0)))
            .collect();
        let lets_through = |status: Status| filter.status.is_none_or(|wanted| wanted == status);
        let total = counts.iter().filter(|(status, _)| lets_through(*status)).map(|(_, count)| count).sum();
        let pages = i64::max(1, (total + PAGE - 1) / PAGE);
        let number = number.clamp(1, pages);
        let applications = applications::list(pool, filter, PAGE, (number - 1) * PAGE).await?;
        Ok(Page { applications, counts, total, number, pages })
    }

    /// One application with all that belongs to it; for reviewers.
    pub async fn detail(&self, person: &Person, id: ApplicationId) -> Result<Detail, Refusal> {
        access::may_review(person)?;
        let mut connection = self.database.pool().acquire().await?;
        let application = find(&mut connection, id).await?;
        let documents = documents::list(&mut connection, id).await?;
        let entries = applications::entries(&mut connection, id).await?;
        let supplier = match people::of_application(&mut connection, id).await? {
            Some(supplier) => {
                let credential = credentials::get(&mut connection, supplier.id).await?;
                Some((supplier, credential))
            }
            None => None,
        };
        Ok(Detail { application, documents, entries, supplier })
    }

    /// A document with its file; for reviewers.
    pub async fn document(&self, person: &Person, id: DocumentId) -> Result<(Document, Vec<u8>), Refusal> {
        access::may_review(person)?;
        let mut connection = self.database.pool().acquire().await?;
        let document = documents::get(&mut connection, id).await?.ok_or(Refusal::NotFound("document"))?;
        drop(connection);
        let bytes = self.files.get(&document.file).await.map_err(Refusal::Internal)?;
        Ok((document, bytes))
    }

    /// The dashboard's figures.
    pub async fn counts(&self) -> Result<Counts, Refusal> {
        Ok(statistics::counts(self.database.pool(), self.clock.now()).await?)
    }

    /// The newest work on many; for admins.
    pub async fn bulks(&self, person: &Person) -> Result<Vec<Bulk>, Refusal> {
        access::may_administer(person)?;
        Ok(bulks::list(self.database.pool(), 30).await?)
    }

    /// What is still to be told to Oyez.
    pub async fn outbox(&self) -> Result<OutboxCount, Refusal> {
        let (waiting, refused) = crate::database::outbox::count(self.database.pool()).await?;
        Ok(OutboxCount { waiting, refused })
    }

    /// How many people may sign in: none in a new database.
    pub async fn people_count(&self) -> Result<i64, Refusal> {
        Ok(people::count(self.database.pool()).await?)
    }
}
