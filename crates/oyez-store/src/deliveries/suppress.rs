//! Addresses that refused a delivery: nothing is sent there until somebody lifts it.
//!
//! Kept is a fingerprint, a hash and the domain, not the address: who may read this database reads no list of people
//! whose mail bounced, and an operator still sees which provider refuses.

use std::collections::HashSet;

use oyez_protocol::Timestamp;
use sha2::{Digest, Sha256};

use crate::{
    engine::{args, json, sql},
    error::StoreError,
    store::Store,
    writer::Tx,
};

/// An address that refused a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// Stands for the address: its hash, `@` and its domain.
    pub fingerprint: String,
    /// What was refused.
    pub error: String,
    /// When.
    pub created_at: Timestamp,
}

/// What stands for an address: the first half of SHA-256 of it, `@` and its domain, in small letters.
pub fn fingerprint(address: &str) -> String {
    let address = address.trim().to_lowercase();
    let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
    let hash = Sha256::digest(address.as_bytes());
    let hash: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{hash}@{domain}")
}

impl Tx {
    /// Sends to an address again. Returns whether it was suppressed. Takes the address or its fingerprint.
    pub async fn lift_suppression(&mut self, address: &str) -> Result<bool, StoreError> {
        let both = [address.to_owned(), fingerprint(address)];
        Ok(self.execute(sql!("suppressions/lift"), args![json(&both)]).await? > 0)
    }

    /// Suppresses addresses: pairs of fingerprint and error.
    pub(super) async fn suppress(
        &mut self,
        refused: &[(String, String)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if !refused.is_empty() {
            self.execute(sql!("suppressions/add"), args![json(refused), now]).await?;
        }
        Ok(())
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
        let args = args![fingerprint(address)];
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

fn suppression(row: &crate::engine::Row) -> Result<Suppression, StoreError> {
    Ok(Suppression { fingerprint: row.text(0)?.into(), error: row.text(1)?.into(), created_at: row.time(2)? })
}

#[cfg(test)]
mod tests {
    use super::fingerprint;

    #[test]
    fn a_fingerprint_hides_the_name_and_shows_the_domain() {
        let one = fingerprint("Anna@Example.org");
        assert_eq!(one, fingerprint(" anna@example.ORG "));
        assert!(one.ends_with("@example.org") && !one.contains("anna"), "{one}");
        assert_eq!(one.len(), 32 + "@example.org".len());
        assert_ne!(one, fingerprint("bob@example.org"));
    }
}
