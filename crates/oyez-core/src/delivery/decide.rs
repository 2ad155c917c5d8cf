//! What to do with a delivery whose time has come.

use std::time::Duration;

use jiff::tz::TimeZone;
use oyez_protocol::Timestamp;

use super::{Delivery, Medium, SkipReason, Subject, Timing};
use crate::{
    fallback::{Choice, Collecting, DigestKey, Over, Policy, Preferences, Window},
    rate::{Bucket, TooOften},
};

/// Whether a medium knows where to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address {
    /// There is one: an e-mail address, a push subscription, an endpoint.
    Known,
    /// There is none.
    Missing,
    /// There is one that refused a delivery before.
    Suppressed,
}

/// What must be known of a user to send by a medium, read in the transaction that writes what is decided.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The operator's rules.
    pub policy: &'a Policy,
    /// What the user chose, as it is now.
    pub preferences: &'a Preferences,
    /// Their time zone, as [`Preferences::zone`] finds it.
    pub zone: &'a TimeZone,
    /// They are neither disabled nor erased.
    pub active: bool,
    /// Whether the medium knows where to send.
    pub address: Address,
    /// What is left of their throttle for this medium.
    pub bucket: Bucket,
    /// A digest of what was too many ([`DigestKey::throttled`]) is open.
    pub overflows: bool,
}

/// How the item stands that a delivery tells of. A digest's message has none: the default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Item {
    /// The user has seen, read or archived it.
    pub seen: bool,
    /// Its notification was cancelled or removed.
    pub withdrawn: bool,
}

/// Why a delivery waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// It is not due yet.
    Early,
    /// The user's hours are quiet.
    QuietHours,
    /// Too many went to the user.
    Throttle,
    /// A worker has it.
    Leased,
}

/// What to do with a delivery.
#[derive(Debug, Clone)]
pub enum Decision {
    /// Nothing: it has ended, or a digest has it.
    Leave,
    /// Begin an attempt: count it, take a lease, store the throttle.
    Send {
        /// The user's throttle, to store.
        bucket: Bucket,
    },
    /// Look again later; a state of queued becomes waiting, one of retrying stays.
    Wait {
        /// Its new `due_at`.
        until: Timestamp,
        /// Why.
        why: Pause,
    },
    /// Its worker is gone: conclude the attempt as [`Outcome::Lost`](super::Outcome::Lost).
    Rescue,
    /// It joins a digest and waits there, without a `due_at` of its own.
    Collect(Collecting),
    /// It ends, skipped.
    Skip(SkipReason),
}

/// What holds now for a delivery that was planned before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// It waits neither for the end of quiet hours nor for a throttle.
    pub critical: bool,
    /// Whether it waits for the end of quiet hours.
    pub heeds_quiet_hours: bool,
}

impl Facts<'_> {
    /// When it is not quiet any more for the user; none when it is not quiet now.
    pub fn quiet_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.preferences.quiet_hours.and_then(|hours| hours.quiet_until(self.zone, now))
    }

    /// Whether the medium can reach the user at all, or why not.
    pub fn reachable(&self, medium: Medium) -> Result<(), SkipReason> {
        match self.address {
            _ if !self.active => Err(SkipReason::NoUser),
            _ if !self.policy.is_set_up(medium) => Err(SkipReason::NoMedium),
            Address::Known => Ok(()),
            Address::Missing => Err(SkipReason::NoAddress),
            Address::Suppressed => Err(SkipReason::Suppressed),
        }
    }
}

/// Whether a delivery is still wanted: since it was planned, the user may have muted its type, or the operator turned
/// it off. That it would now be planned for another time changes nothing.
pub fn still_wanted(facts: &Facts<'_>, delivery: &Delivery, medium: Medium) -> Result<Wanted, SkipReason> {
    let Subject::Notification { kind, .. } = &delivery.subject else {
        // What it lists was asked when it closed.
        let urgent = delivery.timing == Timing::AtOnce;
        return Ok(Wanted { critical: urgent, heeds_quiet_hours: !urgent });
    };
    let (rule, named) = facts.policy.rule(kind, medium);
    match facts.preferences.choice(kind, medium) {
        Some(Choice::Off) if !rule.critical => return Err(SkipReason::Muted),
        // Off by default says nothing: the publisher may have asked for the medium.
        None if named && rule.choice == Choice::Off => return Err(SkipReason::Off),
        _ => {}
    }
    Ok(Wanted { critical: rule.critical, heeds_quiet_hours: rule.heeds_quiet_hours && !rule.critical })
}

/// Decides what to do with a delivery at `now`. Asked twice, or too early, or of one that has ended, it does no harm.
///
/// What makes it useless comes first, then what makes it unwanted, then what makes it wait. A later attempt of what
/// was begun spends no throttle. One that is sent again by hand goes out seen or not, quiet or not; not to somebody
/// who muted it, though, and not once it is of no use.
pub fn decide(delivery: &Delivery, item: Item, facts: &Facts<'_>, now: Timestamp) -> Decision {
    let is_message = matches!(delivery.subject, Subject::Digest(_));
    if delivery.state.is_final() || (delivery.digest.is_some() && !is_message) {
        return Decision::Leave;
    }
    match delivery.lease_until {
        Some(until) if until > now => return Decision::Wait { until, why: Pause::Leased },
        Some(_) => return Decision::Rescue,
        None => {}
    }
    let by_hand = delivery.resends > 0;
    if item.withdrawn {
        return Decision::Skip(SkipReason::Withdrawn);
    }
    if delivery.is_expired(now) {
        return Decision::Skip(SkipReason::Expired);
    }
    if item.seen && delivery.timing != Timing::AtOnce && !by_hand {
        return Decision::Skip(SkipReason::Seen);
    }
    if let Some(until) = delivery.due_at.filter(|due_at| *due_at > now) {
        return Decision::Wait { until, why: Pause::Early };
    }
    let found = facts.reachable(delivery.medium);
    let wanted = match found.and_then(|()| still_wanted(facts, delivery, delivery.medium)) {
        Ok(wanted) => wanted,
        Err(reason) => return Decision::Skip(reason),
    };
    if wanted.heeds_quiet_hours
        && !by_hand
        && let Some(until) = facts.quiet_until(now)
    {
        return Decision::Wait { until, why: Pause::QuietHours };
    }
    // A digest paid for its message when it closed.
    if delivery.attempt > 0 || by_hand || is_message || wanted.critical {
        return Decision::Send { bucket: facts.bucket };
    }
    throttled(delivery, facts, now)
}

fn throttled(delivery: &Delivery, facts: &Facts<'_>, now: Timestamp) -> Decision {
    let mut bucket = facts.bucket;
    let Some(throttle) = facts.policy.throttle(delivery.medium) else { return Decision::Send { bucket } };
    let wait = match bucket.take(throttle.rate, now) {
        // Nothing overtakes what waits in the digest already: it could do so for ever.
        Ok(()) if facts.overflows && throttle.over == Over::Digest => Duration::ZERO,
        Ok(()) => return Decision::Send { bucket },
        Err(TooOften { retry_after }) => retry_after,
    };
    let wait = wait.max(Duration::from_millis(1));
    match throttle.over {
        Over::Skip => Decision::Skip(SkipReason::Throttled),
        Over::Wait => Decision::Wait { until: now.plus(wait), why: Pause::Throttle },
        Over::Digest => Decision::Collect(Collecting {
            key: DigestKey::throttled(&delivery.user, delivery.medium),
            window: Window::Every(wait),
            zone: facts.zone.clone(),
        }),
    }
}
