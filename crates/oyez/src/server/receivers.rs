//! What sends to addresses that others named: push services and webhook endpoints.

use std::{sync::Arc, time::Duration};

use oyez_core::clock::Clock;
use oyez_protocol::RoleName;
use oyez_store::Store;

use super::Error;
use crate::{
    auth::SigningKey,
    config::Config,
    deliver::{Medium, WebPush, Webhook},
    outbound::{Outbound, OutboundOptions},
    publish::Publisher,
    push::{
        Push, PushSetup,
        vapid::{Vapid, VapidKey},
    },
    webhooks::{self, Webhooks},
};

/// How much of an answer is read, in bytes.
const MAX_ANSWER: usize = 1_024;

/// Who receives, and what it takes to send there.
pub(super) struct Receivers {
    /// Browsers.
    pub(super) push: Push,
    /// Applications.
    pub(super) webhooks: Webhooks,
    media: Vec<Arc<dyn Medium>>,
}

impl Receivers {
    /// Sets up what the settings want. The key that browsers know us by is made at the first start that wants it.
    pub(super) fn open(
        config: &Config,
        store: &Store,
        clock: &Clock,
        key: SigningKey,
        publisher: &Publisher,
    ) -> Result<Self, Error> {
        let setup = push_setup(config)?.map(Arc::new);
        let push = Push::new(store.clone(), clock.clone(), setup.clone());
        let webhooks = Webhooks::new(webhooks::Parts {
            store: store.clone(),
            clock: clock.clone(),
            key,
            outbound: outbound(config.webhooks.timeout, config.webhooks.allow_private)?,
            publisher: publisher.clone(),
            admin_roles: config.auth.admin_roles.iter().filter_map(|role| RoleName::new(role).ok()).collect(),
            disable_after: config.webhooks.disable_after,
            notifications: config.webhooks.notifications,
        });
        let mut media: Vec<Arc<dyn Medium>> = Vec::new();
        if let Some(setup) = setup {
            media.push(Arc::new(WebPush::new(store.clone(), clock.clone(), setup)));
        }
        if config.webhooks.notifications {
            media.push(Arc::new(Webhook::new(store.clone(), clock.clone(), webhooks.clone())));
        }
        Ok(Self { push, webhooks, media })
    }

    /// What brings them notifications.
    pub(super) fn media(&self) -> impl Iterator<Item = Arc<dyn Medium>> {
        self.media.iter().cloned()
    }
}

fn push_setup(config: &Config) -> Result<Option<PushSetup>, Error> {
    let push = &config.web_push;
    if !push.enabled {
        return Ok(None);
    }
    let public = config.public_url.clone().filter(|url| url.starts_with("https://"));
    let vapid = Vapid::new(VapidKey::open(&config.data_dir)?, push.subject.clone().or(public));
    Ok(Some(PushSetup { vapid, outbound: outbound(push.timeout, push.allow_private)? }))
}

fn outbound(timeout: Duration, allow_private: bool) -> Result<Outbound, Error> {
    let options = OutboundOptions { allow_private, timeout, max_answer: MAX_ANSWER };
    Ok(Outbound::new(options).map_err(std::io::Error::other)?)
}
