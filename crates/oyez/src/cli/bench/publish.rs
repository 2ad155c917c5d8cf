//! Durable publishes per second: each caller waits for its answer before it publishes again.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Target, connection::Connection, percentiles};
use crate::cli::error::Failure;

pub(super) async fn run(target: &Target, callers: usize, length: Duration) -> Result<Value, Failure> {
    let begin = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for caller in 0..callers {
        let target = target.clone();
        tasks.spawn(async move {
            let mut connection = Connection::open(&target).await?;
            let body =
                json!({"to": format!("user:oyez-bench-{caller}"), "message": "A measure of this machine"});
            let body = body.to_string();
            let mut taken = Vec::new();
            while begin.elapsed() < length {
                let start = Instant::now();
                let (status, answer) = connection.post("/api/v1/notifications", &body).await?;
                if status != 202 {
                    return Err(std::io::Error::other(format!("a publish was answered {status}: {answer}")));
                }
                taken.push(start.elapsed());
            }
            Ok(taken)
        });
    }
    let mut all = Vec::new();
    while let Some(taken) = tasks.join_next().await {
        all.extend(taken.map_err(std::io::Error::other)??);
    }
    let per_second = (all.len() as f64 / begin.elapsed().as_secs_f64()).round();
    let (p50, p99) = percentiles(all);
    Ok(json!({"callers": callers, "per_second": per_second, "p50_ms": p50, "p99_ms": p99}))
}
