//! Every question about jobs has its index: none walks through jobs that ended, or that nobody asked for.

use sqlx::{AssertSqlSafe, Connection, Executor, Row, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::support::{Fixture, options};

macro_rules! statement {
    ($($name:literal),+) => {
        concat!($(include_str!(concat!("../../../sql/sqlite/", $name, ".sql"))),+)
    };
}

/// How SQLite would answer each statement of a text.
async fn plans(connection: &mut SqliteConnection, text: &str) -> Vec<String> {
    let mut plans = Vec::new();
    for statement in text.split_inclusive(';').filter(|one| !one.trim().is_empty()) {
        let explained = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
        let rows = connection.fetch_all(explained).await.unwrap();
        plans.extend(rows.iter().map(|row| row.get::<String, _>("detail")));
    }
    plans
}

#[tokio::test]
async fn each_statement_uses_the_index_made_for_it() {
    let fixture = Fixture::new().await;
    let path = options(&fixture.directory).path;
    let mut connection =
        SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(path)).await.unwrap();
    let by_id = "sqlite_autoindex_jobs_1";
    let expected: &[(&str, &str, &[&str])] = &[
        ("claimable", statement!("jobs/columns", "jobs/claimable"), &["jobs_fetch (queue=? AND kind=?)"]),
        ("due", statement!("jobs/due"), &["jobs_due (scheduled_at<?)"]),
        ("next_due", statement!("jobs/next_due"), &["jobs_due"]),
        ("next_lease", statement!("jobs/next_lease"), &["jobs_running"]),
        ("overdue", statement!("jobs/columns", "jobs/overdue"), &["jobs_running"]),
        ("running", statement!("jobs/running"), &[by_id]),
        ("of_attempts", statement!("jobs/columns", "jobs/of_attempts"), &[by_id]),
        ("conclude", statement!("jobs/conclude"), &["jobs USING INTEGER PRIMARY KEY"]),
        ("renew", statement!("jobs/renew"), &[by_id]),
        ("report", statement!("jobs/report"), &[by_id]),
        ("steps", statement!("steps/write"), &[by_id]),
        ("holders", statement!("jobs/holders"), &["jobs_unique (unique_held=?)"]),
        ("release_keys", statement!("jobs/release_keys"), &["jobs_unique (unique_held=?)"]),
        (
            "unfinished_of",
            statement!("jobs/columns", "jobs/unfinished_of"),
            &["jobs_user_unfinished (user=?)"],
        ),
        ("list_of_user", statement!("jobs/columns", "jobs/list_of_user"), &["jobs_user (user=?"]),
        ("list_failed", statement!("jobs/columns", "jobs/list_failed"), &["jobs_failed (state=?"]),
        ("retryable", statement!("jobs/columns", "jobs/retryable"), &["jobs_failed (state=?"]),
        ("retry", statement!("jobs/retry"), &["job_attempts USING PRIMARY KEY (job=? AND attempt=?)"]),
        ("attempts", statement!("jobs/attempts"), &[by_id, "PRIMARY KEY (job=?)"]),
        ("others", statement!("steps/others"), &["sqlite_autoindex_job_steps_1 (job=?"]),
        (
            "list_unfinished",
            statement!("jobs/columns", "jobs/list_unfinished"),
            &["jobs_fetch", "jobs_due", "jobs_running"],
        ),
        (
            "cancellable",
            statement!("jobs/columns", "jobs/cancellable"),
            &["jobs_fetch", "jobs_due", "jobs_running"],
        ),
        ("retain", statement!("jobs/retain"), &["jobs_final (finalized_at>? AND finalized_at<?)"]),
        ("erase", statement!("users/erase_jobs"), &["jobs_user (user=?)"]),
        ("standing", statement!("standing/read"), &["jobs_user_unfinished (user=?)"]),
        ("usage", statement!("queues/usage"), &["jobs_running (queue=? AND track=?)"]),
        ("depths", statement!("queues/depths"), &["jobs_fetch", "jobs_due", "jobs_running"]),
        (
            "schedules",
            statement!("schedules/columns", "schedules/due"),
            &["schedules_next", "jobs_schedule (schedule=?)"],
        ),
    ];
    for (name, text, indexes) in expected {
        let plan = plans(&mut connection, text).await;
        for index in *indexes {
            assert!(plan.iter().any(|line| line.contains(index)), "{name} leaves {index} out: {plan:#?}");
        }
        let walks =
            |line: &&String| line.starts_with("SCAN") && line.contains(" jobs") && !line.contains("INDEX");
        assert_eq!(plan.iter().find(walks), None, "{name} walks through all jobs: {plan:#?}");
    }
}
