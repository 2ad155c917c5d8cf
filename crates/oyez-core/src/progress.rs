//! How far a job is: reports are checked and merged, and coalesced before they are written or sent.

use oyez_protocol::{
    Timestamp,
    api::{jobs::ProgressView, workers::ProgressReport},
};
use serde::{Deserialize, Serialize};

pub use oyez_protocol::api::jobs::StepStatus;

use crate::{envelope::check_length, notification::Invalid};

/// Longest name of a step, in characters.
pub const MAX_STEP_CHARS: usize = 200;
/// Most steps of a job.
pub const MAX_STEPS: u64 = 1_000;
/// Most bytes of JSON that the results of a job's steps may take together: the next attempt is given all of them.
pub const MAX_STEP_RESULTS_BYTES: u64 = 8 * 1024 * 1024;
/// Longest message of a report, in characters.
pub const MAX_MESSAGE_CHARS: usize = 1_000;

/// Where an attempt stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The step at work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Which one it is, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_number: Option<u32>,
    /// How many there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_steps: Option<u32>,
    /// 0 to 100 of the whole job, with one decimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<f64>,
    /// What it is at, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// How the step stands.
    #[serde(default)]
    pub status: StepStatus,
}

impl Progress {
    /// As it is stored.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("progress holds texts and numbers only")
    }
}

/// What a handler or a worker says; what is absent stays as it was.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// The step at work.
    pub step: Option<String>,
    /// Which one it is, from 1.
    pub step_number: Option<u32>,
    /// How many there are.
    pub total_steps: Option<u32>,
    /// 0 to 100 of the whole job.
    pub percent: Option<f64>,
    /// What it is at, in words.
    pub message: Option<String>,
    /// How the step stands; absent: processing.
    pub status: Option<StepStatus>,
}

impl From<&ProgressReport> for Report {
    fn from(report: &ProgressReport) -> Self {
        Self {
            step: report.step.clone(),
            step_number: report.step_number,
            total_steps: report.total_steps,
            percent: report.percent,
            message: report.message.clone(),
            status: report.status,
        }
    }
}

impl From<&Progress> for ProgressView {
    fn from(progress: &Progress) -> Self {
        Self {
            step: progress.step.clone(),
            step_number: progress.step_number,
            total_steps: progress.total_steps,
            percent: progress.percent,
            message: progress.message.clone(),
            status: progress.status,
        }
    }
}

/// Takes a report into what the attempt said before (nothing at its start).
///
/// A new step that brings no message has none. Without a percent it follows from the steps; it never goes back within
/// an attempt. Errors say which field is nonsense; the progress then stays as it was.
pub fn merge(previous: Option<&Progress>, report: &Report) -> Result<Progress, Invalid> {
    check(report)?;
    let none = Progress::default();
    let before = previous.unwrap_or(&none);
    let changes_step = report.step.is_some() && report.step != before.step
        || report.step_number.is_some() && report.step_number != before.step_number;
    let step = report.step.clone().or_else(|| before.step.clone());
    let step_number = report.step_number.or(if changes_step { None } else { before.step_number });
    let total_steps = report.total_steps.or(before.total_steps);
    check_number(step_number, total_steps)?;
    let message =
        report.message.clone().or_else(|| (!changes_step).then(|| before.message.clone()).flatten());
    let status = report.status.unwrap_or_default();
    let reported = report.percent.or_else(|| from_steps(step_number, total_steps, status));
    let percent = match (reported.map(one_decimal), before.percent) {
        (Some(now), Some(before)) => Some(now.max(before)),
        (now, before) => now.or(before),
    };
    Ok(Progress { step, step_number, total_steps, percent, message, status })
}

/// Whether a job that has `steps` others, whose results take `bytes`, may have one more step with a result of
/// `more` bytes.
pub fn check_step_fits(steps: u64, bytes: u64, more: usize) -> Result<(), Invalid> {
    if steps >= MAX_STEPS {
        let message = format!(
            "the job has {steps} steps, and {MAX_STEPS} are the most: report progress within a step, or split the job"
        );
        return Err(Invalid::new("name", message));
    }
    let together = bytes.saturating_add(more as u64);
    if more > 0 && together > MAX_STEP_RESULTS_BYTES {
        let message = format!(
            "the results of the job's steps would take {together} bytes of JSON, and {MAX_STEP_RESULTS_BYTES} are the \
             most: keep large data elsewhere, and where it is in the result"
        );
        return Err(Invalid::new("result", message));
    }
    Ok(())
}

