//! Gives what is due to a worker: what the core decides about each is written in the transaction that reads the facts.

use std::{collections::HashMap, sync::Arc};

use oyez_core::{
    delivery::{Decision, Item, Medium, Outcome, Pause, Subject, decide},
    fallback::Collecting,
};
use oyez_protocol::{DigestId, NotificationId, Seq, Timestamp, api::deliveries::DeliveryState};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    collect::Collector,
    conclude::Conclusions,
    facts::Known,
    parcel::{MAX_LISTED, MAX_LISTED_BYTES, Parcel, ParcelItem, ParcelSubject},
    record::{self, Columns, DeliveryChange, Stored},
};
use crate::{
    engine::{args, json, sql},
    error::StoreError,
    writer::Tx,
};

/// What a worker got.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    /// Attempts to be made now, in the order they were due.
    pub parcels: Vec<Parcel>,
    /// Deliveries that were skipped, put off, or lost by a worker, with what a digest's message took along. The
    /// parcels' are not among them.
    pub changes: Vec<DeliveryChange>,
    /// As many were looked at as were asked for: there may be more.
    pub more: bool,
}

/// A delivery that is due, and how the item stands that it tells of.
#[derive(Deserialize)]
struct Due(Columns, Option<u64>, u8, Option<Arc<str>>);

/// A delivery to be sent, and the item that it tells of; none for a digest's message.
type ToSend = (Stored, Option<(Seq, Arc<str>)>);

/// What is decided of a batch.
#[derive(Default)]
struct Decided {
    send: Vec<ToSend>,
    changed: Vec<Stored>,
    collect: Vec<(Stored, Collecting)>,
    conclusions: Conclusions,
}

impl Tx {
    /// Takes up to `limit` deliveries by a medium that are due at `now`, or whose worker let its lease run out. What is
    /// to be sent is counted as an attempt and leased until `lease_until`; everything else is skipped, put off,
    /// collected or given up, as the core decides. `random`, from 0 to 1, spreads the next attempts of what was lost.
    pub async fn take_deliveries(
        &mut self,
        medium: Medium,
        limit: u32,
        lease_until: Timestamp,
        now: Timestamp,
        random: f64,
    ) -> Result<Taken, StoreError> {
        let statement =
            sql!("deliveries/select_items", "deliveries/columns", "deliveries/from_items", "deliveries/due");
        let args = args![medium.as_str(), now, limit];
        let due: Vec<Due> = record::array(self.fetch_one(statement, args).await?)?;
        if due.is_empty() {
            return Ok(Taken::default());
        }
        let more = due.len() >= limit as usize;
        let mut rows = Vec::with_capacity(due.len());
        for Due(columns, seq, seen, tail) in due {
            rows.push((record::stored(columns)?, seen != 0, seq.map(Seq).zip(tail)));
        }
        rows.sort_unstable_by_key(|(stored, ..)| {
            (stored.delivery().lease_until.or(stored.delivery().due_at), stored.num)
        });
        let pairs = rows.iter().map(|(stored, ..)| (stored.user, medium)).collect();
        let mut known = Known::read(self, &pairs).await?;
        let mut decided = Decided::default();
        for (stored, seen, item) in rows {
            decided.decide(stored, seen, item, &mut known, now, random);
        }
        known.store_throttles(self).await?;
        self.collect(&mut decided, now).await?;
        decided.conclusions.store(self, now).await?;
        let changes = self.write_with_members(decided.changed, now).await?;
        let parcels = self.begin(decided.send, &known, lease_until, now).await?;
        Ok(Taken { parcels, changes, more })
    }

    /// Ends all leases: for a process that knows that no other one has this store. What was leased is found as lost
    /// from now on. Returns how many that were.
    pub async fn end_delivery_leases(&mut self, now: Timestamp) -> Result<u64, StoreError> {
        let ended = self.execute(sql!("deliveries/end_leases"), args![now]).await?;
        self.note_due(Some(now).filter(|_| ended > 0));
        Ok(ended)
    }

    /// Puts what was too many into digests.
    async fn collect(&mut self, decided: &mut Decided, now: Timestamp) -> Result<(), StoreError> {
        let wanted = decided.collect.iter().map(|(stored, collecting)| (stored.user, &collecting.key));
        let mut collector = Collector::read(self, wanted).await?;
        for (mut stored, collecting) in decided.collect.drain(..) {
            let delivery = &mut stored.row.delivery;
            delivery.digest = Some(collector.join(stored.user, &collecting, now));
            delivery.state = DeliveryState::Waiting;
            delivery.due_at = None;
            decided.changed.push(stored);
        }
        let due = collector.store(self).await?;
        self.note_due(due);
        Ok(())
    }

