//! What is refused, and how: wrong moves, wrong people, wrong tokens, things sent twice.

use incidents::people::Role;
use serde_json::{Value, json};

use crate::{live::Live, office::Office};

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_move_is_refused_with_those_that_are_possible() {
    let data = tempfile::tempdir().unwrap();
    let (office, [ada, dev, carla]) = Office::staffed(data.path()).await;
    let ticket = office.report(&carla, "T").await;
    let path = |step: &str| format!("/api/tickets/{}/{step}", ticket["id"]);

    let (status, problem) = office.post(&ada, &path("assign"), json!({"developer_ids": [2]})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("wrong_move")));
    assert_eq!((&problem["current_status"], &problem["possible_moves"]), (&json!("NEW"), &json!(["open"])));
    office.step(&ada, &ticket, "open", json!(null)).await;
    office.step(&ada, &ticket, "assign", json!({"developer_ids": [2]})).await;
    let table: [(&_, &str, Value, [&str; 2]); 3] = [
        (&ada, "open", json!(null), ["assign", "start"]),
        (&dev, "finish", json!(null), ["assign", "start"]),
        (&carla, "reject", json!({"reason": "R"}), ["assign", "start"]),
    ];
    for (who, step, body, possible) in table {
        let (status, problem) = office.post(who, &path(step), body).await;
        assert_eq!((status, &problem["possible_moves"]), (409, &json!(possible)), "{step}");
        assert!(problem["detail"].as_str().unwrap().contains("possible now: \"assign\", \"start\""));
    }
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_does_what_is_not_theirs() {
    let data = tempfile::tempdir().unwrap();
    let (office, [ada, dev, carla]) = Office::staffed(data.path()).await;
    office.person("Sam", &[Role::Client, Role::Developer]).await;
    let sam = office.login("Sam").await;
    let ticket = office.report(&carla, "T").await;
    let path = |step: &str| format!("/api/tickets/{}/{step}", ticket["id"]);
    let (reason, nothing) = (json!({"reason": "R"}), json!(null));
    let table: [(&_, &str, &Value); 9] = [
        (&carla, "open", &nothing),
        (&dev, "open", &nothing),
        (&ada, "start", &nothing),
        (&dev, "start", &nothing),
        (&ada, "approve", &nothing),
        (&ada, "reject", &reason),
        (&dev, "approve", &nothing),
        (&sam, "approve", &nothing),
        (&sam, "finish", &nothing),
    ];
    for (who, step, body) in table {
        let (status, problem) = office.post(who, &path(step), body.clone()).await;
        assert_eq!((status, &problem["code"]), (403, &json!("forbidden")), "{} {step}", who.id);
    }
    assert_eq!(office.get(&sam, &format!("/api/tickets/{}", ticket["id"])).await.0, 403);
    assert_eq!(office.get(&dev, &format!("/api/tickets/{}", ticket["id"])).await.0, 403);
    assert_eq!(office.post(&sam, &path("comments"), json!({"body": "Hi"})).await.0, 403);
    assert_eq!(office.get(&sam, "/api/tickets").await.1["data"], json!([]));
    assert_eq!(office.get(&carla, "/api/people").await.0, 403);
    assert_eq!(office.post(&dev, "/api/projects", json!({"name": "Mine"})).await.0, 403);
    let report =
        json!({"project_id": 1, "title": "T", "description": "D", "priority": "LOW", "category": "BUG"});
    assert_eq!(office.post(&sam, "/api/tickets", report.clone()).await.0, 403, "not a member");
    assert_eq!(office.post(&ada, "/api/tickets", report).await.0, 403, "not a client");
    assert_eq!(office.get(&ada, "/api/tickets/999").await.0, 404);
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_good_token_nothing_opens() {
    let data = tempfile::tempdir().unwrap();
    let (office, [ada, ..]) = Office::staffed(data.path()).await;
    let wrong = json!({"email": "Ada@x.example", "password": "wrong"});
    let answer = office.http.post(format!("{}/api/login", office.base)).json(&wrong).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    for token in ["", "nonsense", &format!("{}x", ada.token)] {
        let request = office.http.get(format!("{}/api/me", office.base)).bearer_auth(token);
        assert_eq!(request.send().await.unwrap().status(), 401, "{token}");
        let url = format!("{}/ws/notifications/?token={token}", office.base.replace("http", "ws"));
        let refused = tokio_tungstenite::connect_async(url).await.unwrap_err();
        assert!(refused.to_string().contains("401"), "{refused}");
    }
    let (status, me) = office.get(&ada, "/api/me").await;
    assert_eq!((status, &me["name"], &me["roles"]), (200, &json!("Ada"), &json!(["admin"])));
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_sent_twice_is_heard_once() {
    let data = tempfile::tempdir().unwrap();
    let (office, [ada, _, carla]) = Office::staffed(data.path()).await;
    let mut admin = office.live(&ada).await;
    let body =
        json!({"project_id": 1, "title": "T", "description": "D", "priority": "LOW", "category": "BUG"});
    let mut ids = vec![];
    for _ in 0..2 {
        let request = office.http.post(format!("{}/api/tickets", office.base)).bearer_auth(&carla.token);
        let answer = request.header("Idempotency-Key", "report-1").json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        ids.push(answer.json::<Value>().await.unwrap()["id"].clone());
    }
    assert_eq!(ids[0], ids[1]);
    assert_eq!(admin.frame().await["ticket"]["id"], ids[0]);
    admin.seq += 1;
    office.nobody_heard_more(&mut [(&ada, &mut admin)]).await;
    drop(admin);
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_by_field() {
    let data = tempfile::tempdir().unwrap();
    let (office, [ada, _, carla]) = Office::staffed(data.path()).await;
    let good =
        json!({"project_id": 1, "title": "T", "description": "D", "priority": "LOW", "category": "BUG"});
    for (field, value) in [
        ("title", json!("")),
        ("title", json!("x".repeat(201))),
        ("description", json!(" ")),
        ("priority", json!("URGENT")),
        ("extra", json!(1)),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let (status, problem) = office.post(&carla, "/api/tickets", body).await;
        assert_eq!((status, &problem["code"]), (422, &json!("invalid")), "{field}: {problem}");
    }
    let ticket = office.report(&carla, "T").await;
    office.step(&ada, &ticket, "open", json!(null)).await;
    let path = format!("/api/tickets/{}/assign", ticket["id"]);
    for ids in [json!([]), json!([1]), json!([99])] {
        let (status, problem) = office.post(&ada, &path, json!({"developer_ids": ids})).await;
        assert_eq!((status, &problem["field"]), (422, &json!("developer_ids")));
    }
    // Nothing of this was told to anybody.
    let mut live = Live::open(&office.base, &format!("token={}&since=0", ada.token), &[]).await;
    assert_eq!(live.frame().await["type"], "ticket_created");
    live.seq += 1;
    office.nobody_heard_more(&mut [(&ada, &mut live)]).await;
    drop(live);
    office.close().await;
}
