//! Webhook endpoints of an application that embeds Oyez.

use oyez_protocol::{
    WebhookName,
    api::webhooks::{RotateRequest, RotatedSecret, Webhook, WebhookChanged, WebhookRequest, WebhookTested},
};

use crate::{
    server::{Error, Oyez},
    webhooks::WebhooksError,
};

/// Webhook endpoints: other applications that are told what happened, by signed requests.
///
/// ```no_run
/// # use oyez::{Oyez, protocol::{WebhookName, api::webhooks::WebhookRequest}};
/// # async fn example(oyez: Oyez) -> Result<(), oyez::server::Error> {
/// let billing = WebhookName::new("billing").expect("a name");
/// let request = WebhookRequest {
///     url: "https://billing.example.com/hooks".into(),
///     events: vec!["delivery.failed".into(), "job.*".into()],
///     ..WebhookRequest::default()
/// };
/// if let Some(secret) = oyez.webhooks().put(&billing, &request).await?.secret {
///     println!("give it to the application that receives, it is not shown again: {secret}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct Webhooks<'a> {
    oyez: &'a Oyez,
}

impl Oyez {
    /// Webhook endpoints: other applications that are told what happened.
    pub fn webhooks(&self) -> Webhooks<'_> {
        Webhooks { oyez: self }
    }
}

impl Webhooks<'_> {
    /// Makes an endpoint, whose secret is in the answer and never shown again, or replaces all but the secret of one.
    ///
    /// Calling it at each start of the application is fine; unless the request says `disabled`, it takes an endpoint
    /// into service again that was disabled because it failed.
    pub async fn put(&self, name: &WebhookName, request: &WebhookRequest) -> Result<WebhookChanged, Error> {
        let (changed, _created) = self.oyez.inner.webhooks.put(name, request).await?;
        Ok(changed)
    }

    /// One endpoint, with how it answers.
    pub async fn get(&self, name: &WebhookName) -> Result<Option<Webhook>, Error> {
        match self.oyez.inner.webhooks.get(name).await {
            Ok(webhook) => Ok(Some(webhook)),
            Err(WebhooksError::NotFound(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// All endpoints by name; there are 100 at most.
    pub async fn list(&self) -> Result<Vec<Webhook>, Error> {
        Ok(self.oyez.inner.webhooks.list().await?)
    }

    /// Sends a request of the type `webhook.test`, at once and once, also to an endpoint that is disabled. That it was
    /// not delivered is an answer, and no error.
    pub async fn test(&self, name: &WebhookName) -> Result<WebhookTested, Error> {
        Ok(self.oyez.inner.webhooks.test(name).await?)
    }

    /// Gives an endpoint a new secret; for `overlap` seconds, a day where nothing is said, the old one signs too.
    pub async fn rotate(&self, name: &WebhookName, request: RotateRequest) -> Result<RotatedSecret, Error> {
        Ok(self.oyez.inner.webhooks.rotate(name, request).await?)
    }

    /// Deletes an endpoint: it is told nothing any more, not even what happened already. Returns whether there was
    /// one.
    pub async fn delete(&self, name: &WebhookName) -> Result<bool, Error> {
        match self.oyez.inner.webhooks.delete(name).await {
            Ok(()) => Ok(true),
            Err(WebhooksError::NotFound(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
