//! The schedules that come with Oyez, in a whole one.

use std::time::Duration;

use oyez::{BoardGuard, Config, Job, JobError, Oyez};
use oyez_core::job::JobState;
use oyez_protocol::{BoardName, JobId, ScheduleName};
use serde::{Deserialize, Serialize};

use crate::world::{PATIENCE, Work};

#[derive(Serialize, Deserialize)]
struct CountBoard {
    board: String,
}

impl Job for CountBoard {
    const KIND: &'static str = "count_board";
}

async fn open(directory: &std::path::Path) -> Oyez {
    let mut config = Config { data_dir: directory.to_owned(), ..Config::default() };
    config.jobs.keep = Duration::from_millis(1);
    config.lifecycle.drain_grace = Duration::ZERO;
    Oyez::open(config).await.unwrap()
}

/// Waits until a job has ended, or is gone.
async fn ended(oyez: &Oyez, id: JobId) -> Option<JobState> {
    let wait = async {
        loop {
            match oyez.jobs().get(id).await.unwrap().map(|record| record.state) {
                None => return None,
                Some(state) if state.is_final() => return Some(state),
                Some(_) => tokio::time::sleep(Duration::from_millis(2)).await,
            }
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap()
}

#[tokio::test]
async fn oyez_looks_after_itself_by_schedules_that_can_be_seen_run_and_paused() {
    let directory = tempfile::tempdir().unwrap();
    let oyez = open(directory.path()).await;
    let jobs = oyez.jobs().all();
    let schedules = jobs.schedules().await.unwrap();
    let rules: Vec<_> =
        schedules.iter().map(|one| (one.name.as_str(), one.cron.as_str(), one.built_in)).collect();
    let expected = [
        ("oyez.boards", "*/5 * * * *", true),
        ("oyez.cleanup", "0 3 * * *", true),
        ("oyez.pending_deliveries", "@every 60s", true),
    ];
    assert_eq!(rules, expected);

    oyez.jobs().handle(|_, _: Work| async { Ok(()) }).unwrap();
    let old = oyez.jobs().enqueue(oyez.jobs().request(&Work { number: 1 }).unwrap()).await.unwrap().id;
    assert_eq!(ended(&oyez, old).await, Some(JobState::Completed));
    let cleanup = ScheduleName::new("oyez.cleanup").unwrap();
    let run = jobs.run_schedule(&cleanup).await.unwrap();
    assert!(run.created);
    assert_ne!(ended(&oyez, run.id).await, Some(JobState::Discarded));
    let gone = async {
        while oyez.jobs().get(old).await.unwrap().is_some() {
            // It may have ended in the very millisecond in which the first cleaning looked.
            ended(&oyez, jobs.run_schedule(&cleanup).await.unwrap().id).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
    let pending = ScheduleName::new("oyez.pending_deliveries").unwrap();
    let run = jobs.run_schedule(&pending).await.unwrap();
    assert_ne!(ended(&oyez, run.id).await, Some(JobState::Discarded));

    jobs.pause_schedule(&pending, true).await.unwrap();
    assert!(jobs.delete_schedule(&pending).await.is_err(), "it came with Oyez");
    oyez.shutdown().await;
    let oyez = open(directory.path()).await;
    let kept = oyez.jobs().all().schedule(&pending).await.unwrap();
    assert!(kept.paused, "what an operator set stays");
    oyez.shutdown().await;
}

#[tokio::test]
async fn boards_are_brought_up_to_date_by_the_jobs_they_name() {
    let directory = tempfile::tempdir().unwrap();
    let oyez = open(directory.path()).await;
    let name = BoardName::new("suppliers").unwrap();
    let counting = oyez.clone();
    oyez.jobs()
        .handle(move |_, work: CountBoard| {
            let oyez = counting.clone();
            async move {
                let state = serde_json::json!({"counted": true});
                let board = BoardName::new(&work.board)?;
                oyez.boards().merge(&board, state.as_object().unwrap().clone()).await?;
                Ok::<_, JobError>(())
            }
        })
        .unwrap();
    oyez.boards().set(&BoardName::new("other").unwrap(), Default::default()).await.unwrap();
    let request = serde_json::from_str(r#"{"state":{},"refresh":{"kind":"count_board"}}"#).unwrap();
    oyez.boards().put(&name, request, BoardGuard::Absent).await.unwrap();
    let jobs = oyez.jobs().all();
    let run = jobs.run_schedule(&ScheduleName::new("oyez.boards").unwrap()).await.unwrap();
    assert_eq!(ended(&oyez, run.id).await, Some(JobState::Completed));
    let counted = async {
        while !oyez.boards().get(&name).await.unwrap().unwrap().state.contains_key("counted") {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, counted).await.unwrap();
    assert_eq!(oyez.boards().history(&name, None, 10).await.unwrap().len(), 2);
    oyez.shutdown().await;
}
