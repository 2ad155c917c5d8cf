//! Fallback: what reaches people who are away, by which medium, and when.
//!
//! [`policy`] is what the operator set, [`preferences`] what a user chose, [`verdict`] what follows for one type and
//! medium; [`quiet_hours`] and [`digest`] say when; [`plan`] turns a notification into deliveries, whose life is told
//! in [`crate::delivery`].
//!
//! The road of a notification, for the store and the server:
//!
//! 1. *Publish.* When [`may_deliver`] is true, [`plan`] is asked in the transaction that writes the items, with the
//!    preferences of those recipients who have any. Each [`Planned`] becomes a row whose key is the delivery's id:
//!    planning twice writes once. One that brings a [`Collecting`] joins the digest that [`Collecting::join`] names,
//!    in the same transaction.
//! 2. *Seen.* The transaction that marks an item seen skips the deliveries of which
//!    [`crate::delivery::Delivery::ends_with_seen`] is true. Nobody asks whether a user is online: presence is a guess.
//! 3. *Due.* A worker takes rows whose `due_at` has come. In one transaction it reads the facts, asks
//!    [`crate::delivery::decide`] and writes what was decided; to send means to count the attempt and take a lease.
//!    For digests that are due it asks [`digest::close`]; their messages are deliveries like others, and [`digest::follow`]
//!    says what becomes of those they list.
//! 4. *Ended.* [`crate::delivery::conclude`] says what an attempt means; the row changes only where attempt and lease
//!    are still its own.

use std::time::Duration;

use jiff::tz::TimeZone;
use oyez_protocol::{
    NotificationId, Timestamp, UserId,
    api::deliveries::{DeliveryState, SkipReason, Timing},
};

pub use oyez_protocol::api::deliveries::Medium;

use crate::{
    delivery::{Delivery, Subject, delivery_id},
    envelope::quoted,
    notification::Invalid,
};

pub mod digest;
mod pattern;
pub mod policy;
pub mod preferences;
pub mod quiet_hours;
#[cfg(test)]
mod tests;

pub use digest::{Collected, Collecting, Digest, DigestKey, DigestState, Window};
pub use pattern::Pattern;
pub use policy::{Over, Policy, Retry, Rule, Throttle};
pub use preferences::Preferences;
pub use quiet_hours::QuietHours;

/// What the operator or a user wants of a medium for a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Nothing is sent.
    Off,
    /// It is sent at once, seen or not.
    AtOnce,
    /// It is sent after a grace period, if it was not seen by then.
    IfUnseen,
    /// It is collected, and listed with others in one message.
    Digest,
}

impl Choice {
    /// Every choice.
    pub const ALL: [Self; 4] = [Self::Off, Self::AtOnce, Self::IfUnseen, Self::Digest];

    /// The choice as it is written in preferences and configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::AtOnce => "at_once",
            Self::IfUnseen => "if_unseen",
            Self::Digest => "digest",
        }
    }

    /// Reads a choice; the refusal names the field.
    pub fn parse(field: &str, text: &str) -> Result<Self, Invalid> {
        Self::ALL.into_iter().find(|choice| choice.as_str() == text).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            Invalid::new(field, format!("\"{field}\" is {}: expected one of {known}", quoted(text)))
        })
    }
}

/// One value for each medium.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PerMedium<T>(pub [T; Medium::ALL.len()]);

impl<T> PerMedium<T> {
    /// The medium's value.
    pub fn of(&self, medium: Medium) -> &T {
        &self.0[medium as usize]
    }

    /// The medium's value, to change it.
    pub fn of_mut(&mut self, medium: Medium) -> &mut T {
        &mut self.0[medium as usize]
    }
}

/// Reads the name of a medium; the refusal names the field.
pub(crate) fn medium(field: &str, text: &str) -> Result<Medium, Invalid> {
    text.parse().map_err(|_| {
        let known = Medium::ALL.map(Medium::as_str).join(", ");
        let message = format!("\"{field}\" names {}, which is no medium: expected {known}", quoted(text));
        Invalid::new(field, message)
    })
}

/// Reads an IANA name; the refusal names the field.
pub(crate) fn time_zone(field: &str, name: &str) -> Result<TimeZone, Invalid> {
    TimeZone::get(name).map_err(|_| {
        let message = format!(
            "\"{field}\" is {}, which is no IANA time zone: expected a name such as \"UTC\" or \"Europe/Zurich\"",
            quoted(name)
        );
        Invalid::new(field, message)
    })
}

/// What holds for one type and medium, once rules and preferences are brought together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// What carries it.
    pub medium: Medium,
    /// When it is meant to go out.
    pub timing: Timing,
    /// How long [`Timing::IfUnseen`] waits.
    pub grace: Duration,
    /// How long [`Timing::Digest`] collects.
    pub window: Window,
    /// It cannot be muted, and waits neither for the end of quiet hours nor for a throttle.
    pub critical: bool,
    /// Whether it waits for the end of quiet hours.
    pub heeds_quiet_hours: bool,
}

/// Whether, and when, a medium carries a type to a user.
///
/// The publisher's list of media comes first: what it leaves out is not used, and what it names goes out if unseen
/// where no rule of the operator's speaks of the type. Then the user's choice counts, before the operator's; for a
/// critical type only a choice that makes it come sooner.
pub fn verdict(
    policy: &Policy,
    preferences: &Preferences,
    kind: &str,
    asked: Option<&[Medium]>,
    medium: Medium,
) -> Result<Verdict, SkipReason> {
    by_operator(policy, kind, asked, medium)?.weighed(preferences, kind)
}

