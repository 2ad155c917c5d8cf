//! Processes that are killed: the next one takes their jobs over, loses none and does not repeat what is done.
//!
//! `OYEZ_CRASH_ITERATIONS=1000` for a full run of many kills; `OYEZ_CRASH_SEED` repeats one.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use oyez::{Config, Job, JobError, Oyez};
use oyez_core::job::JobState;
use oyez_protocol::api::jobs::JobRequest;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
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
    config.lifecycle.drain_grace = Duration::ZERO;
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

/// Starts this very program as a process that dies.
fn start(test: &str, directory: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Kills it (SIGKILL) once it is in the step.
fn run_until_killed(directory: &Path) {
    let mut child = start("kill::the_process_that_is_killed", directory);
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

/// A little work in two steps, under load.
#[derive(Debug, Serialize, Deserialize)]
struct Load {
    number: u32,
}

impl Job for Load {
    const KIND: &'static str = "load";
}

/// Jobs that one process asks for at once, and how often.
const ASKED: (u32, u32) = (10, 20);

fn handle_load(oyez: &Oyez) {
    let handled = oyez.jobs().handle(|context, load: Load| async move {
        let half: u32 = context.checkpoint("half", async { Ok(load.number) }).await?;
        context.checkpoint("whole", async { Ok(half) }).await?;
        Ok::<_, JobError>(json!({"number": half}))
    });
    handled.unwrap();
}

/// The same for whoever asks again.
fn load(oyez: &Oyez, key: &str, number: u32) -> JobRequest {
    let mut request = oyez.jobs().request(&Load { number }).unwrap();
    request.max_attempts = Some(100);
    request.idempotency_key = Some(key.into());
    request
}

/// Not a test of its own: asks for jobs and works on them until it is killed.
#[tokio::test]
async fn the_process_that_is_killed_under_load() {
    let Some(directory) = std::env::var_os(CHILD) else { return };
    let oyez = open(Path::new(&directory)).await;
    handle_load(&oyez);
    // Numbers of processes are used again.
    let name = uuid::Uuid::new_v4().simple();
    for batch in 0..ASKED.1 {
        let numbers = batch * ASKED.0..(batch + 1) * ASKED.0;
        let requests: Vec<_> =
            numbers.map(|number| load(&oyez, &format!("{name}-{number}"), number)).collect();
        for (accepted, request) in oyez.jobs().enqueue_batch(&requests).await.unwrap().iter().zip(&requests) {
            assert!(accepted.as_ref().unwrap().created);
            let line = format!("\nasked {}\n", request.idempotency_key.as_ref().unwrap());
            std::io::Write::write_all(&mut std::io::stdout(), line.as_bytes()).unwrap();
        }
    }
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn of_the_jobs_of_many_killed_processes_none_is_lost_and_none_is_completed_twice() {
    let from_environment = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let iterations = from_environment("OYEZ_CRASH_ITERATIONS").unwrap_or(5);
    let seed = from_environment("OYEZ_CRASH_SEED").unwrap_or_else(rand::random);
    let mut random = StdRng::seed_from_u64(seed);
    let directory = tempfile::tempdir().unwrap();
    let mut asked = Vec::new();
    for _ in 0..iterations {
        let mut child = start("kill::the_process_that_is_killed_under_load", directory.path());
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut note = |line: String| asked.extend(line.strip_prefix("asked ").map(str::to_owned));
        // It is at work once it has been asked for something.
        said.by_ref().find(|line| line.starts_with("asked ")).map(&mut note).unwrap();
        let life = Duration::from_millis(random.random_range(0..120));
        std::thread::sleep(life);
        child.kill().unwrap();
        child.wait().unwrap();
        said.for_each(note);
    }

    let oyez = open(directory.path()).await;
    handle_load(&oyez);
    let jobs = oyez.jobs();
    for key in &asked {
        let number = key.rsplit('-').next().unwrap().parse().unwrap();
        let accepted = jobs.enqueue(load(&oyez, key, number)).await.unwrap();
        assert!(!accepted.created, "seed {seed}: {key} was accepted and is lost");
        let record = loop {
            let record = jobs.get(accepted.id).await.unwrap().unwrap();
            if record.state.is_final() {
                break record;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        assert_eq!(record.result.as_deref(), Some(&*format!(r#"{{"number":{number}}}"#)), "seed {seed}");
        let attempts = jobs.all().attempts(record.id).await.unwrap();
        let done = attempts.iter().filter(|attempt| attempt.outcome.as_deref() == Some("done")).count();
        assert_eq!((record.state, done), (JobState::Completed, 1), "seed {seed}: {attempts:?}");
    }
    oyez.shutdown().await;
}
