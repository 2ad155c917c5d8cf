//! Who may do what, and what is answered to moves that cannot be made.

use serde_json::json;

use crate::office::{Office, Somebody, application, read};

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_move_is_refused_with_those_that_are_possible() {
    let data = tempfile::tempdir().unwrap();
    let (office, [_, rita]) = Office::staffed(data.path()).await;
    office.apply("Acme").await;
    let possible =
        |step: &'static str| office.post(&rita, step, json!({"reason": "No", "documents": ["OTHER"]}));
    let (status, refused) = possible("/api/applications/1/approve").await;
    assert_eq!(status, 409);
    assert_eq!(refused["code"], "wrong_move");
    assert_eq!(refused["current_status"], "PENDING_REVIEW");
    assert_eq!(refused["possible_moves"], json!(["review", "upload"]));
    office.step(&rita, 1, "review", json!(null)).await;
    let (status, refused) = possible("/api/applications/1/review").await;
    assert_eq!(status, 409);
    assert_eq!(
        refused["possible_moves"],
        json!(["request_documents", "upload", "verify", "approve", "reject"])
    );
    office.step(&rita, 1, "reject", json!({"reason": "No"})).await;
    for step in ["review", "request_documents", "approve", "reject"] {
        let path = format!("/api/applications/1/{step}");
        let (status, refused) =
            office.post(&rita, &path, json!({"reason": "No", "documents": ["OTHER"]})).await;
        assert_eq!((status, &refused["possible_moves"]), (409, &json!([])), "{step}");
    }
    let (status, refused) = possible("/api/applications/1/fly").await;
    assert_eq!((status, &refused["code"]), (404, &json!("not_found")));
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_call_with_one_key_happens_once() {
    let data = tempfile::tempdir().unwrap();
    let (office, [_, rita]) = Office::staffed(data.path()).await;
    let url = format!("{}/api/applications", office.base);
    let mut codes = vec![];
    for _ in 0..2 {
        let request = office.http.post(&url).header("idempotency-key", "k").json(&application("Acme"));
        codes.push(read(request.send().await.unwrap()).await.1["tracking_code"].clone());
    }
    assert_eq!(codes[0], codes[1]);
    let request = office.http.post(&url).header("idempotency-key", "k").json(&application("Other"));
    assert_eq!(read(request.send().await.unwrap()).await.0, 422);
    let url = format!("{}/api/applications/1/review", office.base);
    for _ in 0..2 {
        let request = office.http.post(&url).bearer_auth(&rita.token).header("idempotency-key", "r");
        assert_eq!(read(request.json(&json!(null)).send().await.unwrap()).await.0, 200);
    }
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_office_is_closed_to_everybody_else() {
    let data = tempfile::tempdir().unwrap();
    let (office, [ada, rita]) = Office::staffed(data.path()).await;
    office.apply("Acme").await;
    // Nobody, and an applicant with their stream's token.
    let user = oyez::protocol::UserId::new("supplier-1").unwrap();
    let token = office.app.oyez.issue_token(&user, &[], std::time::Duration::from_secs(60)).unwrap();
    let applicant = Somebody { id: "supplier-1".into(), token: token.access.reveal().to_owned() };
    let nobody = Somebody { id: String::new(), token: "no".into() };
    for who in [&applicant, &nobody] {
        for path in ["/api/me", "/api/applications", "/api/applications/1", "/api/tasks", "/api/bulk/1"] {
            assert_eq!(office.get(who, path).await.0, 401, "{path}");
        }
        assert_eq!(office.post(who, "/api/applications/1/review", json!(null)).await.0, 401);
    }
    // A reviewer reviews, and no more.
    for (path, body) in [
        ("/api/bulk/approve", json!({"applications": [1]})),
        ("/api/bulk/announce", json!({"title": "T", "body": "B"})),
        ("/api/tasks/suppliers.cleanup/run", json!(null)),
        ("/api/tasks/suppliers.cleanup/pause", json!(null)),
    ] {
        let (status, refused) = office.post(&rita, path, body).await;
        assert_eq!((status, &refused["code"]), (403, &json!("forbidden")), "{path}");
    }
    // Oyez's own API is for its operators: admins, not reviewers.
    assert_eq!(office.get(&rita, "/api/v1/users/staff-1").await.0, 403);
    assert_eq!(office.get(&ada, "/api/v1/users/staff-1").await.0, 200);
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_applicant_sees_no_board() {
    let data = tempfile::tempdir().unwrap();
    let (office, _) = Office::staffed(data.path()).await;
    let user = oyez::protocol::UserId::new("supplier-1").unwrap();
    let token = office.app.oyez.issue_token(&user, &[], std::time::Duration::from_secs(60)).unwrap();
    let query = format!("token={}&frames=full", token.access.reveal());
    let mut live = crate::live::Live::open(&office.base, "notifications", &query, &[]).await;
    live.send(&json!({"type": "subscribe", "topic": "board:suppliers", "ref": 1})).await;
    let answer = live.until(|frame| frame["ref"] == 1).await;
    assert_eq!(answer["type"], "error", "{answer}");
    let url = format!("{}/sse/dashboard/?token={}", office.base, token.access.reveal());
    assert_eq!(office.http.get(url).send().await.unwrap().status(), 403);
    drop(live);
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let above = tempfile::tempdir().unwrap();
    let data = above.path().join("made");
    let (office, _) = Office::staffed(&data).await;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    let mut databases = 0;
    for entry in std::fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && path.to_string_lossy().contains("suppliers.db") {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
            databases += 1;
        }
    }
    assert!(databases >= 1, "the database, and what SQLite keeps beside it");
    office.close().await;
}