/// The operator's part of a verdict: the same for all recipients.
#[derive(Clone, Copy)]
struct ByOperator<'a> {
    medium: Medium,
    rule: &'a Rule,
    choice: Choice,
}

fn by_operator<'a>(
    policy: &'a Policy,
    kind: &str,
    asked: Option<&[Medium]>,
    medium: Medium,
) -> Result<ByOperator<'a>, SkipReason> {
    if asked.is_some_and(|asked| !asked.contains(&medium)) {
        return Err(SkipReason::NotAsked);
    }
    if !policy.is_set_up(medium) {
        return Err(SkipReason::NoMedium);
    }
    let (rule, named) = policy.rule(kind, medium);
    let choice = match rule.choice {
        Choice::Off if asked.is_some() && !named => Choice::IfUnseen,
        choice => choice,
    };
    Ok(ByOperator { medium, rule, choice })
}

impl ByOperator<'_> {
    fn weighed(self, preferences: &Preferences, kind: &str) -> Result<Verdict, SkipReason> {
        let rule = self.rule;
        let choice = match preferences.choice(kind, self.medium) {
            Some(chosen) if !rule.critical || chosen == Choice::AtOnce => chosen,
            _ => self.choice,
        };
        let timing = match choice {
            Choice::AtOnce => Timing::AtOnce,
            Choice::IfUnseen => Timing::IfUnseen,
            Choice::Digest => Timing::Digest,
            Choice::Off if self.choice == Choice::Off => return Err(SkipReason::Off),
            Choice::Off => return Err(SkipReason::Muted),
        };
        Ok(Verdict {
            medium: self.medium,
            timing,
            grace: rule.grace,
            window: preferences.window.unwrap_or(rule.window),
            critical: rule.critical,
            heeds_quiet_hours: rule.heeds_quiet_hours && !rule.critical,
        })
    }
}

/// What of a notification matters for its deliveries.
#[derive(Debug, Clone, Copy)]
pub struct Notice<'a> {
    /// Names it.
    pub id: NotificationId,
    /// Its type.
    pub kind: &'a str,
    /// Digests collect what has one key.
    pub group_key: Option<&'a str>,
    /// The media that the publisher named; none: as the policy says.
    pub media: Option<&'a [Medium]>,
    /// Of no use after this.
    pub expires_at: Option<Timestamp>,
}

/// What of a recipient matters for planning.
#[derive(Debug, Clone, Copy)]
pub struct Recipient<'a> {
    /// Who.
    pub user: &'a UserId,
    /// What they chose; [`Preferences::NONE`] when they chose nothing.
    pub preferences: &'a Preferences,
    /// Their time zone, as [`Preferences::zone`] finds it.
    pub zone: &'a TimeZone,
}

/// A delivery to write in the transaction that writes the item.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The row.
    pub delivery: Delivery,
    /// The digest it belongs to; the row then has no `due_at` of its own.
    pub collecting: Option<Collecting>,
}

/// Whether anybody might get a delivery of it: when not, preferences need not be read.
pub fn may_deliver(notice: &Notice<'_>, policy: &Policy) -> bool {
    Medium::ALL
        .into_iter()
        .any(|medium| policy.is_set_up(medium) && notice.media.is_none_or(|asked| asked.contains(&medium)))
}

/// The deliveries of a notification that lands at `now`, for a part of its recipients or for all.
///
/// Whatever would be skipped for certain is left out: a row for each muted medium of each recipient would tell nobody
/// anything ([`verdict`] tells why). The result depends on nothing but the arguments, and ids follow from notification,
/// user and medium: planning again after a crash finds the rows that are there.
pub fn plan<'a>(
    notice: &Notice<'_>,
    policy: &Policy,
    recipients: impl IntoIterator<Item = Recipient<'a>>,
    now: Timestamp,
) -> Vec<Planned> {
    // Rules are looked through once, however many recipients there are.
    let media = Medium::ALL.map(|medium| by_operator(policy, notice.kind, notice.media, medium).ok());
    let mut planned = Vec::new();
    for recipient in recipients {
        for by_operator in media.into_iter().flatten() {
            let verdict = by_operator.weighed(recipient.preferences, notice.kind);
            planned.extend(verdict.ok().and_then(|verdict| planned_one(notice, &recipient, &verdict, now)));
        }
    }
    planned
}

fn planned_one(
    notice: &Notice<'_>,
    recipient: &Recipient<'_>,
    verdict: &Verdict,
    now: Timestamp,
) -> Option<Planned> {
    let (user, medium) = (recipient.user, verdict.medium);
    let collecting = (verdict.timing == Timing::Digest).then(|| Collecting {
        key: DigestKey::grouped(user, medium, verdict.window, notice.group_key),
        window: verdict.window,
        zone: recipient.zone.clone(),
    });
    let due_at = match verdict.timing {
        Timing::IfUnseen => now.plus(verdict.grace),
        // How long a digest is open already is not known here: it may close soon.
        Timing::AtOnce | Timing::Digest => now,
    };
    if notice.expires_at.is_some_and(|expires_at| expires_at <= due_at) {
        return None;
    }
    let subject = Subject::Notification { id: notice.id, kind: notice.kind.into() };
    let delivery = Delivery {
        id: delivery_id(&subject, user, medium),
        user: user.clone(),
        medium,
        subject,
        timing: verdict.timing,
        state: if collecting.is_none() && due_at <= now {
            DeliveryState::Queued
        } else {
            DeliveryState::Waiting
        },
        reason: None,
        digest: None,
        attempt: 0,
        given_back: 0,
        resends: 0,
        due_at: collecting.is_none().then_some(due_at),
        lease_until: None,
        created_at: now,
        expires_at: notice.expires_at,
    };
    Some(Planned { delivery, collecting })
}
