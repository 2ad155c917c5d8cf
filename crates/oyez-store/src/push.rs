//! Push subscriptions: the browsers that take messages for a user.

use std::collections::HashSet;

use oyez_protocol::{PushSubscriptionId, Timestamp, UserId};

use crate::{
    engine::{Row, Value, args, json, sql},
    error::StoreError,
    store::Store,
    writer::Tx,
};

/// A subscription to be stored.
#[derive(Clone)]
pub struct NewPushSubscription {
    /// Names it, unless its endpoint is known already.
    pub id: PushSubscriptionId,
    /// Whose it is.
    pub user: UserId,
    /// Where messages go.
    pub endpoint: String,
    /// The browser's public key: an uncompressed point on P-256.
    pub public_key: [u8; 65],
    /// The browser's secret for authentication.
    pub auth: [u8; 16],
    /// What people call the device; `None` leaves what is stored.
    pub device: Option<String>,
}

/// A subscription.
#[derive(Clone, PartialEq, Eq)]
pub struct PushSubscription {
    /// Names it.
    pub id: PushSubscriptionId,
    /// Where messages go.
    pub endpoint: String,
    /// The browser's public key.
    pub public_key: [u8; 65],
    /// The browser's secret for authentication.
    pub auth: [u8; 16],
    /// What people call the device.
    pub device: Option<String>,
    /// When it was made, or renewed.
    pub created_at: Timestamp,
    /// When its push service took a message the last time.
    pub sent_at: Option<Timestamp>,
}

/// A subscription that a message is for.
#[derive(Clone)]
pub struct PushTarget {
    /// The subscription.
    pub subscription: PushSubscription,
    /// An earlier attempt brought it the message.
    pub taken: bool,
}

/// What an attempt did to the subscriptions of its user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PushSent {
    /// The message's name, the same in every attempt.
    pub message: String,
    /// Took it now.
    pub took: Vec<PushSubscriptionId>,
    /// Do not exist any more.
    pub gone: Vec<PushSubscriptionId>,
    /// Another attempt follows, which has to know who took it.
    pub again: bool,
}

impl Tx {
    /// Stores a subscription, or renews the one with this endpoint, whoever had it. Of a user's subscriptions the `most`
    /// newest stay.
    pub async fn put_push_subscription(
        &mut self,
        new: &NewPushSubscription,
        most: u32,
        now: Timestamp,
    ) -> Result<PushSubscription, StoreError> {
        let user = self.known_user(&new.user, now).await?;
        let (public_key, auth) = (Value::Blob(new.public_key.to_vec()), Value::Blob(new.auth.to_vec()));
        let device = new.device.as_deref();
        let args = vec![
            new.id.0.into(),
            user.into(),
            new.endpoint.as_str().into(),
            public_key,
            auth,
            device.into(),
            now.into(),
        ];
        self.execute(sql!("push/put"), args).await?;
        let others = most.saturating_sub(1);
        self.execute(sql!("push/trim"), args![user, new.endpoint.as_str(), others]).await?;
        let row = self.fetch_one(sql!("push/columns", "push/one"), args![new.endpoint.as_str()]).await?;
        let row =
            row.ok_or_else(|| StoreError::Fault("a subscription that was stored is not there".into()))?;
        subscription(&row)
    }

    /// Removes a user's subscription. Returns whether there was one.
    pub async fn delete_push_subscription(
        &mut self,
        user: &UserId,
        id: PushSubscriptionId,
    ) -> Result<bool, StoreError> {
        Ok(self.execute(sql!("push/delete"), args![user, id.0]).await? > 0)
    }

    /// Writes what became of a message: subscriptions that are gone are removed, and who took it is remembered as long
    /// as another attempt may follow.
    pub async fn note_push(&mut self, sent: &PushSent, now: Timestamp) -> Result<(), StoreError> {
        if !sent.took.is_empty() {
            self.execute(sql!("push/sent"), args![json(&hex(&sent.took)), now]).await?;
        }
        if !sent.gone.is_empty() {
            self.execute(sql!("push/forget"), args![json(&hex(&sent.gone))]).await?;
        }
        let took = hex(&sent.took);
        self.note_taken(&sent.message, &took, sent.again, now).await
    }

    /// Remembers who took a message while others failed, or forgets it when no attempt follows.
    pub(crate) async fn note_taken(
        &mut self,
        message: &str,
        took: &[impl serde::Serialize],
        again: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if again {
            self.execute(sql!("taken/keep"), args![message, json(took), now]).await?;
        } else {
            self.execute(sql!("taken/forget"), args![message]).await?;
        }
        Ok(())
    }

    /// Which of these users, by number, have a browser that takes messages.
    pub(crate) async fn users_with_push(&mut self, users: &[i64]) -> Result<HashSet<i64>, StoreError> {
        let rows = self.fetch(sql!("push/who"), args![json(users)]).await?;
        rows.iter().map(|row| row.int(0)).collect()
    }
}

impl Store {
    /// A user's subscriptions, the oldest first.
    pub async fn push_subscriptions(&self, user: &UserId) -> Result<Vec<PushSubscription>, StoreError> {
        let rows = self.reader().await?.fetch(sql!("push/columns", "push/of_user"), args![user]).await?;
        rows.iter().map(subscription).collect()
    }

    /// A user's subscriptions, and which of them took a message already.
    pub async fn push_targets(&self, user: &UserId, message: &str) -> Result<Vec<PushTarget>, StoreError> {
        let args = args![user, message];
        let rows = self.reader().await?.fetch(sql!("push/columns", "push/targets"), args).await?;
        let target = |row: &Row| Ok(PushTarget { subscription: subscription(row)?, taken: row.flag(7)? });
        rows.iter().map(target).collect()
    }
}

fn hex(ids: &[PushSubscriptionId]) -> Vec<String> {
    ids.iter().map(|id| id.0.simple().to_string()).collect()
}

fn subscription(row: &Row) -> Result<PushSubscription, StoreError> {
    Ok(PushSubscription {
        id: PushSubscriptionId(row.uuid(0)?),
        endpoint: row.text(1)?.to_owned(),
        public_key: row.bytes(2)?,
        auth: row.bytes(3)?,
        device: row.opt_text(4)?.map(str::to_owned),
        created_at: row.time(5)?,
        sent_at: row.opt_time(6)?,
    })
}
