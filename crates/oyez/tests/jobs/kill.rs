//! A process that is killed in the middle of a step: the next one takes its job over and does not repeat what is done.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use oyez::{Config, Job, Oyez};
use oyez_core::job::JobState;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Names the data directory to the process that will be killed.
const CHILD: &str = "OYEZ_TEST_KILLED_IN";

/// Writes a line for each step it does.
#[derive(Debug, Serialize, Deserialize)]
struct Transfer {
    log: String,
    /// The step in which the process is killed.
    dies_in: u32,
}

impl Job for Transfer {
    const KIND: &'static str = "transfer";
}

const STEPS: [&str; 3] = ["prepare", "upload", "post"];

async fn open(directory: &Path) -> Oyez {
    let mut config = Config { data_dir: directory.to_owned(), ..Config::default() };
    config.lifecycle.drain_grace = std::time::Duration::ZERO;
    Oyez::open(config).await.unwrap()
}

fn handle(oyez: &Oyez, mortal: Mortal) {
    let handled = oyez.jobs().handle(move |context, transfer: Transfer| async move {
        for (number, name) in (1..).zip(STEPS) {
            context.step(name, number, 3).await?;
            context
                .checkpoint(name, async {
                    if mortal == Mortal::Yes && transfer.dies_in == number {
                        std::io::Write::write_all(&mut std::io::stdout(), b"in the step\n")?;
                        std::future::pending::<()>().await;
                    }
                    let mut log =
                        std::fs::OpenOptions::new().append(true).create(true).open(&transfer.log)?;
                    std::io::Write::write_all(&mut log, format!("{name}\n").as_bytes())?;
                    Ok(())
                })
                .await?;
        }
        Ok(json!({"posted": true}))
    });
    handled.unwrap();
}

/// Starts this very program as the process that dies, and kills it (SIGKILL) once it is in the step.
fn run_until_killed(directory: &Path) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::the_process_that_is_killed", "--nocapture"])
        .env(CHILD, directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stdout.take().unwrap());
    assert!(
        said.lines().map_while(Result::ok).any(|line| line.contains("in the step")),
        "it came to the step"
    );
    child.kill().unwrap();
    child.wait().unwrap();
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mortal {
    Yes,
    No,
}

/// Not a test of its own: the process that is killed.
#[tokio::test]
async fn the_process_that_is_killed() {
    let Some(directory) = std::env::var_os(CHILD) else { return };
    let oyez = open(Path::new(&directory)).await;
    handle(&oyez, Mortal::Yes);
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_job_whose_process_is_killed_mid_step_goes_on_in_the_next_and_repeats_no_finished_step() {
    for dies_in in 1..=3 {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        let oyez = open(directory.path()).await;
        let transfer = Transfer { log: log.to_str().unwrap().into(), dies_in };
        let id = oyez.jobs().enqueue(oyez.jobs().request(&transfer).unwrap()).await.unwrap().id;
        // Nobody here knows the kind: it waits for the process that dies.
        oyez.shutdown().await;
        run_until_killed(directory.path());

        let oyez = open(directory.path()).await;
        handle(&oyez, Mortal::No);
        let record = loop {
            let record = oyez.jobs().get(id).await.unwrap().unwrap();
            if record.state.is_final() {
                break record;
            }
            tokio::task::yield_now().await;
        };
        assert_eq!((record.state, record.attempt), (JobState::Completed, 2), "{record:?}");
        let attempts = oyez.jobs().all().attempts(id).await.unwrap();
        let outcomes: Vec<_> = attempts.iter().filter_map(|attempt| attempt.outcome.as_deref()).collect();
        assert_eq!(outcomes, ["lost", "done"], "the attempt counts");
        assert_eq!(std::fs::read_to_string(&log).unwrap().lines().collect::<Vec<_>>(), STEPS);
        oyez.shutdown().await;
    }
}
