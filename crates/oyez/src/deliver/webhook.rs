//! A user's notifications to applications: to every endpoint that wants the type, each request signed.
//!
//! Several endpoints may want one notification, and a delivery ends once: who took it is remembered as long as another
//! one may still take it, so that a retry goes to the others only. All requests of a delivery have one `webhook-id`.

use bytes::Bytes;
use futures_util::future::{BoxFuture, join_all};
use oyez_core::{
    clock::Clock,
    delivery::{self, Outcome},
    webhook::{self, NOTIFICATION},
};
use oyez_protocol::WebhookName;
use oyez_store::{Parcel, ParcelItem, ParcelSubject, Store, StoreError};
use serde_json::{Value, json};

use super::{Medium, Sent};
use crate::webhooks::{Reply, Webhooks};

/// Parcels in flight at once; each is as many requests as endpoints want it.
const CONCURRENCY: usize = 32;

/// The medium. Cheap to clone.
#[derive(Clone)]
pub struct Webhook {
    store: Store,
    clock: Clock,
    webhooks: Webhooks,
}

impl Webhook {
    /// Tells these endpoints.
    pub fn new(store: Store, clock: Clock, webhooks: Webhooks) -> Self {
        Self { store, clock, webhooks }
    }

    async fn send_all(&self, parcel: &Parcel) -> Sent {
        match self.try_all(parcel).await {
            Ok(sent) => sent,
            Err(error) => Sent::failed(format!("the endpoints cannot be read: {error}")),
        }
    }

    async fn try_all(&self, parcel: &Parcel) -> Result<Sent, StoreError> {
        let kind = match &parcel.subject {
            ParcelSubject::Notification(item) => Some(&*item.kind),
            ParcelSubject::Digest { .. } => None,
        };
        let mut open = self.webhooks.interested(NOTIFICATION, kind).await?;
        let had = if parcel.attempt > 1 {
            self.store.webhooks_that_took(&parcel.message_key).await?
        } else {
            Vec::new()
        };
        open.retain(|webhook| !had.contains(&webhook.name));
        let body = Bytes::from(webhook::body(NOTIFICATION, parcel.created_at, &data(parcel)));
        let replies = join_all(
            open.iter().map(|webhook| self.webhooks.tell(webhook, &parcel.message_key, body.clone())),
        );
        let replies = replies.await;
        let sent = concluded(!had.is_empty(), &replies);
        let again = matches!(sent.outcome, Outcome::Failed { .. });
        if again || parcel.attempt > 1 {
            let took = open.iter().zip(&replies).filter(|(_, reply)| reply.error.is_none());
            let took: Vec<WebhookName> = took.map(|(webhook, _)| webhook.name.clone()).collect();
            let (message, now) = (parcel.message_key.clone(), self.clock.now());
            let noted = self.store.write(move |tx| {
                Box::pin(async move { tx.note_webhooks(&message, &took, again, now).await })
            });
            if let Err(error) = noted.await {
                tracing::warn!(delivery = %parcel.id, %error, "could not note which webhooks took a notification");
            }
        }
        let words = open.iter().zip(&replies).map(|(webhook, reply)| match (&reply.error, reply.status) {
            (None, Some(status)) => format!("{}: HTTP {status}", webhook.name),
            (error, _) => error.clone().unwrap_or_default(),
        });
        let answer = words.collect::<Vec<_>>().join("; ");
        Ok(if answer.is_empty() { sent } else { sent.answered(answer) })
    }
}

impl Medium for Webhook {
    fn kind(&self) -> delivery::Medium {
        delivery::Medium::Webhook
    }

    fn send<'a>(&'a self, parcel: &'a Parcel) -> BoxFuture<'a, Sent> {
        Box::pin(self.send_all(parcel))
    }

    fn concurrency(&self) -> usize {
        CONCURRENCY
    }
}

/// What the answers mean for the delivery: it goes on while an endpoint that wants it has not taken it.
fn concluded(had: bool, replies: &[Reply]) -> Sent {
    if replies.is_empty() && !had {
        return Sent::bounced("no webhook wants it any more");
    }
    match replies.iter().find_map(|reply| reply.error.clone()) {
        Some(error) => {
            let failed = replies.iter().filter(|reply| reply.error.is_some());
            let retry_after = failed.filter_map(|reply| reply.retry_after).max();
            Sent::new(Outcome::Failed { error, retry_after })
        }
        None => Sent::new(Outcome::Delivered),
    }
}

fn data(parcel: &Parcel) -> Value {
    let user = json!({"id": parcel.user.id, "name": parcel.user.name, "email": parcel.user.email});
    let item = |item: &ParcelItem| serde_json::from_str::<Value>(&item.to_json()).unwrap_or_default();
    match &parcel.subject {
        ParcelSubject::Notification(one) => json!({"user": user, "notification": item(one)}),
        ParcelSubject::Digest { id, items, total } => {
            let notifications: Vec<Value> = items.iter().map(item).collect();
            json!({"user": user, "digest": {"id": id, "total": total, "notifications": notifications}})
        }
    }
}
