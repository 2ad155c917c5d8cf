//! What an application asks for.

use std::time::Duration;

use oyez_client::{
    Client, Error,
    protocol::{
        Audience, ErrorCode, JobId, JobKind, UserId,
        api::{
            jobs::{JobBatchResult, JobState, TrackRequest},
            publish::{BatchResult, EventRequest, NotificationRequest},
            workers::ProgressReport,
        },
    },
};

use crate::support::{Fixture, count};

fn anna() -> UserId {
    UserId::new("anna").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_is_in_the_inbox() {
    let fixture = Fixture::new().await;
    let request = NotificationRequest::new(Audience::User(anna()), "Your report is ready");
    let published = fixture.client.publish(&request).await.unwrap();
    assert_eq!(published.recipients, 1);
    // The same request again is another notification: keys are made anew for each call.
    assert_ne!(fixture.client.publish(&request).await.unwrap().id, published.id);
    let mut empty = request.clone();
    empty.message = String::new();
    let results = fixture.client.publish_batch(vec![request, empty]).await.unwrap();
    assert!(
        matches!(results[0], BatchResult::Published(_)) && matches!(results[1], BatchResult::Refused { .. })
    );
    let event = EventRequest { to: Audience::Everyone.into(), kind: "typing".into(), data: None };
    assert_eq!(fixture.client.event(&event).await.unwrap().reached, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_a_certificate_of_its_own_is_trusted_when_told_so() {
    let directory = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let (cert, key) = (directory.path().join("cert.pem"), directory.path().join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let fixture = Fixture::with(|config| {
        (config.http.tls.cert, config.http.tls.key) = (Some(cert), Some(key));
    })
    .await;
    assert!(fixture.url.starts_with("https://"));
    let suspicious = fixture.client.clone().with_patience(Duration::ZERO);
    assert!(matches!(suspicious.enqueue(&count(1)).await, Err(Error::Unreachable(_))));
    let trusting = fixture.client.clone().with_authorities(made.cert.pem().as_bytes()).unwrap();
    assert!(trusting.enqueue(&count(1)).await.unwrap().created);
    assert!(matches!(fixture.client.clone().with_authorities(b"no certificate"), Err(Error::Setup(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_says_which_field_is_wrong_and_what_would_be_right() {
    let fixture = Fixture::new().await;
    let mut request = count(1);
    request.priority = Some(12);
    let error = fixture.client.enqueue(&request).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::Invalid));
    let oyez_client::Error::Refused(refusal) = &error else { panic!("{error:?}") };
    assert_eq!((refusal.status, refusal.field.as_deref()), (422, Some("priority")));
    assert!(error.to_string().contains("0 (first) to 9 (last)"), "{error}");
    let stranger = Client::new(&fixture.url, "oyez_sk_wrong").unwrap();
    assert!(!stranger.enqueue(&count(1)).await.unwrap_err().is_temporary());
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_made_looked_at_cancelled_and_retried() {
    let fixture = Fixture::new().await;
    let id = fixture.enqueue(&count(7)).await;
    let job = fixture.client.job(id).await.unwrap();
    assert_eq!((job.state, job.args.unwrap().get()), (JobState::Available, r#"{"number":7}"#));
    assert_eq!(fixture.client.cancel(id).await.unwrap().state, JobState::Cancelled);
    assert_eq!(fixture.client.cancel(id).await.unwrap_err().code(), Some(ErrorCode::JobFinal));
    assert_eq!(fixture.client.retry(id).await.unwrap().state, JobState::Available);
    let unknown = fixture.client.job(JobId(Default::default())).await.unwrap_err();
    assert_eq!(unknown.code(), Some(ErrorCode::NotFound));
    let mut wrong = count(8);
    wrong.max_attempts = Some(0);
    let results = fixture.client.enqueue_batch(vec![count(8), wrong]).await.unwrap();
    assert!(matches!(results[0], JobBatchResult::Accepted(accepted) if accepted.created));
    assert!(matches!(&results[1], JobBatchResult::Refused { error } if error.code == ErrorCode::Invalid));
}

#[tokio::test(flavor = "multi_thread")]
async fn work_of_this_program_is_shown_to_its_owner() {
    let fixture = Fixture::new().await;
    let request = TrackRequest {
        kind: JobKind::new("import").unwrap(),
        key: Some("file-7".into()),
        user: Some(anna()),
        data: None,
        worker: None,
        silence: None,
        notify: None,
        messages: None,
        idempotency_key: None,
    };
    let (attempt, tracked) = fixture.client.track(&request).await.unwrap();
    assert!(tracked.created);
    assert!(!fixture.client.track(&request).await.unwrap().1.created);
    let half = ProgressReport { percent: Some(50.0), ..ProgressReport::default() };
    assert_eq!(attempt.progress(half).await.unwrap().state, JobState::Running);
    attempt.complete(&serde_json::json!({"rows": 12})).await.unwrap();
    let job = fixture.client.job(attempt.job()).await.unwrap();
    assert_eq!((job.state, job.result.unwrap().get()), (JobState::Completed, r#"{"rows":12}"#));
    let again = attempt.heartbeat().await.unwrap_err();
    assert!(again.is_lost(), "{again:?}");
}
