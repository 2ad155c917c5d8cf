//! Digests in a process of its own on the server's core: planned by publishing, closed, and read for sending.

use std::{path::Path, sync::Arc, time::Instant};

use anyhow::Context as _;
use oyez::{
    Config,
    bus::Bus,
    protocol::{
        Audience, Timestamp, UserId,
        api::{deliveries::Medium, publish::NotificationRequest},
    },
    publish::Publisher,
};
use oyez_core::clock::Clock;
use oyez_store::{Store, StoreOptions, UserProfile};
use serde::{Deserialize, Serialize};

/// Notifications that each user's digest lists.
pub(crate) const ITEMS: usize = 10;
/// Users made known in one transaction.
const TOGETHER: usize = 500;
/// As the engine does it.
const DIGESTS_AT_ONCE: u32 = 200;
const PARCELS_AT_ONCE: u32 = 200;
const DAY_SECONDS: i64 = 86_400;

/// What came out.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Figures {
    /// Items and the deliveries planned with them, written per second.
    pub(crate) planned_per_second: f64,
    /// Until all digests were closed: their lists fixed, their messages queued.
    pub(crate) closed_seconds: f64,
    /// Until all messages were taken with what they list, on top of that.
    pub(crate) taken_seconds: f64,
}

/// Builds the digests of so many users; prints JSON.
#[expect(clippy::print_stdout, reason = "whoever started this reads the figures")]
pub(crate) fn run(users: usize, folder: &Path) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let figures = runtime.block_on(measure(users, folder))?;
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}

async fn measure(users: usize, folder: &Path) -> anyhow::Result<Figures> {
    let mut config = Config::default().fallback;
    config.email.when = "digest".into();
    let options = StoreOptions {
        fallback: Arc::new(config.policy(&[Medium::Email])?),
        ..StoreOptions::new(folder.join("digests.db"))
    };
    let (store, clock) = (Store::open(&options).await?, Clock::system());
    for first in (0..users).step_by(TOGETHER) {
        let profiles =
            (first..users.min(first + TOGETHER)).map(profile).collect::<anyhow::Result<Vec<_>>>()?;
        let now = clock.now();
        let known = store.write(move |tx| {
            Box::pin(async move {
                for profile in &profiles {
                    tx.put_user(profile, now).await?;
                }
                Ok(())
            })
        });
        known.await?;
    }
    let publisher = Publisher::new(store.clone(), Bus::local(), clock.clone());
    let started = Instant::now();
    for item in 0..ITEMS {
        let request = NotificationRequest::new(Audience::Everyone, format!("Item {item} of the digest"));
        let published = publisher.publish(&request, "bench").await?;
        anyhow::ensure!(published.recipients == users as u64, "not everybody got it");
    }
    let planned = started.elapsed().as_secs_f64();
    let started = Instant::now();
    // All of them are due by then.
    let then = clock.now().plus_seconds(DAY_SECONDS);
    let closed = close(&store, then).await?;
    anyhow::ensure!(closed == users as u64, "{closed} of {users} digests were closed");
    let closed_seconds = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let items = take(&store, then).await?;
    anyhow::ensure!(items == users * ITEMS, "{items} items are listed");
    let taken_seconds = started.elapsed().as_secs_f64();
    store.close().await;
    let planned_per_second = (users * ITEMS) as f64 / planned;
    Ok(Figures { planned_per_second, closed_seconds, taken_seconds })
}

fn profile(number: usize) -> anyhow::Result<UserProfile> {
    let id = UserId::new(&format!("bench-{number}")).context("a user's name")?;
    Ok(UserProfile { email: Some(format!("{id}@example.org")), ..UserProfile::new(id) })
}

async fn close(store: &Store, now: Timestamp) -> anyhow::Result<u64> {
    let mut count = 0;
    loop {
        let closing =
            store.write(move |tx| Box::pin(async move { tx.close_digests(DIGESTS_AT_ONCE, now).await }));
        let closed = closing.await?;
        count += closed.closed;
        if !closed.more {
            return Ok(count);
        }
    }
}

/// How many items the messages list.
async fn take(store: &Store, now: Timestamp) -> anyhow::Result<usize> {
    let mut items = 0;
    loop {
        let lease_until = now.plus_seconds(60);
        let taking = store.write(move |tx| {
            Box::pin(async move {
                tx.take_deliveries(Medium::Email, PARCELS_AT_ONCE, lease_until, now, 0.5).await
            })
        });
        let taken = taking.await?;
        for parcel in &taken.parcels {
            if let oyez_store::ParcelSubject::Digest { items: listed, .. } = &parcel.subject {
                items += listed.len();
            }
        }
        if !taken.more {
            return Ok(items);
        }
    }
}
