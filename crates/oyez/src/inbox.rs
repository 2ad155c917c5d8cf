//! The inbox of one user: what is in it, how much of it is new, and the marks its owner makes.
//!
//! A mark commits and is announced, so that every tab shows the same counts. Nobody reaches another user's inbox: each
//! call names its owner, and the edge passes who is signed in.

use std::sync::Arc;

use oyez_core::{
    clock::Clock,
    inbox::{Page, Standing, StoredItem},
    notification::Invalid,
};
use oyez_protocol::{
    ErrorCode, NotificationId, Seq, Timestamp, UserId,
    frame::{
        client::{MarkAction, Selection},
        server::InboxChange,
    },
};
use oyez_store::{DeliveryChange, InboxFilter, Store, StoreError, Tx};

use crate::{
    bus::{Announcement, Bus},
    deliveries::Deliveries,
};

/// Most bytes of frames one page of changes holds.
const MAX_CHANGES_BYTES: usize = 1024 * 1024;

/// Why a call is refused, or failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum InboxError {
    /// A field is wrong.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// It is not in this inbox.
    #[error("there is no item {0} in your inbox")]
    NotFound(NotificationId),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl InboxError {
    /// The stable code for a client.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid(invalid) => invalid.code,
            Self::NotFound(_) => ErrorCode::NotFound,
            Self::Store(error) => error.code(),
        }
    }
}

/// What `PATCH …/inbox/{id}` may change; `None` leaves it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ItemPatch {
    /// `true` marks it seen.
    pub seen: Option<bool>,
    /// `true` marks it read (and seen), `false` unread.
    pub read: Option<bool>,
    /// `true` archives it.
    pub archived: Option<bool>,
}

/// What a client missed, and whether it can go on from there.
#[derive(Debug, Clone)]
pub struct Changes {
    /// The items after the position asked for, oldest first, and the newest position.
    pub page: Page,
    /// There are more items than the page holds: ask again with the last position.
    pub has_more: bool,
    /// The position asked for means nothing here (retention took what follows it, or it is not of this database):
    /// `page` holds what there is from the beginning, and the client starts over.
    pub reset: bool,
}

/// Inboxes. Cheap to clone.
#[derive(Clone)]
pub struct Inboxes {
    store: Store,
    bus: Bus,
    clock: Clock,
    deliveries: Option<Deliveries>,
}

impl Inboxes {
    /// Joins store and bus.
    pub fn new(store: Store, bus: Bus, clock: Clock) -> Self {
        Self { store, bus, clock, deliveries: None }
    }

    /// Says live which deliveries a mark ended, too.
    #[must_use]
    pub fn telling(mut self, deliveries: Deliveries) -> Self {
        self.deliveries = Some(deliveries);
        self
    }

    /// Marks items. Idempotent; ids that are not in the inbox are passed over. Returns the exact counts afterwards and
    /// what changed.
    pub async fn mark(
        &self,
        user: &UserId,
        action: MarkAction,
        selection: Selection,
    ) -> Result<Arc<InboxChange>, InboxError> {
        self.mark_all(user, vec![action], selection).await
    }

    /// Changes one item; all of the patch or nothing. Returns the item as it is then.
    pub async fn patch(
        &self,
        user: &UserId,
        id: NotificationId,
        patch: ItemPatch,
    ) -> Result<StoredItem, InboxError> {
        let actions = actions(patch)?;
        self.item(user, id).await?;
        if !actions.is_empty() {
            self.mark_all(user, actions, Selection::Ids(vec![id])).await?;
        }
        self.item(user, id).await
    }

    /// Several marks of the same items in one transaction, announced as one change.
    async fn mark_all(
        &self,
        user: &UserId,
        actions: Vec<MarkAction>,
        selection: Selection,
    ) -> Result<Arc<InboxChange>, InboxError> {
        let (owner, now) = (user.clone(), self.clock.now());
        let (bus, told, deliveries) = (self.bus.clone(), user.clone(), self.deliveries.clone());
        let (change, _) = self
            .store
            .write_then(
                move |tx| {
                    Box::pin(async move {
                        let change = mark_each(tx, &owner, &actions, &selection, now).await?;
                        Ok((change, tx.skipped_deliveries()))
                    })
                },
                move |(change, skipped): &(Arc<InboxChange>, Vec<DeliveryChange>)| {
                    if let Some(deliveries) = deliveries {
                        deliveries.tell(skipped);
                    }
                    if change.all || !change.changed.is_empty() {
                        let change = Arc::clone(change);
                        bus.announce(Announcement::InboxChanged { user: told, change });
                    }
                },
            )
            .await?;
        Ok(change)
    }

    /// Items that pass a filter, newest first.
    pub async fn page(&self, user: &UserId, filter: &InboxFilter) -> Result<Vec<StoredItem>, InboxError> {
        Ok(self.store.inbox_page(user, filter).await?)
    }

    /// One item.
    pub async fn item(&self, user: &UserId, id: NotificationId) -> Result<StoredItem, InboxError> {
        self.store.inbox_item(user, id).await?.ok_or(InboxError::NotFound(id))
    }

    /// What landed after a position, oldest first: how a client without a live stream catches up.
    pub async fn changes(&self, user: &UserId, after: Seq, limit: u32) -> Result<Changes, InboxError> {
        let standing = self.store.standing(user).await?;
        let reset = after > standing.head || (after < standing.kept_after && after > Seq::ZERO);
        let from = if reset { Seq::ZERO } else { after };
        let page = self.store.items_after(user, from, limit, MAX_CHANGES_BYTES).await?;
        let has_more = page.items.last().is_some_and(|last| last.seq < page.head);
        Ok(Changes { page, has_more, reset })
    }

    /// The newest position and the exact counts.
    pub async fn counts(&self, user: &UserId) -> Result<Standing, InboxError> {
        Ok(self.store.standing(user).await?)
    }
}

async fn mark_each(
    tx: &mut Tx,
    owner: &UserId,
    actions: &[MarkAction],
    selection: &Selection,
    now: Timestamp,
) -> Result<Arc<InboxChange>, StoreError> {
    let mut whole = InboxChange::default();
    for action in actions {
        let change = tx.mark(owner, *action, selection, now).await?;
        whole.changed.retain(|state| change.changed.iter().all(|newer| newer.id != state.id));
        whole.changed.extend(change.changed);
        whole.all |= change.all;
        (whole.seq, whole.unread, whole.unseen) = (change.seq, change.unread, change.unseen);
    }
    Ok(Arc::new(whole))
}

/// The marks a patch asks for, in an order in which none undoes another.
fn actions(patch: ItemPatch) -> Result<Vec<MarkAction>, Invalid> {
    let final_state = |field: &str| Invalid {
        code: ErrorCode::Invalid,
        field: field.into(),
        message: format!("\"{field}\" can only be set to true: it cannot be taken back"),
    };
    let mut actions = Vec::new();
    match patch.seen {
        Some(true) => actions.push(MarkAction::Seen),
        Some(false) => return Err(final_state("seen")),
        None => {}
    }
    match patch.read {
        Some(true) => actions.push(MarkAction::Read),
        Some(false) => actions.push(MarkAction::Unread),
        None => {}
    }
    match patch.archived {
        Some(true) => actions.push(MarkAction::Archive),
        Some(false) => return Err(final_state("archived")),
        None => {}
    }
    Ok(actions)
}
