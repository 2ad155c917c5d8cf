//! How many jobs a queue may start now.

use std::time::Duration;

use oyez_protocol::{
    Timestamp,
    api::queues::{QueuePatch, RateRequest},
};

use crate::notification::Invalid;

/// Most starts that a rate limit may name.
pub const MAX_RATE_COUNT: u32 = 1_000_000;
/// Longest period of a rate limit.
pub const MAX_RATE_PERIOD: Duration = Duration::from_secs(86_400);
/// Most jobs of a queue that may run at once, where limited.
pub const MAX_CONCURRENCY: u32 = 1_000_000;

/// What an operator set for a queue. The default limits nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueSettings {
    /// Nothing starts.
    pub paused: bool,
    /// How many may run at once, on all nodes together.
    pub concurrency: Option<u32>,
    /// How many may start in a stretch of time.
    pub rate: Option<RateLimit>,
}

/// At most `count` starts in each window of `period`. Windows begin with the first start after the last one has ended,
/// so two that meet may together let twice as many pass in a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// How many.
    pub count: u32,
    /// In how long.
    pub period: Duration,
}

/// How many jobs may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Right now; `u32::MAX` without a limit.
    pub now: u32,
    /// When the rate allows more; none when time alone does not help.
    pub again_at: Option<Timestamp>,
}

/// How many jobs of a queue may start when `running` of them run, and `used` have started in the window that began at
/// `window_start`.
pub fn allowance(
    settings: &QueueSettings,
    running: u32,
    used: u32,
    window_start: Timestamp,
    now: Timestamp,
) -> Allowance {
    if settings.paused {
        return Allowance { now: 0, again_at: None };
    }
    let by_concurrency = settings.concurrency.map_or(u32::MAX, |limit| limit.saturating_sub(running));
    let Some(rate) = settings.rate else { return Allowance { now: by_concurrency, again_at: None } };
    let used = if window_is_over(&rate, window_start, now) { 0 } else { used };
    let by_rate = rate.count.saturating_sub(used);
    let again_at = (by_rate == 0).then(|| window_end(&rate, window_start));
    Allowance { now: by_concurrency.min(by_rate), again_at }
}

/// Whether a start at `now` begins a new window.
pub fn window_is_over(rate: &RateLimit, window_start: Timestamp, now: Timestamp) -> bool {
    // A clock that was set back ends the window too: else the queue would stand still until it is there again.
    now < window_start || now >= window_end(rate, window_start)
}

