//! Jobs over HTTP: asked for by applications, seen and called off by their owners.

use oyez::auth::Scope;
use oyez_protocol::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

/// An application that may do everything with jobs.
pub(crate) async fn worker_key(app: &TestApp) -> String {
    app.key(&[Scope::Jobs]).await
}

/// A job's id.
pub(crate) async fn enqueue(app: &TestApp, key: &str, body: &Value) -> String {
    let accepted = app.post("/api/v1/jobs", key, body).await.expect(201).json();
    assert_eq!(accepted["created"], true);
    accepted["id"].as_str().unwrap().to_owned()
}

/// The jobs a worker gets without waiting.
pub(crate) async fn claim(app: &TestApp, key: &str, body: &Value) -> Vec<Value> {
    let mut request = json!({"worker": "w1", "max": 10});
    request.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    let answer = app.post("/api/v1/workers/claim", key, &request).await.expect(200).json();
    answer["jobs"].as_array().unwrap().clone()
}

fn ids(page: &Value) -> Vec<String> {
    page["data"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_job_is_shown_as_it_was_asked_for() {
    let app = TestApp::start().await;
    let key = worker_key(&app).await;
    let id = enqueue(
        &app,
        &key,
        &json!({"kind": "oracle_upload", "args": {"lines": [1, 2.50]}, "user": "anna", "data": {"transaction_id": 602},
            "queue": "oracle", "priority": 2, "max_attempts": 7, "timeout": 90}),
    )
    .await;
    let job = app.get(&format!("/api/v1/jobs/{id}/"), &key).await.expect(200).json();
    let expected = json!({"id": id, "kind": "oracle_upload", "queue": "oracle", "state": "available", "priority": 2,
        "user": "anna", "data": {"transaction_id": 602}, "args": {"lines": [1, 2.50]}, "attempt": 0, "max_attempts": 7,
        "timeout": 90.0, "tracked": false, "created_at": "2026-11-20T13:00:00.000Z", "progress": null});
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&job[name], value, "{name}");
    }
    for part in ["steps", "attempts"] {
        let page = app.get(&format!("/api/v1/jobs/{id}/{part}"), &key).await.expect(200).json();
        assert_eq!(page, json!({"data": [], "next_cursor": null}));
    }
}

#[tokio::test]
async fn a_bad_job_is_refused_with_its_field() {
    let app = TestApp::start().await;
    let key = worker_key(&app).await;
    let refused = async |body: Value| {
        let answer = app.post("/api/v1/jobs", &key, &body).await;
        (answer.status, answer.code(), answer.json()["field"].as_str().unwrap_or_default().to_owned())
    };
    let invalid = |field: &str| (422, "invalid".to_owned(), field.to_owned());
    assert_eq!(refused(json!({"kind": "Upload"})).await, invalid("kind"));
    assert_eq!(refused(json!({})).await, invalid("kind"));
    assert_eq!(refused(json!({"kind": "a", "arguments": 1})).await, invalid("arguments"));
    assert_eq!(refused(json!({"kind": "a", "priority": 10})).await, invalid("priority"));
    let reserved = refused(json!({"kind": "a", "data": {"percent": 1}})).await;
    assert_eq!(reserved, (422, "reserved_key".to_owned(), "data.percent".to_owned()));
    let large = json!({"kind": "a", "args": "x".repeat(300_000)});
    assert_eq!(refused(large).await, invalid("args"));
}

