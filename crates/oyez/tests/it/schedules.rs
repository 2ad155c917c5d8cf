//! Schedules over HTTP: made, shown with their next times, held, and fired once for each planned time.

use serde_json::{Value, json};

use crate::{
    jobs::{claim, worker_key},
    support::TestApp,
};

const NIGHTLY: &str = "/api/v1/schedules/nightly";

fn nightly() -> Value {
    json!({"cron": "30 2 * * *", "time_zone": "Europe/Zurich", "job": {"kind": "report", "args": {"a": 1}}})
}

#[tokio::test]
async fn a_schedule_shows_its_next_times() {
    let app = TestApp::start().await;
    let key = worker_key(&app).await;
    let made = app.put(NIGHTLY, &key, &nightly()).await.expect(200).json();
    let expected = json!({"name": "nightly", "cron": "30 2 * * *", "time_zone": "Europe/Zurich",
        "job": {"kind": "report", "args": {"a": 1}}, "misfire": "once", "overlap": "skip", "paused": false,
        "built_in": false, "last": null, "created_at": "2026-11-20T13:00:00.000Z",
        "updated_at": "2026-11-20T13:00:00.000Z",
        "next": ["2026-11-21T01:30:00.000Z", "2026-11-22T01:30:00.000Z", "2026-11-23T01:30:00.000Z"]});
    assert_eq!(made, expected);
    assert_eq!(app.get(NIGHTLY, &key).await.expect(200).json(), expected);
    let listed = app.get("/api/v1/schedules", &key).await.expect(200).json();
    let names: Vec<_> = listed["data"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert!(names.contains(&&json!("nightly")), "{names:?}");
    assert!(app.delete(NIGHTLY, &key).await.expect(204).text.is_empty());
    app.get(NIGHTLY, &key).await.refused(404, "not_found");
    app.delete(NIGHTLY, &key).await.refused(404, "not_found");
}

#[tokio::test]
async fn each_planned_time_makes_one_job() {
    let app = TestApp::start().await;
    let key = worker_key(&app).await;
    app.put(NIGHTLY, &key, &nightly()).await.expect(200);
    app.jobs.fire_due().await.unwrap();
    assert!(claim(&app, &key, &json!({})).await.is_empty());
    app.hand.advance(86_400);
    for _ in 0..3 {
        app.jobs.fire_due().await.unwrap();
    }
    let jobs = claim(&app, &key, &json!({})).await;
    assert_eq!(jobs.len(), 1);
    assert_eq!((&jobs[0]["kind"], &jobs[0]["args"]), (&json!("report"), &json!({"a": 1})));
    let job = app.get(&format!("/api/v1/jobs/{}", jobs[0]["id"].as_str().unwrap()), &key).await.json();
    assert_eq!(
        (&job["schedule"], &job["planned_at"]),
        (&json!("nightly"), &json!("2026-11-21T01:30:00.000Z"))
    );
    let shown = app.get(NIGHTLY, &key).await.json();
    assert_eq!(shown["last"], json!({"planned_at": "2026-11-21T01:30:00.000Z", "job": jobs[0]["id"]}));
}

#[tokio::test]
async fn a_held_schedule_leaves_out_what_passes_meanwhile() {
    let app = TestApp::start().await;
    let key = worker_key(&app).await;
    app.put(NIGHTLY, &key, &nightly()).await.expect(200);
    let pause = format!("{NIGHTLY}/pause");
    let held =
        app.send(app.request(reqwest::Method::POST, &pause).bearer_auth(&key)).await.expect(200).json();
    assert_eq!((&held["paused"], &held["next"]), (&json!(true), &json!([])));
    app.hand.advance(3 * 86_400);
    app.jobs.fire_due().await.unwrap();
    let going = app.post(&pause, &key, &json!({"paused": false})).await.expect(200).json();
    assert_eq!(going["next"][0], "2026-11-24T01:30:00.000Z");
    app.jobs.fire_due().await.unwrap();
    assert!(claim(&app, &key, &json!({})).await.is_empty());
}

#[tokio::test]
async fn a_schedule_fires_out_of_turn_when_asked() {
    let app = TestApp::start().await;
    let key = worker_key(&app).await;
    let made = app.put(NIGHTLY, &key, &nightly()).await.expect(200).json();
    let accepted = app.post(&format!("{NIGHTLY}/run"), &key, &json!({})).await.expect(201).json();
    assert_eq!(claim(&app, &key, &json!({})).await[0]["id"], accepted["id"]);
    assert_eq!(app.get(NIGHTLY, &key).await.json()["next"], made["next"]);
    app.post("/api/v1/schedules/none/run", &key, &json!({})).await.refused(404, "not_found");
}

#[tokio::test]
async fn a_bad_schedule_is_refused_with_its_field() {
    let app = TestApp::start().await;
    let key = worker_key(&app).await;
    let wrong = [
        (json!({"cron": "61 * * * *", "job": {"kind": "a"}}), "cron"),
        (json!({"cron": "@daily", "time_zone": "Mars/Olympus", "job": {"kind": "a"}}), "time_zone"),
        (json!({"cron": "@daily", "job": {"kind": "a", "priority": 10}}), "job.priority"),
        (json!({"cron": "@daily", "job": {"kind": "a", "unique_key": "x"}}), "job.unique_key"),
        (json!({"cron": "@daily"}), "job"),
    ];
    for (body, field) in wrong {
        let answer = app.put(NIGHTLY, &key, &body).await;
        answer.refused(422, "invalid");
        assert_eq!(answer.json()["field"], field, "{body}");
    }
    let detail = app.put(NIGHTLY, &key, &json!({"cron": "61 * * * *", "job": {"kind": "a"}})).await.json();
    assert!(
        detail["detail"].as_str().unwrap().contains("field 1 (minute) is \"61\", but must be 0 to 59"),
        "{detail}"
    );
    app.put("/api/v1/schedules/No%20Name", &key, &nightly()).await.refused(422, "invalid");
}
