//! A bare group commit on SQLite through sqlx: one writer takes all rows that wait, writes them with one
//! multi-row statement, commits durably, and answers everybody. No HTTP, no checks, no inboxes.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use tokio::sync::{mpsc, oneshot};

/// Rows in one commit at most.
const MOST_ROWS: usize = 512;
/// The size of an ordinary notification's row.
const BODY: usize = 300;

/// What one caller waits for: so many rows on disk.
struct Job {
    rows: usize,
    done: oneshot::Sender<()>,
}

/// Commits of a window.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Commits {
    pub(crate) rows_per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

/// Runs `callers` who each wait for their rows to be on disk before they bring the next; prints JSON.
#[expect(clippy::print_stdout, reason = "whoever started this reads the figures")]
pub(crate) fn run(callers: usize, rows: usize, seconds: f64, folder: &Path) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let commits = runtime.block_on(measure(callers, rows, Duration::from_secs_f64(seconds), folder))?;
    println!("{}", serde_json::to_string(&commits)?);
    Ok(())
}

async fn measure(callers: usize, rows: usize, length: Duration, folder: &Path) -> anyhow::Result<Commits> {
    let mut connection = open(folder).await?;
    let (jobs, mut queue) = mpsc::channel::<Job>(1024);
    let writer = tokio::spawn(async move {
        let mut batch = Vec::new();
        let mut next = 0;
        while queue.recv_many(&mut batch, MOST_ROWS).await > 0 {
            let total = batch.iter().map(|job| job.rows).sum();
            next = insert(&mut connection, next, total).await?;
            for job in batch.drain(..) {
                // A caller whose time is up no longer listens.
                let _ = job.done.send(());
            }
        }
        connection.close().await?;
        anyhow::Ok(())
    });
    let started = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..callers {
        let jobs = jobs.clone();
        tasks.push(tokio::spawn(async move {
            let mut micros = Vec::new();
            while started.elapsed() < length {
                let asked = Instant::now();
                let (done, answer) = oneshot::channel();
                jobs.send(Job { rows, done }).await.context("the writer lives")?;
                answer.await.context("the writer answers")?;
                micros.push(asked.elapsed().as_micros() as u64);
            }
            anyhow::Ok(micros)
        }));
    }
    drop(jobs);
    let mut micros = Vec::new();
    for task in tasks {
        micros.extend(task.await??);
    }
    let elapsed = started.elapsed().as_secs_f64();
    writer.await??;
    micros.sort_unstable();
    let at = |share: f64| micros[((micros.len() - 1) as f64 * share) as usize] as f64 / 1_000.0;
    Ok(Commits { rows_per_second: (micros.len() * rows) as f64 / elapsed, p50_ms: at(0.5), p99_ms: at(0.99) })
}

async fn open(folder: &Path) -> anyhow::Result<SqliteConnection> {
    let mut connection = SqliteConnectOptions::new()
        .filename(folder.join("bare.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .disable_statement_logging()
        .connect()
        .await?;
    for statement in [
        "CREATE TABLE row (id BLOB PRIMARY KEY, user TEXT NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL, \
         body TEXT NOT NULL, created_at INTEGER NOT NULL) WITHOUT ROWID",
        "CREATE UNIQUE INDEX row_user ON row (user, seq)",
    ] {
        sqlx::raw_sql(statement).execute(&mut connection).await?;
    }
    Ok(connection)
}

async fn insert(connection: &mut SqliteConnection, first: u64, rows: usize) -> anyhow::Result<u64> {
    let body = "x".repeat(BODY);
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let mut left = rows;
    let mut next = first;
    while left > 0 {
        let now = left.min(MOST_ROWS);
        let values = vec!["(?, ?, ?, ?, ?, ?)"; now].join(", ");
        let statement = format!("INSERT INTO row (id, user, seq, kind, body, created_at) VALUES {values}");
        let mut query = sqlx::query(AssertSqlSafe(statement));
        for _ in 0..now {
            // Time-ordered and unique, as a UUID version 7 is.
            let id = [next.to_be_bytes(), next.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()].concat();
            query = query
                .bind(id)
                .bind(format!("user-{}", next % 10_000))
                .bind((next / 10_000) as i64)
                .bind("bench")
                .bind(body.clone())
                .bind(next as i64);
            next += 1;
        }
        query.execute(&mut *transaction).await?;
        left -= now;
    }
    transaction.commit().await?;
    Ok(next)
}
