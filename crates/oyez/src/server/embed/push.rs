//! Push subscriptions of an application that embeds Oyez.

use oyez_protocol::{
    PushSubscriptionId, UserId,
    api::push::{PushSubscription, PushSubscriptionRequest},
};

use crate::{
    push::PushError,
    server::{Error, Oyez},
};

/// Push subscriptions: browsers that show a user's notifications while no page is open.
///
/// For an application whose own API takes what its pages got from `PushManager.subscribe()`:
///
/// ```no_run
/// # use oyez::{Oyez, protocol::{UserId, api::push::PushSubscriptionRequest}};
/// # async fn example(oyez: Oyez, user: UserId, body: &str) -> Result<(), oyez::server::Error> {
/// let key = oyez.push_subscriptions().public_key(); // for the page: its `applicationServerKey`
/// let request: PushSubscriptionRequest = serde_json::from_str(body)?; // what its `toJSON()` gave
/// oyez.push_subscriptions().add(&user, &request).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct PushSubscriptions<'a> {
    oyez: &'a Oyez,
}

impl Oyez {
    /// Push subscriptions: browsers that show a user's notifications while no page is open.
    pub fn push_subscriptions(&self) -> PushSubscriptions<'_> {
        PushSubscriptions { oyez: self }
    }
}

impl PushSubscriptions<'_> {
    /// The key that browsers are to be given; none unless `web_push.enabled` is set.
    pub fn public_key(&self) -> Option<String> {
        self.oyez.inner.push.public_key()
    }

    /// Takes a browser's subscription. One that is known is renewed and belongs to this user from now on; of one user
    /// the 20 newest are kept. Refused unless `web_push.enabled` is set.
    pub async fn add(
        &self,
        user: &UserId,
        request: &PushSubscriptionRequest,
    ) -> Result<PushSubscription, Error> {
        Ok(self.oyez.inner.push.subscribe(user, request).await?)
    }

    /// A user's subscriptions, the oldest first, without what is secret in them.
    pub async fn list(&self, user: &UserId) -> Result<Vec<PushSubscription>, Error> {
        Ok(self.oyez.inner.push.list(user).await?)
    }

    /// Ends one of a user's subscriptions. Returns whether this user had it.
    pub async fn remove(&self, user: &UserId, id: PushSubscriptionId) -> Result<bool, Error> {
        match self.oyez.inner.push.unsubscribe(user, id).await {
            Ok(()) => Ok(true),
            Err(PushError::NotFound) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
