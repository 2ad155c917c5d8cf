//! Plays one scenario, step by step.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::{
    live::{Live, Refusal},
    matching::{Variables, fill, fill_text, matches},
    scenario::{Carrier, Connect, Expect, Http, Scenario, Send, Step},
    server::Server,
};

struct Player<'a> {
    server: &'a Server,
    variables: Variables,
    connections: BTreeMap<String, Live>,
    tokens: BTreeMap<String, String>,
    client: reqwest::Client,
}

/// Plays it; the error says which step failed and how.
pub(crate) async fn play(server: &Server, name: &str, scenario: &Scenario) -> Result<(), String> {
    let mut player = Player {
        server,
        variables: Variables::from([
            ("scenario".into(), json!(name)),
            ("run".into(), json!(unique())),
            ("host".into(), json!(server.address)),
        ]),
        connections: BTreeMap::new(),
        tokens: BTreeMap::new(),
        client: reqwest::Client::new(),
    };
    // All ids first, so that roles may be named after them.
    for user in scenario.users.keys() {
        let id = format!("{user}-{name}-{}", unique());
        player.variables.insert(user.clone(), json!(id));
    }
    for (user, person) in &scenario.users {
        let roles = fill(&json!(person.roles), &player.variables)?;
        let mut body = json!({ "roles": roles });
        if let Some(password) = &person.password {
            body["password"] = json!(password);
        }
        let id = fill_text(&format!("${{{user}}}"), &player.variables)?;
        let request = Http {
            method: "PUT".into(),
            path: format!("/api/v1/users/{id}"),
            caller: "application".into(),
            headers: BTreeMap::new(),
            body: Some(body),
            text: None,
            status: 200,
            answer: None,
            save: BTreeMap::new(),
        };
        player.http(&request).await.map_err(|error| format!("setting up {user}: {error}"))?;
    }
    for (index, step) in scenario.steps.iter().enumerate() {
        player.step(step).await.map_err(|error| format!("step {} {}: {error}", index + 1, label(step)))?;
    }
    Ok(())
}

fn unique() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn label(step: &Step) -> String {
    match step {
        Step::Connect(connect) => format!("connect {}", connect.on),
        Step::Send(send) => format!("send on {}", send.on),
        Step::Expect(expect) => format!("expect on {} {}", expect.on, expect.frame),
        Step::Quiet { on } => format!("quiet on {on}"),
        Step::ExpectClose { on, code } => format!("expect_close on {on} {code:?}"),
        Step::Close { on } => format!("close {on}"),
        Step::Http(http) => format!("{} {}", http.method, http.path),
        Step::Cli { args } => format!("oyez {}", args.join(" ")),
    }
}

