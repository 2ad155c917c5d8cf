//! The HTTP API, spoken over the network to a live server, or to the same router in this process when none runs.

use std::{net::SocketAddr, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo};
use http::{Method, Request, StatusCode, header};
use serde_json::Value;
use tower::ServiceExt as _;

use super::{args::Global, error::Failure, is_json};
use crate::{
    config::{Config, Flag, Loaded, Sources},
    server::{Oyez, Runtime},
};

/// An answer larger than this is not read.
const MAX_ANSWER: usize = 64 << 20;

/// Speaks for somebody who may do everything.
pub(super) struct Client {
    transport: Transport,
    key: String,
}

enum Transport {
    Network { http: reqwest::Client, base: String },
    Process { oyez: Oyez, router: Router },
}

/// Where a server is, and what opens it.
pub(super) struct Server {
    pub(super) base: String,
    pub(super) key: String,
    pub(super) http: reqwest::Client,
}

/// Reads the settings, with what the command line says about them.
pub(super) fn settings(global: &Global, flags: Vec<Flag>) -> Result<Loaded, Failure> {
    let mut sources = Sources { file: global.config.clone(), environment: std::env::vars().collect(), flags };
    if let Some(directory) = directory(global)? {
        sources.flags.push(Flag { flag: "--data", key: "data_dir", value: directory });
    }
    Ok(Config::load(&sources)?)
}

fn directory(global: &Global) -> Result<Option<String>, Failure> {
    let mut directories = global.data.iter().filter(|value| !is_json(value));
    let directory = directories.next().cloned();
    match directories.next() {
        Some(second) => {
            Err(Failure::usage(format!("two data directories are named, the second is {second}"))
                .hint("leave one --data out"))
        }
        None => Ok(directory),
    }
}

/// The server that these flags mean, if it is a live one: `--server`, or the one that uses the data directory.
pub(super) async fn live_server(global: &Global) -> Result<Option<Server>, Failure> {
    if let Some(base) = &global.server {
        let Some(key) = global.key.clone() else {
            return Err(Failure::usage("--server needs an API key")
                .hint("add --key KEY or set OYEZ_KEY; `oyez key create` on the server's machine makes one"));
        };
        if !base.starts_with("http://") && !base.starts_with("https://") {
            return Err(Failure::usage(format!(
                "--server takes an address such as https://notify.example.com, given {base:?}"
            )));
        }
        let base = base.trim_end_matches('/').to_owned();
        return Ok(Some(Server { base, key, http: network(&Trust::Everybody)? }));
    }
    let loaded = settings(global, Vec::new())?;
    let Some(runtime) = Runtime::read(&loaded.config.data_dir) else { return Ok(None) };
    let server = Server { base: runtime.url, key: runtime.control_key, http: network(&Trust::OwnMachine)? };
    Ok(Some(server))
}

enum Trust {
    Everybody,
    /// Our own server on loopback: its certificate names another host.
    OwnMachine,
}

fn network(trust: &Trust) -> Result<reqwest::Client, Failure> {
    let mut builder = reqwest::Client::builder().connect_timeout(Duration::from_secs(10));
    if matches!(trust, Trust::OwnMachine) {
        builder = builder.no_proxy().tls_danger_accept_invalid_certs(true);
    }
    builder.build().map_err(|error| Failure::new(format!("could not prepare the connection: {error}")))
}

impl Client {
    /// Finds the server, or opens the data directory.
    pub(super) async fn connect(global: &Global) -> Result<Self, Failure> {
        if let Some(Server { base, key, http }) = live_server(global).await? {
            return Ok(Self { transport: Transport::Network { http, base }, key });
        }
        let config = settings(global, Vec::new())?.config;
        if !config.database_path().exists() {
            let message = format!("there is no database in {}", config.data_dir.display());
            let hint = "start the server once with `oyez serve`, or make it with `oyez migrate`; \
                        --data names another directory";
            return Err(Failure::new(message).hint(hint));
        }
        let oyez = Oyez::open(config).await?;
        let (router, key) = (oyez.router(), oyez.control_key().to_owned());
        Ok(Self { transport: Transport::Process { oyez, router }, key })
    }

