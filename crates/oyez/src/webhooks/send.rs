//! One signed request, and what an endpoint's answers say about the endpoint.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use oyez_core::webhook::{Interest, is_given_up};
use oyez_protocol::{
    Audience, Timestamp, WebhookName,
    api::publish::{Audiences, NotificationRequest},
};
use oyez_store::{StoreError, WebhookRow};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Webhooks, WebhooksError, secret};

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
/// The type of the notification that tells of an endpoint which was disabled.
const DISABLED: &str = "webhook_disabled";
/// Keeps the idempotency keys of these notifications apart from those of API keys.
const CALLER: &str = "oyez:webhooks";
/// An endpoint that answers well is noted at most this often.
const NOTED_SECONDS: i64 = 60;

/// The arguments of a job that tells one endpoint of one event, as the store writes them.
#[derive(Debug, Serialize, Deserialize)]
pub struct EventJob {
    /// Which endpoint.
    pub webhook: WebhookName,
    /// Names the event, at every try alike.
    pub id: String,
    /// Which event.
    pub event: String,
    /// The request's body, byte by byte as it is signed.
    pub body: Box<RawValue>,
}

/// How an endpoint answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status; none when there was no answer.
    pub status: Option<u16>,
    /// The beginning of the answer.
    pub answer: Option<String>,
    /// Why it does not count as told; none when it does.
    pub error: Option<String>,
    /// How long the endpoint asks to wait.
    pub retry_after: Option<Duration>,
}

/// Why an endpoint was not told.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// It is gone, or disabled: it need not be told.
    #[error("{0}")]
    NotNeeded(String),
    /// It failed, and may be tried again.
    #[error("{error}")]
    Failed {
        /// Why.
        error: String,
        /// How long the endpoint asks to wait.
        retry_after: Option<Duration>,
    },
}

impl Webhooks {
    /// Endpoints in service that want an event about a type, or about none.
    pub async fn interested(&self, event: &str, kind: Option<&str>) -> Result<Vec<WebhookRow>, StoreError> {
        let mut rows = self.parts.store.webhooks().await?;
        rows.retain(|row| {
            let interest = Interest::new(&row.events, row.types.as_deref());
            !row.disabled && interest.is_ok_and(|interest| interest.wants(event, kind))
        });
        Ok(rows)
    }

    /// Tells an endpoint once, and keeps book: one that has failed for too long is disabled, and administrators are
    /// told.
    pub async fn tell(&self, webhook: &WebhookRow, id: &str, body: Bytes) -> Reply {
        let reply = match self.request(webhook, id, body).await {
            Ok(reply) => reply,
            Err(error) => {
                Reply { status: None, answer: None, error: Some(error.to_string()), retry_after: None }
            }
        };
        if let Err(error) = self.note(webhook, &reply).await {
            tracing::warn!(webhook = %webhook.name, %error, "could not note how a webhook answered");
        }
        reply
    }

    /// Does the work of a job.
    pub async fn tell_event(&self, job: &EventJob) -> Result<Reply, EventError> {
        let webhook = match self.row(&job.webhook).await {
            Ok(webhook) if !webhook.disabled => webhook,
            Ok(_) => return Err(EventError::NotNeeded(format!("the webhook {} is disabled", job.webhook))),
            Err(error @ WebhooksError::NotFound(_)) => return Err(EventError::NotNeeded(error.to_string())),
            Err(error) => {
                return Err(EventError::Failed { error: error.to_string(), retry_after: None });
            }
        };
        let body = Bytes::copy_from_slice(job.body.get().as_bytes());
        let reply = self.tell(&webhook, &job.id, body).await;
        match reply.error {
            Some(error) => Err(EventError::Failed { error, retry_after: reply.retry_after }),
            None => Ok(reply),
        }
    }

