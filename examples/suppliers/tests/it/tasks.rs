//! The scheduled tasks: shown with their last and next run, run out of turn, held and let go.

use serde_json::{Value, json};

use crate::{live::Live, office::Office};

fn task<'a>(list: &'a Value, name: &str) -> &'a Value {
    list["data"].as_array().unwrap().iter().find(|task| task["name"] == name).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_are_shown_run_and_held() {
    let data = tempfile::tempdir().unwrap();
    let (office, [ada, rita]) = Office::staffed(data.path()).await;
    let (_, list) = office.get(&rita, "/api/tasks").await;
    let named: Vec<_> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| (task["name"].as_str().unwrap(), task["cron"].as_str().unwrap()))
        .collect();
    assert_eq!(
        named,
        [
            ("suppliers.notifications", "* * * * *"),
            ("oyez.boards", "*/5 * * * *"),
            ("suppliers.cleanup", "0 3 * * *")
        ]
    );
    for task in list["data"].as_array().unwrap() {
        assert!(task["next"].is_string(), "{task}");
    }

    let query = format!("token={}", rita.token);
    let mut live = Live::open(&office.base, "notifications", &query, &[]).await;
    for (name, kind) in [
        ("suppliers.notifications", "pending_notifications"),
        ("suppliers.cleanup", "daily_cleanup"),
        ("oyez.boards", "supplier_statistics"),
    ] {
        assert_eq!(office.post(&ada, &format!("/api/tasks/{name}/run"), json!(null)).await.0, 200);
        live.until(|frame| frame["type"] == "task_ran" && frame["task"] == kind).await;
    }
    let last = loop {
        let (_, list) = office.get(&rita, "/api/tasks").await;
        let last = task(&list, "suppliers.cleanup")["last"].clone();
        if last["state"] == "completed" {
            break last;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(last["result"], "nothing to remove", "{last}");

    let (status, list) = office.post(&ada, "/api/tasks/suppliers.cleanup/pause", json!(null)).await;
    assert_eq!(status, 200);
    let held = task(&list, "suppliers.cleanup");
    assert_eq!((&held["paused"], &held["next"]), (&json!(true), &json!(null)));
    drop(live);
    office.close().await;

    // Held, it stays held over a restart.
    let office = Office::open(data.path()).await;
    let (_, list) = office.get(&rita, "/api/tasks").await;
    assert_eq!(task(&list, "suppliers.cleanup")["paused"], true);
    let (_, list) = office.post(&ada, "/api/tasks/suppliers.cleanup/resume", json!(null)).await;
    assert!(task(&list, "suppliers.cleanup")["next"].is_string());
    assert_eq!(office.post(&ada, "/api/tasks/oyez.cleanup/run", json!(null)).await.0, 404);
    office.close().await;
}
