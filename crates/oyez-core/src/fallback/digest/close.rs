//! What becomes of a digest whose time has come.

use std::time::Duration;

use oyez_protocol::{
    DeliveryId, Timestamp,
    api::deliveries::{DeliveryState, Medium, SkipReason, Timing},
};

use super::{Digest, DigestKey, DigestState};
use crate::{
    delivery::{Delivery, Facts, Item, Subject, Wanted, delivery_id, still_wanted},
    rate::{Bucket, TooOften},
};

/// A delivery that a digest collected.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    /// The row.
    pub delivery: &'a Delivery,
    /// How its item stands now.
    pub item: Item,
}

/// What to do with a digest that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closing {
    /// Nothing: it is not open, somebody else closed it.
    Leave,
    /// It collects on.
    Wait {
        /// Its new `due_at`.
        until: Timestamp,
    },
    /// Its state becomes closing.
    Close {
        /// Its list, oldest first: these deliveries are queued, and share what becomes of the message.
        listed: Vec<DeliveryId>,
        /// These are skipped, and leave the digest: their `digest` becomes none.
        left_out: Vec<(DeliveryId, SkipReason)>,
        /// The delivery to write: its message, queued.
        message: Box<Delivery>,
        /// The user's throttle, to store.
        bucket: Bucket,
    },
    /// Its state becomes dropped.
    Drop {
        /// These are skipped: all that it collected.
        left_out: Vec<(DeliveryId, SkipReason)>,
    },
}

/// Decides what becomes of a digest whose time has come. `members` are all deliveries that joined it.
///
/// It lists what was neither seen (unless it was to be sent at once, seen or not) nor has expired, been withdrawn or
/// muted since. In quiet hours, or when too much went to the user, it stays open and collects on, unless something in it
/// need not wait: that takes the rest along.
pub fn close(digest: &Digest, members: &[Member<'_>], facts: &Facts<'_>, now: Timestamp) -> Closing {
    if digest.state != DigestState::Open {
        return Closing::Leave;
    }
    if digest.due_at > now {
        return Closing::Wait { until: digest.due_at };
    }
    let medium = digest.key.medium;
    let mut waiting: Vec<&Member<'_>> =
        members.iter().filter(|member| member.delivery.state == DeliveryState::Waiting).collect();
    waiting.sort_by_key(|member| (member.delivery.created_at, member.delivery.id));
    let (mut listed, mut left_out) = (Vec::new(), Vec::new());
    let (mut critical, mut quiet) = (false, true);
    for member in waiting {
        match standing(member, medium, facts, now) {
            Ok(wanted) => {
                critical |= wanted.critical;
                quiet &= wanted.heeds_quiet_hours;
                listed.push(member.delivery.id);
            }
            Err(reason) => left_out.push((member.delivery.id, reason)),
        }
    }
    if listed.is_empty() {
        return Closing::Drop { left_out };
    }
    if quiet && let Some(until) = facts.quiet_until(now) {
        return Closing::Wait { until };
    }
    let mut bucket = facts.bucket;
    if let Some(throttle) = facts.policy.throttle(medium).filter(|_| !critical)
        && let Err(TooOften { retry_after }) = bucket.take(throttle.rate, now)
    {
        return Closing::Wait { until: now.plus(retry_after.max(Duration::from_millis(1))) };
    }
    let timing = if quiet { Timing::Digest } else { Timing::AtOnce };
    Closing::Close { listed, left_out, message: Box::new(message(digest, timing, now)), bucket }
}

fn standing(
    member: &Member<'_>,
    medium: Medium,
    facts: &Facts<'_>,
    now: Timestamp,
) -> Result<Wanted, SkipReason> {
    let delivery = member.delivery;
    facts.reachable(medium)?;
    if member.item.withdrawn {
        return Err(SkipReason::Withdrawn);
    }
    if delivery.is_expired(now) {
        return Err(SkipReason::Expired);
    }
    if member.item.seen && delivery.timing != Timing::AtOnce {
        return Err(SkipReason::Seen);
    }
    still_wanted(facts, delivery, medium)
}

// The timing says whether its retries wait for the end of quiet hours.
fn message(digest: &Digest, timing: Timing, now: Timestamp) -> Delivery {
    let DigestKey { user, medium, .. } = &digest.key;
    let subject = Subject::Digest(digest.id);
    Delivery {
        id: delivery_id(&subject, user, *medium),
        user: user.clone(),
        medium: *medium,
        subject,
        timing,
        state: DeliveryState::Queued,
        reason: None,
        digest: Some(digest.id),
        attempt: 0,
        given_back: 0,
        resends: 0,
        due_at: Some(now),
        lease_until: None,
        created_at: now,
        expires_at: None,
    }
}
