//! A whole server on port 0, and a client that reads its answers.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use oyez::{
    auth::{Auth, AuthOptions, Scope, SigningKey},
    boards::{self, Boards, BoardsOptions},
    bus::Bus,
    config::Config,
    deliveries::{self, Deliveries},
    gateway::{self, Gateway, GatewayOptions},
    http::{Http, HttpOptions},
    hub::{Hub, HubOptions},
    inbox::Inboxes,
    jobs::{Jobs, JobsOptions},
    outbound::{Outbound, OutboundOptions},
    preferences::Preferences,
    publish::{Publisher, Signals},
    push::{
        Push, PushSetup,
        vapid::{Vapid, VapidKey},
    },
    templates::{Templates, TemplatesOptions},
    unsubscribe::{self, Unsubscribe},
    users::Users,
    webhooks::{self, Webhooks},
};
use oyez_core::{
    access::Rules,
    clock::{Clock, ManualClock},
    rate::Rate,
};
use oyez_protocol::{RoleName, UserId};
use oyez_store::{Store, StoreOptions, UserProfile};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

pub(crate) const START: &str = "2026-11-20T13:00:00.000Z";
pub(crate) const SECRET: &str = "a secret of an application, 32 bytes or more";
pub(crate) const PASSWORD: &str = "correct horse battery";

/// What every part is, so that a test may look behind the edge.
pub(crate) struct TestApp {
    _directory: tempfile::TempDir,
    pub(crate) address: SocketAddr,
    pub(crate) hand: ManualClock,
    pub(crate) clock: Clock,
    pub(crate) store: Store,
    pub(crate) bus: Bus,
    pub(crate) auth: Auth,
    pub(crate) users: Users,
    pub(crate) jobs: Jobs,
    pub(crate) gateway: Gateway,
    pub(crate) http: Http,
    client: reqwest::Client,
    serving: tokio::task::JoinHandle<()>,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The answer, which must have this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Checks that it is a problem with this status and code.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) -> &Self {
        assert_eq!((self.status, self.code().as_str()), (status, code), "{}", self.text);
        let problem = self.json();
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], format!("urn:oyez:problem:{code}"));
        assert_eq!(problem["request_id"].as_str().unwrap(), self.header("x-request-id"));
        assert!(problem["detail"].as_str().unwrap().len() > 5);
        self
    }
}