    /// Whether a server answered, and not this process.
    pub(super) fn is_live(&self) -> bool {
        matches!(self.transport, Transport::Network { .. })
    }

    /// Where it is.
    pub(super) fn address(&self) -> &str {
        match &self.transport {
            Transport::Network { base, .. } => base,
            Transport::Process { .. } => "(no server runs)",
        }
    }

    /// One call. An answer that is not a success becomes a [`Failure`] with the server's own words.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        check_names(path)?;
        let (status, answer) = match &self.transport {
            Transport::Network { http, base } => {
                let mut request = http.request(method, format!("{base}{path}")).bearer_auth(&self.key);
                if let Some(body) = body {
                    request = request.json(body);
                }
                let unreachable = |error: reqwest::Error| {
                    Failure::new(format!(
                        "could not reach {base}: {}",
                        super::error::chain(&error.without_url())
                    ))
                    .hint("is the server running, and the address right?")
                };
                let response = request.send().await.map_err(unreachable)?;
                (response.status(), response.bytes().await.map_err(unreachable)?)
            }
            Transport::Process { router, .. } => {
                in_process(router.clone(), &self.key, method, path, body).await?
            }
        };
        let value: Value = match answer.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&answer).unwrap_or(Value::Null),
        };
        if status.is_success() { Ok(value) } else { Err(refusal(status, value)) }
    }

    /// Lets go of the data directory.
    pub(super) async fn close(self) {
        if let Transport::Process { oyez, .. } = self.transport {
            oyez.shutdown().await;
        }
    }
}

async fn in_process(
    router: Router,
    key: &str,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Result<(StatusCode, bytes::Bytes), Failure> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "localhost")
        .header(header::AUTHORIZATION, format!("Bearer {key}"))
        .extension(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 0))));
    let mut content = Body::empty();
    if let Some(body) = body {
        request = request.header(header::CONTENT_TYPE, "application/json");
        content = Body::from(body.to_string());
    }
    let request = request.body(content).map_err(|error| Failure::usage(error.to_string()))?;
    let Ok(response) = router.oneshot(request).await;
    let status = response.status();
    let bytes = axum::body::to_bytes(response.into_body(), MAX_ANSWER).await;
    Ok((status, bytes.map_err(|error| Failure::new(error.to_string()))?))
}

/// The problem document of the API in one sentence.
fn refusal(status: StatusCode, problem: Value) -> Failure {
    let text = |key: &str| problem.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let sentence = text("detail").or_else(|| text("title")).map_or_else(|| status.to_string(), str::to_owned);
    let mut failure = if status == StatusCode::UNPROCESSABLE_ENTITY || status == StatusCode::BAD_REQUEST {
        Failure::usage(sentence)
    } else {
        Failure::new(sentence)
    };
    if status == StatusCode::UNAUTHORIZED {
        failure = failure.hint("the API key is wrong or revoked; `oyez key create` makes one");
    } else if status == StatusCode::FORBIDDEN {
        failure =
            failure.hint("the API key lacks a scope; make one with `oyez key create NAME --scope admin`");
    }
    failure.details(problem)
}

/// An empty name, or one that stands for a place in the path, would ask for something else than what was meant.
fn check_names(path: &str) -> Result<(), Failure> {
    let names = path.split('?').next().unwrap_or_default();
    match names.split('/').skip(1).find(|name| matches!(*name, "" | "." | "..")) {
        None => Ok(()),
        Some("") => Err(Failure::usage("an id or name is empty").hint("say which one you mean")),
        Some(name) => Err(Failure::usage(format!("{name:?} cannot be an id or name"))),
    }
}

/// A text as one segment of a path.
pub(super) fn segment(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_user_id_fits_into_a_path() {
        assert_eq!(segment("auth0|5f7/é"), "auth0%7C5f7%2F%C3%A9");
    }

    #[test]
    fn two_data_directories_are_wrong_use_and_json_is_none() {
        let global = |data: &[&str]| Global {
            data: data.iter().map(|text| (*text).to_owned()).collect(),
            ..Global::default()
        };
        assert_eq!(directory(&global(&["d", "{\"a\":1}"])).unwrap().as_deref(), Some("d"));
        assert_eq!(directory(&global(&["a", "b"])).unwrap_err().exit_code(), 2);
    }
}
