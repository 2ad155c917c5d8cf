//! Jobs behind HTTP: a worker of the Rust client on the generator's core, the server on its own.

use std::{
    io::Write as _,
    net::TcpStream,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use futures_util::StreamExt as _;
use hdrhistogram::Histogram;
use oyez_client::{Client, Context, Job, JobError, Worker, protocol::api::jobs::JobBatchResult};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use super::Run;
use crate::{
    clock,
    generator::{http_post, tally},
    machine,
    report::{Bar, Figure, short},
    server::{Server, token, user},
};

const JOBS: usize = 20_000;
const CONCURRENCY: usize = 100;
const TOGETHER: usize = 1_000;
/// Jobs asked for one by one, to see how soon they start, and the pause between them.
const SINGLE: (usize, Duration) = (1_000, Duration::from_millis(4));
/// Jobs that report at the same time, reports of each, and the pause between them: fewer than are merged.
const REPORTING: (usize, usize, Duration) = (30, 20, Duration::from_millis(150));
const IDLE: usize = 1_000;

#[derive(Serialize, Deserialize)]
struct Nothing {
    asked_at: u64,
}

impl Job for Nothing {
    const KIND: &'static str = "nothing";
}

#[derive(Serialize, Deserialize)]
struct Reporting {}

impl Job for Reporting {
    const KIND: &'static str = "reporting";
}

/// Microseconds that handlers or readers note down.
type Waits = Arc<Mutex<Histogram<u64>>>;

pub(super) fn measure(run: &mut Run) -> anyhow::Result<()> {
    let server = run.setup.start("jobs", "")?;
    // One thread: the generator's core.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let jobs = run.count(JOBS);
    runtime.block_on(async {
        let client = Client::new(&format!("http://{}", server.address), &server.key)?;
        no_ops(run, &client, jobs).await?;
        starts(run, &client).await?;
        reports(run, &client, &server).await
    })?;
    idle_workers(run, &server)
}

async fn no_ops(run: &mut Run, client: &Client, jobs: usize) -> anyhow::Result<()> {
    let request = oyez_client::request(&Nothing { asked_at: 0 })?;
    for first in (0..jobs).step_by(TOGETHER) {
        let accepted = client.enqueue_batch(vec![request.clone(); TOGETHER.min(jobs - first)]).await?;
        anyhow::ensure!(
            accepted.iter().all(|one| matches!(one, JobBatchResult::Accepted(_))),
            "jobs of a batch were refused"
        );
    }
    let (ran, all) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let (counted, last) = (Arc::clone(&ran), Arc::clone(&all));
    let started = Instant::now();
    let worker = Worker::new(client.clone(), "bench")
        .concurrency(CONCURRENCY)
        .prefetch(2 * CONCURRENCY)
        .handle(move |_: Context, _: Nothing| {
            if counted.fetch_add(1, Ordering::Relaxed) + 1 == jobs {
                last.notify_one();
            }
            async { Ok::<_, JobError>(()) }
        });
    // It ends when all that it took is reported.
    worker.run(async move { all.notified().await }).await?;
    let rate = jobs as f64 / started.elapsed().as_secs_f64();
    run.report.add(
        Figure::new("jobs claimed, run and completed through one HTTP worker", format!("{}/s", short(rate)))
            .judged(rate, Bar::AtLeast(3_000.0, 10_000.0), "/s"),
    );
    Ok(())
}

async fn starts(run: &mut Run, client: &Client) -> anyhow::Result<()> {
    let waits: Waits = Arc::new(Mutex::new(tally::latencies()));
    let (noted, done) = (Arc::clone(&waits), Arc::new(Notify::new()));
    let over = Arc::clone(&done);
    let worker = Worker::new(client.clone(), "bench").concurrency(CONCURRENCY).handle(
        move |_: Context, job: Nothing| {
            note(&noted, clock::now().saturating_sub(job.asked_at));
            async { Ok::<_, JobError>(()) }
        },
    );
    let asking = async {
        // The worker asks for work first.
        tokio::time::sleep(Duration::from_millis(200)).await;
        for _ in 0..SINGLE.0 {
            client.enqueue(&oyez_client::request(&Nothing { asked_at: clock::now() })?).await?;
            tokio::time::sleep(SINGLE.1).await;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        done.notify_one();
        anyhow::Ok(())
    };
    let (ended, asked) = tokio::join!(worker.run(async move { over.notified().await }), asking);
    ended?;
    asked?;
    let (count, p50, p95) = read(&waits);
    anyhow::ensure!(count == SINGLE.0 as u64, "{count} of {} jobs ran", SINGLE.0);
    run.report.add(
        Figure::new(
            "from the call that asks for a job to its handler, through a long poll",
            format!("p50 {} ms, p95 {} ms", short(p50), short(p95)),
        )
        .judged(p95, Bar::AtMost(5.0, 2.0), " ms"),
    );
    Ok(())
}

async fn reports(run: &mut Run, client: &Client, server: &Server) -> anyhow::Result<()> {
    let mut handshake = format!("ws://{}/ws/notifications/", server.address).into_client_request()?;
    handshake.headers_mut().insert("authorization", format!("Bearer {}", token(0)).parse()?);
    let (mut socket, _) = tokio_tungstenite::connect_async(handshake).await?;
    let (jobs, count, pause) = REPORTING;
    let worker = Worker::new(client.clone(), "bench").concurrency(jobs).handle(
        move |context: Context, _: Reporting| async move {
            for number in 1..=count {
                tokio::time::sleep(pause).await;
                let percent = 100.0 * number as f64 / count as f64;
                context.progress(percent, format!("{}", clock::now())).await?;
            }
            Ok::<_, JobError>(())
        },
    );
    for _ in 0..jobs {
        let mut request = oyez_client::request(&Reporting {})?;
        request.user = Some(user(0).parse().ok().context("a user's id")?);
        client.enqueue(&request).await?;
    }
    let waits: Waits = Arc::new(Mutex::new(tally::latencies()));
    let over = Arc::new(Notify::new());
    let stop = Arc::clone(&over);
    let reading = async {
        let mut completed = 0;
        while completed < jobs {
            let Some(message) = tokio::time::timeout(Duration::from_secs(30), socket.next()).await? else {
                bail!("the stream ended");
            };
            let message = message?;
            let now = clock::now();
            let frame: serde_json::Value = serde_json::from_str(message.to_text()?).unwrap_or_default();
            match frame["type"].as_str() {
                Some("reporting_completed") => completed += 1,
                Some("reporting_progress") => {
                    let sent: Option<u64> = frame["message"].as_str().and_then(|text| text.parse().ok());
                    if let Some(sent) = sent {
                        note(&waits, now.saturating_sub(sent));
                    }
                }
                _ => {}
            }
        }
        stop.notify_one();
        Ok(())
    };
    let (ended, done) = tokio::join!(worker.run(async move { over.notified().await }), reading);
    ended?;
    done?;
    let (seen, p50, p95) = read(&waits);
    run.report.add(
        Figure::new(
            format!("from a worker's report to the owner's socket, {} reports seen", short(seen as f64)),
            format!("p50 {} ms, p95 {} ms", short(p50), short(p95)),
        )
        .judged(p95, Bar::AtMost(20.0, 5.0), " ms"),
    );
    Ok(())
}

/// Workers that wait for work: connections with a long poll each.
fn idle_workers(run: &mut Run, server: &Server) -> anyhow::Result<()> {
    let resident = machine::resident_bytes(server.pid())?;
    let mut workers = Vec::with_capacity(IDLE);
    for number in 0..IDLE {
        let mut worker = TcpStream::connect(server.address)?;
        let body = format!(r#"{{"worker":"idle-{number}","kinds":["nothing"],"max":1,"wait":30}}"#);
        worker.write_all(&http_post("/api/v1/workers/claim", &server.key, &body))?;
        workers.push(worker);
    }
    std::thread::sleep(Duration::from_secs(2));
    let each = (machine::resident_bytes(server.pid())?.saturating_sub(resident)) as f64 / IDLE as f64;
    let (before, began) = (machine::cpu_seconds(server.pid())?, Instant::now());
    std::thread::sleep(Duration::from_secs(10));
    let busy = (machine::cpu_seconds(server.pid())? - before) / began.elapsed().as_secs_f64();
    run.report.add(Figure::new(
        format!("{} workers that wait for work", short(IDLE as f64)),
        format!("{} KiB each, together {} % of a core", short(each / 1024.0), short(busy * 100.0)),
    ));
    Ok(())
}

fn note(waits: &Mutex<Histogram<u64>>, nanos: u64) {
    waits.lock().unwrap_or_else(PoisonError::into_inner).saturating_record(nanos / 1_000);
}

/// How many, and the median and 95th percentile in milliseconds.
fn read(waits: &Mutex<Histogram<u64>>) -> (u64, f64, f64) {
    let waits = waits.lock().unwrap_or_else(PoisonError::into_inner);
    let ms = |share: f64| waits.value_at_quantile(share) as f64 / 1_000.0;
    (waits.len(), ms(0.5), ms(0.95))
}