impl Player<'_> {
    async fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Connect(connect) => self.connect(connect).await,
            Step::Send(send) => self.send(send).await,
            Step::Expect(expect) => self.expect(expect).await,
            Step::Quiet { on } => self.quiet(on).await,
            Step::ExpectClose { on, code } => {
                let got = self.connection(on)?.closed().await?;
                self.connections.remove(on);
                if got == *code { Ok(()) } else { Err(format!("closed with {got:?}")) }
            }
            Step::Close { on } => {
                self.connection(on)?;
                let live = self.connections.remove(on).ok_or("it is gone")?;
                live.close().await
            }
            Step::Http(http) => self.http(http).await,
            Step::Cli { args } => {
                let args: Result<Vec<String>, String> =
                    args.iter().map(|arg| fill_text(arg, &self.variables)).collect();
                self.server.cli(&args?).map(drop)
            }
        }
    }

    fn connection(&mut self, on: &str) -> Result<&mut Live, String> {
        self.connections.get_mut(on).ok_or_else(|| format!("no connection is called {on:?}"))
    }

    /// A user's token; made once, unless a life is asked for.
    fn token(&mut self, user: &str, ttl: Option<&str>) -> Result<String, String> {
        if let (None, Some(token)) = (ttl, self.tokens.get(user)) {
            return Ok(token.clone());
        }
        let id = fill_text(&format!("${{{user}}}"), &self.variables)?;
        let token = self.server.token(&id, ttl)?;
        if ttl.is_none() {
            self.tokens.insert(user.to_owned(), token.clone());
            self.variables.insert(format!("{user}.token"), json!(token));
        }
        Ok(token)
    }

    async fn connect(&mut self, connect: &Connect) -> Result<(), String> {
        let token = match (&connect.token, &connect.user) {
            (Some(token), _) => Some(fill_text(token, &self.variables)?),
            (None, Some(user)) => Some(self.token(user, connect.ttl.as_deref())?),
            (None, None) => None,
        };
        let mut headers = BTreeMap::new();
        for (name, value) in &connect.headers {
            headers.insert(name.to_ascii_lowercase(), fill_text(value, &self.variables)?);
        }
        let mut query: Vec<(String, String)> = Vec::new();
        for (name, value) in &connect.query {
            let value = match fill(value, &self.variables)? {
                Value::String(text) => text,
                other => other.to_string(),
            };
            query.push((name.clone(), value));
        }
        match (connect.auth, token) {
            (Carrier::None, _) | (_, None) => {}
            (Carrier::Header, Some(token)) => {
                headers.insert("authorization".into(), format!("Bearer {token}"));
            }
            (Carrier::Query, Some(token)) => query.push(("token".into(), token)),
            (Carrier::Subprotocol, Some(token)) => {
                headers.insert("sec-websocket-protocol".into(), format!("oyez.v1, bearer.{token}"));
            }
        }
        let path = fill_text(&connect.path, &self.variables)?;
        let opened = if path.starts_with("/sse/") || path.ends_with("/watch") {
            let mut request = self.client.get(self.url("http", &path, &query)?);
            for (name, value) in &headers {
                request = request.header(name, value);
            }
            Live::events(request).await?.map(|live| (live, None))
        } else {
            let url = self.url("ws", &path, &query)?;
            let mut request = url.as_str().into_client_request().map_err(|error| error.to_string())?;
            for (name, value) in &headers {
                let name: http::HeaderName = name.parse().map_err(|_| "not a header's name")?;
                request.headers_mut().insert(name, value.parse().map_err(|_| "not a header's value")?);
            }
            Live::socket(request).await?
        };
        match (opened, &connect.refused) {
            (Ok((live, subprotocol)), None) => {
                if connect.subprotocol.is_some() && connect.subprotocol != subprotocol {
                    return Err(format!("the server chose the subprotocol {subprotocol:?}"));
                }
                self.connections.insert(connect.on.clone(), live);
                Ok(())
            }
            (Ok(_), Some(expected)) => Err(format!("was accepted, not refused with {}", expected.status)),
            (Err(Refusal { status, body }), Some(expected)) => {
                check(status, &body, expected.status, self.filled(expected.answer.as_ref())?.as_ref())
            }
            (Err(Refusal { status, body }), None) => Err(format!("was refused with {status}: {body}")),
        }
    }

    fn url(&self, scheme: &str, path: &str, query: &[(String, String)]) -> Result<reqwest::Url, String> {
        let mut url: reqwest::Url = format!("{scheme}://{}{path}", self.server.address)
            .parse()
            .map_err(|error| format!("{error}"))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    async fn send(&mut self, send: &Send) -> Result<(), String> {
        let body = match send {
            Send { frame: Some(frame), .. } => fill(frame, &self.variables)?.to_string().into_bytes(),
            Send { text: Some(text), .. } => fill_text(text, &self.variables)?.into_bytes(),
            Send { bytes: Some(bytes), .. } => bytes.clone(),
            Send { size: Some(size), .. } => vec![b'x'; *size],
            _ => return Err("a send has a frame, text, bytes or size".into()),
        };
        for _ in 0..send.times {
            self.connection(&send.on)?.send(&body).await?;
        }
        Ok(())
    }

    async fn expect(&mut self, expect: &Expect) -> Result<(), String> {
        let expected = fill(&expect.frame, &self.variables)?;
        let received = self.connection(&expect.on)?.receive().await?;
        matches(&expected, &received.frame).map_err(|error| format!("{error}\n  in {}", received.frame))?;
        for (field, expected, got) in
            [("id", &expect.id, &received.id), ("event", &expect.event, &received.event)]
        {
            if let Some(expected) = expected {
                let expected = fill_text(expected, &self.variables)?;
                if got.as_ref() != Some(&expected) {
                    return Err(format!("expected {field}: {expected}, got {got:?}"));
                }
            }
        }
        self.save(&expect.save, &received.frame)
    }

    /// Whatever was on its way has been sent before the answer to a ping.
    async fn quiet(&mut self, on: &str) -> Result<(), String> {
        let mark = format!("quiet-{}", unique());
        let live = self.connection(on)?;
        live.send(json!({"type": "ping", "timestamp": mark}).to_string().as_bytes()).await?;
        let frame = live.receive().await?.frame;
        if frame == json!({"type": "pong", "timestamp": mark}) { Ok(()) } else { Err(format!("got {frame}")) }
    }

    async fn http(&mut self, http: &Http) -> Result<(), String> {
        let method: reqwest::Method = http.method.parse().map_err(|_| "not a method")?;
        let path = fill_text(&http.path, &self.variables)?;
        let mut request = self.client.request(method, format!("http://{}{path}", self.server.address));
        request = match http.caller.as_str() {
            "application" => request.bearer_auth(&self.server.key),
            "nobody" => request,
            user => request.bearer_auth(self.token(user, None)?),
        };
        for (name, value) in &http.headers {
            request = request.header(name, fill_text(value, &self.variables)?);
        }
        if let Some(body) = &http.body {
            request = request.json(&fill(body, &self.variables)?);
        } else if let Some(text) = &http.text {
            request = request.header("content-type", "application/json").body(text.clone());
        }
        let answer = request.send().await.map_err(|error| error.to_string())?;
        let status = answer.status().as_u16();
        let bytes = answer.bytes().await.map_err(|error| error.to_string())?;
        let body = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).unwrap_or_else(|_| json!(String::from_utf8_lossy(&bytes)))
        };
        check(status, &body, http.status, self.filled(http.answer.as_ref())?.as_ref())?;
        self.save(&http.save, &body)
    }

    fn filled(&self, matcher: Option<&Value>) -> Result<Option<Value>, String> {
        matcher.map(|matcher| fill(matcher, &self.variables)).transpose()
    }

    fn save(&mut self, wanted: &BTreeMap<String, String>, from: &Value) -> Result<(), String> {
        for (name, pointer) in wanted {
            let value = from.pointer(pointer).ok_or_else(|| format!("there is no {pointer} in {from}"))?;
            self.variables.insert(name.clone(), value.clone());
        }
        Ok(())
    }
}

fn check(status: u16, body: &Value, expected_status: u16, expected: Option<&Value>) -> Result<(), String> {
    if status != expected_status {
        return Err(format!("expected {expected_status}, got {status}: {body}"));
    }
    expected
        .map_or(Ok(()), |expected| matches(expected, body).map_err(|error| format!("{error}\n  in {body}")))
}
