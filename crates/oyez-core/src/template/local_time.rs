//! A time as people write it where the reader lives.

use jiff::tz::TimeZone;
use oyez_protocol::{Locale, Timestamp};

/// `at` on the wall in `zone`, in the order and with the marks of the reader's language; to the minute.
///
/// English months are words. Of other languages only the usual numbers are known, and of the rest ISO 8601, which
/// nobody mistakes.
pub fn local_time(at: Timestamp, zone: &TimeZone, locale: Option<&Locale>) -> String {
    let Ok(at) = jiff::Timestamp::from_millisecond(at.as_millis()) else { return String::new() };
    let wall = at.to_zoned(zone.clone());
    wall.strftime(pattern(locale)).to_string()
}

fn pattern(locale: Option<&Locale>) -> &'static str {
    match locale.map(|locale| (locale.language(), locale.as_str())) {
        None => "%-d %B %Y, %H:%M",
        Some(("en", "en-US" | "en")) => "%B %-d, %Y, %-I:%M %p",
        Some(("en", _)) => "%-d %B %Y, %H:%M",
        Some((
            "de" | "da" | "nb" | "nn" | "no" | "fi" | "cs" | "sk" | "pl" | "ru" | "uk" | "tr" | "ro",
            _,
        )) => "%d.%m.%Y, %H:%M",
        Some(("fr" | "it" | "es" | "pt" | "el" | "vi" | "id", _)) => "%d/%m/%Y, %H:%M",
        Some(("nl", _)) => "%d-%m-%Y, %H:%M",
        Some(("ja" | "zh", _)) => "%Y/%m/%d %H:%M",
        Some(_) => "%Y-%m-%d %H:%M",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_its_reader_writes_times_and_where_they_live() {
        let written = |zone: &str, locale: &str| {
            let at = "2026-11-20T22:05:00Z".parse().unwrap();
            local_time(at, &TimeZone::get(zone).unwrap(), Locale::new(locale).ok().as_ref())
        };
        assert_eq!(written("Europe/Zurich", "de-CH"), "20.11.2026, 23:05");
        assert_eq!(written("America/New_York", "en-US"), "November 20, 2026, 5:05 PM");
        assert_eq!(written("Europe/London", "en-GB"), "20 November 2026, 22:05");
        assert_eq!(written("Asia/Tokyo", "ja"), "2026/11/21 07:05");
        assert_eq!(written("UTC", "sv"), "2026-11-20 22:05");
        assert_eq!(written("UTC", ""), "20 November 2026, 22:05");
    }
}
