//! Tables and properties of jobs.

use std::time::Duration;

use oyez_protocol::{
    Audience, ErrorCode, NotificationId,
    api::jobs::{JobRequest, StepStatus, TrackRequest},
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::notification::Invalid;

fn now() -> Timestamp {
    "2026-11-20T13:00:00Z".parse().unwrap()
}

fn made(body: Value) -> Result<NewJob, Invalid> {
    let request: JobRequest = serde_json::from_value(body).unwrap();
    new_job(&request, JobId(Default::default()), "key:test", now())
}

#[test]
fn a_request_that_says_nothing_gets_the_defaults() {
    let job = made(json!({"kind": "report"})).unwrap();
    assert_eq!((job.queue.as_str(), job.priority, job.max_attempts), ("default", 5, 3));
    assert_eq!((&*job.args, &*job.data), ("{}", "{}"));
    assert_eq!((job.run_at, job.timeout, job.unique, job.user), (None, None, None, None));
    assert_eq!(job.backoff, Backoff::default());
    assert!(job.notify.contains(JobEnd::Completed) && job.notify.contains(JobEnd::Failed));
    assert!(!job.notify.contains(JobEnd::Cancelled));
    assert!(!job.track && job.idempotency.is_none());
}

#[test]
fn a_request_that_says_all_is_taken_at_its_word() {
    let job = made(json!({
        "kind": "oracle_upload", "args": {"lines": [1, 2]}, "user": "anna", "data": {"transaction_id": 602},
        "queue": "oracle", "priority": 0, "run_at": "2026-11-20T14:00:00Z", "unique_key": "t602",
        "unique_period": 3600, "unique_states": ["running", "completed"], "max_attempts": 100, "timeout": 1.5,
        "backoff": {"first": 1, "factor": 3, "max": 60, "jitter": 0}, "notify": ["cancelled"],
        "messages": {"started": "Oracle upload started for transaction 602", "url": "/transfers/602"},
        "idempotency_key": "once",
    }))
    .unwrap();
    assert_eq!((&*job.args, &*job.data), (r#"{"lines":[1,2]}"#, r#"{"transaction_id":602}"#));
    assert_eq!(job.run_at, Some("2026-11-20T14:00:00Z".parse().unwrap()));
    assert_eq!(job.timeout, Some(Duration::from_millis(1_500)));
    assert_eq!(job.backoff.delay(2, 0.7), Duration::from_secs(3));
    assert_eq!((job.notify.contains(JobEnd::Cancelled), job.notify.contains(JobEnd::Failed)), (true, false));
    let unique = job.unique.unwrap();
    assert_eq!(unique.key, format!("t602:{}", now().as_millis() / 3_600_000));
    for state in JobState::ALL {
        let taken = matches!(state, JobState::Running | JobState::Completed);
        assert_eq!(unique.states.contains(state), taken, "{state:?}");
    }
    let idempotency = job.idempotency.unwrap();
    assert_eq!((idempotency.scope.as_str(), idempotency.key.as_str()), ("key:test", "once"));
}

#[test]
fn a_time_that_is_past_means_now() {
    assert_eq!(made(json!({"kind": "a", "run_at": "2026-11-20T12:59:59Z"})).unwrap().run_at, None);
}

#[test]
fn a_bad_request_is_refused_with_the_field_and_what_is_right() {
    let large = "x".repeat(300_000);
    let deep = |levels: usize| (0..levels).fold(json!("[{"), |inner, _| json!([inner]));
    assert!(made(json!({"kind": "a", "args": deep(100), "idempotency_key": "k"})).is_ok());
    let table = [
        (json!({"priority": 10}), "priority", "\"priority\" is 10: it must be 0 (first) to 9 (last)"),
        (json!({"max_attempts": 0}), "max_attempts", "\"max_attempts\" is 0: it must be 1 to 100"),
        (json!({"max_attempts": 101}), "max_attempts", "\"max_attempts\" is 101"),
        (json!({"timeout": 0}), "timeout", "\"timeout\" is 0: it must be 0.001 to 31536000 seconds"),
        (json!({"timeout": -1}), "timeout", "\"timeout\" is -1"),
        (json!({"timeout": 1e300}), "timeout", "\"timeout\" is 1000000000"),
        (json!({"args": large}), "args", "\"args\" may take 262144 bytes of JSON at most, not 300002"),
        (json!({"args": deep(101)}), "args", "\"args\" is nested 101 deep: 100 levels are the most"),
        (json!({"data": {"a": "x".repeat(20_000)}}), "data", "\"data\" may take 16384 bytes"),
        (json!({"data": {"seq": 1}}), "data.seq", "\"data\" must not use the key \"seq\""),
        (json!({"data": {"percent": 1}}), "data.percent", "\"data\" must not use the key \"percent\""),
        (json!({"data": {"job_id": 1}}), "data.job_id", "\"data\" must not use"),
        (
            json!({"unique_period": 60}),
            "unique_period",
            "\"unique_period\" says nothing without \"unique_key\"",
        ),
        (json!({"unique_states": ["running"]}), "unique_states", "\"unique_states\" says nothing"),
        (json!({"unique_key": "a", "unique_states": []}), "unique_states", "\"unique_states\" is empty"),
        (
            json!({"unique_key": "a", "unique_period": 0.5}),
            "unique_period",
            "\"unique_period\" is 0.5: it must be 1 to",
        ),
        (
            json!({"unique_key": "schedule:a:1"}),
            "unique_key",
            "\"unique_key\" is \"schedule:a:1\": keys that",
        ),
        (json!({"unique_key": "track:a:1"}), "unique_key", "\"unique_key\" is \"track:a:1\": keys that"),
        (json!({"unique_key": ""}), "unique_key", "\"unique_key\" must be 1 to 255 bytes"),
        (
            json!({"backoff": {"factor": 0.5}}),
            "backoff.factor",
            "\"backoff.factor\" is 0.5: it must be 1 to 10",
        ),
        (json!({"backoff": {"jitter": 2}}), "backoff.jitter", "\"backoff.jitter\" is 2: it must be 0 to 1"),
        (json!({"backoff": {"first": -1}}), "backoff.first", "\"backoff.first\" is -1: it must be 0 to"),
        (json!({"messages": {"failed": " "}}), "messages.failed", "\"messages.failed\" is empty"),
        (json!({"messages": {"url": "javascript:alert(1)"}}), "messages.url", "\"messages.url\" is"),
        (json!({"idempotency_key": ""}), "idempotency_key", "\"idempotency_key\" must be"),
    ];
    for (mut body, field, why) in table {
        body["kind"] = "a".into();
        let refused = made(body).unwrap_err();
        assert_eq!(refused.field, field, "{}", refused.message);
        assert!(refused.message.starts_with(why), "{}", refused.message);
    }
    assert_eq!(made(json!({"kind": "a", "data": {"status": 1}})).unwrap_err().code, ErrorCode::ReservedKey);
}

#[test]
fn an_idempotency_key_stands_for_one_body() {
    let print = |body: Value| made(body).unwrap().idempotency.unwrap().fingerprint;
    let first = print(json!({"kind": "a", "args": {"x": 1, "y": 2}, "idempotency_key": "k"}));
    assert_eq!(first, print(json!({"idempotency_key": "other", "args": {"y": 2, "x": 1}, "kind": "a"})));
    assert_ne!(first, print(json!({"kind": "a", "args": {"x": 1, "y": 3}, "idempotency_key": "k"})));
}

#[test]
fn tracked_work_runs_from_the_start_and_has_one_attempt() {
    let tracked = |body: Value| {
        let request: TrackRequest = serde_json::from_value(body).unwrap();
        tracked_job(&request, JobId(Default::default()), "key:test", now())
    };
    let job = tracked(json!({"kind": "oracle_upload", "key": "602", "worker": "celery@host"})).unwrap();
    assert!(job.track);
    assert_eq!((job.max_attempts, job.timeout), (1, Some(Duration::from_secs(900))));
    let unique = job.unique.unwrap();
    assert_eq!((unique.key.as_str(), unique.states), ("track:oracle_upload:602", StateSet::UNFINISHED));
    assert_eq!(tracked(json!({"kind": "a", "silence": 0.1})).unwrap_err().field, "silence");
    assert_eq!(tracked(json!({"kind": "a", "data": {"seq": 1}})).unwrap_err().field, "data.seq");
}

fn running(attempt: u32, given_back: u32, cancel_requested: bool) -> Running {
    Running { attempt, given_back, max_attempts: 3, backoff: Backoff::default(), cancel_requested }
}

#[test]
fn an_outcome_decides_what_becomes_of_the_job() {
    use JobState::{Available, Cancelled, Completed, Discarded, Retryable, Scheduled};
    let error = || "boom".to_owned();
    let delay = Duration::from_secs(10);
    let table = [
        // (attempt, given back, cancel requested), outcome -> state, seconds to wait, gives back, word
        ((1, 0, false), Outcome::Done(None), Completed, None, false, "done"),
        ((1, 0, true), Outcome::Done(None), Completed, None, false, "done"),
        ((1, 0, false), Outcome::Fail { error: error() }, Retryable, Some(15), false, "failed"),
        ((2, 0, false), Outcome::Fail { error: error() }, Retryable, Some(30), false, "failed"),
        ((3, 0, false), Outcome::Fail { error: error() }, Discarded, None, false, "failed"),
        // Attempts that were given back do not count.
        ((3, 1, false), Outcome::Fail { error: error() }, Retryable, Some(30), false, "failed"),
        ((9, 6, false), Outcome::Fail { error: error() }, Discarded, None, false, "failed"),
        ((1, 0, true), Outcome::Fail { error: error() }, Cancelled, None, false, "cancelled"),
        ((1, 0, false), Outcome::RetryAfter { delay, error: error() }, Retryable, Some(10), false, "failed"),
        ((3, 0, false), Outcome::RetryAfter { delay, error: error() }, Discarded, None, false, "failed"),
        ((3, 0, false), Outcome::Snooze { delay }, Scheduled, Some(10), true, "snoozed"),
        ((1, 0, false), Outcome::Snooze { delay: Duration::ZERO }, Available, Some(0), true, "snoozed"),
        ((1, 0, true), Outcome::Snooze { delay }, Cancelled, None, false, "cancelled"),
        ((1, 0, false), Outcome::Cancel { reason: error() }, Cancelled, None, false, "cancelled"),
        ((1, 0, false), Outcome::Discard { error: error() }, Discarded, None, false, "discarded"),
        ((1, 0, true), Outcome::Discard { error: error() }, Cancelled, None, false, "cancelled"),
        ((1, 0, false), Outcome::Lost, Available, Some(0), false, "lost"),
        ((3, 0, false), Outcome::Lost, Discarded, None, false, "lost"),
        ((1, 0, true), Outcome::Lost, Cancelled, None, false, "cancelled"),
        ((3, 0, false), Outcome::GivenBack, Available, Some(0), true, "given_back"),
        ((1, 0, true), Outcome::GivenBack, Cancelled, None, false, "cancelled"),
        ((1, 0, false), Outcome::TimedOut, Retryable, Some(15), false, "timed_out"),
        ((3, 0, false), Outcome::TimedOut, Discarded, None, false, "timed_out"),
    ];
    for ((attempt, given_back, cancel), outcome, state, wait, gives_back, word) in table {
        let case = format!("{attempt} {given_back} {cancel} {outcome:?}");
        let conclusion = conclude(&running(attempt, given_back, cancel), outcome, now(), 0.5);
        assert_eq!(conclusion.state, state, "{case}");
        assert_eq!(conclusion.run_at, wait.map(|seconds| now().plus_seconds(seconds)), "{case}");
        assert_eq!((conclusion.gives_back, conclusion.attempt_outcome), (gives_back, word), "{case}");
        assert_eq!(conclusion.end().is_some(), state.is_final(), "{case}");
    }
}

#[test]
fn a_result_is_kept_and_a_long_error_is_cut() {
    let done = conclude(&running(1, 0, false), Outcome::Done(Some("{\"a\":1}".into())), now(), 0.5);
    assert_eq!((done.result.as_deref(), done.error), (Some("{\"a\":1}"), None));
    let error = "é".repeat(10_000);
    let failed = conclude(&running(1, 0, false), Outcome::Fail { error }, now(), 0.5);
    assert_eq!(failed.error.unwrap().len(), outcome::MAX_ERROR_BYTES);
}

#[test]
fn a_retry_by_hand_gives_one_attempt_at_least() {
    for (attempt, given_back, max, expected) in
        [(3, 0, 3, 4), (1, 0, 3, 3), (9, 6, 3, 4), (0, 0, 1, 1), (70_000, 0, 3, u16::MAX)]
    {
        assert_eq!(
            max_attempts_for_retry(attempt, given_back, max),
            expected,
            "{attempt} {given_back} {max}"
        );
    }
}

fn record() -> JobRecord {
    let job = made(json!({
        "kind": "oracle_upload", "user": "anna", "data": {"transaction_id": 602},
        "messages": {"started": "Oracle upload started for transaction 602", "url": "/transfers/602"},
    }))
    .unwrap();
    JobRecord {
        id: job.id,
        kind: job.kind,
        queue: job.queue,
        state: JobState::Running,
        priority: job.priority,
        args: job.args,
        data: job.data,
        user: job.user,
        run_at: now(),
        attempt: 2,
        given_back: 0,
        max_attempts: 3,
        timeout: None,
        backoff: job.backoff,
        notify: job.notify,
        messages: job.messages,
        unique_key: None,
        created_at: now(),
        attempted_at: Some(now()),
        lease_until: None,
        worker: None,
        cancel_requested_at: None,
        finalized_at: None,
        progress: None,
        result: None,
        error: None,
        schedule: None,
        planned_at: None,
        track: false,
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn the_owner_reads_the_frames_of_the_budget_transfer() {
    let job = record();
    let started = parsed(&started_frame(&job, now()));
    assert_eq!(
        started,
        json!({"type": "oracle_upload_started", "message": "Oracle upload started for transaction 602",
            "timestamp": "2026-11-20T13:00:00.000Z", "job_id": job.id, "attempt": 2, "transaction_id": 602})
    );
    let progress = Progress {
        step: Some("Upload to UCM".into()),
        step_number: Some(2),
        total_steps: Some(5),
        percent: Some(20.0),
        message: None,
        status: StepStatus::Processing,
    };
    let frame = parsed(&progress_frame(&job, &progress, now()));
    assert_eq!(
        frame,
        json!({"type": "oracle_upload_progress", "message": "Upload to UCM", "timestamp": "2026-11-20T13:00:00.000Z",
            "job_id": job.id, "attempt": 2, "transaction_id": 602, "step": "Upload to UCM", "step_number": 2,
            "total_steps": 5, "percent": 20, "status": "processing"})
    );
    let failed = conclude(&job.running(), Outcome::Fail { error: "UCM says no.".into() }, now(), 0.5);
    let again = JobRecord { progress: Some(progress), ..job };
    let frame = parsed(&attempt_failed_frame(&again, &failed, now()).unwrap());
    assert_eq!((&frame["status"], &frame["step"]), (&json!("failed"), &json!("Upload to UCM")));
    assert_eq!(frame["message"], "UCM says no; it will be tried again");
    assert!(end_frame(&again, &failed, now()).is_none());
}

#[test]
fn a_chosen_end_is_one_notification_with_the_frames_fields() {
    let job = record();
    let done = conclude(
        &job.running(),
        Outcome::Done(Some(r#"{"result_path":"/r/602","seq":9,"transaction_id":1,"percent":3}"#.into())),
        now(),
        0.5,
    );
    let draft = end_draft(&job, &done, NotificationId(Default::default()), now()).unwrap();
    assert_eq!(draft.audience, [Audience::User(UserId::new("anna").unwrap())]);
    assert_eq!(&*draft.kind, "oracle_upload_completed");
    let item = parsed(&format!("{{\"seq\":7,{}", draft.tail));
    assert_eq!(
        item,
        json!({"seq": 7, "type": "oracle_upload_completed", "notification_type": "oracle_upload_completed",
            "id": draft.id, "timestamp": "2026-11-20T13:00:00.000Z", "message": "Oracle upload completed",
            "url": "/transfers/602", "severity": "success", "job_id": job.id, "attempt": 2, "transaction_id": 602,
            "success": true, "result_path": "/r/602"})
    );
    let frame = parsed(&end_frame(&job, &done, now()).unwrap());
    for (key, value) in frame.as_object().unwrap() {
        assert_eq!(&item[key], value, "{key}");
    }
    // An end that is not chosen, and a job of nobody, have a frame alone.
    let cancelled =
        conclude(&job.running(), Outcome::Cancel { reason: "changed my mind".into() }, now(), 0.5);
    assert!(end_draft(&job, &cancelled, draft.id, now()).is_none());
    assert_eq!(parsed(&end_frame(&job, &cancelled, now()).unwrap())["type"], "oracle_upload_cancelled");
    let nobodys = JobRecord { user: None, ..job };
    assert!(end_draft(&nobodys, &done, draft.id, now()).is_none());
}

#[test]
fn a_failed_job_says_why() {
    let job = JobRecord { attempt: 3, ..record() };
    let failed = conclude(&job.running(), Outcome::Fail { error: "ORA-01017".into() }, now(), 0.5);
    let draft = end_draft(&job, &failed, NotificationId(Default::default()), now()).unwrap();
    let item = parsed(&format!("{{{}", draft.tail));
    assert_eq!((&item["type"], &item["error"]), (&json!("oracle_upload_failed"), &json!("ORA-01017")));
    assert_eq!((&item["severity"], &item["message"]), (&json!("error"), &json!("Oracle upload failed")));
}

#[test]
fn a_result_that_is_no_object_or_too_large_stays_out_of_the_frame() {
    let job = record();
    for result in ["[1,2]".to_owned(), "\"x\"".into(), format!("{{\"a\":\"{}\"}}", "x".repeat(20_000))] {
        let done = conclude(&job.running(), Outcome::Done(Some(result.into())), now(), 0.5);
        let frame = parsed(&end_frame(&job, &done, now()).unwrap());
        assert_eq!(frame["success"], true);
        assert_eq!(frame.as_object().unwrap().len(), 7, "{frame}");
    }
}

#[test]
fn a_late_viewer_sees_where_the_job_is() {
    let at_work =
        Progress { step: Some("Journal Import".into()), percent: Some(60.0), ..Progress::default() };
    let table = [
        (JobState::Running, None, "oracle_upload_started", Value::Null),
        (JobState::Running, Some(at_work.clone()), "oracle_upload_progress", json!("processing")),
        (JobState::Retryable, Some(at_work.clone()), "oracle_upload_progress", json!("failed")),
        (JobState::Available, None, "oracle_upload_progress", json!("processing")),
        (JobState::Completed, Some(at_work.clone()), "oracle_upload_completed", Value::Null),
        (JobState::Discarded, Some(at_work.clone()), "oracle_upload_failed", Value::Null),
        (JobState::Cancelled, Some(at_work), "oracle_upload_cancelled", Value::Null),
    ];
    for (state, progress, kind, status) in table {
        let job = JobRecord { state, progress, error: Some("x".into()), ..record() };
        let frame = parsed(&snapshot_frame(&job, now()));
        assert_eq!((frame["type"].as_str().unwrap(), &frame["status"]), (kind, &status), "{state:?}");
    }
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    let delay = (0_u64..100_000).prop_map(Duration::from_millis);
    prop_oneof![
        Just(Outcome::Done(None)),
        Just(Outcome::Fail { error: "x".into() }),
        delay.clone().prop_map(|delay| Outcome::RetryAfter { delay, error: "x".into() }),
        delay.prop_map(|delay| Outcome::Snooze { delay }),
        Just(Outcome::Cancel { reason: "x".into() }),
        Just(Outcome::Discard { error: "x".into() }),
        Just(Outcome::Lost),
        Just(Outcome::GivenBack),
        Just(Outcome::TimedOut),
    ]
}

proptest! {
    #[test]
    fn a_job_that_only_fails_ends_after_its_attempts_however_often_it_is_given_back(
        max_attempts in 1_u16..10,
        outcomes in prop::collection::vec(any_outcome(), 1..200),
        random in 0.0..=1.0_f64,
    ) {
        let mut job = Running { max_attempts, ..running(0, 0, false) };
        let mut failures = 0;
        for outcome in outcomes {
            job.attempt += 1;
            let conclusion = conclude(&job, outcome, now(), random);
            prop_assert!(conclusion.state != JobState::Running);
            prop_assert_eq!(conclusion.run_at.is_none(), conclusion.state.is_final());
            prop_assert!(conclusion.run_at.is_none_or(|at| at >= now()));
            if conclusion.state.is_final() {
                return Ok(());
            }
            job.given_back += u32::from(conclusion.gives_back);
            failures += u16::from(!conclusion.gives_back);
            prop_assert!(failures < max_attempts);
        }
    }

    #[test]
    fn a_job_that_was_asked_to_stop_ends_with_its_attempt(outcome in any_outcome(), attempt in 1_u32..10) {
        prop_assert!(conclude(&running(attempt, 0, true), outcome, now(), 0.5).state.is_final());
    }

    #[test]
    fn frames_of_any_texts_are_json(
        text in "\\PC*", error in ".*", step in ".*", percent in 0.0..=100.0_f64, key in "[a-z\"\\\\]{1,8}x",
    ) {
        let data = json!({ (key): text.clone() }).to_string();
        let progress = Progress { step: Some(step), percent: Some(percent), message: Some(text), ..Progress::default() };
        let job = JobRecord { data: data.into(), progress: Some(progress.clone()), ..record() };
        let job = JobRecord { attempt: 3, ..job };
        let failed = conclude(&job.running(), Outcome::Fail { error }, now(), 0.5);
        let draft = end_draft(&job, &failed, NotificationId(Default::default()), now()).unwrap();
        for frame in [
            started_frame(&job, now()),
            progress_frame(&job, &progress, now()),
            end_frame(&job, &failed, now()).unwrap(),
            format!("{{{}", draft.tail),
        ] {
            prop_assert!(serde_json::from_str::<Value>(&frame).is_ok(), "{frame}");
        }
    }
}

#[test]
fn applications_are_told_how_a_job_ended_but_not_that_they_were_told() {
    let told = |job: &JobRecord, outcome: Outcome| {
        let conclusion = conclude(&job.running(), outcome, now(), 0.5);
        crate::webhook::job_event(job, &conclusion, now())
    };
    let job = JobRecord { attempt: 3, ..record() };
    let event = told(&job, Outcome::Done(Some("{\"rows\":7}".into()))).unwrap();
    assert_eq!((event.event, event.kind.as_deref()), ("job.completed", Some("oracle_upload")));
    let expected = json!({"job": job.id, "kind": "oracle_upload", "user": "anna", "attempt": 3,
        "data": {"transaction_id": 602}, "result": {"rows": 7}});
    assert_eq!(event.data, expected);
    let failed = || Outcome::Fail { error: "no luck".into() };
    let event = told(&job, failed()).unwrap();
    assert_eq!((event.event, &event.data["error"]), ("job.failed", &json!("no luck")));
    assert_eq!(told(&JobRecord { attempt: 1, ..record() }, failed()), None, "it is tried again");
    let own = JobRecord { kind: JobKind::new("oyez_webhook").unwrap(), ..job };
    assert_eq!(told(&own, failed()), None);
}
