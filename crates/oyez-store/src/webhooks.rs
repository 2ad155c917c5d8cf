//! Webhook endpoints, and the jobs that tell them what happened.

use std::sync::Arc;

use oyez_core::{
    job::{Ends, NewJob},
    retry::Backoff,
    webhook::{Event, Interest},
};
use oyez_protocol::{JobId, JobKind, QueueName, Timestamp, WebhookName};
use serde_json::{json, value::RawValue};
use sha2::{Digest as _, Sha256};

use crate::{
    engine::{Row, args, sql},
    error::StoreError,
    store::Store,
    writer::Tx,
};

/// The kind of job that makes one request to one endpoint.
pub const WEBHOOK_KIND: &str = "oyez_webhook";
/// Where these jobs wait: an endpoint that is slow or down holds up no other work.
pub const WEBHOOK_QUEUE: &str = "oyez.webhooks";
/// How often such a job is tried, and for how long: about three days, as Standard Webhooks advises.
const ATTEMPTS: u16 = 12;
/// How long such a job waits between attempts.
pub const WEBHOOK_BACKOFF: Backoff = Backoff {
    first: std::time::Duration::from_secs(5),
    factor: 4.0,
    max: std::time::Duration::from_secs(16 * 3_600),
    jitter: 0.2,
};

/// An endpoint, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookRow {
    /// Its name.
    pub name: WebhookName,
    /// Where the requests go.
    pub url: String,
    /// What it is told.
    pub events: Vec<String>,
    /// Only of these types; `None`: of all.
    pub types: Option<Vec<String>>,
    /// It is told nothing.
    pub disabled: bool,
    /// Why Oyez disabled it.
    pub disabled_reason: Option<String>,
    /// What its secret follows from.
    pub seed: WebhookSeed,
    /// The seed before, and until when its secret signs too.
    pub old_seed: Option<(String, Timestamp)>,
    /// Since when every request has failed.
    pub failing_since: Option<Timestamp>,
    /// Why the last request failed.
    pub last_error: Option<String>,
    /// When it answered well the last time.
    pub delivered_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When a person changed it the last time.
    pub updated_at: Timestamp,
}

/// What a secret follows from, together with the key of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSeed {
    /// Random; says nothing without the server's key.
    pub seed: String,
    /// SHA-256 of the secret: tells whether the server's key is still the same.
    pub check: [u8; 32],
}

/// An endpoint to be stored.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    /// Its name.
    pub name: WebhookName,
    /// Where the requests go.
    pub url: String,
    /// What it is told, checked.
    pub events: Vec<String>,
    /// Only of these types, checked.
    pub types: Option<Vec<String>>,
    /// It is told nothing.
    pub disabled: bool,
    /// What its secret follows from when it is new.
    pub seed: WebhookSeed,
}

/// What became of an endpoint that was to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookPut {
    /// It is new.
    Created,
    /// It was there, and keeps its secret.
    Changed,
    /// There are too many. Nothing was stored.
    TooMany,
}

impl Tx {
    /// Makes an endpoint, unless there are `most` already, or changes the one of this name, which starts with a clean
    /// slate.
    pub async fn put_webhook(
        &mut self,
        new: &NewWebhook,
        most: usize,
        now: Timestamp,
    ) -> Result<WebhookPut, StoreError> {
        let row = self.fetch_one(sql!("webhooks/count"), args![new.name.as_str()]).await?;
        let row = row.ok_or_else(|| StoreError::Fault("a count without a row".into()))?;
        let exists = row.flag(1)?;
        if !exists && row.count(0)? >= most as u64 {
            return Ok(WebhookPut::TooMany);
        }
        let args = args![
            new.name.as_str(),
            new.url.as_str(),
            crate::engine::json(&new.events),
            new.types.as_ref().map(crate::engine::json),
            new.disabled,
            new.seed.seed.as_str(),
            &new.seed.check,
            now
        ];
        self.execute(sql!("webhooks/put"), args).await?;
        Ok(if exists { WebhookPut::Changed } else { WebhookPut::Created })
    }