fn window_end(rate: &RateLimit, start: Timestamp) -> Timestamp {
    let millis = i64::try_from(rate.period.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(start.as_millis().saturating_add(millis))
}

/// Checks a change and takes it into the settings.
pub fn patched(settings: &QueueSettings, patch: &QueuePatch) -> Result<QueueSettings, Invalid> {
    let concurrency = match patch.concurrency {
        None => settings.concurrency,
        Some(Some(limit)) if !(1..=MAX_CONCURRENCY).contains(&limit) => {
            let message = format!(
                "\"concurrency\" is {limit}: it must be 1 to {MAX_CONCURRENCY}, or null for no limit; to hold the \
                 queue, set \"paused\" to true"
            );
            return Err(Invalid::new("concurrency", message));
        }
        Some(limit) => limit,
    };
    let rate = match patch.rate {
        None => settings.rate,
        Some(None) => None,
        Some(Some(rate)) => Some(rate_limit(&rate)?),
    };
    Ok(QueueSettings { paused: patch.paused.unwrap_or(settings.paused), concurrency, rate })
}

fn rate_limit(rate: &RateRequest) -> Result<RateLimit, Invalid> {
    if !(1..=MAX_RATE_COUNT).contains(&rate.count) {
        let message = format!("\"rate.count\" is {}: it must be 1 to {MAX_RATE_COUNT}", rate.count);
        return Err(Invalid::new("rate.count", message));
    }
    if !(0.001..=MAX_RATE_PERIOD.as_secs_f64()).contains(&rate.period) {
        let message = format!(
            "\"rate.period\" is {}: it must be 0.001 to {} seconds",
            rate.period,
            MAX_RATE_PERIOD.as_secs()
        );
        return Err(Invalid::new("rate.period", message));
    }
    Ok(RateLimit { count: rate.count, period: Duration::from_millis((rate.period * 1000.0).round() as u64) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_795_179_600_000 + millis)
    }

    fn rate(count: u32, millis: u64) -> Option<RateLimit> {
        Some(RateLimit { count, period: Duration::from_millis(millis) })
    }

    #[test]
    fn the_tightest_limit_decides() {
        let settings = |paused, concurrency, rate| QueueSettings { paused, concurrency, rate };
        let table = [
            (settings(false, None, None), 99, 0, 0, u32::MAX, None),
            (settings(true, None, rate(5, 1_000)), 0, 0, 0, 0, None),
            (settings(false, Some(3), None), 1, 0, 0, 2, None),
            (settings(false, Some(3), None), 5, 0, 0, 0, None),
            (settings(false, None, rate(5, 1_000)), 0, 2, 500, 3, None),
            (settings(false, None, rate(5, 1_000)), 0, 5, 999, 0, Some(1_000)),
            (settings(false, None, rate(5, 1_000)), 0, 5, 1_000, 5, None),
            (settings(false, Some(2), rate(5, 1_000)), 1, 1, 500, 1, None),
            (settings(false, Some(2), rate(5, 1_000)), 2, 5, 500, 0, Some(1_000)),
            // A limit that was lowered, and a clock that was set back.
            (settings(false, None, rate(2, 1_000)), 0, 9, 500, 0, Some(1_000)),
            (settings(false, None, rate(2, 1_000)), 0, 2, -1, 2, None),
        ];
        for (settings, running, used, now, allowed, again) in table {
            let allowance = allowance(&settings, running, used, at(0), at(now));
            assert_eq!(allowance, Allowance { now: allowed, again_at: again.map(at) }, "{settings:?} {now}");
        }
    }

    #[test]
    fn a_patch_changes_what_it_names() {
        let patched =
            |before: &QueueSettings, body: &str| patched(before, &serde_json::from_str(body).unwrap());
        let none = QueueSettings::default();
        let set =
            patched(&none, r#"{"paused":true,"concurrency":4,"rate":{"count":10,"period":0.5}}"#).unwrap();
        assert_eq!(set, QueueSettings { paused: true, concurrency: Some(4), rate: rate(10, 500) });
        assert_eq!(patched(&set, "{}").unwrap(), set);
        assert_eq!(
            patched(&set, r#"{"concurrency":null}"#).unwrap(),
            QueueSettings { concurrency: None, ..set }
        );
        let refused = [
            (r#"{"concurrency":0}"#, "concurrency", "to hold the queue, set \"paused\" to true"),
            (
                r#"{"rate":{"count":0,"period":1}}"#,
                "rate.count",
                "\"rate.count\" is 0: it must be 1 to 1000000",
            ),
            (
                r#"{"rate":{"count":1,"period":0}}"#,
                "rate.period",
                "\"rate.period\" is 0: it must be 0.001 to 86400",
            ),
        ];
        for (body, field, why) in refused {
            let refused = patched(&none, body).unwrap_err();
            assert_eq!(refused.field, field);
            assert!(refused.message.contains(why), "{}", refused.message);
        }
    }

    proptest! {
        #[test]
        fn no_window_starts_more_than_its_count(
            count in 1_u32..20,
            period in 1_u64..5_000,
            gaps in prop::collection::vec((0_i64..1_000, 0_u32..10), 1..100),
        ) {
            let settings = QueueSettings { rate: rate(count, period), ..QueueSettings::default() };
            let limit = settings.rate.unwrap();
            let (mut now, mut window, mut used) = (0, at(-10_000_000), 0);
            for (gap, wanted) in gaps {
                now += gap;
                let allowance = allowance(&settings, 0, used, window, at(now));
                prop_assert_eq!(allowance.now == 0, allowance.again_at.is_some());
                if let Some(again) = allowance.again_at {
                    prop_assert!(again > at(now));
                    prop_assert!(super::allowance(&settings, 0, used, window, again).now > 0);
                }
                let started = wanted.min(allowance.now);
                if started > 0 && window_is_over(&limit, window, at(now)) {
                    (window, used) = (at(now), 0);
                }
                used += started;
                prop_assert!(used <= count);
            }
        }
    }
}
