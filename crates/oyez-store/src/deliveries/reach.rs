//! Whom web push and webhooks reach now: nothing is planned for a user without a browser that subscribed, or for an
//! application that does not listen. E-mail is always planned, so that a missing address can be seen.

use std::collections::HashSet;

use oyez_core::{
    delivery::{Medium, Subject},
    fallback::Policy,
    webhook::{Interest, NOTIFICATION},
};

use crate::{error::StoreError, writer::Tx};

/// Whom the media reach that have no address in a user's profile.
#[derive(Debug, Default)]
pub(super) struct Reach {
    /// Numbers of users with a subscription for web push.
    subscribed: HashSet<i64>,
    /// What endpoints in service want.
    interests: Vec<Interest>,
}

impl Reach {
    /// Reads it for some users, as far as the policy's media need it.
    pub(super) async fn read(tx: &mut Tx, policy: &Policy, users: &[i64]) -> Result<Self, StoreError> {
        let mut reach = Self::default();
        if policy.is_set_up(Medium::WebPush) {
            reach.subscribed = tx.users_with_push(users).await?;
        }
        if policy.is_set_up(Medium::Webhook) {
            reach.interests = tx.interested().await?.into_iter().map(|(_, interest)| interest).collect();
        }
        Ok(reach)
    }

    /// Whether a delivery has anywhere to go by web push or webhook.
    pub(super) fn reaches(&self, medium: Medium, user: i64, subject: &Subject) -> bool {
        let kind = match subject {
            Subject::Notification { kind, .. } => Some(&**kind),
            Subject::Digest(_) => None,
        };
        match medium {
            Medium::Email => true,
            Medium::WebPush => self.subscribed.contains(&user),
            Medium::Webhook => self.interests.iter().any(|interest| interest.wants(NOTIFICATION, kind)),
        }
    }
}