    /// Removes an endpoint. Returns whether there was one.
    pub async fn delete_webhook(&mut self, name: &WebhookName) -> Result<bool, StoreError> {
        Ok(self.execute(sql!("webhooks/delete"), args![name.as_str()]).await? > 0)
    }

    /// Gives an endpoint a new secret; the old one signs too until `old_until`. Returns whether there is such an
    /// endpoint.
    pub async fn rotate_webhook(
        &mut self,
        name: &WebhookName,
        seed: &WebhookSeed,
        old_until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let args = args![name.as_str(), seed.seed.as_str(), &seed.check, old_until, now];
        Ok(self.execute(sql!("webhooks/rotate"), args).await? > 0)
    }

    /// An endpoint answered well.
    pub async fn webhook_succeeded(&mut self, name: &WebhookName, now: Timestamp) -> Result<(), StoreError> {
        self.execute(sql!("webhooks/succeeded"), args![name.as_str(), now]).await.map(drop)
    }

    /// An endpoint failed. Returns since when it has; `None`: it is gone, or disabled already.
    pub async fn webhook_failed(
        &mut self,
        name: &WebhookName,
        error: &str,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let row = self.fetch_one(sql!("webhooks/failed"), args![name.as_str(), now, error]).await?;
        let Some(row) = row else { return Ok(None) };
        if row.flag(1)? { Ok(None) } else { row.time(0).map(Some) }
    }

    /// Takes an endpoint out of service. Returns whether it was in service.
    pub async fn disable_webhook(
        &mut self,
        name: &WebhookName,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(sql!("webhooks/disable"), args![name.as_str(), reason, now]).await? > 0)
    }

    /// Writes which endpoints took a message, as long as another attempt may follow.
    pub async fn note_webhooks(
        &mut self,
        message: &str,
        took: &[WebhookName],
        again: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.note_taken(message, took, again, now).await
    }

    /// Has what happened told to every endpoint that wants it: one job each, made in this transaction. Telling the same
    /// again makes no second job while the first is kept. Returns how many were made.
    ///
    /// Costs one look while there is no endpoint, so call it once for all that happened, or not where
    /// [`Tx::has_webhooks`] says no.
    pub async fn tell_webhooks(&mut self, events: &[Event], now: Timestamp) -> Result<usize, StoreError> {
        if events.is_empty() {
            return Ok(0);
        }
        let interested = self.interested().await?;
        let mut jobs = Vec::new();
        for (name, interest) in &interested {
            for event in events.iter().filter(|event| interest.wants(event.event, event.kind.as_deref())) {
                jobs.push(job(name, event, now)?);
            }
        }
        if !jobs.is_empty() {
            self.enqueue(&jobs, now).await?;
            self.ring();
        }
        Ok(jobs.len())
    }

    /// Whether any endpoint is in service: if not, what happened need not be put into words.
    pub async fn has_webhooks(&mut self) -> Result<bool, StoreError> {
        let row = self.fetch_one(sql!("webhooks/any"), args![]).await?;
        row.map_or(Ok(false), |row| row.flag(0))
    }

    /// Endpoints in service, and what they want.
    pub(crate) async fn interested(&mut self) -> Result<Vec<(WebhookName, Interest)>, StoreError> {
        let rows = self.fetch(sql!("webhooks/interests"), args![]).await?;
        rows.iter()
            .map(|row| Ok((row.name(0)?, interest(&row.names(1)?, types(row, 2)?.as_deref())?)))
            .collect()
    }
}

impl Store {
    /// All endpoints by name: there are few.
    pub async fn webhooks(&self) -> Result<Vec<WebhookRow>, StoreError> {
        let rows = self.reader().await?.fetch(sql!("webhooks/columns", "webhooks/by_name"), args![]).await?;
        rows.iter().map(webhook).collect()
    }

