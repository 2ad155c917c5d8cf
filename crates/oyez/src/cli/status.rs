//! `oyez status`: what an operator asks first: how much there is, which workers, which queues, what runs since when,
//! and what is stuck.

use http::Method;
use oyez_protocol::Timestamp;
use serde_json::{Value, json};

use super::{
    args::Global,
    client::Client,
    error::Failure,
    jobs::{array, plain, text},
    output::{Output, table},
    queues::{held, queues},
};

/// A job that has waited for so long while its queue is not held is stuck: too few serve it.
const LONG_WAIT_SECONDS: i64 = 300;
/// The same where no worker is known that would take it: one may just have gone to ask again.
const UNSERVED_SECONDS: i64 = 60;

pub(super) async fn run(global: &Global, output: &Output) -> Result<(), Failure> {
    let client = Client::connect(global).await?;
    let answer = ask(&client).await;
    let (running, address) = (client.is_live(), client.address().to_owned());
    client.close().await;
    let (stats, mut workers, waiting) = answer?;
    if !running {
        // This process answered, and ends with the answer.
        workers = json!([]);
    }
    let stuck = if running { stuck(&stats, &workers, &waiting) } else { asleep(&stats, &waiting) };
    let document = json!({
        "running": running, "url": running.then_some(&address), "stats": stats, "workers": workers, "queues": waiting,
        "stuck": stuck,
    });
    output.answer(&document, || {
        let mut lines = vec![format!("server       {}", if running { &address } else { "does not run" })];
        lines.extend(rows("", &stats));
        lines.extend(section("workers", &worker_rows(&workers)));
        lines.extend(section("running", &running_rows(&workers)));
        if array(&waiting).next().is_some() {
            lines.extend([String::new(), queues(array(&waiting))]);
        }
        if !stuck.is_empty() {
            lines.extend([String::new(), "stuck".to_owned()]);
            lines.extend(stuck.iter().map(|sentence| format!("  {sentence}")));
        }
        lines.join("\n")
    });
    Ok(())
}

async fn ask(client: &Client) -> Result<(Value, Value, Value), Failure> {
    let stats = client.call(Method::GET, "/api/v1/stats", None).await?;
    let workers = client.call(Method::GET, "/api/v1/workers", None).await?;
    let queues = client.call(Method::GET, "/api/v1/queues", None).await?;
    Ok((stats, workers["data"].clone(), queues["data"].clone()))
}

/// Every number and text of the answer on a line of its own.
fn rows(prefix: &str, value: &Value) -> Vec<String> {
    let Value::Object(fields) = value else { return Vec::new() };
    let mut lines = Vec::new();
    for (name, value) in fields {
        let label = format!("{prefix}{}", name.replace('_', " "));
        match value {
            Value::Object(_) => lines.extend(rows(&format!("{label} "), value)),
            Value::Array(_) | Value::Null => {}
            Value::String(text) => lines.push(format!("{label:<24} {text}")),
            other => lines.push(format!("{label:<24} {other}")),
        }
    }
    lines
}

fn section(title: &str, table: &Option<String>) -> Vec<String> {
    match table {
        Some(table) => vec![String::new(), table.clone()],
        None => vec![format!("{title:<24} none")],
    }
}

fn worker_rows(workers: &Value) -> Option<String> {
    let row = |worker: &Value| {
        let names = |key: &str| array(&worker[key]).map(plain).collect::<Vec<_>>().join(" ");
        let running = array(&worker["running"]).count().to_string();
        vec![text(worker, "name"), running, names("queues"), names("kinds"), text(worker, "asked_at")]
    };
    let rows: Vec<Vec<String>> = array(workers).map(row).collect();
    (!rows.is_empty()).then(|| table(&["worker", "running", "queues", "kinds", "last asked"], &rows))
}

fn running_rows(workers: &Value) -> Option<String> {
    let mut rows = Vec::new();
    for worker in array(workers) {
        for job in array(&worker["running"]) {
            let mut row: Vec<String> = ["id", "kind", "queue"].iter().map(|key| text(job, key)).collect();
            row.extend([plain(&job["attempt"]), text(worker, "name"), text(job, "since")]);
            rows.push(row);
        }
    }
    (!rows.is_empty()).then(|| table(&["job", "kind", "queue", "attempt", "worker", "since"], &rows))
}

