//! Tables of schedules, with the known traps of daylight saving, and the properties that hold for any line.

use std::time::Duration;

use oyez_protocol::{JobKind, api::schedules::MisfireRequest};
use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn plan(line: &str, zone: &str) -> Plan {
    Plan::parse(line, zone).unwrap()
}

/// The next times after a moment, in UTC without seconds.
fn next(line: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    let plan = plan(line, zone);
    let mut time = at(after);
    let mut times = Vec::new();
    while times.len() < count {
        time = plan.next_after(time).unwrap();
        times.push(time.to_string().replace(":00.000Z", "Z"));
    }
    times
}

#[test]
fn lines_fire_at_the_times_they_name() {
    let table: &[(&str, &str, &str, &[&str])] = &[
        ("*/5 * * * *", "UTC", "2026-01-01T00:00:00Z", &["2026-01-01T00:05Z", "2026-01-01T00:10Z"]),
        ("*/5 * * * *", "UTC", "2025-12-31T23:57:30Z", &["2026-01-01T00:00Z", "2026-01-01T00:05Z"]),
        ("30 0 3 * * *", "UTC", "2026-01-01T00:00:00Z", &["2026-01-01T03:00:30.000Z"]),
        ("@hourly", "UTC", "2026-01-01T00:00:00Z", &["2026-01-01T01:00Z"]),
        ("@daily", "Asia/Kolkata", "2026-01-01T00:00:00Z", &["2026-01-01T18:30Z"]),
        ("@weekly", "UTC", "2026-01-01T00:00:00Z", &["2026-01-04T00:00Z"]),
        ("@yearly", "UTC", "2026-01-01T00:00:00Z", &["2027-01-01T00:00Z"]),
        ("0 9 * * MON-FRI", "UTC", "2026-01-02T09:00:00Z", &["2026-01-05T09:00Z", "2026-01-06T09:00Z"]),
        ("0 0 1 JAN *", "UTC", "2026-06-01T00:00:00Z", &["2027-01-01T00:00Z"]),
        ("0 0 * * 7", "UTC", "2026-01-01T00:00:00Z", &["2026-01-04T00:00Z"]),
        // The last day of a month, and its second Friday.
        ("0 0 L * *", "UTC", "2026-02-01T00:00:00Z", &["2026-02-28T00:00Z", "2026-03-31T00:00Z"]),
        ("0 0 * * 5#2", "UTC", "2026-01-01T00:00:00Z", &["2026-01-09T00:00Z", "2026-02-13T00:00Z"]),
        // Day of month and weekday together: either is enough, as cron has it since 1979.
        ("0 0 13 * 5", "UTC", "2026-01-08T00:00:00Z", &["2026-01-09T00:00Z", "2026-01-13T00:00Z"]),
        // Months without the day are passed over.
        ("0 0 31 * *", "UTC", "2026-01-31T00:00:00Z", &["2026-03-31T00:00Z", "2026-05-31T00:00Z"]),
        // Leap days; 2100 is no leap year.
        ("0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", &["2028-02-29T00:00Z", "2032-02-29T00:00Z"]),
        ("0 0 29 2 *", "UTC", "2096-02-29T00:00:00Z", &["2104-02-29T00:00Z"]),
        ("@every 90s", "UTC", "2026-01-01T00:00:00Z", &["2026-01-01T00:01:30.000Z", "2026-01-01T00:03Z"]),
        ("@every 1h30m", "Asia/Tokyo", "2026-01-01T00:10:00Z", &["2026-01-01T01:30Z", "2026-01-01T03:00Z"]),
    ];
    for (line, zone, after, expected) in table {
        assert_eq!(next(line, zone, after, expected.len()), *expected, "{line} in {zone} after {after}");
    }
}

