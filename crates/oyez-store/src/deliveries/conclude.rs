//! How attempts ended: what that means for their deliveries, for the digests whose messages they were, and for the
//! addresses that refused.

use std::{collections::HashMap, sync::Arc};

use oyez_core::{
    delivery::{Medium, Outcome, Report, conclude, settle},
    fallback::{Policy, digest::follow},
};
use oyez_protocol::{
    DeliveryId, DigestId, Timestamp,
    api::deliveries::{DeliveryState, DigestState},
};

use super::record::{self, DeliveryChange, Stored};
use crate::{
    engine::{args, json, sql},
    error::StoreError,
    writer::Tx,
};

/// Longest answer of a medium that is kept, in bytes.
pub const MAX_ANSWER_BYTES: usize = 1024;

/// An attempt that ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// The delivery.
    pub id: DeliveryId,
    /// The attempt.
    pub attempt: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// What the medium answered; of a long answer the beginning is kept.
    pub answer: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
}

/// The record of an attempt: delivery, attempt, beginning, outcome, answer, error.
pub(super) type AttemptRow = (i64, u32, i64, &'static str, Option<String>, Option<String>);

/// What a batch of attempts that ended adds up to.
#[derive(Default)]
pub(super) struct Conclusions {
    pub(super) attempts: Vec<AttemptRow>,
    /// Fingerprints of addresses, and what they answered.
    refused: Vec<(String, String)>,
}

impl Conclusions {
    /// Brings a delivery into the state that the end of its attempt leads to.
    pub(super) fn add(
        &mut self,
        stored: &mut Stored,
        (outcome, answer): (Outcome, Option<String>),
        started_at: Timestamp,
        policy: &Policy,
        now: Timestamp,
        random: f64,
    ) {
        let retry = policy.retry(stored.delivery().medium);
        let conclusion = conclude(stored.delivery(), outcome, &retry, now, random);
        let answer = answer.map(|mut answer| {
            answer.truncate(answer.floor_char_boundary(MAX_ANSWER_BYTES));
            answer
        });
        self.attempts.push((
            stored.num,
            stored.delivery().attempt,
            started_at.as_millis(),
            conclusion.attempt_outcome,
            answer,
            conclusion.error.clone(),
        ));
        if conclusion.state == DeliveryState::Bounced {
            self.refuse(stored, conclusion.error.as_deref().unwrap_or_default());
        }
        stored.enter(conclusion.state, None, now);
        if matches!(conclusion.state, DeliveryState::Sent | DeliveryState::Delivered) {
            stored.row.sent_at = Some(now);
        }
        stored.row.error = conclusion.error;
        let delivery = &mut stored.row.delivery;
        delivery.due_at = conclusion.due_at;
        delivery.lease_until = None;
        delivery.given_back += u32::from(conclusion.gives_back);
    }

    /// Only e-mail has addresses of its own; what a subscription or an endpoint is worth, its own table knows.
    fn refuse(&mut self, stored: &Stored, error: &str) {
        if let (Medium::Email, Some(address)) = (stored.delivery().medium, &stored.sent_to) {
            self.refused.push((address.clone(), error.into()));
        }
    }

    pub(super) async fn store(self, tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
        if !self.attempts.is_empty() {
            tx.execute(sql!("deliveries/attempts"), args![json(&self.attempts), now]).await?;
        }
        tx.suppress(&self.refused, now).await
    }
}

impl Tx {
    /// Concludes attempts. Those whose delivery was taken over, sent again or removed meanwhile change nothing.
    /// Returns what changed, with what a digest's message took along. `random`, from 0 to 1, spreads the next attempts.
    pub async fn conclude_deliveries(
        &mut self,
        ended: &[Ended],
        now: Timestamp,
        random: f64,
    ) -> Result<Vec<DeliveryChange>, StoreError> {
        if ended.is_empty() {
            return Ok(Vec::new());
        }
        let policy = Arc::clone(self.policy());
        let asked: Vec<_> = ended.iter().map(|one| (one.id, one.attempt)).collect();
        let statement =
            sql!("deliveries/select", "deliveries/columns", "deliveries/from", "deliveries/of_attempts");
        let mut found = record::deliveries(self.fetch_one(statement, args![json(&asked)]).await?)?;
        // By attempt as well: the late end of one that is over may come with that of the next.
        let mut by_attempt: HashMap<(DeliveryId, u32), &Ended> =
            ended.iter().map(|one| ((one.id, one.attempt), one)).collect();
        let mut conclusions = Conclusions::default();
        for stored in &mut found {
            let attempt = (stored.delivery().id, stored.delivery().attempt);
            let Some(one) = by_attempt.remove(&attempt) else { continue };
            let end = (one.outcome.clone(), one.answer.clone());
            conclusions.add(stored, end, one.started_at, &policy, now, random);
        }
        conclusions.store(self, now).await?;
        self.write_with_members(found, now).await
    }

    /// Takes what a medium says later of a message that it took. Returns what changed by it.
    pub async fn settle_delivery(
        &mut self,
        id: DeliveryId,
        report: Report,
        now: Timestamp,
    ) -> Result<Vec<DeliveryChange>, StoreError> {
        let Some(mut stored) = self.stored_delivery(id).await? else { return Ok(Vec::new()) };
        let Some(state) = settle(stored.delivery().state, report) else { return Ok(Vec::new()) };
        stored.enter(state, None, now);
        if state == DeliveryState::Bounced {
            let error = "the message came back";
            stored.row.error = Some(error.into());
            let mut conclusions = Conclusions::default();
            conclusions.refuse(&stored, error);
            conclusions.store(self, now).await?;
        }
        self.write_with_members(vec![stored], now).await
    }

    pub(super) async fn stored_delivery(&mut self, id: DeliveryId) -> Result<Option<Stored>, StoreError> {
        Ok(self.stored_deliveries(&[id]).await?.pop())
    }

    pub(super) async fn stored_deliveries(&mut self, ids: &[DeliveryId]) -> Result<Vec<Stored>, StoreError> {
        let statement =
            sql!("deliveries/select", "deliveries/columns", "deliveries/from", "deliveries/named");
        record::deliveries(self.fetch_one(statement, args![json(ids)]).await?)
    }

    /// Writes deliveries as they are now. Where the message of a digest is among them, its digest and what that lists
    /// follow it, in the same transaction. Returns all that changed.
    pub(super) async fn write_with_members(
        &mut self,
        mut changed: Vec<Stored>,
        now: Timestamp,
    ) -> Result<Vec<DeliveryChange>, StoreError> {
        // While its message is tried again, a digest is closing and what it lists is queued already.
        let moved =
            |one: &&Stored| !matches!(one.delivery().state, DeliveryState::Waiting | DeliveryState::Retrying);
        let messages: HashMap<DigestId, Stored> =
            changed.iter().filter(moved).filter_map(|one| Some((one.message_of()?, one.clone()))).collect();
        self.write_deliveries(&changed).await?;
        if !messages.is_empty() {
            let digests: Vec<(DigestId, DigestState, Option<i64>)> = messages
                .iter()
                .map(|(id, message)| (*id, follow(message.delivery().state).0, None))
                .collect();
            self.execute(sql!("digests/change"), args![json(&digests)]).await?;
            changed.extend(self.take_members_along(&messages, now).await?);
        }
        let changes: Vec<DeliveryChange> = changed.into_iter().map(Stored::change).collect();
        self.tell_changes(&changes).await?;
        Ok(changes)
    }

    /// Has what digests list follow their messages. Returns what changed by it.
    async fn take_members_along(
        &mut self,
        messages: &HashMap<DigestId, Stored>,
        now: Timestamp,
    ) -> Result<Vec<Stored>, StoreError> {
        let ids: Vec<&DigestId> = messages.keys().collect();
        let statement =
            sql!("deliveries/select", "deliveries/columns", "deliveries/from", "deliveries/members");
        let mut members = record::deliveries(self.fetch_one(statement, args![json(&ids)]).await?)?;
        let mut moved = HashMap::with_capacity(messages.len());
        members.retain_mut(|member| {
            let found = member.row.delivery.digest.and_then(|id| Some((id, messages.get(&id)?)));
            let Some((digest, message)) = found else { return false };
            let (_, state) = follow(message.delivery().state);
            if member.delivery().state == state {
                return false;
            }
            member.enter(state, message.delivery().reason, now);
            member.row.sent_at = message.row.sent_at;
            member.row.error.clone_from(&message.row.error);
            moved.entry(digest).or_insert_with(|| (state, member.row.clone()));
            true
        });
        let millis = |time: Option<Timestamp>| time.map(Timestamp::as_millis);
        let rows: Vec<_> = moved
            .iter()
            .map(|(digest, (state, row))| {
                let reason = row.delivery.reason;
                (digest, state, reason, millis(row.sent_at), millis(row.ended_at), row.error.as_deref())
            })
            .collect();
        if !rows.is_empty() {
            self.execute(sql!("deliveries/follow"), args![json(&rows)]).await?;
        }
        Ok(members)
    }

    /// Writes deliveries as they are now.
    pub(super) async fn write_deliveries(&mut self, changed: &[Stored]) -> Result<(), StoreError> {
        self.note_due(changed.iter().filter_map(|one| one.delivery().due_at).min());
        if !changed.is_empty() {
            let rows: Vec<_> = changed.iter().map(Stored::changed).collect();
            self.execute(sql!("deliveries/change"), args![json(&rows)]).await?;
        }
        Ok(())
    }
}