fn check(report: &Report) -> Result<(), Invalid> {
    if let Some(step) = &report.step {
        if step.trim().is_empty() {
            let message = "\"step\" is empty: name the step, such as \"Preparing Data\", or leave it out";
            return Err(Invalid::new("step", message));
        }
        check_length("step", step, MAX_STEP_CHARS)?;
    }
    if let Some(message) = &report.message {
        check_length("message", message, MAX_MESSAGE_CHARS)?;
    }
    match report.percent {
        Some(percent) if !(0.0..=100.0).contains(&percent) => {
            let message = format!("\"percent\" is {percent}: it must be a number from 0 to 100");
            Err(Invalid::new("percent", message))
        }
        _ => Ok(()),
    }
}

fn check_number(step_number: Option<u32>, total_steps: Option<u32>) -> Result<(), Invalid> {
    if total_steps == Some(0) {
        return Err(Invalid::new("total_steps", "\"total_steps\" is 0: steps are counted from 1"));
    }
    match (step_number, total_steps) {
        (Some(0), _) => Err(Invalid::new("step_number", "\"step_number\" is 0: steps are counted from 1")),
        (Some(number), Some(total)) if number > total => {
            let message = format!("\"step_number\" is {number}, but there are {total} steps");
            Err(Invalid::new("step_number", message))
        }
        _ => Ok(()),
    }
}

fn from_steps(number: Option<u32>, total: Option<u32>, status: StepStatus) -> Option<f64> {
    let (number, total) = (number?, total?);
    let finished = if status == StepStatus::Completed { number } else { number - 1 };
    Some(f64::from(finished) * 100.0 / f64::from(total))
}

fn one_decimal(percent: f64) -> f64 {
    (percent * 10.0).round() / 10.0
}

/// Shortest time between two frames of a job, in milliseconds.
pub const WIRE_GAP_MILLIS: i64 = 100;
/// Shortest time between two writes of a job's progress, in milliseconds, unless the step changes.
pub const STORE_GAP_MILLIS: i64 = 1_000;

/// Decides which of a job's reports are sent and stored: at most ten frames and one write a second, one write more per
/// step change, and always the last one.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    wire: Lane,
    store: Lane,
}

/// What to do with the latest progress now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Due {
    /// Send it.
    pub wire: bool,
    /// Write it.
    pub store: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Lane {
    last: Option<Timestamp>,
    waits: bool,
}

impl Lane {
    fn take(&mut self, now: Timestamp, gap: i64, forced: bool) -> bool {
        // A clock that was set back holds nothing up for longer than the gap.
        let early = self.last.is_some_and(|last| (0..gap).contains(&now.millis_since(last)));
        self.waits = early && !forced;
        if !self.waits {
            self.last = Some(now);
        }
        !self.waits
    }

    fn due(&mut self, now: Timestamp, gap: i64) -> bool {
        self.waits && self.take(now, gap, false)
    }

    fn next_at(&self, gap: i64) -> Option<Timestamp> {
        let last = self.last.filter(|_| self.waits)?;
        Some(Timestamp::from_millis(last.as_millis().saturating_add(gap)))
    }
}

impl Pace {
    /// A report came in. What is not due now waits, and a later report takes its place.
    pub fn report(&mut self, now: Timestamp, step_changed: bool) -> Due {
        Due {
            wire: self.wire.take(now, WIRE_GAP_MILLIS, false),
            store: self.store.take(now, STORE_GAP_MILLIS, step_changed),
        }
    }

    /// What of the waiting reports has become due.
    pub fn due(&mut self, now: Timestamp) -> Due {
        Due { wire: self.wire.due(now, WIRE_GAP_MILLIS), store: self.store.due(now, STORE_GAP_MILLIS) }
    }

    /// What was due to be written could not be: it waits for its moment again.
    pub fn not_stored(&mut self) {
        self.store.waits = true;
    }

    /// Whether the latest report waits to be written.
    pub fn is_to_be_stored(&self) -> bool {
        self.store.waits
    }