#[test]
fn a_time_the_clocks_leap_over_fires_once_right_after_the_leap() {
    let table: &[(&str, &str, &str, &[&str])] = &[
        // 02:00 becomes 03:00 on 29 March 2026.
        ("30 2 * * *", "Europe/Zurich", "2026-03-28T12:00:00Z", &["2026-03-29T01:00Z", "2026-03-30T00:30Z"]),
        ("0 2 * * *", "Europe/Zurich", "2026-03-28T12:00:00Z", &["2026-03-29T01:00Z", "2026-03-30T00:00Z"]),
        ("0 3 * * *", "Europe/Zurich", "2026-03-28T12:00:00Z", &["2026-03-29T01:00Z", "2026-03-30T01:00Z"]),
        (
            "30 2 * * *",
            "America/New_York",
            "2026-03-07T12:00:00Z",
            &["2026-03-08T07:00Z", "2026-03-09T06:30Z"],
        ),
        // Midnight itself is missing.
        ("0 0 * * *", "Africa/Cairo", "2026-04-23T12:00:00Z", &["2026-04-23T22:00Z", "2026-04-24T21:00Z"]),
        (
            "0 0 * * *",
            "America/Sao_Paulo",
            "2018-11-03T12:00:00Z",
            &["2018-11-04T03:00Z", "2018-11-05T02:00Z"],
        ),
        // Half an hour is missing: 02:00 becomes 02:30.
        (
            "15 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-03T12:00:00Z",
            &["2026-10-03T15:30Z", "2026-10-04T15:15Z"],
        ),
        // A line that names a date in a leap: only that year is moved.
        ("30 2 29 3 *", "Europe/Zurich", "2026-01-01T00:00:00Z", &["2026-03-29T01:00Z", "2027-03-29T00:30Z"]),
    ];
    for (line, zone, after, expected) in table {
        assert_eq!(next(line, zone, after, expected.len()), *expected, "{line} in {zone} after {after}");
    }
}

#[test]
fn a_time_the_clocks_repeat_fires_once() {
    let table: &[(&str, &str, &str, &[&str])] = &[
        // 03:00 becomes 02:00 on 25 October 2026.
        ("30 2 * * *", "Europe/Zurich", "2026-10-24T12:00:00Z", &["2026-10-25T00:30Z", "2026-10-26T01:30Z"]),
        ("0 3 * * *", "Europe/Zurich", "2026-10-24T12:00:00Z", &["2026-10-25T02:00Z", "2026-10-26T02:00Z"]),
        (
            "30 1 * * *",
            "America/New_York",
            "2026-10-31T12:00:00Z",
            &["2026-11-01T05:30Z", "2026-11-02T06:30Z"],
        ),
        ("0 0 * * *", "Africa/Cairo", "2026-10-29T12:00:00Z", &["2026-10-29T22:00Z", "2026-10-30T22:00Z"]),
        ("30 23 * * *", "Africa/Cairo", "2026-10-29T12:00:00Z", &["2026-10-29T20:30Z", "2026-10-30T21:30Z"]),
        (
            "45 1 * * *",
            "Australia/Lord_Howe",
            "2026-04-04T12:00:00Z",
            &["2026-04-04T14:45Z", "2026-04-05T15:15Z"],
        ),
    ];
    for (line, zone, after, expected) in table {
        assert_eq!(next(line, zone, after, expected.len()), *expected, "{line} in {zone} after {after}");
    }
}

#[test]
fn a_beat_does_not_stumble_over_a_change_of_clocks() {
    let changes = [
        ("Europe/Zurich", "2026-03-28T22:07:00Z"),
        ("Europe/Zurich", "2026-10-24T22:07:00Z"),
        ("America/New_York", "2026-03-08T03:07:00Z"),
        ("America/New_York", "2026-11-01T03:07:00Z"),
        ("Africa/Cairo", "2026-04-23T20:07:00Z"),
    ];
    for (zone, after) in changes {
        for (line, minutes) in [("*/15 * * * *", 15), ("0 * * * *", 60), ("@every 10m", 10)] {
            let plan = plan(line, zone);
            let first = plan.next_after(at(after)).unwrap();
            let mut time = first;
            for n in 1..=24 {
                time = plan.next_after(time).unwrap();
                assert_eq!(time.millis_since(first), n * minutes * 60_000, "{line} in {zone} after {first}");
            }
        }
    }
}

#[test]
fn a_day_that_never_was_is_passed_over() {
    // Samoa went from 29 to 31 December 2011.
    let times = next("0 12 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", 3);
    assert_eq!(times, ["2011-12-29T22:00Z", "2011-12-30T22:00Z", "2011-12-31T22:00Z"]);
    let plan = plan("0 12 * * *", "Pacific/Apia");
    assert_eq!(plan.last_until(at("2011-12-30T21:59:00Z")), Some(at("2011-12-29T22:00:00Z")));
}

