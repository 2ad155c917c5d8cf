//! Workers over HTTP: they wait for work, report on it, and hear when it is not theirs any more.

use serde_json::{Value, json};

use crate::{
    jobs::{claim, enqueue, worker_key},
    support::TestApp,
};

#[tokio::test]
async fn a_worker_that_waits_gets_a_job_the_moment_it_is_asked_for() {
    let app = TestApp::start().await;
    let key = worker_key(&app).await;
    let asked = json!({"worker": "w1", "kinds": ["report"], "queues": ["slow", "fast"], "wait": 20});
    let waiting = async { app.post("/api/v1/workers/claim", &key, &asked).await.expect(200).json() };
    let asking = async {
        // The other kind, and the other queue, are not its business.
        enqueue(&app, &key, &json!({"kind": "mail", "queue": "fast"})).await;
        enqueue(&app, &key, &json!({"kind": "report"})).await;
        let body = json!({"kind": "report", "queue": "fast", "args": [1], "user": "anna", "timeout": 60});
        enqueue(&app, &key, &body).await
    };
    let (claimed, id) = tokio::join!(waiting, asking);
    let jobs = claimed["jobs"].as_array().unwrap();
    assert_eq!(jobs.len(), 1);
    assert_eq!(
        jobs[0],
        json!({"id": id, "kind": "report", "queue": "fast", "attempt": 1, "max_attempts": 3, "args": [1], "data": {},
            "user": "anna", "steps": [], "lease_seconds": 15.0, "timeout_seconds": 60.0, "cancel": false})
    );
}

#[tokio::test]
async fn a_wait_in_vain_ends_with_an_empty_list_and_a_drain_ends_it_early() {
    let app = TestApp::start().await;
    let key = worker_key(&app).await;
    assert!(claim(&app, &key, &json!({"wait": 0.01})).await.is_empty());
    let waiting = async { claim(&app, &key, &json!({"wait": 30})).await };
    let draining = async { app.http.begin_drain() };
    let (jobs, ()) = tokio::join!(waiting, draining);
    assert!(jobs.is_empty());
}

#[tokio::test]
async fn a_claim_that_makes_no_sense_is_refused() {
    let app = TestApp::start().await;
    let key = worker_key(&app).await;
    let wrong = [
        (json!({"worker": "w", "max": 0}), "max"),
        (json!({"worker": "w", "max": 101}), "max"),
        (json!({"worker": "w", "wait": 31}), "wait"),
        (json!({"worker": "w", "wait": -1}), "wait"),
        (json!({"worker": "w", "queues": vec!["q"; 101]}), "queues"),
        (json!({"kinds": []}), "worker"),
    ];
    for (body, field) in wrong {
        let answer = app.post("/api/v1/workers/claim", &key, &body).await;
        answer.refused(422, "invalid");
        assert_eq!(answer.json()["field"], field, "{body}");
    }
}

