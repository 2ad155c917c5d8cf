//! The edge for live streams: judges handshakes, hands sockets to the hub, and answers what the hub cannot know.
//!
//! `session` is the protocol as a pure machine and `peer` its two transports; `door` lets people in,
//! `websocket` and `sse` take their sockets, `greet` begins a stream, `answer` reads pages and carries out
//! commands, `watch` compares heads with the store. No connection has a task of its own here, except those whose
//! bytes must be translated (TLS, HTTP/2, server-sent events).

mod answer;
mod commands;
mod door;
mod greet;
mod join;
mod origin;
mod peer;
mod pump;
mod refusal;
mod resume;
mod session;
mod sse;
mod watch;
mod websocket;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, routing::any};
use origin::Origins;
use oyez_core::{access::Rules, clock::Clock};
use oyez_store::Store;
use session::Limits;
use tokio::{
    sync::{Mutex, mpsc},
    task::JoinSet,
};

use crate::{
    auth::Auth,
    boards::Boards,
    bus::Bus,
    hub::{Ask, Hub, Stream},
    inbox::Inboxes,
    jobs::Jobs,
    publish::Signals,
    users::Users,
};

/// How the gateway treats those who connect.
#[derive(Debug, Clone)]
pub struct GatewayOptions {
    /// What the greeting says; the hub keeps to it.
    pub ping_interval: Duration,
    /// The largest message a client may send, in bytes.
    pub max_frame: u32,
    /// Connections whose token expired stay open.
    pub keep_expired: bool,
    /// Offer permessage-deflate.
    pub compression: bool,
    /// Live connections of all users together; more are refused with 429.
    pub max_connections: u64,
    /// Origins of web pages that may connect beside the server's own; `*` allows all.
    pub allowed_origins: Vec<String>,
    /// Commands per second of one connection.
    pub commands_per_second: u32,
    /// Commands at once of one connection.
    pub commands_burst: u32,
    /// How often the heads of connected users are compared with the store.
    pub head_check_interval: Duration,
}

impl Default for GatewayOptions {
    fn default() -> Self {
        Self {
            ping_interval: Duration::from_secs(25),
            max_frame: 64 * 1024,
            keep_expired: false,
            compression: false,
            max_connections: u64::MAX,
            allowed_origins: Vec::new(),
            commands_per_second: 20,
            commands_burst: 100,
            head_check_interval: Duration::from_secs(15),
        }
    }
}

/// What a gateway is made of.
pub struct Parts {
    /// How it behaves.
    pub options: GatewayOptions,
    /// Who may see what.
    pub rules: Arc<Rules>,
    /// Where items are read.
    pub store: Store,
    /// Who is calling.
    pub auth: Auth,
    /// Marks and pages.
    pub inboxes: Inboxes,
    /// Jobs of those who connect.
    pub jobs: Jobs,
    /// Boards of those who watch them.
    pub boards: Boards,
    /// What topics' members tell each other.
    pub signals: Signals,
    /// Roles that tokens claim.
    pub users: Users,
    /// What is announced reaches the hub through it.
    pub bus: Bus,
    /// The live connections.
    pub hub: Hub,
    /// What the hub asks.
    pub questions: mpsc::Receiver<Ask>,
    /// The time.
    pub clock: Clock,
}

/// The live streams of this node. Clones are the same gateway; its background work ends with the last.
#[derive(Clone)]
pub struct Gateway {
    shared: Arc<Shared>,
    background: Arc<Mutex<JoinSet<()>>>,
}

struct Shared {
    options: GatewayOptions,
    origins: Origins,
    limits: Arc<Limits>,
    rules: Arc<Rules>,
    store: Store,
    auth: Auth,
    inboxes: Inboxes,
    jobs: Jobs,
    boards: Boards,
    signals: Signals,
    users: Users,
    hub: Hub,
    clock: Clock,
    draining: AtomicBool,
}

impl Gateway {
    /// Joins bus and hub, and starts answering the hub. Needs a tokio runtime.
    pub fn new(parts: Parts) -> Self {
        let Parts {
            options,
            rules,
            store,
            auth,
            inboxes,
            jobs,
            boards,
            signals,
            users,
            bus,
            hub,
            questions,
            clock,
        } = parts;
        join::join(&bus, &hub, &rules);
        let shared = Arc::new(Shared {
            origins: Origins::new(&options.allowed_origins),
            limits: Arc::new(Limits::new(options.commands_per_second, options.commands_burst)),
            options,
            rules,
            store,
            auth,
            inboxes,
            jobs,
            boards,
            signals,
            users,
            hub,
            clock,
            draining: AtomicBool::new(false),
        });
        let mut background = JoinSet::new();
        background.spawn(answer::run(Arc::clone(&shared), questions));
        background.spawn(watch::run(Arc::clone(&shared)));
        Self { shared, background: Arc::new(Mutex::new(background)) }
    }

    /// Resolves when background work died of a fault; the server must end then. Never resolves otherwise.
    pub async fn failed(&self) {
        // It works for as long as there is a gateway, so any end is a fault.
        self.background.lock().await.join_next().await;
    }

    /// `/ws/notifications/`, `/ws/dashboard/` and the same under `/sse/`, with and without the trailing slash.
    pub fn router(&self) -> Router {
        let mut router = Router::new();
        for (name, stream) in [("notifications", Stream::Notifications), ("dashboard", Stream::Dashboard)] {
            for slash in ["", "/"] {
                let gateway = self.clone();
                let websocket = any(move |request| websocket::open(gateway.clone(), stream, request));
                let gateway = self.clone();
                let sse = any(move |request| sse::open(gateway.clone(), stream, request));
                router = router
                    .route(&format!("/ws/{name}{slash}"), websocket)
                    .route(&format!("/sse/{name}{slash}"), sse);
            }
        }
        router
    }

    /// Sends everybody away and lets nobody in. Full clients are told when to come back, spread over `grace`.
    /// Returns when all have gone, or after `grace`.
    pub async fn drain(&self, grace: Duration) {
        self.shared.draining.store(true, Ordering::SeqCst);
        self.shared.hub.drain(grace).await;
    }

    /// The live connections.
    pub fn hub(&self) -> &Hub {
        &self.shared.hub
    }
}
