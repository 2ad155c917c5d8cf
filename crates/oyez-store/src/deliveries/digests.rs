//! Closes digests whose time has come: their lists are fixed, and their messages queued.

use std::{collections::HashMap, sync::Arc};

use oyez_core::{
    delivery::{Delivery, Item, Medium, Subject, Timing},
    fallback::digest::{Closing, Digest, DigestKey, Member, close},
};
use oyez_protocol::{
    DeliveryId, DigestId, NotificationId, Timestamp, UserId,
    api::deliveries::{DeliveryState, DigestState},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    facts::Known,
    record::{self, DeliveryChange, DeliveryRow, Stored},
};
use crate::{
    engine::{args, json, sql},
    error::StoreError,
    writer::Tx,
};

/// Once the digests of a transaction have collected so many deliveries, the others wait for the next one: other
/// changes go in between. A digest is closed whole.
const MEMBERS_TOGETHER: u64 = 5_000;

/// What became of digests that were due.
#[derive(Debug, Clone, Default)]
pub struct Closed {
    /// How many were closed: their messages are queued, each a change.
    pub closed: u64,
    /// How many had nothing left to list.
    pub dropped: u64,
    /// How many collect on.
    pub waiting: u64,
    /// There may be more that are due.
    pub more: bool,
    /// Messages that were queued, and deliveries that were skipped. What is listed now is not among them.
    pub changes: Vec<DeliveryChange>,
}

/// The columns of `digests/due`, by position.
#[derive(Deserialize)]
struct Due {
    id: Uuid,
    user: i64,
    name: Option<String>,
    medium: Medium,
    key: String,
    start: i64,
    due_at: i64,
    state: DigestState,
    members: u64,
}

/// The columns of `digests/members`, by position.
#[derive(Deserialize)]
struct MemberColumns {
    digest: usize,
    num: i64,
    id: Uuid,
    notification: NotificationId,
    kind: Arc<str>,
    timing: Timing,
    created_at: i64,
    expires_at: Option<i64>,
    withdrawn: u8,
    seen: u8,
}

/// Deliveries that wait in a digest, and how their items stand.
type Members = Vec<(Stored, Item)>;

impl Due {
    /// Whose; `None` once they are erased.
    fn user_id(&self) -> Option<UserId> {
        self.name.as_deref().and_then(|name| UserId::new(name).ok())
    }
}

impl MemberColumns {
    fn stored(self, due: &Due, user: UserId) -> Stored {
        let delivery = Delivery {
            id: DeliveryId(self.id),
            user,
            medium: due.medium,
            subject: Subject::Notification { id: self.notification, kind: self.kind },
            timing: self.timing,
            state: DeliveryState::Waiting,
            reason: None,
            digest: Some(DigestId(due.id)),
            attempt: 0,
            given_back: 0,
            resends: 0,
            due_at: None,
            lease_until: None,
            created_at: Timestamp::from_millis(self.created_at),
            expires_at: self.expires_at.map(Timestamp::from_millis),
        };
        Stored { num: self.num, user: due.user, row: DeliveryRow::new(delivery), sent_to: None }
    }
}

/// What is to be written of a batch.
#[derive(Default)]
struct Written {
    digests: Vec<(DigestId, DigestState, Option<i64>)>,
    listed: Vec<i64>,
    messages: Vec<(i64, Delivery)>,
    skipped: Vec<Stored>,
}

impl Tx {
    /// Closes up to `limit` digests that are due, with their deliveries; those in quiet hours or beyond a throttle
    /// collect on. Call again while there is more.
    pub async fn close_digests(&mut self, limit: u32, now: Timestamp) -> Result<Closed, StoreError> {
        let due: Vec<Due> = record::array(self.fetch_one(sql!("digests/due"), args![now, limit]).await?)?;
        let found = due.len();
        let due = together(due);
        if due.is_empty() {
            return Ok(Closed::default());
        }
        let members = self.members(&due).await?;
        let pairs = due.iter().map(|one| (one.user, one.medium)).collect();
        let mut known = Known::read(self, &pairs).await?;
        let mut closed = Closed { more: found >= limit as usize || found > due.len(), ..Closed::default() };
        let mut written = Written::default();
        for (one, members) in due.iter().zip(members) {
            written.close(one, members, &mut known, &mut closed, now);
        }
        known.store_throttles(self).await?;
        self.write_closed(written, &mut closed).await?;
        Ok(closed)
    }

