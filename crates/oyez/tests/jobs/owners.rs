//! What the owner of a job sees of it, and those who watch.

use std::{sync::Arc, time::Duration};

use oyez::JobError;
use oyez_core::job::JobState;
use oyez_protocol::{
    NotificationId,
    api::{
        jobs::JobEnd,
        workers::{Complete, Fail, ProgressReport},
    },
};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::world::{World, at_once, user, wanted};

fn types(frames: &[Value]) -> Vec<&str> {
    frames.iter().map(|frame| frame["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_owner_sees_each_step_and_the_end_lands_in_the_inbox() {
    let mut world = World::new().await;
    let hand = world.hand.clone();
    let running = world.runs(move |context, _| {
        let hand = hand.clone();
        async move {
            for (number, name) in [(1, "Preparing Data"), (2, "Upload to UCM")] {
                hand.advance(1);
                context.step(name, number, 2).await?;
                hand.advance(1);
                context.checkpoint(name, async { Ok(()) }).await?;
            }
            hand.advance(1);
            Ok(json!({"result_path": "/files/602", "transaction_id": 9}))
        }
    });
    let id = world
        .enqueue(|request| {
            request.user = Some(user("anna"));
            request.data = json!({"transaction_id": 602}).as_object().cloned();
        })
        .await;
    world.reaches(id, JobState::Completed).await;
    running.stop().await;
    let frames = world.heard();
    // The end as an item, and the same without a place for those who watch.
    let expected = ["work_started", "work_progress", "work_progress", "work_progress", "work_progress"];
    assert_eq!(types(&frames), [&expected[..], &["work_completed", "work_completed"]].concat());
    assert!(frames.iter().all(|frame| frame["transaction_id"] == 602 && frame["job_id"] == id.to_string()));
    let bars: Vec<_> = frames[1..5]
        .iter()
        .map(|frame| (&frame["step"], &frame["status"], frame["percent"].as_f64()))
        .collect();
    assert_eq!(bars[0], (&json!("Preparing Data"), &json!("processing"), Some(0.0)));
    assert_eq!(bars[1], (&json!("Preparing Data"), &json!("completed"), Some(50.0)));
    assert_eq!(bars[3], (&json!("Upload to UCM"), &json!("completed"), Some(100.0)));
    let item = frames.iter().find(|frame| frame["seq"] == 1).unwrap();
    assert_eq!((&item["success"], &item["result_path"]), (&json!(true), &json!("/files/602")));
    let id: NotificationId = item["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(world.publisher.status(id).await.unwrap().recipients, 1);
}

#[tokio::test]
async fn an_end_that_is_not_chosen_is_told_live_only() {
    let mut world = World::new().await;
    let running = world.runs(|_, _| async { Ok(()) });
    let id = world
        .enqueue(|request| (request.user, request.notify) = (Some(user("anna")), Some(vec![JobEnd::Failed])))
        .await;
    world.reaches(id, JobState::Completed).await;
    running.stop().await;
    let frames = world.heard();
    assert_eq!(types(&frames), ["work_started", "work_completed"]);
    assert!(frames.iter().all(|frame| frame.get("seq").is_none()));
}

#[tokio::test]
async fn an_attempt_that_failed_is_told_and_the_next_one_does_not_start_anew() {
    let mut world = World::new().await;
    let running = world.runs(|context, _| async move {
        if context.attempt() == 1 { Err(JobError::fail("the line was cut.")) } else { Ok(()) }
    });
    let id = world
        .enqueue(|request| (request.user, request.backoff) = (Some(user("anna")), Some(at_once())))
        .await;
    world.reaches(id, JobState::Completed).await;
    running.stop().await;
    let frames = world.heard();
    assert_eq!(types(&frames), ["work_started", "work_progress", "work_completed", "work_completed"]);
    assert_eq!(frames[1]["status"], "failed");
    assert_eq!(frames[1]["message"], "the line was cut; it will be tried again");
}

#[tokio::test]
async fn progress_is_coalesced_and_the_last_word_always_goes_out() {
    let mut world = World::new().await;
    let (reported, go_on) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let signals = (Arc::clone(&reported), Arc::clone(&go_on));
    let running = world.runs(move |context, _| {
        let (reported, go_on) = (Arc::clone(&signals.0), Arc::clone(&signals.1));
        async move {
            for percent in 0..1_000 {
                context.progress(f64::from(percent) / 20.0, "").await?;
            }
            context.progress(10.0, "back?").await?;
            reported.add_permits(1);
            go_on.acquire().await.unwrap().forget();
            Ok(())
        }
    });
    let id = world.enqueue(|request| request.user = Some(user("anna"))).await;
    reported.acquire().await.unwrap().forget();
    let frames = world.heard();
    assert_eq!(types(&frames), ["work_started", "work_progress"], "the clock stands still");
    assert_eq!(world.job(id).await.progress.unwrap().percent, Some(50.0), "whoever asks sees the latest");
    world.hand.advance(1);
    let last = world.hears().await;
    assert_eq!((last["percent"].as_f64(), &last["message"]), (Some(50.0), &json!("back?")), "never back");
    go_on.add_permits(1);
    world.reaches(id, JobState::Completed).await;
    running.stop().await;
    assert_eq!(types(&world.heard()), ["work_completed", "work_completed"]);
}

#[tokio::test]
async fn who_watches_a_job_sees_where_it_is_and_its_end() {
    let world = World::new().await;
    let id = world.enqueue(|request| request.user = Some(user("anna"))).await;
    let mut watch = world.jobs.watch(id).await.unwrap();
    let next = async |watch: &mut oyez::jobs::Watch| -> Option<Value> {
        let frame = tokio::time::timeout(crate::world::PATIENCE, watch.next()).await.unwrap().unwrap();
        frame.map(|frame| serde_json::from_str(&frame).unwrap())
    };
    assert_eq!(next(&mut watch).await.unwrap()["message"], "Work waiting");
    let running = world.runs(|_, _| async { Err::<(), _>(JobError::discard("no")) });
    let mut last = Value::Null;
    while let Some(frame) = next(&mut watch).await {
        last = frame;
    }
    assert_eq!((&last["type"], &last["error"]), (&json!("work_failed"), &json!("no")));
    running.stop().await;
    let mut late = world.jobs.watch(id).await.unwrap();
    assert_eq!(next(&mut late).await.unwrap()["type"], "work_failed");
    assert_eq!(next(&mut late).await, None);
}

#[tokio::test]
async fn a_job_and_a_notification_are_made_together_or_not_at_all() {
    let mut world = World::new().await;
    let mut request = crate::world::work(1);
    request.idempotency_key = Some("transfer-602".into());
    let said =
        |to: &str| serde_json::from_value(json!({"to": to, "type": "transfer", "message": "m"})).unwrap();
    let made = world.jobs.enqueue_and_publish(&request, &said("user:anna"), "test").await.unwrap();
    assert!(made.0.created && made.1.unwrap().recipients == 1);
    let again = world.jobs.enqueue_and_publish(&request, &said("user:anna"), "test").await.unwrap();
    assert_eq!((again.0.id, again.0.created, again.1), (made.0.id, false, None));
    request.idempotency_key = None;
    let refused = world.jobs.enqueue_and_publish(&request, &said("everyone"), "test").await.unwrap_err();
    assert!(refused.to_string().starts_with("\"to\" must name users"), "{refused}");
    assert_eq!(world.count(JobState::Available).await, 1);
    assert_eq!(types(&world.heard()), ["transfer"]);
}

#[tokio::test]
async fn a_cancelled_job_whose_owner_wants_to_know_lands_in_the_inbox() {
    let mut world = World::new().await;
    let id = world
        .enqueue(|request| {
            (request.user, request.notify) = (Some(user("anna")), Some(vec![JobEnd::Cancelled]));
        })
        .await;
    world.jobs.cancel(id).await.unwrap();
    let frames = world.heard();
    assert_eq!(types(&frames), ["work_cancelled", "work_cancelled"]);
    assert_eq!(frames[0]["seq"], 1);
}

#[tokio::test]
async fn the_last_report_is_kept_with_the_end_and_no_frame_goes_back_behind_it() {
    let mut world = World::new().await;
    let id = world
        .enqueue(|request| (request.user, request.backoff) = (Some(user("anna")), Some(at_once())))
        .await;
    let report = |attempt, percent| ProgressReport { attempt, percent: Some(percent), ..Default::default() };
    world.jobs.claim(&wanted("w"), Duration::ZERO).await.unwrap();
    world.jobs.progress(id, &report(1, 10.0)).await.unwrap();
    world.hand.set("2026-11-20T13:00:00.500Z".parse().unwrap());
    // Sent, but too early to be written.
    world.jobs.progress(id, &report(1, 60.0)).await.unwrap();
    let failed = Fail {
        attempt: 1,
        error: "the line was cut".into(),
        retry_after: None,
        discard: false,
        cancel: false,
    };
    world.jobs.fail(id, &failed).await.unwrap();
    let percents: Vec<_> = world.heard().iter().map(|frame| frame["percent"].clone()).collect();
    assert_eq!(percents, [json!(null), json!(10), json!(60), json!(60)]);

    world.jobs.claim(&wanted("w"), Duration::ZERO).await.unwrap();
    assert_eq!(world.job(id).await.progress, None, "the bar of the first attempt is not the second one's");
    world.jobs.progress(id, &report(2, 5.0)).await.unwrap();
    world.jobs.progress(id, &report(2, 99.0)).await.unwrap();
    world.jobs.complete(id, &Complete { attempt: 2, result: None }).await.unwrap();
    assert_eq!(world.job(id).await.progress.unwrap().percent, Some(99.0));
}
