//! A schedule's line, read: a cron pattern in a time zone, or a steady beat.

use std::time::Duration;

use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};
use jiff::{SignedDuration, Zoned, tz::TimeZone};
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
        if plan.next_after(Timestamp::default()).is_none() {
            return Err(refused(&plan.line, "no day of the calendar fits it"));
        }
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
            Rule::Cron(cron) => {
                let start = self.local(time)?;
                let found = cron.find_next_occurrence(&start, false).ok().or_else(|| {
                    // A day that a time zone left out, as Samoa did in 2011, ends the search: it goes on behind it.
                    let leap = self.zone.following(start.timestamp()).next()?.timestamp();
                    cron.find_next_occurrence(&leap.to_zoned(self.zone.clone()), true).ok()
                });
                stamp(&found?)
            }
        }
    }

    /// The last planned time at or before this one.
    pub fn last_until(&self, time: Timestamp) -> Option<Timestamp> {
        match &self.rule {
            Rule::Every(beat) => Some(Timestamp::from_millis(time.as_millis().div_euclid(*beat) * beat)),
            Rule::Cron(cron) => {
                let start = self.local(time)?;
                let found = cron.find_previous_occurrence(&start, true).ok().or_else(|| {
                    let leap = self.zone.preceding(start.timestamp()).next()?.timestamp();
                    let before = leap.checked_sub(SignedDuration::from_millis(1)).ok()?;
                    cron.find_previous_occurrence(&before.to_zoned(self.zone.clone()), true).ok()
                });
                stamp(&found?)
            }
        }
    }

    fn local(&self, time: Timestamp) -> Option<Zoned> {
        let time = jiff::Timestamp::from_millisecond(time.as_millis()).ok()?;
        Some(time.to_zoned(self.zone.clone()))
    }
}

fn stamp(time: &Zoned) -> Option<Timestamp> {
    Some(Timestamp::from_millis(time.timestamp().as_millisecond()))
}

/// A field of a line: its name, and what it may hold.
type Field = (&'static str, &'static str);
const SECOND: Field = ("second", "0 to 59");
const FIELDS: [Field; 5] = [
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day of month", "1 to 31, or L for the last"),
    ("month", "1 to 12, or JAN to DEC"),
    ("weekday", "0 to 7 (0 and 7 are Sunday), or SUN to SAT"),
];
const NAMES: [&str; 5] = ["@yearly", "@monthly", "@weekly", "@daily", "@hourly"];

fn cron(line: &str) -> Result<Cron, Invalid> {
    if line.len() > MAX_LINE_BYTES {
        return Err(refused(line, &format!("it may have {MAX_LINE_BYTES} bytes at most")));
    }
    if line.starts_with('@') && !NAMES.contains(&line) {
        let [first @ .., last] = NAMES;
        let known = first.join(", ");
        return Err(refused(line, &format!("{line} is no name it knows: there are {known} and {last}")));
    }
    parse(line).ok_or_else(|| refused(line, &mistake(line)))
}

fn parse(line: &str) -> Option<Cron> {
    CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build().parse(line).ok()
}

/// What is wrong with a line that cannot be read: the first field that cannot stand among stars either.
fn mistake(line: &str) -> String {
    let given: Vec<&str> = line.split(' ').filter(|field| !field.is_empty()).collect();
    let mut fields = FIELDS.to_vec();
    match given.len() {
        0 => return "it is empty".into(),
        5 => {}
        6 => fields.insert(0, SECOND),
        count => return format!("it has {count} fields"),
    }
    for (place, (text, (name, right))) in given.iter().zip(fields).enumerate() {
        let mut alone = vec!["*"; given.len()];
        alone[place] = text;
        if parse(&alone.join(" ")).is_none() {
            return format!("field {} ({name}) is {}, but must be {right}", place + 1, quoted(text));
        }
    }
    "its fields do not fit together".into()
}

fn every(beat: &str, line: &str) -> Result<i64, Invalid> {
    let duration: Option<Duration> = beat.parse::<SignedDuration>().ok().and_then(|d| d.try_into().ok());
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
