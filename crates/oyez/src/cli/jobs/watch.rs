//! `oyez job watch`: shows how far a job is until it ends, and comes back when the server restarts.

use std::time::Duration;

use serde_json::Value;

use super::super::{
    args::Global,
    client::{Server, live_server, segment},
    error::{Failure, chain},
    output::Output,
    tail::Lines,
};

const PAUSE: Duration = Duration::from_secs(1);
/// How often a server that does not answer is asked again.
const TRIES: u32 = 60;

/// Ends well when the job does.
pub(super) async fn run(global: &Global, id: &str, output: &Output) -> Result<(), Failure> {
    let mut tries = 0;
    let mut last = String::new();
    loop {
        // Asked anew each time: a restarted server has another port or key.
        let attempt = match live_server(global).await? {
            Some(server) => follow(&server, id, &mut last, output).await,
            None => Err(Failure::new("no server runs on this data directory")
                .hint("start it with `oyez serve`, or name another one with --server URL --key KEY")),
        };
        match attempt {
            Ok(Some(end)) => return end,
            // The server went away, after it had answered once.
            Ok(None) => tries = 0,
            Err(failure) if last.is_empty() || failure.exit_code() == 2 || tries >= TRIES => {
                return Err(failure);
            }
            Err(_) => tries += 1,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// How the job ended; `None` when the stream did before it.
async fn follow(
    server: &Server,
    id: &str,
    last: &mut String,
    output: &Output,
) -> Result<Option<Result<(), Failure>>, Failure> {
    let url = format!("{}/api/v1/jobs/{}/watch", server.base, segment(id));
    let sent = server.http.get(url).bearer_auth(&server.key).send().await;
    let mut response = sent.map_err(|error| {
        Failure::new(format!("could not reach {}: {}", server.base, chain(&error.without_url())))
    })?;
    if !response.status().is_success() {
        let status = response.status();
        let problem: Value = response.json().await.unwrap_or_default();
        let sentence = problem["detail"].as_str().map_or_else(|| status.to_string(), str::to_owned);
        return Err(if status.is_client_error() { Failure::usage(sentence) } else { Failure::new(sentence) });
    }
    let mut lines = Lines::default();
    while let Ok(Some(chunk)) = response.chunk().await {
        lines.push(&chunk);
        while let Some(line) = lines.next() {
            let Some(data) = line.strip_prefix("data:").map(str::trim_start) else { continue };
            // The first frame of a connection may be the last one of the connection before.
            if data != last {
                data.clone_into(last);
                let frame: Value = serde_json::from_str(data).unwrap_or_default();
                output.answer(&frame, || told(&frame));
                if let Some(end) = end(&frame) {
                    return Ok(Some(end));
                }
            }
        }
    }
    Ok(None)
}

/// `2026-11-20T13:00:05.120Z   40 %  Interface Loader`.
fn told(frame: &Value) -> String {
    let text = |key: &str| frame[key].as_str().unwrap_or_default();
    let percent = frame["percent"].as_f64().map(|percent| format!("{percent} %")).unwrap_or_default();
    let (message, step) = (text("message"), text("step"));
    let step = if step.is_empty() || step == message { String::new() } else { format!("{step}: ") };
    let error = if text("error").is_empty() { String::new() } else { format!(": {}", text("error")) };
    format!("{}  {percent:>6}  {step}{message}{error}", text("timestamp"))
}

fn end(frame: &Value) -> Option<Result<(), Failure>> {
    let kind = frame["type"].as_str().unwrap_or_default();
    if kind.ends_with("_completed") {
        return Some(Ok(()));
    }
    // The frame that was printed says why.
    let ended = kind.ends_with("_failed") || kind.ends_with("_cancelled");
    ended.then(|| Err(Failure::new("the job did not end well").told()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_says_how_far_and_at_what() {
        let frame = json!({"type": "a_progress", "timestamp": "T", "percent": 40, "step": "Load", "message": "row 7"});
        assert_eq!(told(&frame), "T    40 %  Load: row 7");
        assert!(end(&frame).is_none());
        let frame = json!({"type": "a_failed", "timestamp": "T", "message": "A failed", "error": "no paper"});
        assert_eq!(told(&frame), "T          A failed: no paper");
        assert_eq!(end(&frame).unwrap().unwrap_err().exit_code(), 1);
        assert!(end(&json!({"type": "a_completed"})).unwrap().is_ok());
    }
}