#[test]
fn a_bad_line_is_refused_with_its_place_and_what_is_right() {
    let table = [
        ("", "it is empty"),
        ("* * * *", "it has 4 fields"),
        ("* * * * * * *", "it has 7 fields"),
        ("60 * * * *", "field 1 (minute) is \"60\", but must be 0 to 59"),
        ("* 24 * * *", "field 2 (hour) is \"24\", but must be 0 to 23"),
        ("* * 32 * *", "field 3 (day of month) is \"32\", but must be 1 to 31, or L for the last"),
        ("* * 0 * *", "field 3 (day of month) is \"0\""),
        ("* * * 13 *", "field 4 (month) is \"13\", but must be 1 to 12, or JAN to DEC"),
        ("* * * * 8", "field 5 (weekday) is \"8\", but must be 0 to 7 (0 and 7 are Sunday), or SUN to SAT"),
        ("61 * * * * *", "field 1 (second) is \"61\", but must be 0 to 59"),
        ("* * * * * MOO", "field 6 (weekday) is \"MOO\""),
        ("*/0 * * * *", "field 1 (minute) is \"*/0\""),
        ("5-1 * * * *", "field 1 (minute) is \"5-1\""),
        ("a b c d e", "field 1 (minute) is \"a\""),
        ("0 0 30 2 *", "no day of the calendar fits it"),
        (
            "@sometimes",
            "@sometimes is no name it knows: there are @yearly, @monthly, @weekly, @daily and @hourly",
        ),
        ("@every", "after @every stands a time"),
        ("@every 0s", "after @every stands a time from one second to a year"),
        ("@every -5s", "after @every stands a time"),
        ("@every 500 days", "after @every stands a time"),
        ("@every soon", "after @every stands a time"),
    ];
    for (line, why) in table {
        let refused = Plan::parse(line, "UTC").unwrap_err();
        assert_eq!(refused.field, "cron", "{line}");
        assert!(refused.message.contains(why), "{line}: {}", refused.message);
        assert!(refused.message.contains("such as \"*/5 * * * *\""), "{line}: {}", refused.message);
    }
    let refused = Plan::parse(&"9".repeat(100_000), "UTC").unwrap_err();
    assert!(refused.message.len() < 500, "{}", refused.message.len());
    for zone in ["", "Mars/Olympus", "CET+1", "../../etc/passwd"] {
        let refused = Plan::parse("@daily", zone).unwrap_err();
        assert_eq!(refused.field, "time_zone", "{zone}");
        assert!(refused.message.contains("expected a name such as \"UTC\" or \"Europe/Zurich\""), "{zone}");
    }
}

#[test]
fn what_was_missed_follows_the_policy() {
    let plan = plan("0 * * * *", "UTC");
    let fired = |last: &str, now: &str, misfire| {
        let firing = due(&plan, at(last), at(now), misfire);
        let times: Vec<_> = firing.times.iter().map(|time| time.to_string()[11..16].to_owned()).collect();
        (times, firing.next.unwrap().to_string()[11..16].to_owned())
    };
    let all = |hours: u64, max| Misfire::All { window: Duration::from_secs(hours * 3_600), max };
    let table = [
        // Nothing is due before its time, and a fired time is not due again.
        ("2026-01-01T05:00:00Z", "2026-01-01T05:59:59Z", Misfire::Once, vec![], "06:00"),
        ("2026-01-01T06:00:00Z", "2026-01-01T06:00:00Z", all(24, 100), vec![], "07:00"),
        // On time, whatever the policy.
        ("2026-01-01T05:00:00Z", "2026-01-01T06:00:00Z", Misfire::Skip, vec!["06:00"], "07:00"),
        ("2026-01-01T05:00:00Z", "2026-01-01T06:00:20Z", Misfire::Skip, vec!["06:00"], "07:00"),
        ("2026-01-01T05:00:00Z", "2026-01-01T06:00:20Z", Misfire::Once, vec!["06:00"], "07:00"),
        ("2026-01-01T05:00:00Z", "2026-01-01T06:00:20Z", all(1, 1), vec!["06:00"], "07:00"),
        // Down from five to half past nine.
        ("2026-01-01T05:00:00Z", "2026-01-01T09:30:00Z", Misfire::Skip, vec![], "10:00"),
        ("2026-01-01T05:00:00Z", "2026-01-01T09:30:00Z", Misfire::Once, vec!["09:00"], "10:00"),
        ("2026-01-01T05:00:00Z", "2026-01-01T09:30:00Z", all(2, 100), vec!["08:00", "09:00"], "10:00"),
        (
            "2026-01-01T05:00:00Z",
            "2026-01-01T09:30:00Z",
            all(24, 3),
            vec!["07:00", "08:00", "09:00"],
            "10:00",
        ),
        (
            "2026-01-01T05:00:00Z",
            "2026-01-01T09:30:00Z",
            all(24, 9),
            vec!["06:00", "07:00", "08:00", "09:00"],
            "10:00",
        ),
        // A clock that was set back fires nothing twice.
        ("2026-01-01T09:00:00Z", "2026-01-01T08:00:00Z", all(24, 9), vec![], "09:00"),
    ];
    for (last, now, misfire, times, next) in table {
        assert_eq!(
            fired(last, now, misfire),
            (times.iter().map(|time| (*time).to_owned()).collect(), next.to_owned()),
            "{last} {now} {misfire:?}"
        );
    }
}

