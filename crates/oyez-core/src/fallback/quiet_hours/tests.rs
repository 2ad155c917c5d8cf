use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn hours(from: &str, to: &str) -> QuietHours {
    let request = QuietHoursRequest { from: from.into(), to: to.into(), time_zone: None };
    QuietHours::new(&request).unwrap()
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

#[test]
fn a_moment_in_quiet_hours_ends_with_them() {
    let table = [
        // On one day: the start is quiet, the end is not.
        ("12:00", "13:30", "UTC", "2026-06-01T11:59:59.999Z", None),
        ("12:00", "13:30", "UTC", "2026-06-01T12:00:00Z", Some("2026-06-01T13:30:00Z")),
        ("12:00", "13:30", "UTC", "2026-06-01T13:29:59.999Z", Some("2026-06-01T13:30:00Z")),
        ("12:00", "13:30", "UTC", "2026-06-01T13:30:00Z", None),
        // Over midnight, before and after it.
        ("22:00", "07:00", "UTC", "2026-06-01T23:00:00Z", Some("2026-06-02T07:00:00Z")),
        ("22:00", "07:00", "UTC", "2026-06-02T03:00:00Z", Some("2026-06-02T07:00:00Z")),
        ("22:00", "07:00", "UTC", "2026-06-02T07:00:00Z", None),
        // Until midnight, and from midnight on.
        ("20:00", "00:00", "UTC", "2026-06-01T23:59:59Z", Some("2026-06-02T00:00:00Z")),
        ("00:00", "06:00", "UTC", "2026-06-01T00:00:00Z", Some("2026-06-01T06:00:00Z")),
        // On the user's wall.
        ("22:00", "07:00", "Europe/Zurich", "2026-06-01T20:00:00Z", Some("2026-06-02T05:00:00Z")),
        ("22:00", "07:00", "Europe/Zurich", "2026-06-01T19:59:59Z", None),
        ("22:00", "07:00", "Asia/Kolkata", "2026-06-01T17:00:00Z", Some("2026-06-02T01:30:00Z")),
        ("22:00", "07:00", "America/Los_Angeles", "2026-06-01T12:00:00Z", Some("2026-06-01T14:00:00Z")),
    ];
    for (from, to, name, now, end) in table {
        let found = hours(from, to).quiet_until(&zone(name), at(now));
        assert_eq!(found, end.map(at), "{from} to {to} in {name} at {now}");
    }
}

#[test]
fn a_night_in_which_the_clock_leaps_is_quiet_to_its_end() {
    // 02:00 becomes 03:00 on 29 March 2026, at 01:00 UTC.
    let table = [
        ("22:00", "07:00", "2026-03-28T22:00:00Z", Some("2026-03-29T05:00:00Z")),
        // An end that is leapt over stands right after the leap, and so does a start.
        ("22:00", "02:30", "2026-03-28T22:00:00Z", Some("2026-03-29T01:00:00Z")),
        ("22:00", "02:00", "2026-03-28T22:00:00Z", Some("2026-03-29T01:00:00Z")),
        ("22:00", "02:30", "2026-03-29T01:00:00Z", None),
        ("02:30", "06:00", "2026-03-29T00:59:59Z", None),
        ("02:30", "06:00", "2026-03-29T01:00:00Z", Some("2026-03-29T04:00:00Z")),
        // A stretch that is leapt over altogether does not happen.
        ("02:10", "02:50", "2026-03-29T00:59:59.999Z", None),
        ("02:10", "02:50", "2026-03-29T01:00:00Z", None),
        ("02:10", "02:50", "2026-03-30T00:10:00Z", Some("2026-03-30T00:50:00Z")),
    ];
    for (from, to, now, end) in table {
        let found = hours(from, to).quiet_until(&zone("Europe/Zurich"), at(now));
        assert_eq!(found, end.map(at), "{from} to {to} at {now}");
    }
    // Midnight itself is leapt over, and a leap of half an hour.
    let cairo = hours("00:00", "06:00").quiet_until(&zone("Africa/Cairo"), at("2026-04-23T22:00:00Z"));
    assert_eq!(cairo, Some(at("2026-04-24T03:00:00Z")));
    let howe = hours("22:00", "02:15").quiet_until(&zone("Australia/Lord_Howe"), at("2026-10-03T14:00:00Z"));
    assert_eq!(howe, Some(at("2026-10-03T15:30:00Z")));
}

#[test]
fn a_night_in_which_the_clock_repeats_is_quiet_whenever_it_shows_so() {
    // 03:00 becomes 02:00 on 25 October 2026, at 01:00 UTC.
    let table = [
        ("22:00", "07:00", "2026-10-24T22:00:00Z", Some("2026-10-25T06:00:00Z")),
        // 02:30 comes at 00:30 and at 01:30 UTC: the last one ends it.
        ("22:00", "02:30", "2026-10-24T22:00:00Z", Some("2026-10-25T01:30:00Z")),
        ("22:00", "02:30", "2026-10-25T01:29:59Z", Some("2026-10-25T01:30:00Z")),
        ("22:00", "02:30", "2026-10-25T01:30:00Z", None),
        // And the first one starts it.
        ("02:30", "06:00", "2026-10-25T00:29:59Z", None),
        ("02:30", "06:00", "2026-10-25T00:30:00Z", Some("2026-10-25T05:00:00Z")),
        ("02:30", "06:00", "2026-10-25T01:10:00Z", Some("2026-10-25T05:00:00Z")),
    ];
    for (from, to, now, end) in table {
        let found = hours(from, to).quiet_until(&zone("Europe/Zurich"), at(now));
        assert_eq!(found, end.map(at), "{from} to {to} at {now}");
    }
    // Nearly the whole day: the short time between is swallowed when the clock repeats it.
    let long = hours("02:30", "02:20").quiet_until(&zone("Europe/Zurich"), at("2026-10-24T12:00:00Z"));
    assert_eq!(long, Some(at("2026-10-26T01:20:00Z")));
}

#[test]
fn a_day_that_a_time_zone_left_out_has_no_quiet_hours() {
    // In Samoa 29 December 2011 was followed by the 31st.
    let apia = zone("Pacific/Apia");
    let night = hours("22:00", "07:00").quiet_until(&apia, at("2011-12-30T09:00:00Z"));
    assert_eq!(night, Some(at("2011-12-30T17:00:00Z")), "the night before the 31st ends at seven");
    assert_eq!(hours("12:00", "13:00").quiet_until(&apia, at("2011-12-30T10:00:00Z")), None);
    assert_eq!(
        next_at(&apia, Time::constant(8, 0, 0, 0), at("2011-12-29T18:00:00Z")),
        Some(at("2011-12-30T10:00:00Z"))
    );
}

#[test]
fn nonsense_is_refused_with_what_is_right() {
    let refused = |from: &str, to: &str| {
        QuietHours::new(&QuietHoursRequest { from: from.into(), to: to.into(), time_zone: None }).unwrap_err()
    };
    let table = [
        ("24:00", "07:00", "quiet_hours.from", "\"quiet_hours.from\" is \"24:00\": expected a time of day"),
        ("22:00", "7:00", "quiet_hours.to", "\"quiet_hours.to\" is \"7:00\": expected a time of day"),
        ("22:00", "07:60", "quiet_hours.to", "such as \"07:30\""),
        ("22:00", "+7:-0", "quiet_hours.to", "from \"00:00\" to \"23:59\""),
        ("", "07:00", "quiet_hours.from", "is \"\""),
        ("22:00", "22:00", "quiet_hours.to", "a medium that is \"off\""),
    ];
    for (from, to, field, why) in table {
        let refused = refused(from, to);
        assert_eq!(refused.field, field);
        assert!(refused.message.contains(why), "{}", refused.message);
    }
}

const ZONES: [&str; 8] = [
    "UTC",
    "Europe/Zurich",
    "America/New_York",
    "Africa/Cairo",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
    "Pacific/Apia",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn whatever_the_wall_shows_as_quiet_is_quiet_and_the_end_is_not(
        from in 0..1_440_i32, length in 1..1_440_i32, name in 0..ZONES.len(),
        // 1990 to 2050, in minutes.
        minute in 10_500_000_i64..42_000_000,
    ) {
        let of = |minutes: i32| {
            let minutes = minutes % 1_440;
            Time::new((minutes / 60) as i8, (minutes % 60) as i8, 0, 0).unwrap()
        };
        let (zone, now) = (zone(ZONES[name]), Timestamp::from_millis(minute * 60_000));
        let hours = QuietHours { from: of(from), to: of(from + length) };
        let shown = zone.to_datetime(instant(now)).time();
        let shows_quiet = if hours.from < hours.to {
            hours.from <= shown && shown < hours.to
        } else {
            hours.from <= shown || shown < hours.to
        };
        let end = hours.quiet_until(&zone, now);
        // A day that is left out has none, though a clock that stands just after the leap shows one of its times.
        prop_assert!(!shows_quiet || end.is_some() || ZONES[name] == "Pacific/Apia", "{:?} at {}", hours, now);
        if let Some(end) = end {
            prop_assert!(end > now);
            prop_assert_eq!(hours.quiet_until(&zone, end), None, "{:?} at {}", hours, end);
            prop_assert!(end.millis_since(now) <= 75 * 3_600_000, "{:?} at {}: {}", hours, now, end);
            // Nobody who waits for the end is asked to wait less than somebody who comes later.
            let later = Timestamp::from_millis((now.as_millis() + end.as_millis()) / 2);
            prop_assert_eq!(hours.quiet_until(&zone, later), Some(end));
        }
    }

    #[test]
    fn the_next_time_of_day_is_later_and_within_two_days(
        minutes in 0..1_440_i32, name in 0..ZONES.len(), minute in 10_500_000_i64..42_000_000,
    ) {
        let time = Time::new((minutes / 60) as i8, (minutes % 60) as i8, 0, 0).unwrap();
        let (zone, now) = (zone(ZONES[name]), Timestamp::from_millis(minute * 60_000));
        let next = next_at(&zone, time, now).unwrap();
        prop_assert!(next > now && next.millis_since(now) <= 49 * 3_600_000, "{} to {}", now, next);
        // Who asks at the time itself gets the next day's. That of a day left out stands at the start of the next.
        let again = next_at(&zone, time, next).unwrap();
        prop_assert!(again.millis_since(next) >= 22 * 3_600_000 || ZONES[name] == "Pacific/Apia");
    }
}