#[tokio::test]
async fn one_key_makes_one_job() {
    let app = TestApp::start().await;
    let key = worker_key(&app).await;
    let send = async |header: &str, body: Value| {
        let request = app.request(Method::POST, "/api/v1/jobs").bearer_auth(&key);
        app.send(request.header("idempotency-key", header).json(&body)).await
    };
    let first = send("k1", json!({"kind": "a", "args": {"x": 1}})).await.expect(201).json();
    let again = send("k1", json!({"args": {"x": 1}, "kind": "a"})).await.expect(200).json();
    assert_eq!((&again["id"], &again["created"]), (&first["id"], &json!(false)));
    send("k1", json!({"kind": "a", "args": {"x": 2}})).await.refused(422, "idempotency_mismatch");

    let unique = json!({"kind": "a", "unique_key": "transfer-602"});
    let first = app.post("/api/v1/jobs", &key, &unique).await.expect(201).json();
    let again = app.post("/api/v1/jobs", &key, &unique).await.expect(200).json();
    assert_eq!((&again["id"], &again["created"]), (&first["id"], &json!(false)));
    let path = format!("/api/v1/jobs/{}/cancel", first["id"].as_str().unwrap());
    app.post(&path, &key, &json!({})).await.expect(200);
    app.post("/api/v1/jobs", &key, &unique).await.expect(201);
}

#[tokio::test]
async fn a_batch_takes_what_is_right_and_says_what_is_wrong() {
    let app = TestApp::start().await;
    let key = worker_key(&app).await;
    let body = json!({"jobs": [{"kind": "a"}, {"kind": "a", "priority": 99}, {"kind": "b"}]});
    let answer = app.post("/api/v1/jobs/batch", &key, &body).await.expect(201).json();
    let results = answer["results"].as_array().unwrap();
    assert_eq!(results.len(), 3);
    assert_eq!((&results[0]["created"], &results[2]["created"]), (&json!(true), &json!(true)));
    assert_eq!(
        (&results[1]["error"]["code"], &results[1]["error"]["field"]),
        (&json!("invalid"), &json!("priority"))
    );
    assert_eq!(app.get("/api/v1/jobs", &key).await.json()["data"].as_array().unwrap().len(), 2);
    app.post("/api/v1/jobs/batch", &key, &json!({"jobs": []})).await.refused(422, "invalid");
}

