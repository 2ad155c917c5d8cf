//! A receiver on loopback: it keeps every request and answers as the test says.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};
use tokio::sync::Notify;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What it answers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Says {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<&'static str>,
    pub(crate) location: Option<String>,
}

impl Says {
    pub(crate) fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Inner>>, Arc<Notify>);

#[derive(Default)]
struct Inner {
    received: Vec<Received>,
    /// The next answers; after them, what `usual` says.
    next: VecDeque<Says>,
    usual: Option<Says>,
}

pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    shared: Shared,
}

/// Longer than anything here takes; a test that waits for so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

impl Endpoint {
    /// Answers 200 until it is told otherwise.
    pub(crate) async fn start() -> Self {
        let shared = Shared::default();
        let router = Router::new().fallback(receive).with_state(shared.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, shared }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answers the next requests like this, one each.
    pub(crate) fn next(&self, says: impl IntoIterator<Item = Says>) {
        self.shared.0.lock().unwrap().next.extend(says);
    }

    /// Answers like this from now on.
    pub(crate) fn always(&self, says: Says) {
        self.shared.0.lock().unwrap().usual = Some(says);
    }

    /// The first request that this is true of, among those that came and those that will.
    pub(crate) async fn first(&self, wanted: impl Fn(&Received) -> bool) -> Received {
        let search = async {
            loop {
                let arrives = self.shared.1.notified();
                let found = self.shared.0.lock().unwrap().received.iter().find(|one| wanted(one)).cloned();
                if let Some(found) = found {
                    return found;
                }
                arrives.await;
            }
        };
        tokio::time::timeout(PATIENCE, search).await.expect("the request comes")
    }

    /// What came since it was asked last.
    pub(crate) fn taken(&self) -> Vec<Received> {
        std::mem::take(&mut self.shared.0.lock().unwrap().received)
    }
}

async fn receive(State(shared): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let mut inner = shared.0.lock().unwrap();
    inner.received.push(Received { path: parts.uri.path().to_owned(), headers: parts.headers, body });
    shared.1.notify_one();
    let says = inner.next.pop_front().or_else(|| inner.usual.clone()).unwrap_or_else(|| Says::status(200));
    let mut response = (StatusCode::from_u16(says.status).unwrap(), "as the test says").into_response();
    let headers = [("retry-after", says.retry_after.map(str::to_owned)), ("location", says.location)];
    for (name, value) in headers {
        if let Some(value) = value {
            response.headers_mut().insert(name, value.parse().unwrap());
        }
    }
    response
}
