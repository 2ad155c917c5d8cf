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
