//! Addresses that refused a delivery: nothing is sent there until somebody lifts it.
//!
//! Kept is a fingerprint, a keyed hash and the domain, not the address: who may read this database reads no list of
//! people whose mail bounced, and an operator still sees which provider refuses.

use std::collections::HashSet;

use oyez_protocol::Timestamp;

use super::Fingerprints;
use crate::{
    engine::{Connection, args, json, sql},
    error::StoreError,
    store::Store,
    writer::Tx,
};

/// An address that refused a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// Stands for the address: a keyed hash of it, `@` and its domain.
    pub fingerprint: String,
    /// What was refused.
    pub error: String,
    /// When.
    pub created_at: Timestamp,
}

impl Tx {
    /// Sends to an address again. Returns whether it was suppressed. Takes the address or its fingerprint.
    pub async fn lift_suppression(&mut self, address: &str) -> Result<bool, StoreError> {
        let both = [address.to_owned(), self.fingerprints().of(address)];
        Ok(self.execute(sql!("suppressions/lift"), args![json(&both)]).await? > 0)
    }

    /// Suppresses addresses: pairs of fingerprint and error.
    pub(super) async fn suppress(
        &mut self,
        refused: &[(String, String)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if refused.is_empty() {
            return Ok(());
        }
        // An attempt may have begun before there was a key.
        let keyed = |one: &String| self.fingerprints().upgraded(one).unwrap_or_else(|| one.clone());
        let refused: Vec<_> = refused.iter().map(|(one, error)| (keyed(one), error)).collect();
        self.execute(sql!("suppressions/add"), args![json(&refused), now]).await.map(|_| ())
    }

    /// Those of some fingerprints that are suppressed.
    pub(super) async fn suppressed(
        &mut self,
        fingerprints: &HashSet<&str>,
    ) -> Result<HashSet<String>, StoreError> {
        if fingerprints.is_empty() {
            return Ok(HashSet::new());
        }
        let row = self.fetch_one(sql!("suppressions/among"), args![json(fingerprints)]).await?;
        Ok(super::record::array::<String>(row)?.into_iter().collect())
    }
}

impl Store {
    /// Whether an address is suppressed, and why.
    pub async fn suppression(&self, address: &str) -> Result<Option<Suppression>, StoreError> {
        let args = args![self.fingerprints().of(address)];
        let row = self.reader().await?.fetch_one(sql!("suppressions/one"), args).await?;
        row.as_ref().map(suppression).transpose()
    }

    /// Addresses that are suppressed, by fingerprint; the next page begins after the last of this one.
    pub async fn suppressions(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Suppression>, StoreError> {
        let args = args![after.unwrap_or(""), limit];
        let rows = self.reader().await?.fetch(sql!("suppressions/list"), args).await?;
        rows.iter().map(suppression).collect()
    }
}

/// Gives the fingerprints of the time before there was a key one with it. Done before anybody asks for them.
pub(crate) async fn key_fingerprints(
    connection: &mut Connection,
    fingerprints: &Fingerprints,
) -> Result<(), StoreError> {
    let rows = connection.fetch(sql!("suppressions/unkeyed"), args![]).await?;
    let mut renamed = Vec::new();
    for row in &rows {
        let old = row.text(0)?;
        renamed.extend(fingerprints.upgraded(old).map(|new| (old.to_owned(), new)));
    }
    if !renamed.is_empty() {
        connection.execute(sql!("suppressions/rename"), args![json(&renamed)]).await?;
    }
    Ok(())
}

fn suppression(row: &crate::engine::Row) -> Result<Suppression, StoreError> {
    Ok(Suppression { fingerprint: row.text(0)?.into(), error: row.text(1)?.into(), created_at: row.time(2)? })
}
