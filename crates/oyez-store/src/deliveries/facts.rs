//! What is known of users when the core decides about their deliveries, read in the transaction that writes what is
//! decided.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use jiff::tz::TimeZone;
use oyez_core::{
    delivery::{Address, Facts, Medium, Subject},
    fallback::{DigestKey, Policy, Preferences},
    rate::Bucket,
};
use oyez_protocol::{Timestamp, UserId};
use serde::Deserialize;

use super::{Fingerprints, reach::Reach, record};
use crate::{
    engine::{args, json, sql},
    error::StoreError,
    preferences,
    standing::split,
    users::User,
    writer::Tx,
};

/// A user and a medium.
pub(super) type Pair = (i64, Medium);

/// What is known of the users of a batch.
pub(super) struct Known {
    policy: Arc<Policy>,
    reach: Reach,
    suppressed: HashSet<String>,
    users: HashMap<Pair, KnownUser>,
}

/// What is known of one user for one medium; what a decision spends is noted here, for the next one of the batch.
pub(super) struct KnownUser {
    pub(super) user: User,
    pub(super) preferences: Preferences,
    pub(super) zone: TimeZone,
    /// Stands for the user's e-mail address.
    pub(super) fingerprint: Option<String>,
    bucket: Bucket,
    /// The bucket as it is stored.
    stored: Bucket,
    overflows: bool,
}

/// The columns of `deliveries/facts`, by position.
#[derive(Deserialize)]
struct Columns {
    num: i64,
    medium: Medium,
    id: UserId,
    name: Option<String>,
    email: Option<String>,
    locale: Option<String>,
    time_zone: Option<String>,
    has_password: u8,
    disabled: u8,
    created_at: i64,
    roles: Vec<String>,
    preferences: Option<String>,
    full_at: Option<i64>,
    overflows: u8,
}

impl Known {
    /// Reads what is known of some users.
    pub(super) async fn read(tx: &mut Tx, pairs: &HashSet<Pair>) -> Result<Self, StoreError> {
        let policy = Arc::clone(tx.policy());
        let nobody = UserId::new("nobody").map_err(|_| StoreError::Fault("a name is refused".into()))?;
        let overflow = DigestKey::throttled(&nobody, Medium::Email).key;
        let row = tx.fetch_one(sql!("deliveries/facts"), args![json(pairs), overflow]).await?;
        let columns: Vec<Columns> = record::array(row)?;
        let mut users = HashMap::with_capacity(columns.len());
        for one in columns {
            users.insert((one.num, one.medium), known(one, &policy, tx.fingerprints())?);
        }
        let addresses: HashSet<&str> = users
            .iter()
            .filter(|((_, medium), _)| *medium == Medium::Email)
            .filter_map(|(_, known)| known.fingerprint.as_deref())
            .collect();
        let suppressed = tx.suppressed(&addresses).await?;
        let nums: Vec<i64> = pairs.iter().map(|(user, _)| *user).collect();
        let reach = Reach::read(tx, &policy, &nums).await?;
        Ok(Self { policy, reach, suppressed, users })
    }

    pub(super) fn policy(&self) -> &Policy {
        &self.policy
    }

    pub(super) fn user(&self, pair: Pair) -> Option<&KnownUser> {
        self.users.get(&pair)
    }

    /// The facts about a user; what is read is handed out, what is unknown decides nothing.
    pub(super) fn facts(&self, pair: Pair, subject: &Subject) -> Option<Facts<'_>> {
        let known = self.users.get(&pair)?;
        let (num, medium) = pair;
        let address = match (medium, &known.fingerprint) {
            (Medium::Email, None) => Address::Missing,
            (Medium::Email, Some(address)) if self.suppressed.contains(address) => Address::Suppressed,
            (Medium::Email, Some(_)) => Address::Known,
            _ if self.reach.reaches(medium, num, subject) => Address::Known,
            _ => Address::Missing,
        };
        Some(Facts {
            policy: &self.policy,
            preferences: &known.preferences,
            zone: &known.zone,
            active: !known.user.disabled,
            address,
            bucket: known.bucket,
            overflows: known.overflows,
        })
    }

    /// Notes what is left of a user's throttle.
    pub(super) fn spend(&mut self, pair: Pair, bucket: Bucket) {
        if let Some(known) = self.users.get_mut(&pair) {
            known.bucket = bucket;
        }
    }

    /// Notes that a digest of what was too many is open now.
    pub(super) fn overflow(&mut self, pair: Pair) {
        if let Some(known) = self.users.get_mut(&pair) {
            known.overflows = true;
        }
    }

    /// Stores the throttles that were spent.
    pub(super) async fn store_throttles(&self, tx: &mut Tx) -> Result<(), StoreError> {
        let spent = self.users.iter().filter(|(_, known)| known.bucket != known.stored);
        let rows: Vec<_> =
            spent.map(|((user, medium), known)| (user, medium, known.bucket.full_at_micros())).collect();
        if !rows.is_empty() {
            tx.execute(sql!("deliveries/throttles"), args![json(&rows)]).await?;
        }
        Ok(())
    }
}

fn known(one: Columns, policy: &Policy, fingerprints: &Fingerprints) -> Result<KnownUser, StoreError> {
    let preferences = one.preferences.as_deref().map_or(Preferences::NONE, preferences::stored);
    let (roles, token_roles) = split(one.roles)?;
    let bucket = one.full_at.map_or(Bucket::default(), Bucket::from_full_at_micros);
    Ok(KnownUser {
        zone: preferences.zone(policy, one.time_zone.as_deref()),
        fingerprint: one.email.as_deref().map(|address| fingerprints.of(address)),
        user: User {
            id: one.id,
            name: one.name,
            email: one.email,
            locale: one.locale,
            time_zone: one.time_zone,
            roles,
            token_roles,
            disabled: one.disabled != 0,
            has_password: one.has_password != 0,
            created_at: Timestamp::from_millis(one.created_at),
        },
        preferences,
        bucket,
        stored: bucket,
        overflows: one.overflows != 0,
    })
}
