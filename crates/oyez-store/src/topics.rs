//! Who is a member of which topic.

use oyez_protocol::{Timestamp, TopicName, UserId};

use crate::{
    engine::{args, sql},
    error::StoreError,
    store::Store,
    writer::Tx,
};

impl Tx {
    /// Makes a user a member, or ends it; a new member becomes known. Returns whether that changed anything.
    pub async fn set_member(
        &mut self,
        topic: &TopicName,
        user: &UserId,
        member: bool,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let changed = if member {
            let num = self.known_user(user, now).await?;
            self.execute(sql!("topics/join"), args![topic.as_str(), num]).await?
        } else {
            self.execute(sql!("topics/leave"), args![topic.as_str(), user]).await?
        };
        Ok(changed > 0)
    }
}

impl Store {
    /// A topic's members by id; the next page begins after the last of this one.
    pub async fn members(
        &self,
        topic: &TopicName,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<UserId>, StoreError> {
        let args = args![topic.as_str(), after.map_or("", UserId::as_str), limit];
        let rows = self.reader().await?.fetch(sql!("topics/members"), args).await?;
        rows.iter().map(|row| row.user(0)).collect()
    }

    /// A user's topics, sorted.
    pub async fn topics_of(&self, user: &UserId) -> Result<Vec<TopicName>, StoreError> {
        let rows = self.reader().await?.fetch(sql!("topics/of"), args![user]).await?;
        let unreadable = |_| StoreError::Fault("a topic cannot be read back".into());
        rows.iter().map(|row| TopicName::new(row.text(0)?).map_err(unreadable)).collect()
    }

    /// Whether a user is a member.
    pub async fn is_member(&self, topic: &TopicName, user: &UserId) -> Result<bool, StoreError> {
        let args = args![topic.as_str(), user];
        Ok(self.reader().await?.fetch_one(sql!("topics/is_member"), args).await?.is_some())
    }
}
