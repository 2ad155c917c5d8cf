//! Quiet hours: a stretch of each day, on the clock of the user's wall.
//!
//! Where the clock leaps or repeats, whatever it shows as quiet is quiet: a start or an end that is leapt over stands
//! right after the leap; of a start that is repeated the first counts, of an end the last.

use jiff::{
    civil::{Date, DateTime, Time},
    tz::{AmbiguousOffset, TimeZone},
};
use oyez_protocol::{Timestamp, api::preferences::QuietHoursRequest};

use crate::{envelope::quoted, notification::Invalid};

/// From one time of day to another, over midnight when that is earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    from: Time,
    to: Time,
}

impl QuietHours {
    /// Checks what a user asks for.
    pub fn new(request: &QuietHoursRequest) -> Result<Self, Invalid> {
        let from = time_of_day("quiet_hours.from", &request.from)?;
        let to = time_of_day("quiet_hours.to", &request.to)?;
        if from == to {
            let message = format!(
                "\"quiet_hours.to\" is {}, as \"quiet_hours.from\" is: a day that is quiet throughout is a medium \
                 that is \"off\"",
                quoted(&request.to)
            );
            return Err(Invalid::new("quiet_hours.to", message));
        }
        Ok(Self { from, to })
    }

    /// When it is not quiet any more; none when it is not quiet now.
    pub fn quiet_until(&self, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
        let mut end = self.end_of_stretch(zone, now)?;
        // Two stretches touch where the clock repeats the short time between them. More than a few do not.
        for _ in 0..8 {
            let Some(later) = self.end_of_stretch(zone, end) else { break };
            end = later;
        }
        Some(end)
    }

    fn end_of_stretch(&self, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
        let today = zone.to_datetime(instant(now)).date();
        let starts = [today.yesterday(), Ok(today), today.tomorrow()];
        let ends = starts.into_iter().flatten().filter_map(|date| {
            let last = if self.to > self.from { date } else { date.tomorrow().ok()? };
            let start = wall(zone, date, self.from, Repeated::First)?;
            let end = wall(zone, last, self.to, Repeated::Last)?;
            (start <= now && now < end).then_some(end)
        });
        ends.max()
    }
}

/// Which of two instants a repeated time of day stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeated {
    First,
    Last,
}

/// The instant at which clocks show a time on a date, or right after the leap that leaves it out.
pub(super) fn wall(zone: &TimeZone, date: Date, time: Time, repeated: Repeated) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(DateTime::from_parts(date, time));
    let found = match (ambiguous.offset(), repeated) {
        (AmbiguousOffset::Gap { .. }, _) => {
            // What the old offset makes of it lies at the leap or after it: the last leap up to there is the one.
            let after = ambiguous.later().ok()?.checked_add(jiff::SignedDuration::from_nanos(1)).ok()?;
            zone.preceding(after).next()?.timestamp()
        }
        (_, Repeated::First) => ambiguous.earlier().ok()?,
        (_, Repeated::Last) => ambiguous.later().ok()?,
    };
    Some(Timestamp::from_millis(found.as_millisecond()))
}

/// The first instant after this one at which clocks show a time of day.
pub(super) fn next_at(zone: &TimeZone, time: Time, after: Timestamp) -> Option<Timestamp> {
    let mut date = zone.to_datetime(instant(after)).date();
    // A day may be left out by a time zone, as Samoa did in 2011.
    for _ in 0..4 {
        let found = wall(zone, date, time, Repeated::First)?;
        if found > after {
            return Some(found);
        }
        date = date.tomorrow().ok()?;
    }
    None
}

/// A timestamp as the calendar takes it.
pub(super) fn instant(time: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(time.as_millis())
        .expect("a timestamp lies between the years 1 and 9999")
}

/// Reads `HH:MM`; the refusal names the field.
pub(super) fn time_of_day(field: &str, text: &str) -> Result<Time, Invalid> {
    let read = || {
        let (hour, minute) = text.split_once(':')?;
        let number = |digits: &str| {
            let plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| digits.parse::<i8>().ok()).flatten()
        };
        Time::new(number(hour)?, number(minute)?, 0, 0).ok()
    };
    read().ok_or_else(|| {
        let message = format!(
            "\"{field}\" is {}: expected a time of day from \"00:00\" to \"23:59\", such as \"07:30\"",
            quoted(text)
        );
        Invalid::new(field, message)
    })
}

#[cfg(test)]
mod tests;
