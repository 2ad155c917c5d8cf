//! `oyez queue list`, `show`, `pause`, `resume`, `limit`.

use http::Method;
use serde_json::{Map, Value, json};

use super::{
    args::{Global, QueueCommand},
    client::{Client, segment},
    error::Failure,
    jobs::{array, plain, text},
    output::{Output, table},
};
use crate::config::parse_duration;

pub(super) async fn run(global: &Global, command: QueueCommand, output: &Output) -> Result<(), Failure> {
    let (method, name, body) = match command {
        QueueCommand::List => (Method::GET, None, None),
        QueueCommand::Show { name } => (Method::GET, Some(name), None),
        QueueCommand::Pause { name } => (Method::PATCH, Some(name), Some(json!({"paused": true}))),
        QueueCommand::Resume { name } => (Method::PATCH, Some(name), Some(json!({"paused": false}))),
        QueueCommand::Limit { name, concurrency, rate } => {
            (Method::PATCH, Some(name), Some(limits(concurrency.as_deref(), rate.as_deref())?))
        }
    };
    let path = match &name {
        None => "/api/v1/queues".to_owned(),
        Some(name) => format!("/api/v1/queues/{}", segment(name)),
    };
    let client = Client::connect(global).await?;
    let answer = client.call(method, &path, body.as_ref()).await;
    client.close().await;
    let answer = answer?;
    output.answer(&answer, || match &name {
        None => queues(array(&answer["data"])),
        Some(_) => queues(std::iter::once(&answer)),
    });
    Ok(())
}

fn limits(concurrency: Option<&str>, rate: Option<&str>) -> Result<Value, Failure> {
    let mut body = Map::new();
    if let Some(text) = concurrency {
        let wrong = |_| Failure::usage(format!("--concurrency takes a number or none, given {text:?}"));
        let limit = if text == "none" { Value::Null } else { text.parse::<u32>().map_err(wrong)?.into() };
        body.insert("concurrency".into(), limit);
    }
    if let Some(text) = rate {
        let limit = || {
            let (count, period) = text.split_once('/')?;
            Some(
                json!({"count": count.parse::<u32>().ok()?, "period": parse_duration(period)?.as_secs_f64()}),
            )
        };
        let wrong = || {
            Failure::usage(format!(
                "--rate takes starts and a duration such as 10/1s, or none, given {text:?}"
            ))
        };
        body.insert("rate".into(), if text == "none" { Value::Null } else { limit().ok_or_else(wrong)? });
    }
    if body.is_empty() {
        return Err(
            Failure::usage("say what to limit").hint("--concurrency N, --rate 10/1s, or none for either")
        );
    }
    Ok(body.into())
}

/// A row per queue and kind.
pub(super) fn queues<'a>(queues: impl Iterator<Item = &'a Value>) -> String {
    let mut rows = Vec::new();
    for queue in queues {
        let head = [text(queue, "name"), held(queue)];
        let mut kinds = array(&queue["kinds"]).peekable();
        if kinds.peek().is_none() {
            rows.push([&head[..], &[const { String::new() }; 6]].concat());
        }
        for kind in kinds {
            let counts = ["available", "scheduled", "running", "retryable"].map(|state| plain(&kind[state]));
            let oldest = text(kind, "oldest_waiting");
            rows.push([&head[..], &[text(kind, "kind")], &counts, &[oldest]].concat());
        }
    }
    let head =
        ["queue", "limits", "kind", "available", "scheduled", "running", "retryable", "oldest waits since"];
    table(&head, &rows)
}

pub(super) fn held(queue: &Value) -> String {
    let mut limits = Vec::new();
    if queue["paused"] == true {
        limits.push("paused".to_owned());
    }
    if let Some(limit) = queue["concurrency"].as_u64() {
        limits.push(format!("{limit} at once"));
    }
    if let Some(rate) = queue["rate"].as_object() {
        limits.push(format!("{} per {} s", rate["count"], rate["period"]));
    }
    limits.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_and_lifted() {
        let body = limits(Some("2"), Some("100/1m")).unwrap();
        assert_eq!(body, json!({"concurrency": 2, "rate": {"count": 100, "period": 60.0}}));
        assert_eq!(limits(Some("none"), Some("none")).unwrap(), json!({"concurrency": null, "rate": null}));
        for (concurrency, rate) in
            [(None, None), (Some("two"), None), (None, Some("10")), (None, Some("10/x"))]
        {
            assert_eq!(limits(concurrency, rate).unwrap_err().exit_code(), 2, "{concurrency:?} {rate:?}");
        }
    }
}
