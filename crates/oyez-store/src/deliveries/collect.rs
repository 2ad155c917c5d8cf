//! Puts deliveries into digests: one that is open is joined, else the next one is opened, in the order they come.

use std::collections::{HashMap, HashSet};

use oyez_core::{
    delivery::Medium,
    fallback::{Collected, Collecting, Digest, DigestKey},
};
use oyez_protocol::{DigestId, Timestamp, api::deliveries::DigestState};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::record;
use crate::{
    engine::{args, json, sql},
    error::StoreError,
    writer::Tx,
};

/// A user's number, a medium and a key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
struct Place(i64, Medium, String);

/// The digests that deliveries of a batch may join.
#[derive(Debug, Default)]
pub(super) struct Collector {
    /// Of each key the one that started last.
    latest: HashMap<Place, Digest>,
    opened: Vec<Place>,
}

/// The columns of `digests/latest`, by position.
#[derive(Deserialize)]
struct Columns {
    asked: usize,
    id: Uuid,
    start: i64,
    due_at: i64,
    state: DigestState,
}

impl Collector {
    /// Reads which digest of each key started last.
    pub(super) async fn read(
        tx: &mut Tx,
        wanted: impl Iterator<Item = (i64, &DigestKey)>,
    ) -> Result<Self, StoreError> {
        let keys: HashMap<Place, &DigestKey> = wanted.map(|(user, key)| (place(user, key), key)).collect();
        let mut collector = Self::default();
        if keys.is_empty() {
            return Ok(collector);
        }
        let asked: Vec<&Place> = keys.keys().collect();
        let row = tx.fetch_one(sql!("digests/latest"), args![json(&asked)]).await?;
        for one in record::array::<Columns>(row)? {
            let Some((place, key)) = asked.get(one.asked).and_then(|place| keys.get_key_value(*place)) else {
                continue;
            };
            let digest = Digest {
                id: DigestId(one.id),
                key: (*key).clone(),
                start: Timestamp::from_millis(one.start),
                due_at: Timestamp::from_millis(one.due_at),
                state: one.state,
            };
            collector.latest.insert(place.clone(), digest);
        }
        Ok(collector)
    }

    /// The digest that a delivery of the user with this number joins.
    pub(super) fn join(&mut self, user: i64, collecting: &Collecting, now: Timestamp) -> DigestId {
        let place = place(user, &collecting.key);
        let collected = collecting.join(self.latest.get(&place), now);
        let id = collected.id();
        if let Collected::Opens(digest) = collected {
            self.latest.insert(place.clone(), digest);
            self.opened.push(place);
        }
        id
    }

    /// Writes the digests that were opened. Returns when the first of them is due.
    pub(super) async fn store(self, tx: &mut Tx) -> Result<Option<Timestamp>, StoreError> {
        let opened: HashSet<&Place> = self.opened.iter().collect();
        let digests = || opened.iter().filter_map(|place| Some((*place, self.latest.get(place)?)));
        let rows: Vec<_> = digests()
            .map(|(Place(user, medium, key), digest)| {
                (digest.id, user, medium, key, digest.start.as_millis(), digest.due_at.as_millis())
            })
            .collect();
        if !rows.is_empty() {
            tx.execute(sql!("digests/open"), args![json(&rows)]).await?;
        }
        Ok(digests().map(|(_, digest)| digest.due_at).min())
    }
}

fn place(user: i64, key: &DigestKey) -> Place {
    Place(user, key.medium, key.key.clone())
}
