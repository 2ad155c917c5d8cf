//! What stands for an address in this database: a keyed hash and the domain.
//!
//! Who reads the database without the key cannot find out by trying whether somebody's address is in it.

use std::{fmt, sync::Arc};

use aws_lc_rs::hmac;
use sha2::{Digest as _, Sha256};

/// Begins one that was made with a key. Those of the time before there was one begin with a hexadecimal digit.
const KEYED: &str = "k1.";
/// Bytes of a hash that are kept.
const KEPT: usize = 16;

/// Makes what stands for addresses. Clones share the key; the default has none.
#[derive(Clone, Default)]
pub struct Fingerprints(Option<Arc<hmac::Key>>);

impl Fingerprints {
    /// With a key of the server's. With another one, no address is known again.
    pub fn keyed(key: &[u8; 32]) -> Self {
        Self(Some(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, key))))
    }

    /// Stands for an address, however it is written.
    pub(crate) fn of(&self, address: &str) -> String {
        let address = address.trim().to_lowercase();
        let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
        let hash = Sha256::digest(address.as_bytes());
        let plain = format!("{}@{domain}", hex(&hash[..KEPT]));
        self.upgraded(&plain).unwrap_or(plain)
    }

    /// The one with a key in place of one without: what is keyed is the hash, so that the address need not be known.
    pub(crate) fn upgraded(&self, fingerprint: &str) -> Option<String> {
        let key = self.0.as_deref()?;
        let (hash, domain) = fingerprint.split_once('@').filter(|(hash, _)| !hash.starts_with(KEYED))?;
        let tag = hmac::sign(key, hash.as_bytes());
        Some(format!("{KEYED}{}@{domain}", hex(&tag.as_ref()[..KEPT])))
    }
}

impl fmt::Debug for Fingerprints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fingerprints").field("keyed", &self.0.is_some()).finish()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_hides_the_name_and_shows_the_domain() {
        for prints in [Fingerprints::default(), Fingerprints::keyed(&[7; 32])] {
            let one = prints.of("Anna@Example.org");
            assert_eq!(one, prints.of(" anna@example.ORG "));
            assert!(one.ends_with("@example.org") && !one.contains("anna"), "{one}");
            assert_ne!(one, prints.of("bob@example.org"));
        }
    }

    #[test]
    fn nobody_finds_an_address_without_the_key() {
        let (plain, one, other) =
            (Fingerprints::default(), Fingerprints::keyed(&[7; 32]), Fingerprints::keyed(&[8; 32]));
        let address = "anna@example.org";
        assert_ne!(one.of(address), other.of(address));
        assert!(!one.of(address).contains(plain.of(address).split('@').next().unwrap()));
        assert!(!format!("{one:?}").contains('7'));
    }

    #[test]
    fn one_of_the_time_before_there_was_a_key_becomes_the_one_with_it() {
        let (plain, keyed) = (Fingerprints::default(), Fingerprints::keyed(&[7; 32]));
        let address = "anna@example.org";
        assert_eq!(keyed.upgraded(&plain.of(address)), Some(keyed.of(address)));
        assert_eq!(keyed.upgraded(&keyed.of(address)), None, "it has one");
        assert_eq!(plain.upgraded(&plain.of(address)), None, "there is none");
    }
}