/// What does not go on by itself, in sentences. The server's clock is asked, not this machine's.
fn stuck(stats: &Value, workers: &Value, queues: &Value) -> Vec<String> {
    let time = |value: &Value| value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
    let Some(now) = time(&stats["server_time"]) else { return Vec::new() };
    let mut sentences = Vec::new();
    for worker in array(workers) {
        for job in array(&worker["running"]) {
            if time(&job["lease_until"]).is_some_and(|until| until < now) {
                let (id, name) = (text(job, "id"), text(worker, "name"));
                sentences.push(format!("job {id} of worker {name} does not report; it will be taken over"));
            }
        }
    }
    sentences.extend(failed_deliveries(stats));
    for queue in array(queues) {
        sentences.extend(holds(queue));
        if queue["paused"] != true {
            let waiting = array(&queue["kinds"]).filter_map(|kind| {
                let since = time(&kind["oldest_waiting"])?;
                waits(queue, kind, now.millis_since(since) / 1000, workers)
            });
            sentences.extend(waiting);
        }
    }
    sentences
}

fn failed_deliveries(stats: &Value) -> Vec<String> {
    let media = stats["deliveries"].as_object().into_iter().flatten();
    let count = |states: &Value, state: &str| states[state].as_u64().unwrap_or(0);
    let failed = media.filter_map(|(medium, states)| {
        let failed = count(states, "failed");
        (failed > 0).then(|| {
            format!("{failed} deliveries by {medium} failed; `oyez delivery list --status failed` says why")
        })
    });
    failed.collect()
}

/// What waits while no server runs.
fn asleep(stats: &Value, queues: &Value) -> Vec<String> {
    let waits = array(queues).any(|queue| queue["paused"] != true && queue["oldest_waiting"].is_string());
    let sentence = "jobs wait, and the server does not run; `oyez serve` starts it".to_owned();
    let mut sentences = failed_deliveries(stats);
    sentences.extend(array(queues).filter_map(holds).chain(waits.then_some(sentence)));
    sentences
}

/// What to say of a queue that is held while jobs wait in it.
fn holds(queue: &Value) -> Option<String> {
    let name = text(queue, "name");
    let sentence = format!("queue {name} is paused, and jobs wait; `oyez queue resume {name}` lets it go");
    (queue["paused"] == true && queue["oldest_waiting"].is_string()).then_some(sentence)
}

/// What to say of jobs of one kind of which the oldest has waited for so long.
fn waits(queue: &Value, kind: &Value, seconds: i64, workers: &Value) -> Option<String> {
    let (name, kind, jobs) = (text(queue, "name"), text(kind, "kind"), &kind["available"]);
    // None named: all.
    let has = |list: &Value, one: &str| array(list).count() == 0 || array(list).any(|other| other == one);
    let serves = |worker: &Value| has(&worker["queues"], &name) && has(&worker["kinds"], &kind);
    let minutes = seconds / 60;
    if !array(workers).any(serves) && seconds >= UNSERVED_SECONDS {
        return Some(format!(
            "no worker serves kind {kind} in queue {name}: {jobs} wait, the first for {minutes} min; start one"
        ));
    }
    let why = match held(queue) {
        limits if limits.is_empty() => "its workers are busy, or too few".to_owned(),
        limits => format!("the queue's limits ({limits}), or too few workers"),
    };
    let waited = format!("{jobs} of kind {kind} wait in queue {name}, the first for {minutes} min: {why}");
    (seconds >= LONG_WAIT_SECONDS).then_some(waited)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stuck_is_said_with_what_to_do() {
        let stats = json!({"server_time": "2026-11-20T13:00:00.000Z"});
        let workers = json!([{"name": "w1", "queues": ["fine", "late", "busy"], "running": [
            {"id": "a", "lease_until": "2026-11-20T12:59:59.000Z"}, {"id": "b", "lease_until": "2026-11-20T13:00:09.000Z"},
        ]}]);
        let kinds = |since: &str| json!([{"kind": "report", "available": 3, "oldest_waiting": since}]);
        let queues = json!([
            {"name": "fine", "paused": false, "kinds": kinds("2026-11-20T12:59:01.000Z")},
            {"name": "held", "paused": true, "oldest_waiting": "2026-11-20T12:59:00.000Z"},
            {"name": "late", "paused": false, "kinds": kinds("2026-11-20T12:50:00.000Z"), "concurrency": 2},
            {"name": "busy", "paused": false, "kinds": kinds("2026-11-20T12:50:00.000Z")},
            {"name": "nobodys", "paused": false, "kinds": kinds("2026-11-20T12:58:00.000Z")},
            {"name": "empty", "paused": true, "oldest_waiting": null},
        ]);
        let sentences = stuck(&stats, &workers, &queues);
        let expected = [
            "job a of worker w1 does not report",
            "queue held is paused, and jobs wait; `oyez queue resume held`",
            "3 of kind report wait in queue late, the first for 10 min: the queue's limits (2 at once)",
            "3 of kind report wait in queue busy, the first for 10 min: its workers are busy",
            "no worker serves kind report in queue nobodys: 3 wait, the first for 2 min",
        ];
        assert_eq!(sentences.len(), expected.len(), "{sentences:?}");
        for (sentence, expected) in sentences.iter().zip(expected) {
            assert!(sentence.starts_with(expected), "{sentence}");
        }
    }
}