#[test]
fn a_schedule_of_seconds_that_slept_for_years_wakes_at_once() {
    let plan = plan("* * * * * *", "UTC");
    let firing = due(&plan, at("2020-01-01T00:00:00Z"), at("2026-01-01T00:00:00Z"), Misfire::Once);
    assert_eq!(firing.times, [at("2026-01-01T00:00:00Z")]);
    let all = Misfire::All { window: Duration::from_secs(31_536_000), max: 1_000 };
    let firing = due(&plan, at("2020-01-01T00:00:00Z"), at("2026-01-01T00:00:00Z"), all);
    assert_eq!(firing.times.len(), 1_000);
    assert_eq!(firing.times[0], at("2025-12-31T23:43:21Z"));
}

fn request(body: serde_json::Value) -> ScheduleRequest {
    serde_json::from_value(body).unwrap()
}

#[test]
fn a_request_becomes_a_schedule_or_names_its_mistake() {
    let name = ScheduleName::new("nightly").unwrap();
    let job = serde_json::json!({"kind": "report", "args": {"a": 1}});
    let good = request(serde_json::json!({
        "cron": "0  3 * * *", "time_zone": "Europe/Zurich", "job": job,
        "misfire": {"all": {"window": 3600, "max": 5}}, "overlap": "allow",
    }));
    let schedule = new_schedule(name.clone(), &good, at("2026-01-01T00:00:00Z")).unwrap();
    assert_eq!(schedule.plan.line(), "0 3 * * *");
    assert_eq!(schedule.plan.time_zone(), "Europe/Zurich");
    assert_eq!(schedule.misfire, Misfire::All { window: Duration::from_secs(3_600), max: 5 });
    assert_eq!(MisfireRequest::from(schedule.misfire), good.misfire);
    assert_eq!((schedule.overlap, schedule.paused), (Overlap::Allow, None));

    let short = request(serde_json::json!({"cron": "@daily", "job": job}));
    let schedule = new_schedule(name.clone(), &short, at("2026-01-01T00:00:00Z")).unwrap();
    assert_eq!((schedule.misfire, schedule.overlap), (Misfire::Once, Overlap::Skip));
    assert_eq!(schedule.plan.time_zone(), "UTC");

    let refused = [
        (serde_json::json!({"cron": "@daily", "job": {"kind": "a", "priority": 10}}), "job.priority"),
        (serde_json::json!({"cron": "@daily", "job": {"kind": "a", "unique_key": "x"}}), "job.unique_key"),
        (
            serde_json::json!({"cron": "@daily", "job": {"kind": "a", "idempotency_key": "x"}}),
            "job.idempotency_key",
        ),
        (
            serde_json::json!({"cron": "@daily", "job": job, "misfire": {"all": {"window": 60, "max": 0}}}),
            "misfire.all.max",
        ),
        (
            serde_json::json!({"cron": "@daily", "job": job, "misfire": {"all": {"window": -1, "max": 1}}}),
            "misfire.all.window",
        ),
        (serde_json::json!({"cron": "x", "job": job}), "cron"),
    ];
    for (body, field) in refused {
        let refused = new_schedule(name.clone(), &request(body), at("2026-01-01T00:00:00Z")).unwrap_err();
        assert_eq!(refused.field, field, "{}", refused.message);
    }
}

