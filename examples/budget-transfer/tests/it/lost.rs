//! Calls whose answers get lost: each is done once all the same.

use budget_transfer::simulator::{Deed, Fault};
use serde_json::{Value, json};

use crate::{office::Office, pod::Pod};

fn told(transfer: &Value, words: &str) -> bool {
    let story = transfer["story"].as_array().unwrap();
    story.iter().any(|entry| entry["text"].as_str().unwrap().contains(words))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_looked_up_and_the_call_not_repeated() {
    let (pod, data) = (Pod::start().await, tempfile::tempdir().unwrap());
    let office = Office::open(data.path(), &pod).await;
    let olive = office.login("olive").await;
    pod.simulator.fail(Fault::UploadAnswerLost, None);
    pod.simulator.fail(Fault::SubmitAnswerLost, None);
    let id = olive.submit().await;
    let transfer = olive.ended(id).await;
    assert_eq!(transfer["state"], "completed", "{transfer}");
    assert!(told(&transfer, "The answer to the upload was lost"), "{transfer}");
    assert!(told(&transfer, "The answer to AutoPostMasterSubmit was lost"), "{transfer}");
    for deed in Deed::ALL {
        assert_eq!(pod.simulator.count(deed), 1, "{deed:?}");
    }
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_never_arrived_is_made_again_once_that_is_certain() {
    let (pod, data) = (Pod::start().await, tempfile::tempdir().unwrap());
    let office = Office::open(data.path(), &pod).await;
    let olive = office.login("olive").await;
    let mut live = olive.live().await;
    pod.simulator.fail(Fault::Unavailable, Some(1));
    let id = olive.submit().await;
    while live.frame().await["message"] != "Upload to UCM: looking in Oracle whether the upload arrived" {}
    drop(live);
    let transfer = olive.ended(id).await;
    assert_eq!(transfer["state"], "completed", "{transfer}");
    assert!(told(&transfer, "the upload never reached Oracle; once more"), "{transfer}");
    for deed in Deed::ALL {
        assert_eq!(pod.simulator.count(deed), 1, "{deed:?}");
    }
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_can_be_looked_up_a_person_is_asked_and_nothing_is_guessed() {
    let (pod, data) = (Pod::start().await, tempfile::tempdir().unwrap());
    let office = Office::open(data.path(), &pod).await;
    let olive = office.login("olive").await;
    let settle = |id: i64| format!("/api/transfers/{id}/settle");

    // Oracle has it.
    pod.simulator.fail(Fault::SubmitAnswerLost, Some(1));
    pod.simulator.fail(Fault::NoSchedulerList, None);
    let id = olive.submit().await;
    let transfer = olive.ended(id).await;
    assert_eq!(
        (&transfer["state"], &transfer["unknown_call"]),
        (&json!("failed"), &json!("Interface Loader"))
    );
    // A retry without an answer asks again, and sends nothing.
    assert_eq!(olive.post(&format!("/api/transfers/{id}/retry"), &json!({})).await.0, 200);
    assert_eq!(olive.ended(id).await["unknown_call"], "Interface Loader");
    assert_eq!(pod.simulator.count(Deed::Load), 1);
    let (status, refused) = olive.post(&settle(id), &json!({"number": "first one"})).await;
    assert_eq!((status, &refused["field"]), (422, &json!("number")));
    let number = request_of(&pod).await;
    assert_eq!(olive.post(&settle(id), &json!({"number": number})).await.0, 200);
    assert_eq!(olive.ended(id).await["state"], "completed");
    assert_eq!(pod.simulator.count(Deed::Load), 1);
    assert_eq!(olive.post(&settle(id), &json!({})).await.0, 409);
    office.close().await;
}

/// The number of the latest interface loader, as a person reads it in Oracle.
async fn request_of(pod: &Pod) -> String {
    pod.simulator.latest_request().unwrap()
}