#[tokio::test]
async fn finished_steps_come_with_the_next_attempt() {
    let app = TestApp::start().await;
    let key = worker_key(&app).await;
    let id =
        enqueue(&app, &key, &json!({"kind": "oracle_upload", "backoff": {"first": 0, "jitter": 0}})).await;
    claim(&app, &key, &json!({})).await;
    let path = format!("/api/v1/jobs/{id}");
    let step = async |body: Value| app.post(&format!("{path}/step"), &key, &body).await;
    let prepared = json!({"attempt": 1, "name": "Preparing Data", "number": 1, "of": 5, "status": "completed",
        "result": {"file": "f.zip"}});
    assert_eq!(step(prepared).await.expect(200).json(), json!({"cancel": false, "state": "running"}));
    step(json!({"attempt": 1, "name": "Upload to UCM", "number": 2, "of": 5, "status": "processing"}))
        .await
        .expect(200);
    let job = app.get(&path, &key).await.expect(200).json();
    assert_eq!(
        (&job["progress"]["step"], &job["progress"]["percent"]),
        (&json!("Upload to UCM"), &json!(20.0))
    );
    app.post(&format!("{path}/fail"), &key, &json!({"attempt": 1, "error": "UCM is down"})).await.expect(200);

    let again = claim(&app, &key, &json!({"worker": "w2"})).await;
    assert_eq!(again[0]["attempt"], 2);
    let steps = again[0]["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 1, "{steps:?}");
    assert_eq!(
        (&steps[0]["name"], &steps[0]["result"]),
        (&json!("Preparing Data"), &json!({"file": "f.zip"}))
    );
    let all = app.get(&format!("{path}/steps"), &key).await.expect(200).json();
    let told: Vec<_> =
        all["data"].as_array().unwrap().iter().map(|step| (&step["number"], &step["status"])).collect();
    assert_eq!(told, [(&json!(1), &json!("completed")), (&json!(2), &json!("processing"))]);
}

#[tokio::test]
async fn a_stale_worker_is_refused_whatever_it_says() {
    let app = TestApp::start().await;
    let key = worker_key(&app).await;
    let id = enqueue(&app, &key, &json!({"kind": "a"})).await;
    claim(&app, &key, &json!({})).await;
    let path = format!("/api/v1/jobs/{id}");
    app.post(&format!("{path}/snooze"), &key, &json!({"attempt": 1, "seconds": 0})).await.expect(200);
    assert_eq!(claim(&app, &key, &json!({"worker": "w2"})).await[0]["attempt"], 2);
    let reports = [
        ("progress", json!({"attempt": 1, "percent": 90})),
        ("step", json!({"attempt": 1, "name": "s", "status": "completed"})),
        ("heartbeat", json!({"attempt": 1})),
        ("complete", json!({"attempt": 1})),
        ("fail", json!({"attempt": 1, "error": "late"})),
        ("snooze", json!({"attempt": 1, "seconds": 1})),
    ];
    for (what, body) in &reports {
        app.post(&format!("{path}/{what}"), &key, body).await.refused(409, "fenced");
    }
    app.post(&format!("{path}/complete"), &key, &json!({"attempt": 2})).await.expect(200);
    for (what, body) in &reports {
        let mut body = body.clone();
        body["attempt"] = 2.into();
        app.post(&format!("{path}/{what}"), &key, &body).await.refused(409, "fenced");
    }
    let unknown = "/api/v1/jobs/01930d2e-7c5a-7bbb-8000-000000000001/heartbeat";
    app.post(unknown, &key, &json!({"attempt": 1})).await.refused(404, "not_found");
}

#[tokio::test]
async fn a_worker_hears_that_its_job_should_stop() {
    let app = TestApp::start().await;
    let key = worker_key(&app).await;
    let id = enqueue(&app, &key, &json!({"kind": "a", "user": "anna"})).await;
    claim(&app, &key, &json!({})).await;
    let path = format!("/api/v1/jobs/{id}");
    let beat = async || {
        app.post(&format!("{path}/heartbeat"), &key, &json!({"attempt": 1})).await.expect(200).json()
    };
    assert_eq!(beat().await["cancel"], false);
    let anna = app.user("anna", &[]).await;
    let asked = app.post(&format!("{path}/cancel"), &anna, &json!({})).await.expect(200).json();
    assert_eq!(asked["state"], "running");
    assert_eq!(beat().await["cancel"], true);
    let stopped = json!({"attempt": 1, "error": "stopped half-way"});
    let ended = app.post(&format!("{path}/fail"), &key, &stopped).await.expect(200).json();
    assert_eq!(ended["state"], "cancelled");
}

#[tokio::test]
async fn nonsense_in_a_report_is_refused_and_harms_nothing() {
    let app = TestApp::start().await;
    let key = worker_key(&app).await;
    let id = enqueue(&app, &key, &json!({"kind": "a"})).await;
    claim(&app, &key, &json!({})).await;
    let path = format!("/api/v1/jobs/{id}");
    app.post(&format!("{path}/progress"), &key, &json!({"attempt": 1, "percent": 10})).await.expect(200);
    let wrong = [
        ("progress", json!({"attempt": 1, "percent": 900}), "percent"),
        ("progress", json!({"attempt": 1, "step_number": 9, "total_steps": 5}), "step_number"),
        ("step", json!({"attempt": 1, "name": " ", "status": "completed"}), "step"),
        ("fail", json!({"attempt": 1, "error": "x", "retry_after": -1}), "retry_after"),
        ("snooze", json!({"attempt": 1, "seconds": 1e12}), "seconds"),
        ("complete", json!({"attempt": 1, "result": "x".repeat(300_000)}), "result"),
    ];
    for (what, body, field) in wrong {
        let answer = app.post(&format!("{path}/{what}"), &key, &body).await;
        answer.refused(422, "invalid");
        assert_eq!(answer.json()["field"], field, "{what}");
    }
    let job = app.get(&path, &key).await.expect(200).json();
    assert_eq!((&job["state"], &job["progress"]["percent"]), (&json!("running"), &json!(10.0)));
}

#[tokio::test]
async fn workers_are_listed_with_what_they_have_and_what_they_wait_for() {
    let app = TestApp::start().await;
    let key = worker_key(&app).await;
    let id = enqueue(&app, &key, &json!({"kind": "report", "queue": "slow"})).await;
    claim(&app, &key, &json!({"worker": "busy", "queues": ["slow"], "kinds": ["report"]})).await;
    claim(&app, &key, &json!({"worker": "idle"})).await;
    let workers = app.get("/api/v1/workers", &key).await.expect(200).json();
    let since = "2026-11-20T13:00:00.000Z";
    assert_eq!(
        workers["data"],
        json!([
            {"name": "busy", "asked_at": since, "queues": ["slow"], "kinds": ["report"], "running": [
                {"id": id, "kind": "report", "queue": "slow", "attempt": 1, "since": since,
                 "lease_until": "2026-11-20T13:00:15.000Z"}]},
            {"name": "idle", "asked_at": since, "queues": ["default"], "kinds": [], "running": []},
        ])
    );
    app.hand.advance(600);
    let workers = app.get("/api/v1/workers", &key).await.expect(200).json();
    assert_eq!(workers["data"].as_array().unwrap().len(), 1, "who has a job stays: {workers}");
}
