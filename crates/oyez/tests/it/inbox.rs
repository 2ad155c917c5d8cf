//! The inbox over HTTP: each user sees their own, pages never skip, marks are exact.

use oyez::auth::Scope;
use serde_json::{Value, json};

use crate::support::TestApp;

async fn fill(app: &TestApp, user: &str, count: usize) -> Vec<String> {
    let key = app.key(&[Scope::Publish]).await;
    let mut ids = Vec::new();
    for number in 0..count {
        let body = json!({"to": format!("user:{user}"), "type": "t", "message": format!("number {number}")});
        let published = app.post("/api/v1/notifications", &key, &body).await.expect(202).json();
        ids.push(published["id"].as_str().unwrap().to_owned());
    }
    ids
}

fn seqs(page: &Value) -> Vec<u64> {
    page["data"].as_array().unwrap().iter().map(|item| item["seq"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn pages_go_from_the_newest_to_the_oldest() {
    let app = TestApp::start().await;
    let token = app.user("anna", &[]).await;
    fill(&app, "anna", 5).await;
    let first = app.get("/api/v1/inbox?limit=2", &token).await.expect(200).json();
    assert_eq!(seqs(&first), [5, 4]);
    let next = first["next_cursor"].as_str().unwrap();
    let second = app.get(&format!("/api/v1/inbox/?limit=2&before={next}"), &token).await.expect(200).json();
    assert_eq!(seqs(&second), [3, 2]);
    let next = second["next_cursor"].as_str().unwrap();
    let third = app.get(&format!("/api/v1/inbox?limit=2&cursor={next}"), &token).await.expect(200).json();
    assert_eq!((seqs(&third), &third["next_cursor"]), (vec![1], &Value::Null));
    assert_eq!(third["data"][0]["message"], "number 0");
}

#[tokio::test]
async fn items_are_filtered_and_counted_by_their_marks() {
    let app = TestApp::start().await;
    let token = app.user("anna", &[]).await;
    let ids = fill(&app, "anna", 4).await;
    let mark = async |body: Value| app.post("/api/v1/inbox/mark", &token, &body).await;
    let change = mark(json!({"action": "seen", "up_to_seq": 3})).await.expect(200).json();
    assert_eq!((&change["unread"], &change["unseen"]), (&json!(4), &json!(1)));
    mark(json!({"action": "read", "ids": [ids[0], ids[1]]})).await.expect(200);
    let patched = app.patch(&format!("/api/v1/inbox/{}", ids[1]), &token, &json!({"archived": true})).await;
    assert!(patched.expect(200).json()["archived_at"].is_string());
    let listed = async |query: &str| {
        seqs(&app.get(&format!("/api/v1/inbox?{query}"), &token).await.expect(200).json())
    };
    assert_eq!(listed("").await, [4, 3, 1]);
    assert_eq!(listed("status=unread").await, [4, 3]);
    assert_eq!(listed("status=unseen").await, [4]);
    assert_eq!(listed("status=read").await, [1]);
    assert_eq!(listed("status=archived").await, [2]);
    assert_eq!(listed("status=all&type=t").await, [4, 3, 2, 1]);
    assert_eq!(listed("type=other").await, [0_u64; 0]);
    let counts = app.get("/api/v1/inbox/counts", &token).await.expect(200).json();
    assert_eq!((&counts["unread"], &counts["unseen"], &counts["seq"]), (&json!(2), &json!(1), &json!(4)));
    let change = mark(json!({"action": "archive", "all": true})).await.expect(200).json();
    assert_eq!((&change["unread"], &change["unseen"]), (&json!(0), &json!(0)));
}

#[tokio::test]
async fn changes_since_a_position_catch_a_client_up() {
    let app = TestApp::start().await;
    let token = app.user("anna", &[]).await;
    fill(&app, "anna", 3).await;
    let changes = async |query: &str| {
        app.get(&format!("/api/v1/inbox/changes?{query}"), &token).await.expect(200).json()
    };
    let all = changes("").await;
    assert_eq!((seqs(&all), &all["reset"], &all["seq"]), (vec![1, 2, 3], &json!(false), &json!(3)));
    let epoch = all["epoch"].as_str().unwrap();
    let some = changes(&format!("after_seq=1&limit=1&epoch={epoch}")).await;
    assert_eq!((seqs(&some), &some["next_cursor"]), (vec![2], &json!("2")));
    assert_eq!(seqs(&changes("after_seq=3").await), [0_u64; 0]);
    let foreign = changes("after_seq=2&epoch=another").await;
    assert_eq!((seqs(&foreign), &foreign["reset"]), (vec![1, 2, 3], &json!(true)));
    assert_eq!(changes("after_seq=99").await["reset"], true);
}

#[tokio::test]
async fn nobody_reaches_anothers_items() {
    let app = TestApp::start().await;
    let ids = fill(&app, "anna", 1).await;
    let ben = app.user("ben", &["admin"]).await;
    let listed = app.get("/api/v1/inbox?status=all", &ben).await.expect(200).json();
    assert_eq!(listed["data"], json!([]));
    let path = format!("/api/v1/inbox/{}", ids[0]);
    app.patch(&path, &ben, &json!({"read": true})).await.refused(404, "not_found");
    let body = json!({"action": "read", "ids": [ids[0]]});
    let change = app.post("/api/v1/inbox/mark", &ben, &body).await.expect(200).json();
    assert!(change.get("changed").is_none());
    let anna = app.user("anna", &[]).await;
    assert_eq!(app.get("/api/v1/inbox/counts", &anna).await.expect(200).json()["unread"], 1);
}

#[tokio::test]
async fn wrong_questions_are_named() {
    let app = TestApp::start().await;
    let token = app.user("anna", &[]).await;
    for query in ["status=new", "limit=0", "limit=201", "limit=x", "before=x", "before=-1"] {
        app.get(&format!("/api/v1/inbox?{query}"), &token).await.refused(422, "invalid");
    }
    for body in [
        json!({"action": "read"}),
        json!({"action": "read", "ids": []}),
        json!({"action": "read", "ids": ["x"]}),
        json!({"action": "delete", "all": true}),
        json!({"action": "read", "all": true, "ids": ["01930d2e-7c5a-7bbb-8000-000000000001"]}),
    ] {
        app.post("/api/v1/inbox/mark", &token, &body).await.refused(422, "invalid");
    }
    let id = &fill(&app, "anna", 1).await[0];
    let path = format!("/api/v1/inbox/{id}");
    app.patch(&path, &token, &json!({"seen": false})).await.refused(422, "invalid");
    app.patch(&path, &token, &json!({"read": "yes"})).await.refused(422, "invalid");
    app.patch(&path, &token, &json!({"done": true})).await.refused(422, "invalid");
}