    /// One request, without keeping book.
    pub(super) async fn request(
        &self,
        webhook: &WebhookRow,
        id: &str,
        body: Bytes,
    ) -> Result<Reply, WebhooksError> {
        let now = self.parts.clock.now();
        let timestamp = now.as_millis() / 1_000;
        let signature = secret::signature(&self.parts.key, webhook, (id, timestamp, &body), now)?;
        let text = |value: String| {
            HeaderValue::try_from(value).map_err(|error| StoreError::Fault(format!("no header: {error}")))
        };
        let headers = HeaderMap::from_iter([
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (ID, text(id.to_owned())?),
            (TIMESTAMP, HeaderValue::from(timestamp)),
            (SIGNATURE, text(signature)?),
        ]);
        Ok(match self.parts.outbound.post(&webhook.url, headers, body).await {
            Ok(answer) => Reply {
                status: Some(answer.status),
                error: (!answer.is_success())
                    .then(|| format!("{} answered {}", webhook.name, answer.summary())),
                retry_after: answer.retry_after(now),
                answer: Some(answer.text).filter(|text| !text.is_empty()),
            },
            Err(error) => Reply {
                status: None,
                answer: None,
                error: Some(format!("{}: {error}", webhook.name)),
                retry_after: None,
            },
        })
    }

    async fn note(&self, webhook: &WebhookRow, reply: &Reply) -> Result<(), StoreError> {
        let now = self.parts.clock.now();
        let name = webhook.name.clone();
        let Some(error) = reply.error.clone() else {
            let noted = webhook.delivered_at.is_some_and(|at| now < at.plus_seconds(NOTED_SECONDS));
            if webhook.failing_since.is_none() && noted {
                return Ok(());
            }
            let change = self
                .parts
                .store
                .write(move |tx| Box::pin(async move { tx.webhook_succeeded(&name, now).await }));
            return change.await;
        };
        let failed = self
            .parts
            .store
            .write(move |tx| Box::pin(async move { tx.webhook_failed(&name, &error, now).await }));
        let Some(since) = failed.await? else { return Ok(()) };
        let after = self.parts.disable_after;
        // It says itself that it wants no more (Standard Webhooks, "410 Gone").
        let reason = if reply.status == Some(410) {
            "it answered 410 Gone".to_owned()
        } else if !after.is_zero() && is_given_up(since, after, now) {
            format!("every request has failed since {since}")
        } else {
            return Ok(());
        };
        self.disable(webhook, since, reason).await
    }

    /// Takes an endpoint out of service. Administrators are told first: interrupted, the next failure does both again,
    /// and the notification is recognised.
    async fn disable(
        &self,
        webhook: &WebhookRow,
        since: Timestamp,
        reason: String,
    ) -> Result<(), StoreError> {
        let (name, now) = (webhook.name.clone(), self.parts.clock.now());
        tracing::warn!(webhook = %name, %reason, "a webhook is disabled");
        if !self.parts.admin_roles.is_empty() {
            let to = self.parts.admin_roles.iter().cloned().map(Audience::Role).collect();
            let message = format!(
                "The webhook {name} is disabled: {reason}. Mend it, then put it into service again with `oyez webhook \
                 enable {name}`."
            );
            let data =
                serde_json::json!({"webhook": {"name": name, "reason": reason, "failing_since": since}});
            let request = NotificationRequest {
                to: Audiences::Many(to),
                kind: Some(DISABLED.into()),
                message,
                title: Some("Webhook disabled".into()),
                url: None,
                icon: None,
                severity: Some("error".into()),
                actor: None,
                data: data.as_object().cloned(),
                send_at: None,
                expires_at: None,
                group_key: None,
                media: None,
                idempotency_key: Some(format!("{name}:{}", since.as_millis())),
            };
            if let Err(error) = self.parts.publisher.publish(&request, CALLER).await {
                tracing::error!(webhook = %name, %error, "could not tell that a webhook is disabled");
            }
        }
        let change = self.parts.store.write(move |tx| {
            Box::pin(async move { tx.disable_webhook(&name, &reason, now).await.map(drop) })
        });
        change.await
    }
}
