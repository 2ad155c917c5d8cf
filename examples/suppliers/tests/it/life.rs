//! An application's whole life, heard by reviewers, a dashboard and the applicant: exactly the frames each should get.

use serde_json::{Value, json};

use crate::{
    live::Live,
    office::{Office, Somebody},
};

/// The fields that reviewers read of an application.
fn fields(application: &Value) -> Value {
    let take = |key: &str| application[key].clone();
    json!({
        "id": take("id"), "tracking_code": take("tracking_code"), "company_name": take("company_name"),
        "category": take("category"), "status": take("status"), "status_display": take("status_display"),
        "submitted_at": take("submitted_at"),
    })
}

async fn updated(live: &mut Live, application: &Value, was: &str, by: &str) {
    let code = application["tracking_code"].as_str().unwrap();
    let status = application["status_display"].as_str().unwrap();
    let more = json!({"application": fields(application), "previous_status": was, "updated_by": by,
                      "url": format!("/office/applications/{}", application["id"])});
    live.expect("application_updated", &format!("Application {code} is now {status}"), more).await;
}

async fn shown(office: &Office, who: &Somebody, id: i64) -> Value {
    let (status, application) = office.get(who, &format!("/api/applications/{id}")).await;
    assert_eq!(status, 200, "{application}");
    application
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_hears_what_concerns_them_and_nothing_else() {
    let data = tempfile::tempdir().unwrap();
    let (office, [ada, rita]) = Office::staffed(data.path()).await;
    let (mut admin, mut reviewer) = (office.live(&ada).await, office.live(&rita).await);
    let mut dashboard = Live::open(&office.base, "dashboard", &format!("token={}", rita.token), &[]).await;

    let code = office.apply("Acme").await;
    assert!(code.starts_with("GCX-20") && code.ends_with("-000001"), "{code}");
    let application = shown(&office, &rita, 1).await;
    assert_eq!(
        (&application["status"], &application["tracking_code"]),
        (&json!("PENDING_REVIEW"), &json!(code))
    );
    for live in [&mut admin, &mut reviewer] {
        let more = json!({"application": fields(&application), "url": "/office/applications/1"});
        live.expect("new_application", &format!("New application {code} from Acme"), more).await;
    }
    // The dashboard hears the same words, live, and has no inbox.
    let heard = dashboard.until(|frame| frame["type"] == "new_application").await;
    assert_eq!(heard["application"], fields(&application));
    assert_eq!(heard["message"], json!(format!("New application {code} from Acme")));
    assert_eq!(heard["seq"], Value::Null);

    let user = "supplier-1";
    let applicant = office
        .app
        .oyez
        .issue_token(&oyez::protocol::UserId::new(user).unwrap(), &[], std::time::Duration::from_secs(600))
        .unwrap();
    let query = format!("token={}", applicant.access.reveal());
    let mut applicant = Live::open(&office.base, "notifications", &query, &[]).await;

    let application = office.step(&rita, 1, "review", json!(null)).await;
    for live in [&mut admin, &mut reviewer] {
        updated(live, &application, "PENDING_REVIEW", "Rita").await;
    }
    let heard = applicant.until(|frame| frame["type"] == "status_changed").await;
    assert_eq!(heard["message"], json!(format!("Your application {code} is now Under Review")));

    let asked = json!({"documents": ["TRADE_LICENCE", "BANK_LETTER"], "note": "This year's"});
    let application = office.step(&rita, 1, "request_documents", asked).await;
    assert_eq!(application["requested"], json!(["TRADE_LICENCE", "BANK_LETTER"]));
    for live in [&mut admin, &mut reviewer] {
        updated(live, &application, "UNDER_REVIEW", "Rita").await;
    }
    let heard = applicant.until(|frame| frame["type"] == "documents_requested").await;
    assert_eq!(
        (&heard["documents"], &heard["note"]),
        (&json!(["Trade licence", "Bank letter"]), &json!("This year's"))
    );

    let upload = suppliers::desk::Upload {
        kind: suppliers::document::DocumentKind::TradeLicence,
        name: "licence.pdf".into(),
        bytes: b"%PDF-1.4 paper".to_vec(),
    };
    office.app.desk.upload(suppliers::application::ApplicationId(1), &upload, None).await.unwrap();
    let application = shown(&office, &rita, 1).await;
    let document = &application["documents"][0];
    let of_document = |document: &Value| {
        json!({"id": document["id"], "name": "licence.pdf", "kind": "TRADE_LICENCE",
               "kind_display": "Trade licence", "bytes": 14, "uploaded_at": document["uploaded_at"],
               "verified_at": document["verified_at"]})
    };
    for live in [&mut admin, &mut reviewer] {
        let more = json!({"application": fields(&application), "document": of_document(document),
                          "url": "/office/applications/1"});
        live.expect("document_uploaded", &format!("Trade licence uploaded for {code}"), more).await;
    }

    let application = office.step(&rita, 1, "verify", json!({"document_id": document["id"]})).await;
    for live in [&mut admin, &mut reviewer] {
        let more = json!({"application": fields(&application), "document": of_document(&application["documents"][0]),
                          "url": "/office/applications/1"});
        live.expect("document_verified", &format!("Trade licence verified for {code}"), more).await;
    }
    assert_eq!(application["documents"][0]["verified_by"], "Rita");

    let application = office.step(&ada, 1, "review", json!(null)).await;
    for live in [&mut admin, &mut reviewer] {
        updated(live, &application, "DOCUMENTS_REQUESTED", "Ada").await;
    }
    let application = office.step(&ada, 1, "approve", json!(null)).await;
    assert_eq!(application["possible_moves"], json!([]));
    for live in [&mut admin, &mut reviewer] {
        updated(live, &application, "UNDER_REVIEW", "Ada").await;
    }
    let heard = applicant.until(|frame| frame["type"] == "application_approved").await;
    assert_eq!(heard["email"], "acme@x.example");
    assert!(heard["temporary_password"].as_str().is_some_and(|password| password.len() == 23), "{heard}");
    applicant.seq = heard["seq"].as_u64().unwrap();

    office
        .nobody_heard_more(&mut [(&ada.id, &mut admin), (&rita.id, &mut reviewer), (user, &mut applicant)])
        .await;
    drop((admin, reviewer, applicant, dashboard));
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_applicant_reads_the_reason() {
    let data = tempfile::tempdir().unwrap();
    let (office, [_, rita]) = Office::staffed(data.path()).await;
    office.apply("Acme").await;
    office.step(&rita, 1, "review", json!(null)).await;
    let (status, refused) = office.post(&rita, "/api/applications/1/reject", json!({"reason": " "})).await;
    assert_eq!((status, &refused["field"]), (422, &json!("reason")));
    let application = office.step(&rita, 1, "reject", json!({"reason": "Too many anvils"})).await;
    assert_eq!(
        (&application["status"], &application["rejection_reason"]),
        (&json!("REJECTED"), &json!("Too many anvils"))
    );
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_committed_before_a_crash_is_told_after_it() {
    let data = tempfile::tempdir().unwrap();
    let (office, [_, rita]) = Office::staffed(data.path()).await;
    office.close().await;
    // A change that was committed, and whose errands were not run: as a crash leaves it.
    let database =
        suppliers::database::Database::open(&suppliers::app::database_path(data.path())).await.unwrap();
    let files = suppliers::files::Files::open(data.path().join("documents")).unwrap();
    let desk = suppliers::desk::Desk::new(
        database.clone(),
        oyez_core::clock::Clock::system(),
        files,
        "http://o.example",
    );
    let typed: suppliers::application::Typed =
        serde_json::from_value(crate::office::application("Acme")).unwrap();
    desk.apply(&typed.check().unwrap(), None).await.unwrap();
    database.close().await;

    let office = Office::open(data.path()).await;
    let query = format!("token={}&since=0", rita.token);
    let mut live = Live::open(&office.base, "notifications", &query, &[]).await;
    live.seq = 0;
    let heard = live.until(|frame| frame["seq"].is_u64()).await;
    assert_eq!((&heard["type"], &heard["seq"]), (&json!("new_application"), &json!(1)));
    live.seq = 1;
    office.nobody_heard_more(&mut [(&rita.id, &mut live)]).await;
    drop(live);
    office.close().await;
}