    /// One endpoint.
    pub async fn webhook(&self, name: &WebhookName) -> Result<Option<WebhookRow>, StoreError> {
        let args = args![name.as_str()];
        let row = self.reader().await?.fetch_one(sql!("webhooks/columns", "webhooks/one"), args).await?;
        row.as_ref().map(webhook).transpose()
    }

    /// Which endpoints took a message in an earlier attempt.
    pub async fn webhooks_that_took(&self, message: &str) -> Result<Vec<WebhookName>, StoreError> {
        let rows = self.reader().await?.fetch(sql!("webhooks/targets"), args![message]).await?;
        rows.iter().map(|row| row.name(0)).collect()
    }

    /// Rings after a commit that made jobs for endpoints. One waiter at a time; a ring is kept until somebody waits.
    pub fn webhook_jobs(&self) -> Arc<tokio::sync::Notify> {
        self.writer().bell()
    }
}

/// One request to one endpoint. Its body is stored as it is signed.
fn job(name: &WebhookName, event: &Event, now: Timestamp) -> Result<NewJob, StoreError> {
    let fault = |error: String| StoreError::Fault(format!("a webhook's job cannot be made: {error}"));
    let body = RawValue::from_string(event.body()).map_err(|error| fault(error.to_string()))?;
    let args = json!({"webhook": name, "id": event.id, "event": event.event});
    let mut args = args.to_string();
    args.truncate(args.len() - 1);
    let args = format!("{args},\"body\":{}}}", body.get());
    // The same event for the same endpoint is the same job.
    let hash: [u8; 32] = Sha256::digest(format!("{} {name}", event.id)).into();
    let random = *hash.first_chunk::<10>().expect("SHA-256 has 32 bytes");
    let millis = u64::try_from(event.at.as_millis()).unwrap_or(0);
    Ok(NewJob {
        id: JobId(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()),
        kind: JobKind::new(WEBHOOK_KIND).map_err(|error| fault(error.to_string()))?,
        queue: QueueName::new(WEBHOOK_QUEUE).map_err(|error| fault(error.to_string()))?,
        priority: oyez_core::job::DEFAULT_PRIORITY,
        args: args.into(),
        data: "{}".into(),
        user: None,
        run_at: None,
        unique: Some(oyez_core::job::Unique {
            key: format!("webhook:{}:{name}", event.id),
            states: oyez_core::job::StateSet::ALL,
        }),
        max_attempts: ATTEMPTS,
        timeout: None,
        backoff: WEBHOOK_BACKOFF,
        notify: Ends::NONE,
        messages: oyez_protocol::api::jobs::JobMessages::default(),
        created_at: now,
        track: false,
        worker: None,
        schedule: None,
        planned_at: None,
        idempotency: None,
    })
}

fn interest(events: &[String], types: Option<&[String]>) -> Result<Interest, StoreError> {
    let unreadable = |error| StoreError::Fault(format!("an endpoint's wishes cannot be read back: {error}"));
    Interest::new(events, types).map_err(unreadable)
}

fn types(row: &Row, column: usize) -> Result<Option<Vec<String>>, StoreError> {
    match row.opt_text(column)? {
        None => Ok(None),
        Some(_) => row.names(column).map(Some),
    }
}

fn webhook(row: &Row) -> Result<WebhookRow, StoreError> {
    let text = |column| row.opt_text(column).map(|text| text.map(str::to_owned));
    Ok(WebhookRow {
        name: row.name(0)?,
        url: row.text(1)?.to_owned(),
        events: row.names(2)?,
        types: types(row, 3)?,
        disabled: row.flag(4)?,
        disabled_reason: text(5)?,
        seed: WebhookSeed { seed: row.text(6)?.to_owned(), check: row.bytes(7)? },
        old_seed: text(8)?.zip(row.opt_time(9)?),
        failing_since: row.opt_time(10)?,
        last_error: text(11)?,
        delivered_at: row.opt_time(12)?,
        created_at: row.time(13)?,
        updated_at: row.time(14)?,
    })
}