#[tokio::test]
async fn lists_are_filtered_and_come_in_pages() {
    let app = TestApp::start().await;
    let key = worker_key(&app).await;
    let mut made = Vec::new();
    for n in 0..5 {
        let queue = if n % 2 == 0 { "even" } else { "odd" };
        made.push(enqueue(&app, &key, &json!({"kind": "a", "queue": queue})).await);
    }
    made.reverse();
    let first = app.get("/api/v1/jobs?limit=3", &key).await.expect(200).json();
    assert_eq!(ids(&first), made[..3]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = app.get(&format!("/api/v1/jobs?limit=3&cursor={cursor}"), &key).await.expect(200).json();
    assert_eq!((ids(&second).as_slice(), &second["next_cursor"]), (&made[3..], &Value::Null));
    let listed =
        async |query: &str| ids(&app.get(&format!("/api/v1/jobs?{query}"), &key).await.expect(200).json());
    assert_eq!(listed("queue=odd").await, [made[1].clone(), made[3].clone()]);
    assert_eq!(listed("state=running").await, [""; 0]);
    claim(&app, &key, &json!({"queues": ["odd"], "max": 1})).await;
    assert_eq!(listed("state=running&queue=odd").await, [made[3].clone()]);
    assert_eq!(listed("kind=b").await, [""; 0]);
    app.get("/api/v1/jobs?state=lost", &key).await.refused(422, "invalid");
    app.get("/api/v1/jobs?cursor=x", &key).await.refused(422, "invalid");
}

#[tokio::test]
async fn users_see_and_cancel_their_own_jobs_and_nothing_else() {
    let app = TestApp::start().await;
    let key = worker_key(&app).await;
    let (anna, bob) = (app.user("anna", &[]).await, app.user("bob", &[]).await);
    let id = enqueue(&app, &key, &json!({"kind": "a", "user": "anna", "args": {"secret": 1}})).await;
    let path = format!("/api/v1/jobs/{id}");
    let own = app.get(&path, &anna).await.expect(200).json();
    assert!(own.get("args").is_none(), "arguments are the worker's: {own}");
    for part in ["", "/steps", "/attempts", "/watch"] {
        app.get(&format!("{path}{part}"), &bob).await.refused(404, "not_found");
    }
    app.post(&format!("{path}/cancel"), &bob, &json!({})).await.refused(404, "not_found");
    assert_eq!(ids(&app.get("/api/v1/jobs", &anna).await.expect(200).json()), std::slice::from_ref(&id));
    assert_eq!(ids(&app.get("/api/v1/jobs", &bob).await.expect(200).json()), [""; 0]);
    app.get("/api/v1/jobs?user=anna", &bob).await.refused(403, "forbidden");

    let refused = |answer: Answer| answer.refused(403, "forbidden").status;
    for path in ["/api/v1/jobs", "/api/v1/jobs/track"] {
        refused(app.post(path, &anna, &json!({"kind": "a"})).await);
    }
    refused(app.post("/api/v1/workers/claim", &anna, &json!({"worker": "w"})).await);
    refused(app.post(&format!("{path}/retry"), &anna, &json!({})).await);
    refused(app.post(&format!("{path}/complete"), &anna, &json!({"attempt": 1})).await);
    refused(app.post("/api/v1/jobs/cancel", &anna, &json!({"kind": "a"})).await);
    refused(app.get("/api/v1/workers", &anna).await);
    refused(app.get("/api/v1/queues", &anna).await);
    refused(app.get("/api/v1/schedules", &anna).await);
    let publisher = app.key(&[Scope::Publish]).await;
    refused(app.get(&path, &publisher).await);

    let changed = app.post(&format!("{path}/cancel"), &anna, &json!({})).await.expect(200).json();
    assert_eq!(changed, json!({"id": id, "state": "cancelled"}));
    app.post(&format!("{path}/cancel"), &anna, &json!({})).await.refused(409, "job_final");
    let admin = app.user("root", &["admin"]).await;
    assert_eq!(app.get(&path, &admin).await.expect(200).json()["args"], json!({"secret": 1}));
}

#[tokio::test]
async fn a_job_that_ended_runs_again_when_asked() {
    let app = TestApp::start().await;
    let key = worker_key(&app).await;
    let id = enqueue(&app, &key, &json!({"kind": "a", "max_attempts": 1})).await;
    let retry = format!("/api/v1/jobs/{id}/retry");
    app.post(&retry, &key, &json!({})).await.refused(409, "job_unfinished");
    claim(&app, &key, &json!({})).await;
    let failed = json!({"attempt": 1, "error": "no paper"});
    let ended = app.post(&format!("/api/v1/jobs/{id}/fail"), &key, &failed).await.expect(200).json();
    assert_eq!(ended, json!({"cancel": false, "state": "discarded"}));
    assert_eq!(app.post(&retry, &key, &json!({})).await.expect(200).json()["state"], "available");
    assert_eq!(claim(&app, &key, &json!({})).await[0]["attempt"], 2);
    let done = json!({"attempt": 2, "result": {"pages": 2}});
    app.post(&format!("/api/v1/jobs/{id}/complete"), &key, &done).await.expect(200);
    let attempts = app.get(&format!("/api/v1/jobs/{id}/attempts"), &key).await.expect(200).json();
    let told = |attempts: &Value| -> Vec<Value> {
        let attempts = attempts["data"].as_array().unwrap().iter();
        attempts.map(|one| json!([one["outcome"], one["error"], one["result"]])).collect()
    };
    let expected = [json!(["failed", "no paper", null]), json!(["done", null, {"pages": 2}])];
    assert_eq!(told(&attempts), expected);

    // One that was done runs again when somebody wants that; what it came to before stays known.
    app.post(&retry, &key, &json!({})).await.expect(200);
    claim(&app, &key, &json!({})).await;
    let attempts = app.get(&format!("/api/v1/jobs/{id}/attempts"), &key).await.expect(200).json();
    assert_eq!(told(&attempts), [&expected[..], &[json!([null, null, null])]].concat());
}

#[tokio::test]
async fn many_jobs_are_cancelled_and_retried_at_once() {
    let app = TestApp::start().await;
    let key = worker_key(&app).await;
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(enqueue(&app, &key, &json!({"kind": "a", "queue": "q"})).await);
    }
    enqueue(&app, &key, &json!({"kind": "b", "queue": "other"})).await;
    let cancel = async |body: Value| app.post("/api/v1/jobs/cancel", &key, &body).await;
    let by_id = json!({"ids": [made[0], "01930d2e-7c5a-7bbb-8000-000000000001"]});
    assert_eq!(cancel(by_id).await.expect(200).json()["changed"], 1);
    assert_eq!(cancel(json!({"queue": "q"})).await.expect(200).json()["changed"], 2);
    for wrong in [json!({}), json!({"ids": []}), json!({"ids": [made[0]], "kind": "a"})] {
        cancel(wrong).await.refused(422, "invalid");
    }
    app.hand.advance(1);
    let retried = app.post("/api/v1/jobs/retry", &key, &json!({"kind": "a"})).await.expect(200).json();
    assert_eq!(retried["changed"], 3);
    let claimed = claim(&app, &key, &json!({"queues": ["q"], "max": 3})).await;
    assert_eq!(claimed.len(), 3);

    // Those that failed and wait have their next attempt at once, when it is asked for.
    for job in &claimed {
        let path = format!("/api/v1/jobs/{}/fail", job["id"].as_str().unwrap());
        app.post(&path, &key, &json!({"attempt": 1, "error": "Oracle is down"})).await.expect(200);
    }
    app.hand.advance(1);
    let retry = async |body: Value| app.post("/api/v1/jobs/retry", &key, &body).await;
    assert_eq!(retry(json!({"queue": "q"})).await.expect(200).json()["changed"], 0);
    let retried = retry(json!({"queue": "q", "state": "retryable"})).await.expect(200).json();
    assert_eq!(retried["changed"], 3);
    let refused = retry(json!({"state": "completed"})).await;
    assert!(refused.refused(422, "invalid").text.contains("are retried together"));
}