    /// When [`Pace::due`] is worth asking again; none when nothing waits.
    pub fn next_at(&self) -> Option<Timestamp> {
        let (wire, store) = (self.wire.next_at(WIRE_GAP_MILLIS), self.store.next_at(STORE_GAP_MILLIS));
        wire.into_iter().chain(store).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn report(body: serde_json::Value) -> Report {
        let mut body = body;
        body["attempt"] = 1.into();
        Report::from(&serde_json::from_value::<ProgressReport>(body).unwrap())
    }

    fn merged(reports: &[serde_json::Value]) -> Progress {
        reports
            .iter()
            .fold(Progress::default(), |before, body| merge(Some(&before), &report(body.clone())).unwrap())
    }

    #[test]
    fn a_percent_follows_from_the_steps_and_never_goes_back() {
        use serde_json::json;
        let step = |n| json!({"step": format!("S{n}"), "step_number": n, "total_steps": 5});
        let done =
            |n| json!({"step": format!("S{n}"), "step_number": n, "total_steps": 5, "status": "completed"});
        let table = [
            (vec![step(1)], Some(0.0)),
            (vec![step(1), done(1)], Some(20.0)),
            (vec![step(1), done(1), step(2)], Some(20.0)),
            (vec![done(5)], Some(100.0)),
            (vec![json!({"step_number": 2, "total_steps": 3})], Some(33.3)),
            // What is said counts, as long as it does not go back.
            (vec![step(2), json!({"percent": 35.27})], Some(35.3)),
            (vec![json!({"percent": 50}), json!({"percent": 30})], Some(50.0)),
            (vec![json!({"percent": 50}), step(2)], Some(50.0)),
            (vec![json!({"message": "at it"})], None),
            (vec![json!({"percent": 7}), json!({"message": "at it"})], Some(7.0)),
        ];
        for (reports, percent) in table {
            assert_eq!(merged(&reports).percent, percent, "{reports:?}");
        }
    }

    #[test]
    fn what_a_report_leaves_out_stays_until_the_step_changes() {
        use serde_json::json;
        let first = json!({"step": "A", "step_number": 1, "total_steps": 2, "message": "reading"});
        let now = merged(&[first.clone(), json!({"percent": 10})]);
        assert_eq!(
            (now.step.as_deref(), now.step_number, now.message.as_deref()),
            (Some("A"), Some(1), Some("reading"))
        );
        let now = merged(&[first.clone(), json!({"step": "B"})]);
        assert_eq!((now.step.as_deref(), now.step_number, now.message), (Some("B"), None, None));
        assert_eq!(now.total_steps, Some(2));
        let now = merged(&[first, json!({"status": "failed"})]);
        assert_eq!((now.status, now.step.as_deref()), (StepStatus::Failed, Some("A")));
    }

    #[test]
    fn nonsense_is_refused_with_a_sentence() {
        use serde_json::json;
        let table = [
            (json!({"percent": 900}), "percent", "\"percent\" is 900: it must be a number from 0 to 100"),
            (json!({"percent": -0.5}), "percent", "\"percent\" is -0.5"),
            (json!({"step_number": 0}), "step_number", "\"step_number\" is 0: steps are counted from 1"),
            (
                json!({"step_number": 6, "total_steps": 5}),
                "step_number",
                "\"step_number\" is 6, but there are 5 steps",
            ),
            (json!({"total_steps": 0}), "total_steps", "\"total_steps\" is 0"),
            (json!({"step": " "}), "step", "\"step\" is empty: name the step"),
            (json!({"step": "x".repeat(201)}), "step", "\"step\" may have 200 characters at most, not 201"),
            (json!({"message": "x".repeat(1_001)}), "message", "\"message\" may have 1000 characters"),
        ];
        for (body, field, why) in table {
            let refused = merge(None, &report(body)).unwrap_err();
            assert_eq!(refused.field, field);
            assert!(refused.message.starts_with(why), "{}", refused.message);
        }
        let nan = Report { percent: Some(f64::NAN), ..Report::default() };
        assert_eq!(merge(None, &nan).unwrap_err().field, "percent");
        // A total that was said before binds too.
        let before = Progress { total_steps: Some(2), ..Progress::default() };
        let third = Report { step_number: Some(3), ..Report::default() };
        assert_eq!(merge(Some(&before), &third).unwrap_err().field, "step_number");
    }

    #[test]
    fn steps_and_what_they_leave_behind_are_bounded() {
        let field = |steps, bytes, more| check_step_fits(steps, bytes, more).map_err(|refused| refused.field);
        assert_eq!(field(MAX_STEPS - 1, 0, 10), Ok(()));
        assert_eq!(field(MAX_STEPS, 0, 0), Err("name".into()));
        assert_eq!(field(5, MAX_STEP_RESULTS_BYTES - 10, 10), Ok(()));
        assert_eq!(field(5, MAX_STEP_RESULTS_BYTES - 10, 11), Err("result".into()));
        assert_eq!(field(5, MAX_STEP_RESULTS_BYTES, 0), Ok(()), "a step without a result always fits");
    }

    #[test]
    fn progress_is_read_back_as_it_was_stored() {
        let progress = merged(&[
            serde_json::json!({"step": "A", "step_number": 1, "total_steps": 3, "status": "completed"}),
        ]);
        let text = serde_json::to_string(&progress).unwrap();
        assert_eq!(
            text,
            r#"{"step":"A","step_number":1,"total_steps":3,"percent":33.3,"status":"completed"}"#
        );
        assert_eq!(serde_json::from_str::<Progress>(&text).unwrap(), progress);
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_795_179_600_000 + millis)
    }

