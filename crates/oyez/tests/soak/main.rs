//! Churn: tabs come, go and come back, read and mark, while applications publish. After each round every tab has what
//! the store has, badge included, and in the end the server's memory is where it was when it was warm.
//!
//! `OYEZ_SOAK_MINUTES=60 cargo test --release -p oyez --test soak` for the long run; `OYEZ_SOAK_SEED` repeats one.

#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    clippy::print_stderr,
    reason = "a test shows what it does and fails where it stands"
)]

#[path = "../cli/binary.rs"]
mod binary;
mod office;
mod tab;

use std::time::{Duration, Instant};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tokio::task::JoinSet;

use binary::Server;
use office::Office;
use tab::Tab;

/// Users of the server; each has [`TABS`] tabs.
pub const USERS: usize = 12;
const TABS: usize = 3;
/// Publishers in each round, and what each publishes.
const PUBLISHERS: u64 = 4;
const PUBLISHES: usize = 25;
/// Rounds of a short run, and rounds after which the server is warm.
const SHORT: u64 = 24;
const WARM: u64 = 16;
/// Of each inbox only so many items are kept, so that a long run has as much to remember as a short one.
const KEPT: &str = "[inbox]\nmax_items = 300\n[log]\nlevel = \"error\"\n";
/// What a short run may add besides the tenth that is allowed: its server is hardly warm.
const SHORT_SLACK: u64 = 4 << 20;

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// Resident memory of a process, in bytes.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_all_the_churn_every_tab_has_what_the_store_has_and_memory_is_where_it_was() {
    let minutes = from_environment("OYEZ_SOAK_MINUTES");
    let seed = from_environment("OYEZ_SOAK_SEED").unwrap_or_else(rand::random);
    eprintln!("OYEZ_SOAK_SEED={seed}");
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("oyez.toml"), KEPT).unwrap();
    let mut server = Server::start(data.path(), &[]);
    let office = Office::open(&server, data.path()).await;
    let mut random = StdRng::seed_from_u64(seed);
    let mut tabs: Vec<Tab> = (0..USERS * TABS).map(|number| Tab::new(&office, number % USERS)).collect();

    let started = Instant::now();
    let lasts = |round: u64| match minutes {
        Some(minutes) => started.elapsed() < Duration::from_secs(minutes * 60),
        None => round < SHORT,
    };
    let is_warm = |round: u64| match minutes {
        Some(minutes) => started.elapsed() > Duration::from_secs(minutes * 6),
        None => round >= WARM,
    };
    let (mut warm, mut last, mut round) = (0, 0, 0);
    while lasts(round) {
        let mut publishers = JoinSet::new();
        for _ in 0..PUBLISHERS {
            let (office, seed) = (office.clone(), random.random());
            publishers.spawn(async move { office.publish_some(PUBLISHES, seed).await });
        }
        let mut churning = JoinSet::new();
        for mut tab in tabs.drain(..) {
            let seed = random.random();
            churning.spawn(async move {
                tab.churn(seed).await;
                tab
            });
        }
        publishers.join_all().await;
        tabs = churning.join_all().await;
        // Nothing is published and nothing marked any more: now all have to agree.
        for tab in &mut tabs {
            tab.catch_up().await;
        }
        last = resident(server.child.id());
        if !is_warm(round) {
            warm = warm.max(last);
        }
        round += 1;
    }
    let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    eprintln!(
        "{round} rounds, {} publishes; resident when warm {:.1} MiB, in the end {:.1} MiB",
        round * PUBLISHERS * PUBLISHES as u64,
        mebibytes(warm),
        mebibytes(last)
    );
    assert!(warm > 0, "the run is too short to say anything");
    let slack = if minutes.is_some() { 0 } else { SHORT_SLACK };
    assert!(last <= warm + warm / 10 + slack, "memory grew from {warm} to {last} bytes");
    drop(tabs);
    assert!(server.terminate().success());
}
