//! An upload from its form to its journal, and what its owner sees of it.

use std::time::Duration;

use budget_transfer::{
    database::{books, outbox, transfers},
    simulator::{Deed, Fault, Options},
    transfer::TransferId,
};
use oyez::protocol::UserId;
use serde_json::{Value, json};

use crate::{live::Live, office::Office, pod::Pod};

/// Without what differs from run to run.
fn plain(mut frame: Value) -> Value {
    let object = frame.as_object_mut().unwrap();
    assert!(object.remove("timestamp").unwrap().as_str().unwrap().ends_with('Z'));
    assert!(object.remove("job_id").is_some());
    for varying in ["id", "seq", "percent", "document_id", "requests", "message"] {
        object.remove(varying);
    }
    frame
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_goes_through_five_steps_that_its_owner_watches() {
    let slow = Options { run_time: Duration::from_millis(400), answer_time: Duration::ZERO, file: None };
    let (pod, data) = (Pod::with(slow).await, tempfile::tempdir().unwrap());
    let office = Office::open(data.path(), &pod).await;
    let olive = office.login("olive").await;
    let (mut live, mut others) = (olive.live().await, office.login("ben").await.live().await);

    let id = olive.submit().await;
    let started = live.frame().await;
    assert_eq!(started["message"], "Oracle upload started for transaction 1");
    assert_eq!(plain(started), json!({"type": "oracle_upload_started", "attempt": 1, "transaction_id": id}));
    // Steps that are over before a frame is due are passed over; the rest come in order, and no bar goes back.
    let (mut seen, mut percent) = (Vec::new(), 0.0);
    let completed = loop {
        let frame = live.frame().await;
        if frame["type"] == "oracle_upload_completed" {
            break frame;
        }
        let now = frame["percent"].as_f64().unwrap_or(percent);
        assert!(now >= percent, "{frame} after {percent} %");
        percent = now;
        let (step, number) = (frame["step"].as_str().unwrap(), frame["step_number"].as_i64().unwrap());
        assert!(seen.last().is_none_or(|(_, last)| *last <= number), "{frame}");
        seen.push((step.to_owned(), number));
        assert!(["processing", "completed"].contains(&frame["status"].as_str().unwrap()), "{frame}");
        assert_eq!((&frame["transaction_id"], &frame["total_steps"]), (&json!(id), &json!(5)), "{frame}");
        assert!(frame["message"].is_string() && frame["attempt"] == 1, "{frame}");
    };
    seen.dedup();
    for (step, number) in [("Interface Loader", 3), ("Journal Import", 4), ("AutoPost", 5)] {
        assert!(seen.contains(&(step.to_owned(), number)), "{seen:?}");
    }
    assert_eq!(completed["message"], "Oracle upload completed for transaction 1");
    assert_eq!(completed["seq"], 1, "it is in the inbox as well: {completed}");
    let shown = plain(completed);
    assert_eq!((&shown["type"], &shown["success"]), (&json!("oracle_upload_completed"), &json!(true)));
    assert_eq!((&shown["transaction_id"], &shown["result_path"]), (&json!(id), &json!("/transfers/1")));

    let transfer = olive.ended(id).await;
    assert_eq!((&transfer["state"], &transfer["percent"]), (&json!("completed"), &json!(100.0)));
    for deed in Deed::ALL {
        assert_eq!(pod.simulator.count(deed), 1, "{deed:?}");
    }
    let journals = pod.simulator.journals();
    assert_eq!(journals.len(), 1);
    assert_eq!((journals[0].cents, journals[0].lines, journals[0].posted), (120_050, 2, true));

    // Nobody else hears or sees any of it.
    let ben = office.login("ben").await;
    assert_eq!(ben.get("/api/transfers/1").await.0, 404);
    assert_eq!(ben.get("/api/transfers").await.1["data"], json!([]));
    ben.submit().await;
    assert_eq!(others.frame().await["transaction_id"], 2);
    ben.ended(2).await;
    drop((live, others));
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_that_is_sent_twice_is_one_transfer() {
    let (pod, data) = (Pod::start().await, tempfile::tempdir().unwrap());
    let office = Office::open(data.path(), &pod).await;
    let olive = office.login("olive").await;
    let mut draft = olive.draft().await;
    for _ in 0..3 {
        let (status, answer) = olive.post_with_key("/api/transfers", "mine", &draft).await;
        assert_eq!((status, &answer["id"]), (202, &json!(1)));
    }
    draft["description"] = json!("Something else");
    let (status, refused) = olive.post_with_key("/api/transfers", "mine", &draft).await;
    assert_eq!((status, &refused["code"]), (422, &json!("idempotency_mismatch")));
    olive.ended(1).await;
    assert_eq!(pod.simulator.count(Deed::Upload), 1);
    assert_eq!(olive.get("/api/transfers").await.1["data"].as_array().unwrap().len(), 1);
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_booked_is_refused_with_every_reason() {
    let (pod, data) = (Pod::start().await, tempfile::tempdir().unwrap());
    let office = Office::open(data.path(), &pod).await;
    let olive = office.login("olive").await;
    let mut draft = olive.draft().await;
    draft["lines"][0]["debit"] = json!("1200.51");
    draft["lines"][1]["account"] = json!("999");
    let (status, refused) = olive.post("/api/transfers", &draft).await;
    assert_eq!((status, &refused["code"]), (422, &json!("not_bookable")));
    assert_eq!(
        refused["complaints"],
        json!([
            "line 2: there is no account 999",
            "debits and credits differ by 0.01: 1200.51 against 1200.50"
        ])
    );
    draft["date"] = json!("soon");
    let (status, refused) = olive.post("/api/transfers", &draft).await;
    assert_eq!((status, &refused["field"]), (422, &json!("date")));
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_period_that_closes_while_a_transfer_waits_stops_it_before_oracle_hears_of_it() {
    let (pod, data) = (Pod::start().await, tempfile::tempdir().unwrap());
    let office = Office::open(data.path(), &pod).await;
    let olive = office.login("olive").await;
    let mut live = olive.live().await;
    let draft: budget_transfer::draft::Typed = serde_json::from_value(olive.draft().await).unwrap();
    let draft = draft.read().unwrap();
    // Stored as `submit` stores it, and closed in the moment before the job begins.
    let mut period = office.app.desk.books().await.unwrap().periods[&draft.period].clone();
    period.open = false;
    let mut tx = office.app.database.write().await.unwrap();
    let now = office.app.desk.now();
    let id = transfers::insert(&mut tx, &UserId::new("olive").unwrap(), &draft, 7, now).await.unwrap();
    outbox::insert(&mut tx, id).await.unwrap();
    books::put_period(&mut tx, &period).await.unwrap();
    tx.commit().await.unwrap();
    office.app.desk.wake();

    assert_eq!(live.frame().await["type"], "oracle_upload_started");
    let failed = failure(&mut live).await;
    let reason = format!("the transfer cannot be booked: the period {} is closed", period.name);
    assert_eq!((&failed["error"], &failed["transaction_id"]), (&json!(reason), &json!(1)));
    assert_eq!(failed["message"], "Oracle upload failed for transaction 1");
    let transfer = olive.ended(1).await;
    assert_eq!(transfer["steps"][0]["state"], "failed");
    assert_eq!(transfer["story"][0]["log"], format!("the period {} is closed", period.name));
    assert!(pod.simulator.calls().is_empty());

    // Opened again, a retry goes through.
    period.open = true;
    let mut tx = office.app.database.write().await.unwrap();
    books::put_period(&mut tx, &period).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(olive.post("/api/transfers/1/retry", &json!({})).await.0, 200);
    assert_eq!(olive.ended(1).await["state"], "completed");
    drop(live);
    office.close().await;
}

/// The frame that says that the upload failed.
async fn failure(live: &mut Live) -> Value {
    loop {
        let frame = live.frame().await;
        if frame["type"] == "oracle_upload_failed" {
            return frame;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_fails_in_oracle_shows_its_log_and_can_be_retried() {
    let table = [
        (Fault::LoaderError, "Interface Loader ended with ERROR", 3, "EP01: a simulated fault", Deed::Load),
        (Fault::ImportError, "Journal Import ended with ERROR", 4, "EP01: a simulated fault", Deed::Import),
        (
            Fault::ImportWarning,
            "Journal Import ended with WARNING",
            4,
            "EW01: a simulated warning",
            Deed::Import,
        ),
        (Fault::PostError, "AutoPost ended with ERROR", 5, "EP01: a simulated fault", Deed::Post),
    ];
    let (pod, data) = (Pod::start().await, tempfile::tempdir().unwrap());
    let office = Office::open(data.path(), &pod).await;
    let olive = office.login("olive").await;
    for (fault, error, step, log, deed) in table {
        pod.simulator.fail(fault, Some(1));
        let before = Deed::ALL.map(|deed| pod.simulator.count(deed));
        let mut live = olive.live().await;
        let id = olive.submit().await;
        let failed = failure(&mut live).await;
        assert!(failed["error"].as_str().unwrap().starts_with(error), "{failed}");
        let transfer = olive.ended(id).await;
        assert_eq!((&transfer["state"], &transfer["can_retry"]), (&json!("failed"), &json!(true)));
        assert_eq!(transfer["steps"][step - 1]["state"], "failed");
        assert_eq!(transfer["steps"][step - 2]["state"], "completed");
        let said = transfer["story"].as_array().unwrap().last().unwrap();
        assert!(said["log"].as_str().unwrap().contains(log), "{said}");
        // An import that ended with a warning has made its journal: the interface is empty, and a person has to look.
        if fault == Fault::ImportWarning {
            continue;
        }
        assert_eq!(olive.post(&format!("/api/transfers/{id}/retry"), &json!({})).await.0, 200);
        assert_eq!(olive.ended(id).await["state"], "completed");
        for (index, one) in Deed::ALL.into_iter().enumerate() {
            let expected = if one == deed { 2 } else { 1 };
            assert_eq!(pod.simulator.count(one) - before[index], expected, "{fault:?}: {one:?}");
        }
    }
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warning_of_autopost_is_noted_and_no_failure() {
    let (pod, data) = (Pod::start().await, tempfile::tempdir().unwrap());
    let office = Office::open(data.path(), &pod).await;
    let olive = office.login("olive").await;
    pod.simulator.fail(Fault::PostWarning, Some(1));
    let id = olive.submit().await;
    let transfer = olive.ended(id).await;
    assert_eq!(transfer["state"], "completed");
    let said = transfer["story"].as_array().unwrap().last().unwrap();
    assert!(said["log"].as_str().unwrap().contains("EW01"), "{said}");
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_passing_passes_by_itself() {
    let (pod, data) = (Pod::start().await, tempfile::tempdir().unwrap());
    let office = Office::open(data.path(), &pod).await;
    let olive = office.login("olive").await;
    pod.simulator.fail(Fault::TooManyCalls, Some(1));
    pod.simulator.fail(Fault::StatusBroken, Some(3));
    let id = olive.submit().await;
    assert_eq!(olive.ended(id).await["state"], "completed");
    for deed in Deed::ALL {
        assert_eq!(pod.simulator.count(deed), 1, "{deed:?}");
    }
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_oracle_refuses_is_told_and_not_tried_again() {
    let (pod, data) = (Pod::start().await, tempfile::tempdir().unwrap());
    let office = Office::open(data.path(), &pod).await;
    let olive = office.login("olive").await;
    for (fault, error) in [
        (Fault::WrongPassword, "Oracle does not take the user and password"),
        (Fault::UploadRefused, "Oracle refused the request with 400: the file type is not allowed"),
    ] {
        pod.simulator.fail(fault, Some(1));
        let id = olive.submit().await;
        let transfer = olive.ended(id).await;
        assert_eq!((&transfer["state"], &transfer["error"]), (&json!("failed"), &json!(error)));
        assert_eq!(pod.simulator.count(Deed::Upload), 0);
    }
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_upload_stops_and_a_retry_goes_on_with_the_same_request() {
    let (pod, data) = (Pod::start().await, tempfile::tempdir().unwrap());
    let office = Office::open(data.path(), &pod).await;
    let olive = office.login("olive").await;
    let mut live = olive.live().await;
    pod.simulator.fail(Fault::NeverEnds, Some(1));
    let id = olive.submit().await;
    loop {
        let frame = live.frame().await;
        if frame["step_number"] == 3 && frame["message"].as_str().unwrap().ends_with("is under way") {
            break;
        }
    }
    assert_eq!(olive.post(&format!("/api/transfers/{id}/cancel"), &json!({})).await.0, 200);
    assert_eq!(olive.ended(id).await["state"], "cancelled");
    assert_eq!(olive.post(&format!("/api/transfers/{id}/retry"), &json!({})).await.0, 200);
    loop {
        let frame = live.frame().await;
        if frame["attempt"] == 2 && frame["message"].as_str().unwrap().ends_with("is under way") {
            break;
        }
    }
    assert_eq!(pod.simulator.count(Deed::Load), 1, "the request is waited for, not made again");
    drop(live);
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_does_not_end_is_given_up_and_a_retry_waits_for_it_again() {
    let (pod, data) = (Pod::start().await, tempfile::tempdir().unwrap());
    let mut settings = pod.settings();
    settings.pace.patience = Duration::from_millis(50);
    let office = Office::with(data.path(), settings, &pod).await;
    let olive = office.login("olive").await;
    pod.simulator.fail(Fault::NeverEnds, Some(1));
    let id = olive.submit().await;
    for _ in 0..2 {
        let transfer = olive.ended(id).await;
        let error = transfer["error"].as_str().unwrap();
        assert!(error.ends_with("a retry goes on waiting for it"), "{error}");
        assert_eq!(pod.simulator.count(Deed::Load), 1);
        assert_eq!(olive.post(&format!("/api/transfers/{id}/retry"), &json!({})).await.0, 200);
    }
    olive.ended(id).await;
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_was_asked_for_and_not_crossed_off_is_not_made_twice() {
    let (pod, data) = (Pod::start().await, tempfile::tempdir().unwrap());
    let office = Office::open(data.path(), &pod).await;
    let olive = office.login("olive").await;
    let id = olive.submit().await;
    let before = olive.ended(id).await;
    // As if the process had died between Oyez's commit and its own.
    let mut tx = office.app.database.write().await.unwrap();
    outbox::insert(&mut tx, TransferId(id)).await.unwrap();
    tx.commit().await.unwrap();
    office.app.desk.wake();
    let mut patience = 600;
    while !outbox::next(office.app.database.pool(), 1).await.unwrap().is_empty() {
        patience -= 1;
        assert!(patience > 0, "the relay crosses off what it asked for");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let after = olive.ended(id).await;
    assert_eq!((&after["job"], &after["state"]), (&before["job"], &json!("completed")));
    assert_eq!(pod.simulator.count(Deed::Upload), 1);
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_gives_an_upload_back_and_the_next_start_goes_on_with_it() {
    let slow = Options { run_time: Duration::from_secs(3), answer_time: Duration::ZERO, file: None };
    let (pod, data) = (Pod::with(slow).await, tempfile::tempdir().unwrap());
    let office = Office::open(data.path(), &pod).await;
    let olive = office.login("olive").await;
    let mut live = olive.live().await;
    let id = olive.submit().await;
    while live.frame().await["step_number"] != 3 {}
    drop(live);
    office.close().await;

    let office = Office::open(data.path(), &pod).await;
    let olive = olive.at(&office.base);
    assert_eq!(olive.ended(id).await["state"], "completed");
    for deed in Deed::ALL {
        assert_eq!(pod.simulator.count(deed), 1, "{deed:?}");
    }
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (pod, above) = (Pod::start().await, tempfile::tempdir().unwrap());
    let data = above.path().join("made");
    let office = Office::open(&data, &pod).await;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    let mut databases = 0;
    for entry in std::fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && path.to_string_lossy().contains("transfers.db") {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
            databases += 1;
        }
    }
    assert!(databases >= 1, "the database, and what SQLite keeps beside it");
    office.close().await;
}
