//! Push messages to all browsers of a user (RFC 8030), encrypted for each (RFC 8291).
//!
//! A message is a pointer, not the text: it names the notification, and the service worker asks for it. A user has
//! several browsers, and a delivery ends once: who took the message is remembered as long as another one may still take
//! it, so that a retry goes to the others only. A browser that is gone is forgotten.

mod encrypt;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::{BoxFuture, join_all};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use oyez_core::{
    clock::Clock,
    delivery::{self, Outcome},
    push::{Urgency, topic, ttl},
};
use oyez_protocol::{PushSubscriptionId, Timestamp};
use oyez_store::{Parcel, ParcelSubject, PushSent, PushSubscription, Store};
use serde_json::{Value, json};

use super::{Medium, Sent};
use crate::{
    outbound::{Answer, OutboundError},
    push::{PushSetup, service},
};

/// Parcels in flight at once; each is as many requests as its user has browsers.
const CONCURRENCY: usize = 32;

/// The medium. Cheap to clone.
#[derive(Clone)]
pub struct WebPush {
    store: Store,
    clock: Clock,
    setup: Arc<PushSetup>,
}

/// What a push service is told, whichever it is.
struct Message {
    text: String,
    urgency: Urgency,
    topic: Option<String>,
}

/// How one push service answered.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Reply {
    Took,
    Gone,
    Refused(String),
    Failed(String, Option<Duration>),
}

impl WebPush {
    /// Sends from this store's subscriptions.
    pub fn new(store: Store, clock: Clock, setup: Arc<PushSetup>) -> Self {
        Self { store, clock, setup }
    }

    async fn send_all(&self, parcel: &Parcel) -> Sent {
        let targets = match self.store.push_targets(&parcel.user.id, &parcel.message_key).await {
            Ok(targets) => targets,
            Err(error) => return Sent::failed(format!("the subscriptions cannot be read: {error}")),
        };
        let (had, open): (Vec<_>, Vec<_>) = targets.into_iter().partition(|target| target.taken);
        let message = message(parcel);
        let now = self.clock.now();
        let replies = join_all(open.iter().map(|target| async {
            let reply = self.send_one(&target.subscription, &message, parcel.expires_at, now).await;
            (target.subscription.id, reply)
        }));
        let replies = replies.await;
        let sent = concluded(!had.is_empty(), &replies);
        let which = |wanted: &Reply| -> Vec<PushSubscriptionId> {
            replies.iter().filter(|(_, reply)| reply == wanted).map(|(id, _)| *id).collect()
        };
        let note = PushSent {
            message: parcel.message_key.clone(),
            took: which(&Reply::Took),
            gone: which(&Reply::Gone),
            again: matches!(sent.outcome, Outcome::Failed { .. }),
        };
        let noted = self.store.write(move |tx| Box::pin(async move { tx.note_push(&note, now).await }));
        if let Err(error) = noted.await {
            tracing::warn!(delivery = %parcel.id, %error, "could not note which browsers took a push message");
        }
        let places = open.iter().zip(&replies).map(|(target, (_, reply))| {
            format!("{}: {}", service(&target.subscription.endpoint), reply.words())
        });
        let answer = places.collect::<Vec<_>>().join("; ");
        if answer.is_empty() { sent } else { sent.answered(answer) }
    }

