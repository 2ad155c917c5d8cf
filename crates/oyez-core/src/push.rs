//! What a push service is told beside the message: how urgent it is, which one it replaces, how long it is of use
//! (RFC 8030).

use std::time::Duration;

use oyez_protocol::Timestamp;
use sha2::{Digest as _, Sha256};

/// How long a push service keeps a message for a browser that is away, when nothing says when it expires: four weeks,
/// the most that the large services take.
pub const LONGEST_TTL: Duration = Duration::from_secs(4 * 7 * 86_400);
/// Length of a topic, the most that RFC 8030 allows.
pub const TOPIC_CHARS: usize = 32;

/// Whether a device that saves its battery is woken (RFC 8030, section 5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// When it is awake anyway, or has power.
    Low,
    /// Usually.
    Normal,
    /// Always.
    High,
}

impl Urgency {
    /// What a notification's severity asks for.
    pub fn of_severity(severity: Option<&str>) -> Self {
        match severity {
            Some("critical" | "error") => Self::High,
            Some("info" | "success") => Self::Low,
            _ => Self::Normal,
        }
    }

    /// The value of the header `Urgency`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }
}

/// The header `Topic` of messages that replace each other while a browser is away: those of one group.
///
/// It follows from the key and does not show it to the push service.
pub fn topic(group_key: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let hash = Sha256::digest(group_key.as_bytes());
    // Six bits of each byte: 192 bits in 32 characters, every one of them in the alphabet.
    hash.iter().take(TOPIC_CHARS).map(|byte| char::from(ALPHABET[usize::from(byte & 63)])).collect()
}

/// The header `TTL`, in seconds: until it expires, at most [`LONGEST_TTL`].
pub fn ttl(expires_at: Option<Timestamp>, now: Timestamp) -> u64 {
    let left =
        expires_at.map(|at| at.as_millis().saturating_sub(now.as_millis()).max(0).unsigned_abs() / 1_000);
    left.unwrap_or(u64::MAX).min(LONGEST_TTL.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_fits_the_header_and_tells_nothing_of_its_key() {
        let one = topic("ticket:602");
        assert_eq!(one.len(), TOPIC_CHARS);
        assert!(one.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{one}");
        assert_eq!(one, topic("ticket:602"));
        assert_ne!(one, topic("ticket:603"));
        assert!(!one.contains("602"));
    }

    #[test]
    fn only_what_is_serious_wakes_a_device() {
        let of = |severity| Urgency::of_severity(severity).as_str();
        assert_eq!((of(Some("critical")), of(Some("error"))), ("high", "high"));
        assert_eq!((of(Some("warning")), of(None), of(Some("purple"))), ("normal", "normal", "normal"));
        assert_eq!((of(Some("info")), of(Some("success"))), ("low", "low"));
    }

    #[test]
    fn a_message_is_kept_as_long_as_it_is_of_use() {
        let now = Timestamp::from_millis(1_000_000);
        assert_eq!(ttl(None, now), 2_419_200);
        assert_eq!(ttl(Some(now.plus_seconds(90)), now), 90);
        assert_eq!(ttl(Some(now.plus_seconds(-90)), now), 0);
        assert_eq!(ttl(Some(Timestamp::from_millis(i64::MAX)), now), 2_419_200);
    }
}