impl TestApp {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// With other settings.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut config = Config { data_dir: directory.path().to_owned(), ..Config::default() };
        config.auth.secret = Some(SECRET.into());
        change(&mut config);
        let (clock, hand) = Clock::manual(START.parse().unwrap());
        let store = Store::open(&StoreOptions::new(directory.path().join("oyez.db"))).await.unwrap();
        let bus = Bus::local();
        let options = AuthOptions {
            config: config.auth.clone(),
            key: SigningKey::open(directory.path()).unwrap(),
            trusted_proxies: config.http.trusted_proxies.clone(),
            https: false,
            control_key: None,
        };
        let auth = Auth::new(store.clone(), bus.clone(), clock.clone(), options).unwrap();
        let publisher = Publisher::new(store.clone(), bus.clone(), clock.clone());
        let inboxes = Inboxes::new(store.clone(), bus.clone(), clock.clone());
        let (jobs, upkeep) =
            Jobs::new(&publisher, store.clone(), bus.clone(), clock.clone(), JobsOptions::default());
        tokio::spawn(upkeep.run(CancellationToken::new()));
        let users = Users::new(store.clone(), bus.clone(), clock.clone());
        let rules = Arc::new(Rules {
            admin_roles: vec![RoleName::new("admin").unwrap()],
            dashboard_roles: vec![RoleName::new("admin").unwrap()],
            open_topics: config.topics.open.clone(),
        });
        let (boards, teller) = Boards::new(boards::Parts {
            options: BoardsOptions { history: config.boards.history },
            rules: Arc::clone(&rules),
            store: store.clone(),
            bus: bus.clone(),
            jobs: jobs.clone(),
            clock: clock.clone(),
        });
        tokio::spawn(teller.run(CancellationToken::new()));
        let outbound = |timeout, allow_private| {
            Outbound::new(OutboundOptions { allow_private, timeout, max_answer: 1_024 }).unwrap()
        };
        let push_setup = config.web_push.enabled.then(|| {
            let vapid = Vapid::new(VapidKey::open(directory.path()).unwrap(), None);
            Arc::new(PushSetup {
                vapid,
                outbound: outbound(config.web_push.timeout, config.web_push.allow_private),
            })
        });
        let push = Push::new(store.clone(), clock.clone(), push_setup);
        let webhooks = Webhooks::new(webhooks::Parts {
            store: store.clone(),
            clock: clock.clone(),
            key: SigningKey::open(directory.path()).unwrap(),
            outbound: outbound(config.webhooks.timeout, config.webhooks.allow_private),
            publisher: publisher.clone(),
            admin_roles: vec![RoleName::new("admin").unwrap()],
            disable_after: config.webhooks.disable_after,
            notifications: config.webhooks.notifications,
        });
        let (hub, questions) =
            Hub::start(&HubOptions { shards: 1, ..HubOptions::default() }, &clock).unwrap();
        let rate = Rate::new(1_000, Duration::from_secs(1));
        let signals = Signals::new(store.clone(), bus.clone(), clock.clone(), Arc::clone(&rules), rate);
        let gateway = Gateway::new(gateway::Parts {
            options: GatewayOptions::default(),
            rules,
            store: store.clone(),
            auth: auth.clone(),
            inboxes: inboxes.clone(),
            jobs: jobs.clone(),
            boards: boards.clone(),
            signals,
            users: users.clone(),
            bus: bus.clone(),
            hub: hub.clone(),
            questions,
            clock: clock.clone(),
        });
        let policy = Arc::new(config.fallback.policy(&[]).unwrap());
        let deliveries = Deliveries::new(deliveries::Parts {
            store: store.clone(),
            bus: bus.clone(),
            clock: clock.clone(),
            policy: Arc::clone(&policy),
        });
        let preferences = Preferences::new(store.clone(), clock.clone(), policy);
        let options =
            TemplatesOptions { folder: config.email.templates.clone(), ..TemplatesOptions::default() };
        let templates = Templates::open(store.clone(), clock.clone(), options).await.unwrap();
        let unsubscribe = Unsubscribe::new(unsubscribe::Parts {
            key: [7; 32],
            base: "https://notify.example.com".into(),
            app_name: "Example <&>".into(),
            policy: StoreOptions::new("unused").fallback,
            store: store.clone(),
            clock: clock.clone(),
        });
        let http = Http::new(HttpOptions {
            config: config.http.clone(),
            auth: auth.clone(),
            publisher,
            inboxes,
            jobs: jobs.clone(),
            boards: boards.clone(),
            deliveries,
            preferences,
            templates,
            unsubscribe,
            users: users.clone(),
            push,
            webhooks,
            hub,
            store: store.clone(),
            clock: clock.clone(),
            session_ttl: config.auth.refresh_ttl,
        });
        let router = gateway.router().merge(http.router()).merge(http.fallback());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            axum::serve(listener, service).await.unwrap();
        });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            _directory: directory,
            address,
            hand,
            clock,
            store,
            bus,
            auth,
            users,
            jobs,
            gateway,
            http,
            client,
            serving,
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, text: response.text().await.unwrap() }
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        self.send(self.request(Method::GET, path).bearer_auth(token)).await
    }

    pub(crate) async fn delete(&self, path: &str, token: &str) -> Answer {
        self.send(self.request(Method::DELETE, path).bearer_auth(token)).await
    }

    pub(crate) async fn post(&self, path: &str, token: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).bearer_auth(token).json(body)).await
    }

    pub(crate) async fn put(&self, path: &str, token: &str, body: &Value) -> Answer {
        self.send(self.request(Method::PUT, path).bearer_auth(token).json(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, token: &str, body: &Value) -> Answer {
        self.send(self.request(Method::PATCH, path).bearer_auth(token).json(body)).await
    }

    /// A known user, and a token of theirs.
    pub(crate) async fn user(&self, id: &str, roles: &[&str]) -> String {
        let id = UserId::new(id).unwrap();
        let roles = roles.iter().map(|role| RoleName::new(role).unwrap()).collect();
        self.users.put(UserProfile { roles: Some(roles), ..UserProfile::new(id.clone()) }).await.unwrap();
        self.auth.issue(&id, &[], Duration::from_secs(900)).unwrap().access.reveal().to_owned()
    }

    /// A user who can log in with [`PASSWORD`].
    pub(crate) async fn user_with_password(&self, id: &str, email: Option<&str>) {
        let id = UserId::new(id).unwrap();
        let profile = UserProfile { email: email.map(str::to_owned), ..UserProfile::new(id.clone()) };
        self.users.put(profile).await.unwrap();
        let hash = self.auth.passwords().hash(oyez::auth::Secret::new(PASSWORD)).await.unwrap();
        self.auth.set_password_hash(&id, hash).await.unwrap();
    }

    /// An API key with these scopes.
    pub(crate) async fn key(&self, scopes: &[Scope]) -> String {
        let created = self.auth.create_key("test", scopes.iter().copied().collect(), None).await.unwrap();
        created.secret.reveal().to_owned()
    }

    /// Seconds since 1970 on the server's clock.
    pub(crate) fn now(&self) -> i64 {
        self.clock.now().as_millis() / 1000
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A token of another issuer that shares [`SECRET`].
pub(crate) fn foreign_token(claims: &Value) -> String {
    sign(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(SECRET.as_bytes()))
}

pub(crate) fn sign(header: &Header, claims: &Value, key: &EncodingKey) -> String {
    jsonwebtoken::encode(header, claims, key).unwrap()
}
