//! Who is a member of which topic.

use oyez_protocol::{Timestamp, TopicName, UserId};

use crate::{error::StoreError, store::Store, writer::Tx};

impl Tx {
    /// Makes a user a member, or ends it; makes the user known. Returns whether that changed anything.
    pub async fn set_member(
        &mut self,
        topic: &TopicName,
        user: &UserId,
        member: bool,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        todo!()
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
        todo!()
    }

    /// A user's topics, sorted.
    pub async fn topics_of(&self, user: &UserId) -> Result<Vec<TopicName>, StoreError> {
        todo!()
    }

    /// Whether a user is a member.
    pub async fn is_member(&self, topic: &TopicName, user: &UserId) -> Result<bool, StoreError> {
        todo!()
    }
}
