//! How often a thing may be tried: so many times per key in a window that begins with the first try.
//!
//! In memory, bounded: past its most keys, windows that have ended are dropped, then all of them.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use oyez::protocol::Timestamp;

use crate::refusal::Refusal;

/// Keys that are remembered.
const MOST_KEYS: usize = 10_000;

/// A limit. Clones share the counts.
#[derive(Debug, Clone)]
pub struct Limit {
    what: &'static str,
    most: u32,
    window_seconds: i64,
    tries: Arc<Mutex<HashMap<String, Tries>>>,
}

#[derive(Debug, Clone, Copy)]
struct Tries {
    count: u32,
    since: Timestamp,
}

impl Limit {
    /// `most` tries per key in the window; `what` is named in the refusal: "too many {what}".
    pub fn new(what: &'static str, most: u32, window_seconds: i64) -> Self {
        Self { what, most, window_seconds, tries: Arc::default() }
    }

    /// Refuses when no try is left.
    pub fn check(&self, key: &str, now: Timestamp) -> Result<(), Refusal> {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = tries.get(key).copied() else { return Ok(()) };
        let left = known.since.plus_seconds(self.window_seconds).millis_since(now);
        if left <= 0 {
            tries.remove(key);
            return Ok(());
        }
        if known.count < self.most {
            return Ok(());
        }
        Err(Refusal::TooMany { what: self.what, retry_after_seconds: left.unsigned_abs().div_ceil(1000) })
    }

    /// Counts a try.
    pub fn count(&self, key: &str, now: Timestamp) {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        if tries.len() >= MOST_KEYS && !tries.contains_key(key) {
            tries.retain(|_, one| now.millis_since(one.since) < self.window_seconds * 1000);
            if tries.len() >= MOST_KEYS {
                tries.clear();
            }
        }
        tries.entry(key.to_owned()).or_insert(Tries { count: 0, since: now }).count += 1;
    }

    /// Forgets the tries: the last one was right.
    pub fn forgive(&self, key: &str) {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// Refuses when no try is left, and counts this one.
    pub fn take(&self, key: &str, now: Timestamp) -> Result<(), Refusal> {
        self.check(key, now)?;
        self.count(key, now);
        Ok(())
    }
}

/// The key of an address: an IPv6 network counts as one place, since its owner has all of it.
pub fn place(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_counted_per_key_and_forgotten_after_the_window() {
        let limit = Limit::new("tries", 2, 60);
        let now = Timestamp::from_millis(1_000_000);
        assert!(limit.take("a", now).is_ok());
        assert!(limit.take("a", now).is_ok());
        let refused = limit.take("a", now).unwrap_err();
        assert_eq!(
            (refused.status(), refused.to_string().as_str()),
            (429, "too many tries; try again in 1 minutes")
        );
        assert!(limit.take("b", now).is_ok());
        assert!(limit.take("a", now.plus_seconds(60)).is_ok());
        limit.forgive("a");
        assert!(limit.take("a", now).is_ok());
    }

    #[test]
    fn memory_is_bounded() {
        let limit = Limit::new("tries", 2, 60);
        for key in 0..MOST_KEYS * 2 {
            limit.count(&key.to_string(), Timestamp::from_millis(0));
        }
        assert!(limit.tries.lock().unwrap().len() <= MOST_KEYS);
    }

    #[test]
    fn one_network_is_one_place() {
        assert_eq!(
            place("2001:db8:1:2:3::4".parse().unwrap()),
            place("2001:db8:1:2:ffff::".parse().unwrap())
        );
        assert_eq!(place("::ffff:10.0.0.1".parse().unwrap()), "10.0.0.1");
    }
}
