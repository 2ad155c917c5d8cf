//! The process is killed, `kill -9`, at every moment that matters, and Oracle's record is counted.
//!
//! The simulator runs in the test, so it survives. It holds a call at a chosen moment; the application dies there.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use budget_transfer::simulator::{Deed, Fault, Moment, Options, PASSWORD, USER};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::{live::Live, office::Api, pod::Pod};

/// The application as a process of its own.
struct Process {
    child: Child,
    base: String,
}

impl Process {
    async fn start(data: &Path, pod: &Pod) -> Self {
        Self::logging(data, pod, Stdio::inherit(), "warn").await
    }

    async fn logging(data: &Path, pod: &Pod, log: Stdio, level: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_budget-transfer"))
            .env("RUST_LOG", level)
            .stderr(log)
            .args(["--listen", "127.0.0.1:0", "--oracle", &pod.base])
            .args(["--first-poll-ms", "10", "--longest-poll-ms", "50", "--settle-ms", "1000"])
            .arg("--data")
            .arg(data)
            .env("BUDGET_ORACLE_USER", USER)
            .env("BUDGET_ORACLE_PASSWORD", PASSWORD)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let first_line = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            let mut stdout = BufReader::new(stdout);
            stdout.read_line(&mut line).unwrap();
            // The pipe stays open: a process that cannot say its lines would die of it.
            std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
            line
        });
        let line = first_line.await.unwrap();
        let base = line.trim().rsplit(' ').next().unwrap().to_owned();
        assert!(base.starts_with("http://"), "{line}");
        Self { child, base }
    }

    /// `kill -9`.
    fn kill(self) {}
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn assert_each_once(pod: &Pod, when: &str) {
    for deed in Deed::ALL {
        assert_eq!(
            pod.simulator.count(deed),
            1,
            "{deed:?} after a crash {when}: {:#?}",
            pod.simulator.calls()
        );
    }
    let journals = pod.simulator.journals();
    assert_eq!(journals.len(), 1, "{when}");
    assert_eq!((journals[0].cents, journals[0].posted), (120_050, true), "{when}");
}

