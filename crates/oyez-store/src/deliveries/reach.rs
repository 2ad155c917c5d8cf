//! Whom web push and webhooks reach now: nothing is planned for a user without a browser that subscribed, or for an
//! application that does not listen. E-mail is always planned, so that a missing address can be seen.

use std::collections::HashSet;

use oyez_core::{
    delivery::{Medium, Subject},
    fallback::Policy,
};

use crate::{error::StoreError, writer::Tx};

/// Whom the media reach that have no address in a user's profile.
#[derive(Debug, Default)]
pub(super) struct Reach {
    /// Numbers of users with a subscription for web push.
    subscribed: HashSet<i64>,
    /// Types that an endpoint wants; with `None`, one wants all.
    wanted: HashSet<Option<String>>,
}

impl Reach {
    /// Reads it for some users, as far as the policy's media need it.
    ///
    /// Nobody can subscribe and no endpoint can be registered yet, so there is nobody to find.
    pub(super) async fn read(_tx: &mut Tx, _policy: &Policy, _users: &[i64]) -> Result<Self, StoreError> {
        Ok(Self::default())
    }

    /// Whether a delivery has anywhere to go by web push or webhook.
    pub(super) fn reaches(&self, medium: Medium, user: i64, subject: &Subject) -> bool {
        match (medium, subject) {
            (Medium::Email, _) => true,
            (Medium::WebPush, _) => self.subscribed.contains(&user),
            (Medium::Webhook, Subject::Digest(_)) => !self.wanted.is_empty(),
            (Medium::Webhook, Subject::Notification { kind, .. }) => {
                self.wanted.contains(&None) || self.wanted.contains(&Some(kind.to_string()))
            }
        }
    }
}
