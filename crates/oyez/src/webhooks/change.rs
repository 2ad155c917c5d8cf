//! Endpoints are made, changed, tried, given new secrets, and removed.

use std::time::Duration;

use oyez_core::{
    notification::Invalid,
    webhook::{Interest, NOTIFICATION},
};
use oyez_protocol::{
    ErrorCode, Timestamp, WebhookName,
    api::webhooks::{
        MAX_WEBHOOKS, RotateRequest, RotatedSecret, Webhook, WebhookChanged, WebhookRequest, WebhookTested,
    },
};
use oyez_store::{NewWebhook, WebhookPut, WebhookRow};

use super::{Webhooks, WebhooksError, secret};

/// How long the old secret signs too, unless somebody says.
const OVERLAP: u32 = 86_400;
/// The longest that anybody may say.
const MAX_OVERLAP: u32 = 31 * 86_400;

impl Webhooks {
    /// Makes an endpoint, whose secret is in the answer and never shown again, or changes one. Returns whether it is
    /// new.
    pub async fn put(
        &self,
        name: &WebhookName,
        request: &WebhookRequest,
    ) -> Result<(WebhookChanged, bool), WebhooksError> {
        Interest::new(&request.events, request.types.as_deref())?;
        let url = match self.only_disables(name, request).await? {
            true => request.url.clone(),
            false => self.checked(request)?,
        };
        let (secret, seed) = secret::new(&self.parts.key);
        let new = NewWebhook {
            name: name.clone(),
            url,
            events: request.events.clone(),
            types: request.types.clone(),
            disabled: request.disabled.unwrap_or(false),
            seed,
        };
        let now = self.parts.clock.now();
        let put = self
            .parts
            .store
            .write(move |tx| Box::pin(async move { tx.put_webhook(&new, MAX_WEBHOOKS, now).await }));
        let created = match put.await? {
            WebhookPut::TooMany => return Err(WebhooksError::TooMany),
            put => put == WebhookPut::Created,
        };
        let webhook = self.get(name).await?;
        let secret = created.then(|| secret.reveal().to_owned());
        Ok((WebhookChanged { webhook, secret }, created))
    }

    /// Whether an endpoint is to be told nothing and else stays as it is. That is always allowed: the settings may have
    /// changed since it was made.
    async fn only_disables(
        &self,
        name: &WebhookName,
        request: &WebhookRequest,
    ) -> Result<bool, WebhooksError> {
        if request.disabled != Some(true) {
            return Ok(false);
        }
        let known = self.parts.store.webhook(name).await?;
        Ok(known.is_some_and(|row| row.url == request.url && row.events == request.events))
    }

    /// The address as it is stored, if this server would tell these events to it.
    fn checked(&self, request: &WebhookRequest) -> Result<String, WebhooksError> {
        if !self.parts.notifications && request.events.iter().any(|event| event == NOTIFICATION) {
            let what = "names notification, which this server does not tell: set webhooks.notifications";
            return Err(invalid("events", what).into());
        }
        let url = self.parts.outbound.check(&request.url);
        let url = url.map_err(|refused| invalid("url", &format!("cannot be used: {refused}")))?;
        Ok(url.into())
    }

    /// One endpoint.
    pub async fn get(&self, name: &WebhookName) -> Result<Webhook, WebhooksError> {
        Ok(shown(self.row(name).await?, self.parts.clock.now()))
    }

    /// All endpoints by name.
    pub async fn list(&self) -> Result<Vec<Webhook>, WebhooksError> {
        let now = self.parts.clock.now();
        Ok(self.parts.store.webhooks().await?.into_iter().map(|row| shown(row, now)).collect())
    }

    /// Removes an endpoint. What waits to be told to it is not told any more.
    pub async fn delete(&self, name: &WebhookName) -> Result<(), WebhooksError> {
        let removed = name.clone();
        let deleting =
            self.parts.store.write(move |tx| Box::pin(async move { tx.delete_webhook(&removed).await }));
        if deleting.await? { Ok(()) } else { Err(WebhooksError::NotFound(name.clone())) }
    }

    /// Gives an endpoint a new secret. For a while requests carry signatures by both.
    pub async fn rotate(
        &self,
        name: &WebhookName,
        request: RotateRequest,
    ) -> Result<RotatedSecret, WebhooksError> {
        let overlap = request.overlap.unwrap_or(OVERLAP);
        if overlap > MAX_OVERLAP {
            let what = format!("is {overlap} seconds: expected 0 to {MAX_OVERLAP}, which is 31 days");
            return Err(invalid("overlap", &what).into());
        }
        let now = self.parts.clock.now();
        let old_secret_until = now.plus(Duration::from_secs(overlap.into()));
        let (secret, seed) = secret::new(&self.parts.key);
        let rotated = name.clone();
        let rotating = self.parts.store.write(move |tx| {
            Box::pin(async move { tx.rotate_webhook(&rotated, &seed, old_secret_until, now).await })
        });
        if !rotating.await? {
            return Err(WebhooksError::NotFound(name.clone()));
        }
        Ok(RotatedSecret { secret: secret.reveal().to_owned(), old_secret_until })
    }

    /// Sends a test, at once and once, also to an endpoint that is disabled. Nothing is remembered of it.
    pub async fn test(&self, name: &WebhookName) -> Result<WebhookTested, WebhooksError> {
        let row = self.row(name).await?;
        let now = self.parts.clock.now();
        let id = format!("evt_{:032x}", rand::random::<u128>());
        let data = serde_json::json!({"webhook": name});
        let body = oyez_core::webhook::body(oyez_core::webhook::TEST, now, &data);
        let reply = self.request(&row, &id, body.into()).await?;
        Ok(WebhookTested {
            delivered: reply.error.is_none(),
            status: reply.status,
            answer: reply.answer,
            error: reply.error,
        })
    }

    pub(super) async fn row(&self, name: &WebhookName) -> Result<WebhookRow, WebhooksError> {
        self.parts.store.webhook(name).await?.ok_or_else(|| WebhooksError::NotFound(name.clone()))
    }
}

fn shown(row: WebhookRow, now: Timestamp) -> Webhook {
    Webhook {
        name: row.name,
        url: row.url,
        events: row.events,
        types: row.types,
        disabled: row.disabled,
        disabled_reason: row.disabled_reason,
        failing_since: row.failing_since,
        last_error: row.last_error,
        delivered_at: row.delivered_at,
        old_secret_until: row.old_seed.map(|(_, until)| until).filter(|until| *until > now),
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

fn invalid(field: &str, what: &str) -> Invalid {
    Invalid { code: ErrorCode::Invalid, field: field.into(), message: format!("\"{field}\" {what}") }
}
