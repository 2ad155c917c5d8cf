//! The use cases: apply, upload, review, decide, approve many, announce. Each decides with the pure modules, then
//! writes the change and what it promises to tell in one transaction.
//!
//! It never talks to Oyez: the outbox row is the promise, `relay` keeps it.

mod applicant;
mod bulk;
mod read;
mod review;
mod submission;

use std::sync::Arc;

use oyez::protocol::{Timestamp, api::publish::NotificationRequest};
use oyez_core::clock::Clock;
use sqlx::SqliteConnection;
use tokio::sync::Notify;

use crate::{
    application::{Application, ApplicationId},
    database::{Database, Write, applications, outbox},
    errand::{Errand, Lane, Promise},
    files::Files,
    notice,
    refusal::Refusal,
};

pub use applicant::{Trail, Upload};
pub use bulk::Chosen;
pub use read::{Detail, Page};
pub use review::Step;
pub use submission::SubmissionKey;

/// The application's use cases. Clones share the database.
#[derive(Debug, Clone)]
pub struct Desk {
    pub(crate) database: Database,
    pub(crate) clock: Clock,
    pub(crate) files: Files,
    /// Where people reach this application, such as `https://suppliers.example.com`: links in mails begin with it.
    pub(crate) office: Arc<str>,
    /// Rung after each commit that left something in the outbox.
    pub(crate) promised: Arc<Notify>,
    /// Rung after each commit that changes the dashboard's figures.
    pub(crate) counted: Arc<Notify>,
}

impl Desk {
    /// A desk on this database.
    pub fn new(database: Database, clock: Clock, files: Files, office: &str) -> Self {
        Self {
            database,
            clock,
            files,
            office: office.trim_end_matches('/').into(),
            promised: Arc::default(),
            counted: Arc::default(),
        }
    }

    /// The present, by this desk's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Commits a change and wakes those who pass it on.
    async fn commit(&self, tx: Write) -> Result<(), Refusal> {
        tx.commit().await?;
        self.promised.notify_one();
        self.counted.notify_one();
        Ok(())
    }
}

async fn find(connection: &mut SqliteConnection, id: ApplicationId) -> Result<Application, Refusal> {
    applications::get(connection, id).await?.ok_or(Refusal::NotFound("application"))
}

/// Writes what a change promises to tell about one application.
struct Promises<'a> {
    application: &'a Application,
    lane: Lane,
    now: Timestamp,
}

impl Promises<'_> {
    async fn errand(&self, tx: &mut SqliteConnection, errand: Errand) -> Result<(), Refusal> {
        let promise = Promise { lane: self.lane, application: Some(self.application.id), errand };
        Ok(outbox::insert(tx, &promise, self.now).await?)
    }

    /// Reviewers find it in their bells, and dashboards hear it. Of work on many only open pages hear: nobody wants a
    /// thousand items.
    async fn reviewers(&self, tx: &mut SqliteConnection, notice: NotificationRequest) -> Result<(), Refusal> {
        self.errand(tx, Errand::Event(notice::on_the_dashboard(&notice))).await?;
        match self.lane {
            Lane::Single => self.errand(tx, Errand::Notify(Box::new(notice))).await,
            Lane::Bulk => self.errand(tx, Errand::Event(notice::only_live(&notice))).await,
        }
    }

    /// The applicant's open page looks again, and a mail is on its way when there is one.
    async fn applicant(
        &self,
        tx: &mut SqliteConnection,
        mail: Option<NotificationRequest>,
    ) -> Result<(), Refusal> {
        if let Some(mail) = mail {
            self.errand(tx, Errand::Notify(Box::new(mail))).await?;
        }
        self.errand(tx, Errand::Event(notice::look_again(self.application))).await
    }
}

#[cfg(test)]
mod tests;
