//! Queues over HTTP: held, limited, and counted.

use serde_json::{Value, json};

use crate::{
    jobs::{claim, enqueue, worker_key},
    support::TestApp,
};

#[tokio::test]
async fn a_held_queue_starts_nothing_until_it_is_let_go() {
    let app = TestApp::start().await;
    let key = worker_key(&app).await;
    let held = app.patch("/api/v1/queues/imports", &key, &json!({"paused": true})).await.expect(200).json();
    assert_eq!((&held["name"], &held["paused"]), (&json!("imports"), &json!(true)));
    enqueue(&app, &key, &json!({"kind": "a", "queue": "imports"})).await;
    let from = json!({"queues": ["imports"]});
    assert!(claim(&app, &key, &from).await.is_empty());
    let waiting = async { claim(&app, &key, &json!({"queues": ["imports"], "wait": 20})).await };
    let letting_go =
        async { app.patch("/api/v1/queues/imports", &key, &json!({"paused": false})).await.expect(200) };
    let (jobs, _) = tokio::join!(waiting, letting_go);
    assert_eq!(jobs.len(), 1, "who waits is woken");
}

#[tokio::test]
async fn only_so_many_run_and_only_so_many_start_in_a_while() {
    let app = TestApp::start().await;
    let key = worker_key(&app).await;
    for _ in 0..8 {
        enqueue(&app, &key, &json!({"kind": "a"})).await;
    }
    app.patch("/api/v1/queues/default", &key, &json!({"concurrency": 2})).await.expect(200);
    let first = claim(&app, &key, &json!({})).await;
    assert_eq!((first.len(), claim(&app, &key, &json!({})).await.len()), (2, 0));
    let path = format!("/api/v1/jobs/{}/complete", first[0]["id"].as_str().unwrap());
    app.post(&path, &key, &json!({"attempt": 1})).await.expect(200);
    assert_eq!(claim(&app, &key, &json!({})).await.len(), 1);

    let rate = json!({"concurrency": null, "rate": {"count": 2, "period": 60}});
    let limited = app.patch("/api/v1/queues/default", &key, &rate).await.expect(200).json();
    assert_eq!(
        (&limited["concurrency"], &limited["rate"]),
        (&Value::Null, &json!({"count": 2, "period": 60.0}))
    );
    app.hand.advance(3_600);
    assert_eq!(claim(&app, &key, &json!({})).await.len(), 2);
    assert_eq!(claim(&app, &key, &json!({})).await.len(), 0);
    app.hand.advance(60);
    assert_eq!(claim(&app, &key, &json!({})).await.len(), 2);
}

#[tokio::test]
async fn queues_say_what_waits_in_them() {
    let app = TestApp::start().await;
    let key = worker_key(&app).await;
    enqueue(&app, &key, &json!({"kind": "a", "queue": "q"})).await;
    enqueue(&app, &key, &json!({"kind": "a", "queue": "q"})).await;
    enqueue(&app, &key, &json!({"kind": "b", "queue": "q", "run_at": "2026-11-21T00:00:00Z"})).await;
    claim(&app, &key, &json!({"queues": ["q"], "max": 1})).await;
    app.patch("/api/v1/queues/other", &key, &json!({"concurrency": 1})).await.expect(200);
    let queues = app.get("/api/v1/queues", &key).await.expect(200).json();
    assert_eq!(
        queues["data"],
        json!([
            {"name": "other", "paused": false, "concurrency": 1, "rate": null, "kinds": [], "oldest_waiting": null},
            {"name": "q", "paused": false, "concurrency": null, "rate": null,
             "oldest_waiting": "2026-11-20T13:00:00.000Z", "kinds": [
                {"kind": "a", "available": 1, "scheduled": 0, "running": 1, "retryable": 0,
                 "oldest_waiting": "2026-11-20T13:00:00.000Z"},
                {"kind": "b", "available": 0, "scheduled": 1, "running": 0, "retryable": 0,
                 "oldest_waiting": null}]},
        ])
    );
    let unused = app.get("/api/v1/queues/unused", &key).await.expect(200).json();
    assert_eq!((&unused["paused"], &unused["kinds"]), (&json!(false), &json!([])));
}

#[tokio::test]
async fn a_bad_limit_is_refused_and_changes_nothing() {
    let app = TestApp::start().await;
    let key = worker_key(&app).await;
    let wrong = [
        (json!({"concurrency": 0}), "concurrency"),
        (json!({"rate": {"count": 0, "period": 1}}), "rate.count"),
        (json!({"paused": true, "rate": {"count": 1, "period": 0}}), "rate.period"),
        (json!({"pause": true}), "pause"),
    ];
    for (body, field) in wrong {
        let answer = app.patch("/api/v1/queues/q", &key, &body).await;
        answer.refused(422, "invalid");
        assert_eq!(answer.json()["field"], field, "{body}");
    }
    app.patch("/api/v1/queues/No%20Queue", &key, &json!({})).await.refused(422, "invalid");
    assert_eq!(app.get("/api/v1/queues/q", &key).await.json()["paused"], false);
}
