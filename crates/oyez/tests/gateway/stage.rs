//! One server on a free port with a clock that stands still, and the clients that talk to it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use futures_util::{SinkExt as _, StreamExt as _};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use oyez::{
    auth::{Auth, AuthOptions, SigningKey},
    boards::{self, Boards, BoardsOptions},
    bus::Bus,
    config::Config,
    gateway::{Gateway, GatewayOptions, Parts},
    hub::{Hub, HubOptions},
    inbox::Inboxes,
    jobs::{Jobs, JobsOptions},
    publish::{Publisher, Signals},
    users::Users,
};
use oyez_core::{
    access::Rules,
    clock::{Clock, ManualClock},
    rate::Rate,
};
use oyez_protocol::{
    RoleName, Timestamp, TopicName, UserId,
    api::publish::{EventRequest, NotificationRequest, Published},
};
use oyez_store::{Store, StoreOptions};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{self, Message, client::IntoClientRequest as _, http},
};
use tokio_util::sync::CancellationToken;

/// Longer than anything here takes; a test that waits for so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

pub(crate) fn role(name: &str) -> RoleName {
    RoleName::new(name).unwrap()
}

pub(crate) fn topic(name: &str) -> TopicName {
    TopicName::new(name).unwrap()
}

/// What a test may change before the server starts.
pub(crate) struct Settings {
    pub(crate) hub: HubOptions,
    pub(crate) gateway: GatewayOptions,
}

/// A running server.
pub(crate) struct Stage {
    pub(crate) address: SocketAddr,
    pub(crate) hand: ManualClock,
    pub(crate) store: Store,
    pub(crate) bus: Bus,
    pub(crate) auth: Auth,
    pub(crate) publisher: Publisher,
    pub(crate) inboxes: Inboxes,
    pub(crate) jobs: Jobs,
    pub(crate) boards: Boards,
    pub(crate) users: Users,
    pub(crate) gateway: Gateway,
    server: tokio::task::JoinHandle<()>,
    _directory: TempDir,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings {
            hub: HubOptions { shards: 2, ..HubOptions::default() },
            gateway: GatewayOptions {
                // Only the test that is about it waits for it.
                head_check_interval: Duration::from_secs(3_600),
                ..GatewayOptions::default()
            },
        };
        change(&mut settings);
        let directory = tempfile::tempdir().unwrap();
        let (clock, hand) = Clock::manual("2026-11-20T12:00:00Z".parse().unwrap());
        let store = Store::open(&StoreOptions::new(directory.path().join("oyez.db"))).await.unwrap();
        let bus = Bus::local();
        let options = AuthOptions {
            config: Config::default().auth,
            key: SigningKey::open(directory.path()).unwrap(),
            trusted_proxies: Vec::new(),
            https: false,
            control_key: None,
        };
        let auth = Auth::new(store.clone(), bus.clone(), clock.clone(), options).unwrap();
        let rules = Arc::new(Rules {
            admin_roles: vec![RoleName::new("admin").unwrap()],
            dashboard_roles: vec![role("admin"), role("super_admin")],
            open_topics: vec!["open-*".into()],
        });
        let inboxes = Inboxes::new(store.clone(), bus.clone(), clock.clone());
        let publisher = Publisher::new(store.clone(), bus.clone(), clock.clone());
        let (jobs, upkeep) =
            Jobs::new(&publisher, store.clone(), bus.clone(), clock.clone(), JobsOptions::default());
        tokio::spawn(upkeep.run(CancellationToken::new()));
        let users = Users::new(store.clone(), bus.clone(), clock.clone());
        let pace = Rate::new(5, Duration::from_secs(1));
        let signals = Signals::new(store.clone(), bus.clone(), clock.clone(), Arc::clone(&rules), pace);
        let (boards, teller) = Boards::new(boards::Parts {
            options: BoardsOptions::default(),
            rules: Arc::clone(&rules),
            store: store.clone(),
            bus: bus.clone(),
            jobs: jobs.clone(),
            clock: clock.clone(),
        });
        tokio::spawn(teller.run(CancellationToken::new()));
        let (hub, questions) = Hub::start(&settings.hub, &clock).unwrap();
        let gateway = Gateway::new(Parts {
            options: settings.gateway,
            rules,
            store: store.clone(),
            auth: auth.clone(),
            inboxes: inboxes.clone(),
            jobs: jobs.clone(),
            boards: boards.clone(),
            signals,
            users: users.clone(),
            bus: bus.clone(),
            hub,
            questions,
            clock,
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(serve(listener, gateway.router()));
        Self {
            address,
            hand,
            store,
            bus,
            auth,
            publisher,
            inboxes,
            jobs,
            boards,
            users,
            gateway,
            server,
            _directory: directory,
        }
    }

    /// A token of a user that lasts an hour.
    pub(crate) fn token(&self, name: &str) -> String {
        self.token_for(name, &[], Duration::from_secs(3_600))
    }

    pub(crate) fn token_for(&self, name: &str, roles: &[&str], ttl: Duration) -> String {
        let roles: Vec<RoleName> = roles.iter().map(|name| role(name)).collect();
        self.auth.issue(&user(name), &roles, ttl).unwrap().access.reveal().to_owned()
    }

    /// A full client on the user's inbox, greeted.
    pub(crate) async fn connect(&self, name: &str) -> Client {
        self.connect_with(name, "").await.0
    }

    /// The same with more in its query, and its greeting.
    pub(crate) async fn connect_with(&self, name: &str, query: &str) -> (Client, Value) {
        let path = format!("/ws/notifications/?frames=full&token={}{query}", self.token(name));
        self.open(&path).await
    }

    pub(crate) async fn open(&self, path: &str) -> (Client, Value) {
        let mut client = self.upgrade(path, &[]).await.expect("the server should let it in");
        let greeting = client.next().await;
        assert_eq!(greeting["type"], "connection_established", "{greeting}");
        (client, greeting)
    }

    /// Opens a WebSocket; the refusal's status and body when it is none.
    pub(crate) async fn upgrade(&self, path: &str, headers: &[(&str, &str)]) -> Result<Client, (u16, Value)> {
        let mut request = format!("ws://{}{path}", self.address).into_client_request().unwrap();
        for (name, value) in headers {
            let name: http::HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let stream = TcpStream::connect(self.address).await.unwrap();
        match tokio_tungstenite::client_async(request, stream).await {
            Ok((stream, response)) => {
                let subprotocol = response.headers().get("sec-websocket-protocol");
                let subprotocol = subprotocol.map(|value| value.to_str().unwrap().to_owned());
                Ok(Client { stream, subprotocol })
            }
            Err(tungstenite::Error::Http(response)) => {
                let status = response.status().as_u16();
                let body = response.body().as_deref().unwrap_or_default();
                Err((status, serde_json::from_slice(body).unwrap_or(Value::Null)))
            }
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) async fn publish(&self, to: &str, message: &str) -> Published {
        let request: NotificationRequest =
            serde_json::from_value(json!({"to": to, "type": "note", "message": message})).unwrap();
        self.publisher.publish(&request, "test").await.unwrap()
    }

    /// Sends a live-only event; returns how many connections it reached.
    pub(crate) async fn event(&self, to: &str, kind: &str) -> u64 {
        let request: EventRequest = serde_json::from_value(json!({"to": to, "type": kind})).unwrap();
        self.publisher.send_event(&request).await.unwrap().reached
    }

    /// The messages in a user's inbox, oldest first.
    pub(crate) async fn stored(&self, name: &str) -> Vec<(u64, String)> {
        let page =
            self.store.items_after(&user(name), oyez_protocol::Seq::ZERO, 100_000, usize::MAX).await.unwrap();
        let read = |tail: &str| -> Value { serde_json::from_str(&format!("{{{tail}")).unwrap() };
        let message = |tail: &str| read(tail)["message"].as_str().unwrap().to_owned();
        page.items.iter().map(|item| (item.seq.0, message(&item.tail))).collect()
    }

    pub(crate) fn now(&self) -> Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    /// Waits until so many connections are open.
    pub(crate) async fn connections(&self, count: u64) {
        eventually("the connections are counted", async || self.gateway.hub().stats().connections == count)
            .await;
    }
}

async fn serve(listener: TcpListener, router: Router) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            let mut http = auto::Builder::new(TokioExecutor::new());
            http.http2().enable_connect_protocol();
            let _client_left = http.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
        });
    }
}

