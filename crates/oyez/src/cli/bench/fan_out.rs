//! One event to many connections: how many deliveries per second, and how old they are when they arrive.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::{sync::mpsc, task::JoinSet};

use super::{
    Target,
    connection::{Connection, Frames},
    percentiles,
};
use crate::cli::error::Failure;

/// Connections of one user share a thread of the hub, so that several users are needed to use all of them.
const USERS: usize = 16;
/// Events per second: well below what any machine can do, so that latency means something.
const RATE: u32 = 20;
/// How long the last frames may take.
const TAIL: Duration = Duration::from_secs(2);

pub(super) async fn run(target: &Target, connections: usize, length: Duration) -> Result<Value, Failure> {
    let began = Instant::now();
    // A reader waits when this is full; the numbers are summed as they come, so it never is for long.
    let (report, mut reports) = mpsc::channel(1024);
    let mut readers = JoinSet::new();
    let mut sender = Connection::open(target).await?;
    let audience: Vec<String> = (0..USERS).map(|number| format!("user:{}", user(number))).collect();
    for number in 0..connections {
        let stream = open(target, &user(number), &mut sender).await?;
        readers.spawn(read(stream, began, report.clone()));
    }
    drop(report);
    let collecting = tokio::spawn(async move {
        let mut ages = Vec::new();
        while let Some(age) = reports.recv().await {
            ages.push(age);
        }
        ages
    });
    let started = Instant::now();
    let mut tick = tokio::time::interval(Duration::from_secs(1) / RATE);
    let mut sent = 0_u64;
    while started.elapsed() < length {
        tick.tick().await;
        let now = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let body = json!({"to": audience, "type": "bench", "data": {"sent_micros": now}});
        let (status, answer) = sender.post("/api/v1/events", &body.to_string()).await?;
        if status != 202 {
            return Err(Failure::new(format!("an event was answered {status}: {answer}")));
        }
        sent += 1;
    }
    let elapsed = started.elapsed();
    tokio::time::sleep(TAIL).await;
    readers.shutdown().await;
    let ages = collecting.await.map_err(std::io::Error::other)?;
    let delivered = ages.len() as u64;
    let (p50, p99) = percentiles(ages);
    Ok(json!({
        "connections": connections,
        "events": sent,
        "deliveries_per_second": (delivered as f64 / elapsed.as_secs_f64()).round(),
        "lost": (sent * connections as u64).saturating_sub(delivered),
        "p50_ms": p50,
        "p99_ms": p99,
    }))
}

fn user(number: usize) -> String {
    format!("oyez-bench-{}", number % USERS)
}

/// Opens a live connection with a ticket, and waits for its greeting.
async fn open(target: &Target, user: &str, asker: &mut Connection) -> Result<Frames, Failure> {
    let (status, answer) = asker.post(&format!("/api/v1/users/{user}/ticket"), "").await?;
    let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
    let Some(ticket) = answer["ticket"].as_str() else {
        return Err(Failure::new(format!("a ticket was answered {status}"))
            .hint("the key needs the scopes `publish` and `users`"));
    };
    let connection = Connection::open(target).await?;
    let mut frames =
        connection.upgrade(&format!("/ws/notifications/?ticket={ticket}"), &target.address).await?;
    frames.next().await?;
    Ok(frames)
}

async fn read(mut frames: Frames, began: Instant, report: mpsc::Sender<Duration>) {
    while let Ok(payload) = frames.next().await {
        let arrived = began.elapsed();
        let text = String::from_utf8_lossy(&payload);
        let Some((_, rest)) = text.split_once("\"sent_micros\":") else { continue };
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let Ok(sent) = digits.parse() else { continue };
        let age = arrived.saturating_sub(Duration::from_micros(sent));
        if report.send(age).await.is_err() {
            return;
        }
    }
}