/// Dies while Oracle has the call: before it is done, or after it is done and before the answer.
async fn die_in(deed: Deed, moment: Moment) {
    let when = format!("{moment:?} {deed:?}");
    let (pod, data) = (Pod::start().await, tempfile::tempdir().unwrap());
    let process = Process::start(data.path(), &pod).await;
    let olive = Api::login(&process.base, "olive").await;
    pod.simulator.hold(deed, moment);
    let id = olive.submit().await;
    pod.simulator.is_holding().await;
    process.kill();

    let seen = pod.simulator.calls().len();
    let process = Process::start(data.path(), &pod).await;
    let olive = olive.at(&process.base);
    // The new process looks for the call while Oracle is still at it.
    while pod.simulator.calls().len() == seen {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    pod.simulator.let_go();
    assert_eq!(olive.ended(id).await["state"], "completed", "{when}");
    assert_each_once(&pod, &when);
    process.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_while_oracle_has_a_call_does_nothing_twice() {
    for deed in Deed::ALL {
        for moment in [Moment::Before, Moment::After] {
            die_in(deed, moment).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_while_a_request_runs_goes_on_waiting_for_that_request() {
    let slow = Options { run_time: Duration::from_millis(1500), answer_time: Duration::ZERO, file: None };
    let (pod, data) = (Pod::with(slow).await, tempfile::tempdir().unwrap());
    let mut process = Process::start(data.path(), &pod).await;
    let olive = Api::login(&process.base, "olive").await;
    let mut live = olive.live().await;
    let id = olive.submit().await;
    let mut deaths = Vec::new();
    for step in 3..=5 {
        // A tab that was open all the time and one that was just opened are told alike: the frame of a step at work.
        loop {
            let frame = live.frame().await;
            if frame["step_number"] == step && frame["message"].as_str().unwrap().ends_with("is under way") {
                deaths.push(frame["attempt"].clone());
                break;
            }
        }
        process.kill();
        process = Process::start(data.path(), &pod).await;
        live = Live::open(&process.base, &format!("token={}", olive.token), &[]).await;
    }
    let olive = olive.at(&process.base);
    assert_eq!(olive.ended(id).await["state"], "completed");
    assert_eq!(deaths, [1, 2, 3], "each death is an attempt");
    assert_each_once(&pod, "while a request runs");
    process.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_right_after_a_submission_was_answered_loses_nothing_and_doubles_nothing() {
    let (pod, data) = (Pod::start().await, tempfile::tempdir().unwrap());
    let mut process = Process::start(data.path(), &pod).await;
    let olive = Api::login(&process.base, "olive").await;
    let draft = olive.draft().await;
    let mut count = 0;
    for round in 0..4 {
        let olive = olive.at(&process.base);
        for transfer in 0..3 {
            let key = format!("{round}-{transfer}");
            assert_eq!(olive.post_with_key("/api/transfers", &key, &draft).await.0, 202);
            count += 1;
        }
        process.kill();
        process = Process::start(data.path(), &pod).await;
    }
    let olive = olive.at(&process.base);
    for id in 1..=count {
        assert_eq!(olive.ended(id).await["state"], "completed");
    }
    let count = usize::try_from(count).unwrap();
    for deed in Deed::ALL {
        assert_eq!(pod.simulator.count(deed), count, "{deed:?}");
    }
    assert_eq!(pod.simulator.journals().len(), count);
    assert!(pod.simulator.journals().iter().all(|journal| journal.cents == 120_050 && journal.posted));
    process.kill();
}

/// How often the process dies at a moment nobody chose.
const DEATHS: u32 = 8;

#[tokio::test(flavor = "multi_thread")]
async fn crashes_at_any_moment_do_nothing_twice() {
    let seed: u64 = rand::random();
    let mut random = StdRng::seed_from_u64(seed);
    let quick =
        Options { run_time: Duration::from_millis(150), answer_time: Duration::from_millis(15), file: None };
    let (pod, data) = (Pod::with(quick).await, tempfile::tempdir().unwrap());
    let mut process = Process::start(data.path(), &pod).await;
    let olive = Api::login(&process.base, "olive").await;
    let draft = olive.draft().await;
    for death in 0..DEATHS {
        let olive = olive.at(&process.base);
        assert_eq!(olive.post_with_key("/api/transfers", &format!("{death}"), &draft).await.0, 202);
        tokio::time::sleep(Duration::from_millis(random.random_range(0..700))).await;
        process.kill();
        process = Process::start(data.path(), &pod).await;
    }
    let olive = olive.at(&process.base);
    for id in 1..=i64::from(DEATHS) {
        let transfer = olive.ended(id).await;
        assert_eq!(transfer["state"], "completed", "seed {seed}: {transfer:#}");
    }
    let count = |deed| pod.simulator.count(deed);
    let calls = || format!("seed {seed}: {:#?}", pod.simulator.calls());
    for deed in [Deed::Upload, Deed::Load, Deed::Import] {
        assert_eq!(count(deed), DEATHS as usize, "{deed:?}, {}", calls());
    }
    // One AutoPost may have posted the journals of two: the answer to the other's was lost, or it was never made.
    assert!((1..=DEATHS as usize).contains(&count(Deed::Post)), "{}", calls());
    let journals = pod.simulator.journals();
    assert_eq!(journals.len(), DEATHS as usize, "seed {seed}");
    assert!(journals.iter().all(|journal| journal.cents == 120_050 && journal.posted), "seed {seed}");
    process.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_log_shows_the_password_however_much_is_logged() {
    let (pod, data) = (Pod::start().await, tempfile::tempdir().unwrap());
    let path = data.path().join("log");
    let log = Stdio::from(std::fs::File::create(&path).unwrap());
    let process = Process::logging(data.path(), &pod, log, "trace").await;
    let olive = Api::login(&process.base, "olive").await;
    pod.simulator.fail(Fault::LoaderError, Some(1));
    pod.simulator.fail(Fault::SubmitAnswerLost, Some(1));
    let id = olive.submit().await;
    assert_eq!(olive.ended(id).await["state"], "failed");
    process.kill();
    let log = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
    assert!(log.contains("TRACE"), "it logs everything");
    let header = BASE64_STANDARD.encode(format!("{USER}:{PASSWORD}"));
    for secret in [PASSWORD, &header] {
        assert!(!log.contains(secret), "{secret}");
    }
}
