//! `oyez tail`: shows a user's stream as it happens, and comes back where it was when the server restarts.

use std::time::Duration;

use serde_json::Value;

use super::{
    args::{Global, TailArgs},
    client::{Server, live_server, segment},
    error::Failure,
    output::Output,
};

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

pub(super) async fn run(global: &Global, args: TailArgs, output: &Output) -> Result<(), Failure> {
    let mut position = args.since;
    let mut pause = FIRST_PAUSE;
    let mut connected_before = false;
    loop {
        // Asked anew each time: a restarted server has another port or key.
        let attempt = match live_server(global).await? {
            Some(server) => follow(&args, &server, &mut position, output).await,
            None => Err(Failure::new("no server runs on this data directory")
                .hint("start it with `oyez serve`, or name another one with --server URL --key KEY")),
        };
        match attempt {
            Ok(()) => {
                connected_before = true;
                pause = FIRST_PAUSE;
            }
            Err(failure) if !connected_before || failure.exit_code() == 2 => return Err(failure),
            Err(_) => pause = (pause * 2).min(LONGEST_PAUSE),
        }
        output.note("(the stream ended; connecting again)");
        tokio::time::sleep(pause).await;
    }
}

/// Shows one connection's frames until it ends. Fails only when it could not be opened.
async fn follow(
    args: &TailArgs,
    server: &Server,
    position: &mut Option<u64>,
    output: &Output,
) -> Result<(), Failure> {
    let mut url = format!("{}/sse/notifications/?ticket={}", server.base, ticket(args, server).await?);
    if args.full {
        url.push_str("&frames=full");
    }
    if let Some(since) = position {
        url.push_str(&format!("&since={since}"));
    }
    let sent = server.http.get(url).header("Accept", "text/event-stream").send().await;
    let mut response = sent.map_err(|error| {
        Failure::new(format!(
            "could not reach {}: {}",
            server.base,
            super::error::chain(&error.without_url())
        ))
    })?;
    if !response.status().is_success() {
        let status = response.status();
        let problem: Value = response.json().await.unwrap_or_default();
        let sentence = problem["detail"].as_str().or_else(|| problem["error"]["message"].as_str());
        return Err(Failure::usage(sentence.map_or_else(|| status.to_string(), str::to_owned)));
    }
    let mut lines = Lines::default();
    while let Ok(Some(chunk)) = response.chunk().await {
        lines.push(&chunk);
        while let Some(line) = lines.next() {
            if let Some(data) = line.strip_prefix("data:") {
                show(data.trim_start(), position, output);
            }
        }
    }
    Ok(())
}

/// The right to open one connection as the user.
async fn ticket(args: &TailArgs, server: &Server) -> Result<String, Failure> {
    let url = format!("{}/api/v1/users/{}/ticket", server.base, segment(&args.user));
    let sent = server.http.post(url).bearer_auth(&server.key).send().await;
    let response = sent.map_err(|error| {
        Failure::new(format!(
            "could not reach {}: {}",
            server.base,
            super::error::chain(&error.without_url())
        ))
    })?;
    let status = response.status();
    let answer: Value = response.json().await.unwrap_or_default();
    match answer["ticket"].as_str() {
        Some(ticket) => Ok(ticket.to_owned()),
        None => {
            let sentence = answer["detail"].as_str().map_or_else(|| status.to_string(), str::to_owned);
            Err(Failure::usage(sentence).hint("the key needs the scope `users`"))
        }
    }
}

fn show(frame: &str, position: &mut Option<u64>, output: &Output) {
    let Ok(value) = serde_json::from_str::<Value>(frame) else { return };
    let kind = value["type"].as_str().unwrap_or_default();
    if kind == "connection_established" {
        // Where to go on from when the connection is lost before anything arrives.
        if position.is_none() {
            *position = value["seq"].as_u64();
        }
        let name = value["user_id"].as_str().unwrap_or_default();
        output.note(&format!("connected as {name}, {} unread", value["unread"]));
        return;
    }
    if let Some(seq) = value["seq"].as_u64() {
        *position = Some(seq);
    }
    output.answer(&value, || {
        let seq = value["seq"].as_u64().map_or_else(|| "-".to_owned(), |seq| format!("#{seq}"));
        let time = value["timestamp"].as_str().unwrap_or_default();
        let message = value["message"].as_str().map_or_else(|| frame.to_owned(), str::to_owned);
        format!("{time}  {seq:>6}  {kind}  {message}")
    });
}

/// Cuts a stream of bytes into lines.
#[derive(Default)]
pub(super) struct Lines {
    buffer: Vec<u8>,
}

impl Lines {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    pub(super) fn next(&mut self) -> Option<String> {
        let end = self.buffer.iter().position(|byte| *byte == b'\n')?;
        let line: Vec<u8> = self.buffer.drain(..=end).collect();
        Some(String::from_utf8_lossy(&line).trim_end().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_out_whole_however_they_arrive() {
        let mut lines = Lines::default();
        lines.push(b"data: {\"a\"");
        assert_eq!(lines.next(), None);
        lines.push(b":1}\r\n\r\nid: 4\n");
        assert_eq!(lines.next().as_deref(), Some("data: {\"a\":1}"));
        assert_eq!(lines.next().as_deref(), Some(""));
        assert_eq!(lines.next().as_deref(), Some("id: 4"));
        assert_eq!(lines.next(), None);
    }
}