#[tokio::test]
async fn work_elsewhere_is_tracked_by_its_key() {
    let app = TestApp::start().await;
    let key = worker_key(&app).await;
    let body =
        json!({"kind": "oracle_upload", "key": "602", "user": "anna", "data": {"transaction_id": 602}});
    let first = app.post("/api/v1/jobs/track", &key, &body).await.expect(201).json();
    assert_eq!((&first["attempt"], &first["created"]), (&json!(1), &json!(true)));
    let again = app.post("/api/v1/jobs/track", &key, &body).await.expect(200).json();
    assert_eq!((&again["id"], &again["created"]), (&first["id"], &json!(false)));
    let path = format!("/api/v1/jobs/{}", first["id"].as_str().unwrap());
    let report = json!({"attempt": 1, "step": "Upload to UCM", "step_number": 2, "total_steps": 5});
    app.post(&format!("{path}/progress"), &key, &report).await.expect(200);
    let job = app.get(&path, &key).await.expect(200).json();
    assert_eq!((&job["state"], &job["tracked"]), (&json!("running"), &json!(true)));
    assert_eq!(job["progress"]["percent"], 20.0);
    let snooze = json!({"attempt": 1, "seconds": 0});
    app.post(&format!("{path}/snooze"), &key, &snooze).await.refused(409, "conflict");
    assert!(claim(&app, &key, &json!({})).await.is_empty(), "nobody here takes it");
    let done = json!({"attempt": 1, "result": {"result_path": "/r"}});
    app.post(&format!("{path}/complete"), &key, &done).await.expect(200);
    let inbox = app.get("/api/v1/inbox", &app.user("anna", &[]).await).await.expect(200).json();
    let item = &inbox["data"][0];
    assert_eq!(item["type"], "oracle_upload_completed");
    assert_eq!(
        (&item["transaction_id"], &item["result_path"], &item["success"]),
        (&json!(602), &json!("/r"), &json!(true))
    );
    app.post(&format!("{path}/retry"), &key, &json!({})).await.refused(409, "conflict");
    let next = app.post("/api/v1/jobs/track", &key, &body).await.expect(201).json();
    assert_ne!(next["id"], first["id"], "the key is free again");
}

