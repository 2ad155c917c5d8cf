//! Which media there are: those that the settings set up, and those that the embedding application brings.

use std::sync::Arc;

use oyez_core::delivery;

use super::{email, receivers::Receivers};
use crate::{
    config::Config,
    deliver::{Medium, email::Email},
};

/// The kinds that can send anything at all: known before the store is opened, because publishing plans for them.
pub(super) fn set_up(config: &Config, given: &[Arc<dyn Medium>]) -> Vec<delivery::Medium> {
    let mut kinds: Vec<_> = given.iter().map(|medium| medium.kind()).collect();
    if email::is_set_up(config) {
        kinds.push(delivery::Medium::Email);
    }
    if config.web_push.enabled {
        kinds.push(delivery::Medium::WebPush);
    }
    if config.webhooks.notifications {
        kinds.push(delivery::Medium::Webhook);
    }
    kinds
}

/// The media themselves; those that are given come first, and the first one of a kind counts.
pub(super) fn open(
    given: Vec<Arc<dyn Medium>>,
    mail: Option<Email>,
    receivers: &Receivers,
) -> Vec<Arc<dyn Medium>> {
    let mail = mail.map(|mail| Arc::new(mail) as Arc<dyn Medium>);
    given.into_iter().chain(mail).chain(receivers.media()).collect()
}
