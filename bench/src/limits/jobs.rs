//! A bare job table on SQLite through sqlx: one connection takes a hundred jobs that wait, marks them as done, and
//! commits durably, until none is left. No handlers, no leases, no attempts written down.

use std::{path::Path, time::Instant};

use serde::{Deserialize, Serialize};
use sqlx::{
    ConnectOptions as _, Connection as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

/// Jobs taken and ended in one commit.
const TOGETHER: i64 = 100;

const TABLE: &str = "CREATE TABLE job (num INTEGER PRIMARY KEY, state INTEGER NOT NULL, kind TEXT NOT NULL, \
     args TEXT NOT NULL, attempt INTEGER NOT NULL, ended_at INTEGER)";
const INDEX: &str = "CREATE INDEX job_waiting ON job (num) WHERE state = 0";
const FILL: &str = "INSERT INTO job (state, kind, args, attempt) SELECT 0, 'nothing', '{\"at\":1234567890}', 0 \
     FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) SELECT i FROM n)";
const TAKE: &str = "UPDATE job SET state = 1, attempt = attempt + 1 \
     WHERE num IN (SELECT num FROM job WHERE state = 0 ORDER BY num LIMIT ?1) RETURNING num";
const END: &str = "UPDATE job SET state = 2, ended_at = 1 WHERE num IN (SELECT value FROM json_each(?1))";

/// What the loop did.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ended {
    pub(crate) jobs_per_second: f64,
}

/// Takes and ends so many jobs; prints JSON.
#[expect(clippy::print_stdout, reason = "whoever started this reads the figures")]
pub(crate) fn run(jobs: usize, folder: &Path) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(measure(jobs, folder))?;
    println!("{}", serde_json::to_string(&ended)?);
    Ok(())
}

async fn measure(jobs: usize, folder: &Path) -> anyhow::Result<Ended> {
    let mut connection = SqliteConnectOptions::new()
        .filename(folder.join("jobs.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .disable_statement_logging()
        .connect()
        .await?;
    for statement in [TABLE, INDEX] {
        sqlx::raw_sql(statement).execute(&mut connection).await?;
    }
    sqlx::query(FILL).bind(i64::try_from(jobs)?).execute(&mut connection).await?;
    let started = Instant::now();
    let mut ended = 0;
    loop {
        let taken = step(&mut connection).await?;
        if taken == 0 {
            break;
        }
        ended += taken;
    }
    let seconds = started.elapsed().as_secs_f64();
    connection.close().await?;
    Ok(Ended { jobs_per_second: ended as f64 / seconds })
}

async fn step(connection: &mut SqliteConnection) -> anyhow::Result<usize> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let taken: Vec<i64> = sqlx::query_scalar(TAKE).bind(TOGETHER).fetch_all(&mut *transaction).await?;
    sqlx::query(END).bind(serde_json::to_string(&taken)?).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(taken.len())
}