/// The next event of a stream, as its lines.
async fn event(response: &mut reqwest::Response, rest: &mut String) -> Option<String> {
    loop {
        if let Some((event, after)) = rest.split_once("\n\n") {
            let event = event.to_owned();
            *rest = after.to_owned();
            return Some(event);
        }
        rest.push_str(std::str::from_utf8(&response.chunk().await.unwrap()?).unwrap());
    }
}

#[tokio::test]
async fn a_watcher_sees_where_the_job_is_and_then_its_end() {
    let app = TestApp::start().await;
    let key = worker_key(&app).await;
    let anna = app.user("anna", &[]).await;
    let id = enqueue(&app, &key, &json!({"kind": "a", "user": "anna", "data": {"n": 7}})).await;
    claim(&app, &key, &json!({})).await;
    let path = format!("/api/v1/jobs/{id}");
    let report = json!({"attempt": 1, "percent": 40, "message": "reading"});
    app.hand.advance(2);
    app.post(&format!("{path}/progress"), &key, &report).await.expect(200);
    app.hand.advance(3);

    let watch = || app.request(Method::GET, &format!("{path}/watch")).bearer_auth(&anna);
    let mut response = watch().send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut rest = String::new();
    let first = event(&mut response, &mut rest).await.unwrap();
    let data = first.strip_prefix("event: a_progress\ndata: ").unwrap_or_else(|| panic!("{first}"));
    let frame: Value = serde_json::from_str(data).unwrap();
    assert_eq!(
        (&frame["percent"], &frame["message"], &frame["n"]),
        (&json!(40), &json!("reading"), &json!(7))
    );
    let job = app.get(&path, &key).await.expect(200).json();
    let begun: Timestamp = serde_json::from_value(job["attempted_at"].clone()).unwrap();
    assert_eq!(frame["timestamp"], json!(begun.plus_seconds(2)), "when it was said, not when it was asked");

    app.post(&format!("{path}/complete"), &key, &json!({"attempt": 1, "result": {"pages": 3}}))
        .await
        .expect(200);
    let last = event(&mut response, &mut rest).await.unwrap();
    let data = last.strip_prefix("id: end\nevent: a_completed\ndata: ").unwrap_or_else(|| panic!("{last}"));
    assert_eq!(serde_json::from_str::<Value>(data).unwrap()["pages"], 3);
    assert_eq!(event(&mut response, &mut rest).await, None, "the stream ends with the job");

    // A page can set no headers.
    let ticket = app.post("/api/auth/ticket", &anna, &json!({})).await.expect(200).json();
    let ticket = format!("ticket={}", ticket["ticket"].as_str().unwrap());
    let mut seen = Vec::new();
    for query in [format!("token={anna}"), ticket.clone(), ticket, "token=x".into(), String::new()] {
        let mut response = app.request(Method::GET, &format!("{path}/watch/?{query}")).send().await.unwrap();
        let end = response.status() == 200 && event(&mut response, &mut String::new()).await.is_some();
        seen.push((response.status().as_u16(), end));
    }
    assert_eq!(seen, [(200, true), (200, true), (401, false), (401, false), (401, false)]);

    // Who comes late sees the end, who has seen it is sent away.
    let mut late = watch().send().await.unwrap();
    let end = event(&mut late, &mut String::new()).await.unwrap();
    assert!(end.starts_with("id: end\nevent: a_completed\n"), "{end}");
    let again = app.send(watch().header("last-event-id", "end")).await;
    assert_eq!((again.status, again.text.as_str()), (204, ""));
}