    async fn send_one(
        &self,
        to: &PushSubscription,
        message: &Message,
        expires_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Reply {
        let Ok(body) = encrypt::encrypt(message.text.as_bytes(), &to.public_key, &to.auth) else {
            return Reply::Refused("the message cannot be encrypted for this browser".into());
        };
        let authorization = self.setup.vapid.authorization(&service(&to.endpoint), now);
        let Ok(mut authorization) = HeaderValue::try_from(authorization) else {
            return Reply::Refused("the address cannot be named in a token".into());
        };
        authorization.set_sensitive(true);
        let mut headers = HeaderMap::from_iter([
            (header::AUTHORIZATION, authorization),
            (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
            (header::CONTENT_ENCODING, HeaderValue::from_static("aes128gcm")),
            (HeaderName::from_static("ttl"), HeaderValue::from(ttl(expires_at, now))),
            (HeaderName::from_static("urgency"), HeaderValue::from_static(message.urgency.as_str())),
        ]);
        if let Some(topic) = message.topic.as_ref().and_then(|topic| HeaderValue::try_from(topic).ok()) {
            headers.insert(HeaderName::from_static("topic"), topic);
        }
        reply(self.setup.outbound.post(&to.endpoint, headers, Bytes::from(body)).await, now)
    }
}

impl Medium for WebPush {
    fn kind(&self) -> delivery::Medium {
        delivery::Medium::WebPush
    }

    fn send<'a>(&'a self, parcel: &'a Parcel) -> BoxFuture<'a, Sent> {
        Box::pin(self.send_all(parcel))
    }

    fn concurrency(&self) -> usize {
        CONCURRENCY
    }
}

impl Reply {
    fn words(&self) -> &str {
        match self {
            Self::Took => "took it",
            Self::Gone => "the browser is gone",
            Self::Refused(error) | Self::Failed(error, _) => error,
        }
    }
}

/// What an answer means (RFC 8030, sections 5 and 7.3, and what the services say of themselves).
fn reply(answer: Result<Answer, OutboundError>, now: Timestamp) -> Reply {
    match answer {
        Ok(answer) if answer.is_success() => Reply::Took,
        Ok(answer) => match answer.status {
            404 | 410 => Reply::Gone,
            408 | 425 | 429 | 500.. => Reply::Failed(answer.summary(), answer.retry_after(now)),
            // Too large, a token that is not believed, a redirect: the same again would be answered the same.
            _ => Reply::Refused(answer.summary()),
        },
        Err(error @ (OutboundError::Address(_) | OutboundError::Private(_))) => {
            Reply::Refused(error.to_string())
        }
        Err(error @ (OutboundError::Timeout(_) | OutboundError::Broken(_))) => {
            Reply::Failed(error.to_string(), None)
        }
    }
}

/// What the answers mean for the delivery. While one may still take it, it goes on; then one that took it is enough.
fn concluded(had: bool, replies: &[(PushSubscriptionId, Reply)]) -> Sent {
    let replies = || replies.iter().map(|(_, reply)| reply);
    let failed = replies().find_map(|reply| match reply {
        Reply::Failed(error, _) => Some(error.clone()),
        _ => None,
    });
    if let Some(error) = failed {
        let waits = replies().filter_map(|reply| match reply {
            Reply::Failed(_, wait) => *wait,
            _ => None,
        });
        return Sent::new(Outcome::Failed { error, retry_after: waits.max() });
    }
    if had || replies().any(|reply| *reply == Reply::Took) {
        return Sent::new(Outcome::Accepted);
    }
    match replies().find(|reply| matches!(reply, Reply::Refused(_))) {
        Some(refused) => Sent::refused(refused.words()),
        None => Sent::bounced("no browser of this user takes push messages any more"),
    }
}

/// The pointer: ids, and what fits on one line.
fn message(parcel: &Parcel) -> Message {
    match &parcel.subject {
        ParcelSubject::Notification(item) => {
            let fields: Value = serde_json::from_str(&item.to_json()).unwrap_or_default();
            let mut pointer = json!({"notification": item.notification});
            for key in ["title", "url"] {
                if fields[key].is_string() {
                    pointer[key] = fields[key].clone();
                }
            }
            Message {
                text: pointer.to_string(),
                urgency: Urgency::of_severity(fields["severity"].as_str()),
                topic: fields["group_key"].as_str().map(topic),
            }
        }
        ParcelSubject::Digest { id, total, .. } => {
            let title =
                if *total == 1 { "1 new notification".into() } else { format!("{total} new notifications") };
            let pointer = json!({"digest": id, "title": title, "url": "/"});
            Message { text: pointer.to_string(), urgency: Urgency::Normal, topic: None }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replies(all: &[Reply]) -> Vec<(PushSubscriptionId, Reply)> {
        all.iter().map(|reply| (PushSubscriptionId(uuid::Uuid::from_u128(1)), reply.clone())).collect()
    }

    #[test]
    fn one_browser_that_took_it_is_enough_once_nobody_is_to_be_tried_again() {
        let failed = |seconds: Option<u64>| Reply::Failed("503".into(), seconds.map(Duration::from_secs));
        let refused = || Reply::Refused("413".into());
        let outcome = |had, all: &[Reply]| concluded(had, &replies(all)).outcome;
        assert_eq!(outcome(false, &[Reply::Gone, Reply::Took, refused()]), Outcome::Accepted);
        assert_eq!(outcome(true, &[Reply::Gone]), Outcome::Accepted);
        assert_eq!(outcome(true, &[]), Outcome::Accepted);
        assert!(matches!(outcome(false, &[Reply::Gone, refused()]), Outcome::Refused { .. }));
        assert!(matches!(outcome(false, &[Reply::Gone]), Outcome::Bounced { .. }));
        assert!(matches!(outcome(false, &[]), Outcome::Bounced { .. }));
        let wait = Some(Duration::from_secs(90));
        let both = outcome(false, &[failed(Some(30)), Reply::Took, failed(Some(90)), failed(None)]);
        assert_eq!(both, Outcome::Failed { error: "503".into(), retry_after: wait });
    }
}
