//! Work on many: approved one by one by a job, with progress, while others are served.

use serde_json::json;

use crate::office::Office;

#[tokio::test(flavor = "multi_thread")]
async fn many_are_approved_by_a_job_and_those_that_cannot_be_are_left_out_with_the_reason() {
    const MANY: i64 = 60;
    let data = tempfile::tempdir().unwrap();
    let (office, [ada, rita]) = Office::staffed(data.path()).await;
    for number in 1..=MANY {
        assert_eq!(office.apply_directly(&format!("Company {number}")).await, number);
        if number != 7 {
            office.step(&rita, number, "review", json!(null)).await;
        }
    }
    let mut admin =
        crate::live::Live::open(&office.base, "notifications", &format!("token={}", ada.token), &[]).await;
    let all: Vec<i64> = (1..=MANY).collect();
    let (status, answer) = office.post(&ada, "/api/bulk/approve", json!({"applications": all})).await;
    assert_eq!((status, &answer["id"]), (202, &json!(1)), "{answer}");

    let started = admin.until(|frame| frame["type"] == "bulk_approve_started").await;
    assert_eq!(
        (&started["bulk_id"], &started["message"]),
        (&json!(1), &json!("Approve 60 applications: started"))
    );
    let progress = admin.until(|frame| frame["type"] == "bulk_approve_progress").await;
    assert_eq!(progress["bulk_id"], 1);
    // Whoever reviews meanwhile is served.
    office.apply("Latecomer").await;
    office.step(&rita, MANY + 1, "review", json!(null)).await;

    let done = admin.until(|frame| frame["type"] == "bulk_approve_completed").await;
    assert_eq!(
        (&done["success"], &done["approved"], &done["left_out"]),
        (&json!(true), &json!(59), &json!(1))
    );
    let (_, bulk) = office.get(&ada, "/api/bulk/1").await;
    assert_eq!(bulk["done"], MANY);
    assert_eq!(
        bulk["left_out"][0]["reason"].as_str().unwrap().split(';').next().unwrap(),
        "an application that is Pending Review cannot be moved by \"approve\""
    );
    let (_, list) = office.get(&rita, "/api/applications?status=APPROVED").await;
    assert_eq!((&list["total"], &list["pages"]), (&json!(59), &json!(3)));

    // Reviewers' bells are not filled: what was done one by one is there, what was done in bulk is not.
    let counts = office.get(&rita, "/api/v1/inbox?type=application_updated&limit=100").await.1;
    let told: Vec<_> = counts["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| item["application"]["status"] == "APPROVED")
        .collect();
    assert_eq!(told.len(), 0);
    drop(admin);
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_announcement_reaches_every_supplier_once() {
    const MANY: i64 = 120;
    let data = tempfile::tempdir().unwrap();
    let (office, [ada, rita]) = Office::staffed(data.path()).await;
    let (status, refused) = office.post(&ada, "/api/bulk/announce", json!({"title": "T", "body": "B"})).await;
    assert_eq!((status, &refused["detail"]), (409, &json!("there are no suppliers yet")));
    for number in 1..=MANY {
        office.apply_directly(&format!("Company {number}")).await;
        office.step(&rita, number, "review", json!(null)).await;
        office.step(&rita, number, "approve", json!(null)).await;
    }
    office.apply("Only an applicant").await;
    let mut admin =
        crate::live::Live::open(&office.base, "notifications", &format!("token={}", ada.token), &[]).await;
    let body = json!({"title": "Closed on Friday", "body": "We are <b>away</b>."});
    let (status, _) = office.post(&ada, "/api/bulk/announce", body).await;
    assert_eq!(status, 202);
    let done = admin.until(|frame| frame["type"] == "bulk_announce_completed").await;
    assert_eq!(done["told"], MANY);
    for (supplier, expected) in [(1, 1), (60, 1), (MANY, 1), (MANY + 1, 0)] {
        let user = oyez::protocol::UserId::new(&format!("supplier-{supplier}")).unwrap();
        let token = office.app.oyez.issue_token(&user, &[], std::time::Duration::from_secs(60)).unwrap();
        let who = crate::office::Somebody { id: user.to_string(), token: token.access.reveal().to_owned() };
        let (_, inbox) = office.get(&who, "/api/v1/inbox?type=announcement").await;
        let items = inbox["data"].as_array().unwrap();
        assert_eq!(items.len(), expected, "{supplier}");
        assert!(
            items
                .iter()
                .all(|item| item["title"] == "Closed on Friday" && item["body"] == "We are <b>away</b>.")
        );
    }
    drop(admin);
    office.close().await;
}
