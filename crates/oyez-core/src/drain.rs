//! When those who are sent away should come back: spread, so that they do not all come at once.

use std::time::Duration;

/// The soonest anybody is asked to come back, in milliseconds.
pub const SOONEST_MS: u64 = 100;

/// How long a client should wait before it connects again, between [`SOONEST_MS`] and `grace` later.
///
/// `number` is anything that differs between clients, such as a counter; neighbours end up far apart, and any run of
/// numbers is spread evenly.
pub fn retry_after_ms(number: u64, grace: Duration) -> u64 {
    let span = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
    // Multiples of the golden ratio, modulo one, are spread evenly however many there are (Weyl's sequence).
    let fraction = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let share = (u128::from(fraction) * u128::from(span)) >> 64;
    SOONEST_MS.saturating_add(u64::try_from(share).unwrap_or(span))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_run_of_clients_is_spread_evenly_over_the_grace_period(start in 0..u64::MAX / 2, count in 100..2_000_u64) {
            let mut tenths = [0_u64; 10];
            for number in start..start + count {
                let wait = retry_after_ms(number, Duration::from_secs(10));
                prop_assert!((SOONEST_MS..SOONEST_MS + 10_000).contains(&wait));
                tenths[usize::try_from((wait - SOONEST_MS) / 1_000).unwrap()] += 1;
            }
            for tenth in tenths {
                prop_assert!(tenth.abs_diff(count / 10) <= 5, "{tenths:?}");
            }
        }
    }

    #[test]
    fn without_grace_everybody_may_come_back_at_once() {
        assert_eq!(retry_after_ms(12_345, Duration::ZERO), SOONEST_MS);
        assert!(retry_after_ms(u64::MAX, Duration::MAX) >= SOONEST_MS);
    }
}