    #[test]
    fn the_first_report_goes_out_at_once_and_the_last_one_always() {
        let mut pace = Pace::default();
        assert_eq!(pace.report(at(0), true), Due { wire: true, store: true });
        assert_eq!(pace.next_at(), None);
        assert_eq!(pace.report(at(10), false), Due::default());
        assert_eq!(pace.next_at(), Some(at(100)));
        assert_eq!(pace.due(at(99)), Due::default());
        assert_eq!(pace.due(at(100)), Due { wire: true, store: false });
        assert_eq!(pace.next_at(), Some(at(1_000)));
        assert_eq!(pace.report(at(150), true), Due { wire: false, store: true }, "a step is written at once");
        assert_eq!(pace.due(at(200)), Due { wire: true, store: false });
        assert_eq!(pace.next_at(), None);
    }

    #[test]
    fn what_could_not_be_written_is_due_again_a_second_later() {
        let mut pace = Pace::default();
        assert!(pace.report(at(0), true).store);
        pace.not_stored();
        assert!(pace.is_to_be_stored());
        assert_eq!((pace.due(at(999)).store, pace.next_at()), (false, Some(at(1_000))));
        assert!(pace.due(at(1_000)).store);
        assert_eq!(pace.next_at(), None);
    }

    #[test]
    fn a_clock_set_back_does_not_silence_a_job() {
        let mut pace = Pace::default();
        pace.report(at(86_400_000), false);
        assert_eq!(pace.report(at(0), false), Due { wire: true, store: true });
    }

    proptest! {
        #[test]
        fn no_second_has_more_than_ten_frames_and_no_report_is_left_behind(
            gaps in prop::collection::vec((0_i64..300, any::<bool>()), 1..200),
        ) {
            let (mut pace, mut now) = (Pace::default(), 0);
            let (mut frames, mut writes, mut steps) = (Vec::new(), 0, 0);
            let (mut sent, mut stored) = (0, 0);
            let mut take = |due: Due, now: i64, latest: usize, sent: &mut usize, stored: &mut usize| {
                if due.wire { frames.push(now); *sent = latest; }
                if due.store { writes += 1; *stored = latest; }
            };
            let reports = gaps.len();
            for (latest, (gap, step)) in gaps.into_iter().enumerate() {
                // Timers fire on time, before the next report.
                while let Some(next) = pace.next_at().filter(|next| *next <= at(now + gap)) {
                    take(pace.due(next), next.millis_since(at(0)), latest, &mut sent, &mut stored);
                }
                now += gap;
                steps += usize::from(step);
                take(pace.report(at(now), step), now, latest + 1, &mut sent, &mut stored);
            }
            while let Some(next) = pace.next_at() {
                now = next.millis_since(at(0));
                take(pace.due(next), now, reports, &mut sent, &mut stored);
            }
            prop_assert_eq!((sent, stored), (reports, reports));
            for (first, start) in frames.iter().enumerate() {
                let within = frames[first..].iter().take_while(|frame| **frame < start + 1_000).count();
                prop_assert!(within <= 10, "{within} frames from {start} on");
            }
            prop_assert!(writes <= 1 + now as usize / 1_000 + steps);
        }

        #[test]
        fn any_reports_leave_a_percent_that_only_grows(
            reports in prop::collection::vec((prop::option::of(-10.0..150.0_f64), 0_u32..8, 0_u32..8), 1..30),
        ) {
            let mut now = Progress::default();
            for (percent, number, total) in reports {
                let report = Report {
                    percent,
                    step_number: Some(number),
                    total_steps: Some(total),
                    ..Report::default()
                };
                if let Ok(next) = merge(Some(&now), &report) {
                    prop_assert!(next.percent >= now.percent);
                    prop_assert!((0.0..=100.0).contains(&next.percent.unwrap_or_default()));
                    now = next;
                }
            }
        }
    }
}
