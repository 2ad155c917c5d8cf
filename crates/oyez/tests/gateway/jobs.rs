//! What the owner of jobs sees on a live connection, and what they may ask.

use std::time::Duration;

use oyez::jobs::Wanted;
use oyez_protocol::{
    JobId, JobKind, QueueName, WorkerName,
    api::{
        jobs::JobRequest,
        workers::{Complete, ProgressReport},
    },
};
use serde_json::{Value, json};

use crate::stage::{Stage, user};

async fn enqueue(stage: &Stage, owner: &str) -> JobId {
    let mut request = JobRequest::new(JobKind::new("oracle_upload").unwrap());
    request.user = Some(user(owner));
    request.data = json!({"transaction_id": 602}).as_object().cloned();
    stage.jobs.enqueue(&request, "test").await.unwrap().id
}

async fn claim(stage: &Stage) {
    let wanted = Wanted {
        worker: WorkerName::new("w").unwrap(),
        queues: vec![QueueName::default()],
        kinds: None,
        limit: 1,
    };
    assert_eq!(stage.jobs.claim(&wanted, Duration::ZERO).await.unwrap().len(), 1);
}

async fn progress(stage: &Stage, id: JobId, percent: f64) {
    let report = ProgressReport { attempt: 1, percent: Some(percent), ..ProgressReport::default() };
    stage.jobs.progress(id, &report).await.unwrap();
}

#[tokio::test]
async fn the_owner_of_a_job_sees_it_live_on_every_connection_and_nobody_else_does() {
    let stage = Stage::new().await;
    let token = stage.token("anna");
    let (mut plain, _) = stage.open(&format!("/ws/notifications/?token={token}")).await;
    let mut full = stage.connect("anna").await;
    let mut other = stage.connect("bert").await;
    let id = enqueue(&stage, "anna").await;
    claim(&stage).await;
    progress(&stage, id, 40.0).await;
    let done: Complete = serde_json::from_value(json!({"attempt": 1, "result": {"path": "/x"}})).unwrap();
    stage.jobs.complete(id, &done).await.unwrap();
    for client in [&mut plain, &mut full] {
        let frames = [client.next().await, client.next().await, client.next().await];
        let types = frames.each_ref().map(|frame| frame["type"].as_str().unwrap());
        assert_eq!(types, ["oracle_upload_started", "oracle_upload_progress", "oracle_upload_completed"]);
        assert!(frames.iter().all(|frame| frame["transaction_id"] == 602), "{frames:?}");
        assert_eq!((frames[1]["percent"].as_f64(), frames[1].get("seq")), (Some(40.0), None));
        assert_eq!((&frames[2]["seq"], &frames[2]["path"]), (&json!(1), &json!("/x")), "its end is an item");
    }
    plain.expect_silence().await;
    other.expect_silence().await;
}

#[tokio::test]
async fn who_comes_late_sees_the_bar_where_it_is() {
    let stage = Stage::new().await;
    let (mut client, _) = stage.connect_with("anna", "").await;
    client.expect_silence().await;
    let running = enqueue(&stage, "anna").await;
    claim(&stage).await;
    // The second one is not written yet.
    progress(&stage, running, 10.0).await;
    progress(&stage, running, 70.0).await;
    let waiting = enqueue(&stage, "anna").await;
    let mut late = stage.connect("anna").await;
    let snapshot = late.next().await;
    let frames = snapshot["jobs"].as_array().unwrap();
    let find =
        |id: JobId| -> &Value { frames.iter().find(|frame| frame["job_id"] == id.to_string()).unwrap() };
    assert_eq!((&snapshot["type"], frames.len()), (&json!("jobs"), 2));
    assert_eq!(find(running)["percent"].as_f64(), Some(70.0));
    assert_eq!(find(waiting)["message"], "Oracle upload waiting");
    let token = stage.token("anna");
    let (mut plain, _) = stage.open(&format!("/ws/notifications/?token={token}")).await;
    plain.expect_silence().await;
}

#[tokio::test]
async fn a_user_calls_their_own_jobs_off_and_no_others() {
    let stage = Stage::new().await;
    let mut anna = stage.connect("anna").await;
    let mut bert = stage.connect("bert").await;
    let id = enqueue(&stage, "anna").await;
    for unknown in [id.to_string(), "nonsense".to_owned()] {
        let refused = bert.ask(json!({"type": "cancel_job", "job_id": unknown, "ref": 1})).await;
        assert_eq!((&refused["type"], &refused["code"]), (&json!("error"), &json!("not_found")));
    }
    let ack = anna.ask(json!({"type": "cancel_job", "job_id": id, "ref": 2})).await;
    assert_eq!(ack, json!({"type": "ack", "ref": 2, "job_id": id, "state": "cancelled"}));
    let again = anna.ask(json!({"type": "cancel_job", "job_id": id, "ref": 3})).await;
    assert_eq!(again["code"], "job_final");
}
