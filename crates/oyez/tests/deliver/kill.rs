//! `kill -9` under load: every delivery is sent, and twice only where its worker died with it in hand.
//!
//! `OYEZ_CRASH_ITERATIONS=50` for a longer run; `OYEZ_CRASH_SEED` repeats one.

#![expect(clippy::print_stdout, reason = "the process that is killed says how far it is")]

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use futures_util::future::BoxFuture;
use oyez::{
    Config, DeliveryFilter, Oyez, Parcel,
    deliver::{Medium, Sent},
};
use oyez_core::delivery::{self, DeliveryState};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::json;

use crate::world::{PATIENCE, profile};

/// Names the data directory to the process that will be killed.
const CHILD: &str = "OYEZ_TEST_KILLED_IN";
const USERS: usize = 60;
const PUBLISHES: usize = 400;

/// Writes a line for each message it sends: what a receiver would have.
struct LogBook(PathBuf);

impl Medium for LogBook {
    fn kind(&self) -> delivery::Medium {
        delivery::Medium::Email
    }

    fn concurrency(&self) -> usize {
        8
    }

    fn deadline(&self) -> Duration {
        Duration::from_millis(300)
    }

    fn send<'a>(&'a self, parcel: &'a Parcel) -> BoxFuture<'a, Sent> {
        Box::pin(async move {
            let line = format!("{} {}\n", parcel.message_key, parcel.attempt);
            let mut log = std::fs::OpenOptions::new().append(true).create(true).open(&self.0).unwrap();
            log.write_all(line.as_bytes()).unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
            Sent::accepted("250")
        })
    }
}

async fn open(directory: &Path) -> Oyez {
    let mut config = Config { data_dir: directory.to_owned(), ..Config::default() };
    config.lifecycle.drain_grace = Duration::ZERO;
    config.fallback.email.when = "at_once".into();
    config.fallback.email.retry_first = Duration::from_millis(20);
    config.fallback.email.max_attempts = 100;
    Oyez::open_with(config, vec![Arc::new(LogBook(directory.join("sent.log")))]).await.unwrap()
}

async fn publish(oyez: &Oyez, number: usize) {
    let to = format!("user:u{}", number % USERS);
    let request = json!({"to": to, "type": "note", "message": "m", "idempotency_key": format!("k{number}")});
    oyez.publish(serde_json::from_value(request).unwrap()).await.unwrap();
}

/// Not a test of its own: the process that is killed. It says each publish that was acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_process_that_is_killed() {
    let Some(directory) = std::env::var_os(CHILD) else { return };
    let oyez = open(Path::new(&directory)).await;
    println!("ready");
    for number in 0..PUBLISHES {
        publish(&oyez, number).await;
        println!("published {number}");
    }
    std::future::pending::<()>().await;
}

fn start(directory: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::the_process_that_is_killed", "--nocapture"])
        .env(CHILD, directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_under_load_loses_no_delivery_and_doubles_only_what_was_in_hand() {
    let iterations = from_environment("OYEZ_CRASH_ITERATIONS").unwrap_or(2);
    let seed = from_environment("OYEZ_CRASH_SEED").unwrap_or_else(rand::random);
    println!("OYEZ_CRASH_SEED={seed} ({iterations} iterations)");
    let mut random = StdRng::seed_from_u64(seed);
    for iteration in 0..iterations {
        let directory = tempfile::tempdir().unwrap();
        let oyez = open(directory.path()).await;
        for number in 0..USERS {
            oyez.users().put(profile(&format!("u{number}"))).await.unwrap();
        }
        oyez.shutdown().await;
        let mut child = start(directory.path());
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        // The kill comes with so many publishes acknowledged, at a moment nobody chose.
        let goal = random.random_range(1..PUBLISHES);
        assert!(said.any(|line| line.contains(&format!("published {goal}"))), "it came that far");
        child.kill().unwrap();
        child.wait().unwrap();
        let acknowledged = said.filter(|line| line.contains("published")).count() + goal + 1;

        let oyez = open(directory.path()).await;
        // What was not acknowledged is published again, under its key.
        for number in 0..PUBLISHES {
            publish(&oyez, number).await;
        }
        let deliveries = all_sent(&oyez).await;
        let context = format!("seed {seed}, iteration {iteration}, {acknowledged} acknowledged");
        assert_eq!(deliveries.len(), PUBLISHES, "{context}");
        let log = std::fs::read_to_string(directory.path().join("sent.log")).unwrap();
        let mut sent: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for line in log.lines() {
            let (key, attempt) = line.split_once(' ').unwrap();
            sent.entry(key).or_default().push(attempt.parse().unwrap());
        }
        let mut doubled = 0;
        for delivery in deliveries {
            let attempts = &sent[delivery.id.to_string().as_str()];
            let outcomes: Vec<_> = oyez.deliveries().attempts(delivery.id).await.unwrap();
            let lost = outcomes.iter().filter(|one| one.outcome.as_deref() == Some("lost")).count();
            assert!(attempts.len() <= 1 + lost, "{context}: {} was sent {attempts:?}", delivery.id);
            doubled += usize::from(attempts.len() > 1);
        }
        // Only what was in flight when it was killed.
        assert!(doubled <= 8 * 2, "{context}: {doubled} were sent twice");
        oyez.shutdown().await;
    }
}

async fn all_sent(oyez: &Oyez) -> Vec<oyez::protocol::api::deliveries::DeliveryView> {
    let wait = async {
        loop {
            let (mut all, mut before) = (Vec::new(), None);
            loop {
                let page = oyez.deliveries().list(&DeliveryFilter::default(), before, 200).await.unwrap();
                let Some(last) = page.last() else { break };
                before = Some(last.id);
                all.extend(page);
            }
            if all.len() == PUBLISHES && all.iter().all(|one| one.state == DeliveryState::Sent) {
                return all;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("all are sent")
}