#[test]
fn a_firing_is_unique_by_its_planned_time() {
    let name = ScheduleName::new("nightly").unwrap();
    let job = JobRequest::new(JobKind::new("report").unwrap());
    let planned = at("2026-01-01T03:00:00Z");
    let firing =
        firing_job(&name, &job, planned, JobId(Default::default()), at("2026-01-01T03:00:01Z")).unwrap();
    let unique = firing.unique.unwrap();
    assert_eq!((unique.key.as_str(), unique.states), ("schedule:nightly:1767236400000", StateSet::ALL));
    assert_eq!((firing.schedule, firing.planned_at), (Some(name), Some(planned)));
}

const LINES: [&str; 12] = [
    "* * * * *",
    "*/7 * * * *",
    "30 2 * * *",
    "0 0 * * *",
    "15,45 1-3 * * *",
    "0 0 1 * *",
    "0 12 L * *",
    "0 8 * * MON",
    "*/20 * * * * *",
    "59 23 31 12 *",
    "@every 77s",
    "0 */6 * * *",
];
const ZONES: [&str; 7] = [
    "UTC",
    "Europe/Zurich",
    "America/New_York",
    "Africa/Cairo",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/St_Johns",
];

proptest! {
    #[test]
    fn times_only_grow_and_looking_back_finds_the_same(
        line in prop::sample::select(LINES.to_vec()),
        zone in prop::sample::select(ZONES.to_vec()),
        start in 1_700_000_000_i64..1_900_000_000,
        millis in 0_i64..1_000,
    ) {
        let plan = plan(line, zone);
        let mut time = Timestamp::from_millis(start * 1_000 + millis);
        let mut last = plan.last_until(time).unwrap();
        prop_assert!(last <= time);
        for _ in 0..5 {
            let next = plan.next_after(time).unwrap();
            prop_assert!(next > time);
            // Looking back from just before finds the one before, from it finds itself.
            prop_assert_eq!(plan.last_until(next), Some(next));
            prop_assert_eq!(plan.last_until(Timestamp::from_millis(next.as_millis() - 1)), Some(last));
            (time, last) = (next, next);
        }
    }

    #[test]
    fn however_often_somebody_looks_each_time_fires_once(
        line in prop::sample::select(LINES.to_vec()),
        zone in prop::sample::select(ZONES.to_vec()),
        start in 1_700_000_000_i64..1_900_000_000,
        looks in prop::collection::vec(0_i64..5_000_000, 1..20),
    ) {
        let plan = plan(line, zone);
        let start = Timestamp::from_millis(start * 1_000);
        let all = Misfire::All { window: Duration::from_secs(31_536_000), max: MAX_FIRINGS };
        let (mut now, mut last, mut fired) = (start, start, Vec::new());
        for gap in looks {
            now = Timestamp::from_millis(now.as_millis() + gap);
            let firing = due(&plan, last, now, all);
            prop_assert_eq!(firing.next, plan.next_after(now));
            last = firing.times.last().copied().unwrap_or(last);
            fired.extend(firing.times);
        }
        let mut expected = Vec::new();
        let mut time = plan.next_after(start);
        while let Some(next) = time.filter(|next| *next <= now) {
            expected.push(next);
            time = plan.next_after(next);
        }
        prop_assert_eq!(fired, expected);
    }

    #[test]
    fn no_line_and_no_zone_causes_a_panic(line in "\\PC{0,40}", zone in "\\PC{0,20}") {
        let _ = Plan::parse(&line, "UTC");
        let _ = Plan::parse("@daily", &zone);
    }

    #[test]
    fn lines_made_of_crons_own_letters_cause_no_panic(line in "[0-9*/,LW#@A-Z-]{1,4}( [0-9*/,LW#A-Z-]{1,4}){4,5}") {
        if let Ok(plan) = Plan::parse(&line, "Europe/Zurich") {
            let _ = plan.next_after(Timestamp::from_millis(1_795_179_600_000));
            let _ = plan.last_until(Timestamp::from_millis(1_795_179_600_000));
        }
    }
}