    /// Counts the attempts and takes the leases.
    async fn begin(
        &mut self,
        send: Vec<ToSend>,
        known: &Known,
        lease_until: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<Parcel>, StoreError> {
        if send.is_empty() {
            return Ok(Vec::new());
        }
        let user = |stored: &Stored| known.user((stored.user, stored.delivery().medium));
        let leases: Vec<_> = send
            .iter()
            .map(|(stored, _)| {
                let by_mail = stored.delivery().medium == Medium::Email;
                let address = user(stored).filter(|_| by_mail).and_then(|user| user.fingerprint.as_deref());
                (stored.num, stored.delivery().attempt + 1, address)
            })
            .collect();
        self.execute(sql!("deliveries/lease"), args![json(&leases), lease_until, now]).await?;
        self.note_due(Some(lease_until));
        let digests: Vec<DigestId> = send.iter().filter_map(|(stored, _)| stored.message_of()).collect();
        let mut listed = self.listed(&digests).await?;
        let mut parcels = Vec::with_capacity(send.len());
        for (stored, item) in send {
            let Some(user) = user(&stored).map(|known| known.user.clone()) else { continue };
            let delivery = stored.row.delivery;
            let subject = match (&delivery.subject, item) {
                (Subject::Notification { id, kind }, Some((seq, tail))) => {
                    let (kind, created_at) = (Arc::clone(kind), delivery.created_at);
                    ParcelSubject::Notification(ParcelItem { notification: *id, seq, kind, tail, created_at })
                }
                (Subject::Digest(id), _) => {
                    let (total, items) = listed.remove(id).unwrap_or_default();
                    ParcelSubject::Digest { id: *id, items, total }
                }
                (Subject::Notification { .. }, None) => {
                    return Err(StoreError::Fault("a delivery is sent whose item is gone".into()));
                }
            };
            parcels.push(Parcel {
                id: delivery.id,
                message_key: delivery.message_key(),
                attempt: delivery.attempt + 1,
                medium: delivery.medium,
                address: user.email.clone().filter(|_| delivery.medium == Medium::Email),
                user,
                subject,
                timing: delivery.timing,
                created_at: delivery.created_at,
                started_at: now,
                expires_at: delivery.expires_at,
            });
        }
        Ok(parcels)
    }

    /// What digests list: how many, and the oldest of them.
    async fn listed(
        &mut self,
        digests: &[DigestId],
    ) -> Result<HashMap<DigestId, (u64, Vec<ParcelItem>)>, StoreError> {
        if digests.is_empty() {
            return Ok(HashMap::new());
        }
        let bytes = u64::try_from(MAX_LISTED_BYTES).unwrap_or(u64::MAX);
        let args = args![json(digests), MAX_LISTED, bytes];
        let rows: Vec<(usize, u64, Vec<ListedColumns>)> =
            record::array(self.fetch_one(sql!("deliveries/listed"), args).await?)?;
        let listed = rows.into_iter().filter_map(|(asked, total, items)| {
            Some((*digests.get(asked)?, (total, items.into_iter().map(ListedColumns::item).collect())))
        });
        Ok(listed.collect())
    }
}

/// The columns of an item that a digest lists, by position.
#[derive(Deserialize)]
struct ListedColumns(Uuid, u64, Arc<str>, Arc<str>, i64);

impl ListedColumns {
    fn item(self) -> ParcelItem {
        let Self(id, seq, kind, tail, created_at) = self;
        let created_at = Timestamp::from_millis(created_at);
        ParcelItem { notification: NotificationId(id), seq: Seq(seq), kind, tail, created_at }
    }
}

impl Decided {
    fn decide(
        &mut self,
        mut stored: Stored,
        seen: bool,
        item: Option<(Seq, Arc<str>)>,
        known: &mut Known,
        now: Timestamp,
        random: f64,
    ) {
        let pair = (stored.user, stored.delivery().medium);
        let withdrawn = stored.message_of().is_none() && item.is_none();
        let Some(facts) = known.facts(pair, &stored.delivery().subject) else { return };
        match decide(stored.delivery(), Item { seen, withdrawn }, &facts, now) {
            Decision::Send { bucket } => {
                known.spend(pair, bucket);
                self.send.push((stored, item));
            }
            Decision::Skip(reason) => {
                stored.skip(reason, now);
                self.changed.push(stored);
            }
            Decision::Wait { why: Pause::Leased, .. } => {}
            Decision::Wait { until, .. } => {
                let delivery = &mut stored.row.delivery;
                delivery.due_at = Some(until);
                if delivery.state == DeliveryState::Queued {
                    delivery.state = DeliveryState::Waiting;
                }
                self.changed.push(stored);
            }
            Decision::Rescue => {
                let started_at = stored.row.attempted_at.unwrap_or(now);
                self.conclusions.add(
                    &mut stored,
                    (Outcome::Lost, None),
                    started_at,
                    known.policy(),
                    now,
                    random,
                );
                self.changed.push(stored);
            }
            Decision::Collect(collecting) => {
                known.overflow(pair);
                self.collect.push((stored, collecting));
            }
            // It has ended, or a digest has it: it is not to be found here again.
            Decision::Leave => {
                stored.row.delivery.due_at = None;
                stored.row.delivery.lease_until = None;
                self.changed.push(stored);
            }
        }
    }
}