/// A WebSocket client of another make.
pub(crate) struct Client {
    pub(crate) stream: WebSocketStream<TcpStream>,
    pub(crate) subprotocol: Option<String>,
}

impl Client {
    /// The next frame.
    pub(crate) async fn next(&mut self) -> Value {
        match self.message().await {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("{other:?} is no frame"),
        }
    }

    /// The next frame of this type, passing over others.
    pub(crate) async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.next().await;
            if frame["type"] == kind {
                return frame;
            }
        }
    }

    /// The next message that is not a ping.
    pub(crate) async fn message(&mut self) -> Message {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.stream.next()).await;
            let message = message.expect("nothing came").expect("the stream ended").unwrap();
            if !message.is_ping() {
                return message;
            }
        }
    }

    /// Reads to the end; the close code.
    pub(crate) async fn close_code(&mut self) -> u16 {
        loop {
            match self.message().await {
                Message::Close(Some(frame)) => return frame.code.into(),
                Message::Close(None) => return 1005,
                _ => {}
            }
        }
    }

    pub(crate) async fn send(&mut self, frame: Value) {
        self.say(&frame.to_string()).await;
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.unwrap();
    }

    /// Sends a command; its answer, passing over what else arrives.
    pub(crate) async fn ask(&mut self, frame: Value) -> Value {
        let reference = frame["ref"].clone();
        self.send(frame).await;
        loop {
            let answer = self.next().await;
            if ["ack", "error"].contains(&answer["type"].as_str().unwrap()) && answer["ref"] == reference {
                return answer;
            }
        }
    }

    /// Nothing more has arrived: the answer to a ping is the next frame.
    pub(crate) async fn expect_silence(&mut self) {
        self.send(json!({"type": "ping", "timestamp": "silence"})).await;
        let frame = self.next().await;
        assert_eq!(frame["timestamp"], "silence", "nothing should have come, but: {frame}");
    }

    pub(crate) async fn messages(&mut self, count: usize) -> Vec<(u64, String)> {
        let mut messages = Vec::with_capacity(count);
        while messages.len() < count {
            let frame = self.next().await;
            if let Some(seq) = frame["seq"].as_u64() {
                messages.push((seq, frame["message"].as_str().unwrap().to_owned()));
            }
        }
        messages
    }
}

/// Asks again until it holds, for what no signal tells.
pub(crate) async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..4_000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("never happened: {what}");
}
