//! A schedule's line, read: a cron pattern in a time zone, or a steady beat.

use std::time::Duration;

use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};
use jiff::{Zoned, tz::TimeZone};
use oyez_protocol::Timestamp;

use crate::{envelope::quoted, notification::Invalid};

/// Longest line, in bytes.
const MAX_LINE_BYTES: usize = 200;
/// The beat of `@every`: at least and at most.
const BEAT: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(31_536_000);

/// When a schedule fires.
#[derive(Debug, Clone)]
pub struct Plan {
    line: String,
    zone: TimeZone,
    zone_name: String,
    rule: Rule,
}

#[derive(Debug, Clone)]
enum Rule {
    Cron(Box<Cron>),
    // In milliseconds, counted from 1970, so that every node and every restart plans the same times.
    Every(i64),
}

impl Plan {
    /// Reads a line: five fields (minute, hour, day of month, month, day of week), six with seconds first, a name such
    /// as `@hourly`, or `@every 90s`; and the IANA name of the time zone it is meant in.
    ///
    /// Errors say which field of the line is wrong, and what would be right.
    pub fn parse(line: &str, time_zone: &str) -> Result<Self, Invalid> {
        let zone = TimeZone::get(time_zone).map_err(|_| {
            let message = format!(
                "\"time_zone\" is {}, which is no IANA time zone: expected a name such as \"UTC\" or \
                 \"Europe/Zurich\"",
                quoted(time_zone)
            );
            Invalid::new("time_zone", message)
        })?;
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        let rule = match line.strip_prefix("@every") {
            Some(beat) => Rule::Every(every(beat.trim(), &line)?),
            None => Rule::Cron(Box::new(cron(&line)?)),
        };
        let plan = Self { line, zone, zone_name: time_zone.into(), rule };
        Ok(plan)
    }

    /// The line, with single spaces.
    pub fn line(&self) -> &str {
        &self.line
    }

    /// The time zone's name as it was given.
    pub fn time_zone(&self) -> &str {
        &self.zone_name
    }

    /// The first planned time after this one; none when the calendar holds no other.
    pub fn next_after(&self, time: Timestamp) -> Option<Timestamp> {
        match &self.rule {
            Rule::Every(beat) => {
                let next = time.as_millis().div_euclid(*beat).saturating_add(1).saturating_mul(*beat);
                Some(Timestamp::from_millis(next))
            }
            Rule::Cron(cron) => stamp(cron.find_next_occurrence(&self.local(time)?, false).ok()?),
        }
    }

    /// The last planned time at or before this one.
    pub fn last_until(&self, time: Timestamp) -> Option<Timestamp> {
        match &self.rule {
            Rule::Every(beat) => Some(Timestamp::from_millis(time.as_millis().div_euclid(*beat) * beat)),
            Rule::Cron(cron) => stamp(cron.find_previous_occurrence(&self.local(time)?, true).ok()?),
        }
    }

    fn local(&self, time: Timestamp) -> Option<Zoned> {
        let time = jiff::Timestamp::from_millisecond(time.as_millis()).ok()?;
        Some(time.to_zoned(self.zone.clone()))
    }
}

fn stamp(time: Zoned) -> Option<Timestamp> {
    Some(Timestamp::from_millis(time.timestamp().as_millisecond()))
}

fn cron(line: &str) -> Result<Cron, Invalid> {
    if line.len() > MAX_LINE_BYTES {
        return Err(refused(line, &format!("it may have {MAX_LINE_BYTES} bytes at most")));
    }
    let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build();
    parser.parse(line).map_err(|error| refused(line, &error.to_string()))
}

fn every(beat: &str, line: &str) -> Result<i64, Invalid> {
    let duration: Option<Duration> =
        beat.parse::<jiff::SignedDuration>().ok().and_then(|d| d.try_into().ok());
    let beat = duration.filter(|beat| BEAT.contains(beat)).ok_or_else(|| {
        refused(line, "after @every stands a time from one second to a year, such as \"@every 90s\" or \"@every 1h30m\"")
    })?;
    i64::try_from(beat.as_millis()).map_err(|_| refused(line, "the time is too long"))
}

fn refused(line: &str, why: &str) -> Invalid {
    let message = format!(
        "\"cron\" is {}: {why}; expected \"minute hour day month weekday\" such as \"*/5 * * * *\", with seconds \
         before it if needed, a name such as \"@hourly\", or \"@every 90s\"",
        quoted(line)
    );
    Invalid::new("cron", message)
}
