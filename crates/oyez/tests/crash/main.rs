//! `kill -9` under load: what was answered 2xx is there after the restart, in order, without gap or double.
//!
//! `OYEZ_CRASH_ITERATIONS=100` for the full run; `OYEZ_CRASH_SEED` repeats one.

#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    clippy::print_stderr,
    reason = "a test shows what it does and fails where it stands"
)]

#[path = "../cli/binary.rs"]
mod binary;
mod inboxes;
mod load;

use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use binary::Server;
use inboxes::Inboxes;
use load::{Acknowledged, Load};

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kill_9_in_order_and_once() {
    let iterations = from_environment("OYEZ_CRASH_ITERATIONS").unwrap_or(3);
    let seed = from_environment("OYEZ_CRASH_SEED").unwrap_or_else(rand::random);
    eprintln!("OYEZ_CRASH_SEED={seed} ({iterations} iterations)");
    let mut random = StdRng::seed_from_u64(seed);
    let data = tempfile::tempdir().unwrap();

    let mut server = Server::start(data.path(), &[]);
    let key = server.said("key");
    load::make_crowd(&server.url(), &key).await;
    let mut all = Acknowledged::default();
    let mut inboxes = Inboxes::default();

    for iteration in 0..iterations {
        let running = Load::start(&server.url(), &key, iteration);
        running.has_begun().await;
        let life = Duration::from_millis(random.random_range(0..700));
        tokio::time::sleep(life).await;
        server.child.kill().unwrap();
        server.child.wait().unwrap();
        let ended = running.stop().await;
        let count = ended.acknowledged.len();
        eprintln!("iteration {iteration}: killed after {life:?}, {count} publishes acknowledged");

        server = Server::start(data.path(), &[]);
        // What was in flight is sent again: it may have been written, it must not be written twice.
        let repeated = ended.repeat_unanswered(&server.url(), &key).await;
        all.extend(ended.acknowledged);
        all.extend(repeated);
        inboxes.catch_up(&server.url(), data.path()).await;
        inboxes.check(&all, &format!("seed {seed}, iteration {iteration}"));
    }
    assert!(server.terminate().success());
}