    /// What waits in each digest, in their order.
    async fn members(&mut self, due: &[Due]) -> Result<Vec<Members>, StoreError> {
        let ids: Vec<Uuid> = due.iter().map(|one| one.id).collect();
        let row = self.fetch_one(sql!("digests/members"), args![json(&ids)]).await?;
        let mut members: Vec<Members> = due.iter().map(|_| Vec::new()).collect();
        for one in record::array::<MemberColumns>(row)? {
            let (Some(due), Some(members)) = (due.get(one.digest), members.get_mut(one.digest)) else {
                continue;
            };
            let Some(user) = due.user_id() else { continue };
            let item = Item { seen: one.seen != 0, withdrawn: one.withdrawn != 0 };
            members.push((one.stored(due, user), item));
        }
        Ok(members)
    }

    async fn write_closed(&mut self, written: Written, closed: &mut Closed) -> Result<(), StoreError> {
        let Written { digests, listed, messages, skipped } = written;
        self.execute(sql!("digests/change"), args![json(&digests)]).await?;
        if !listed.is_empty() {
            self.execute(sql!("deliveries/list_members"), args![json(&listed)]).await?;
        }
        if !messages.is_empty() {
            let rows: Vec<_> =
                messages.iter().map(|(user, delivery)| record::new_row(delivery, *user)).collect();
            self.execute(sql!("deliveries/plan"), args![json(&rows)]).await?;
        }
        self.note_due(digests.iter().filter_map(|(.., due)| due.map(Timestamp::from_millis)).min());
        self.note_due(messages.iter().filter_map(|(_, delivery)| delivery.due_at).min());
        self.write_deliveries(&skipped).await?;
        closed.changes.extend(
            messages.into_iter().map(|(_, delivery)| DeliveryChange { delivery: DeliveryRow::new(delivery) }),
        );
        let skipped: Vec<DeliveryChange> = skipped.into_iter().map(Stored::change).collect();
        self.tell_changes(&skipped).await?;
        closed.changes.extend(skipped);
        Ok(())
    }
}

/// The first of them, with as many members as one transaction should write; at least one.
fn together(due: Vec<Due>) -> Vec<Due> {
    let mut members = 0;
    let fits = |one: &Due| {
        let first = members == 0;
        members += one.members.max(1);
        first || members <= MEMBERS_TOGETHER
    };
    due.into_iter().take_while(fits).collect()
}

impl Written {
    fn close(&mut self, due: &Due, members: Members, known: &mut Known, closed: &mut Closed, now: Timestamp) {
        let id = DigestId(due.id);
        let pair = (due.user, due.medium);
        let (Some(user), Some(facts)) = (due.user_id(), known.facts(pair, &Subject::Digest(id))) else {
            // The user is gone, and the deliveries with them.
            self.digests.push((id, DigestState::Dropped, None));
            closed.dropped += 1;
            return;
        };
        let digest = Digest {
            id,
            key: DigestKey { user, medium: due.medium, key: due.key.clone() },
            start: Timestamp::from_millis(due.start),
            due_at: Timestamp::from_millis(due.due_at),
            state: due.state,
        };
        let list: Vec<Member<'_>> = members
            .iter()
            .map(|(stored, item)| Member { delivery: stored.delivery(), item: *item })
            .collect();
        let closing = close(&digest, &list, &facts, now);
        let mut by_id: HashMap<DeliveryId, Stored> =
            members.into_iter().map(|(stored, _)| (stored.delivery().id, stored)).collect();
        let left_out = match closing {
            Closing::Leave => Vec::new(),
            Closing::Wait { until } => {
                self.digests.push((id, DigestState::Open, Some(until.as_millis())));
                closed.waiting += 1;
                Vec::new()
            }
            Closing::Close { listed, left_out, message, bucket } => {
                known.spend(pair, bucket);
                self.digests.push((id, DigestState::Closing, None));
                self.listed.extend(listed.iter().filter_map(|id| Some(by_id.get(id)?.num)));
                self.messages.push((due.user, *message));
                closed.closed += 1;
                left_out
            }
            Closing::Drop { left_out } => {
                self.digests.push((id, DigestState::Dropped, None));
                closed.dropped += 1;
                left_out
            }
        };
        for (id, reason) in left_out {
            if let Some(mut stored) = by_id.remove(&id) {
                stored.skip(reason, now);
                self.skipped.push(stored);
            }
        }
    }
}
