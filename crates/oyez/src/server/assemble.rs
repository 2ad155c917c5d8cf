//! Makes an [`Oyez`] from its settings, in the one order in which everything finds what it needs, and takes it apart.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::Router;
use oyez_core::{access::Rules, clock::Clock, rate::Rate};
use oyez_protocol::{QueueName, RoleName};
use oyez_store::{Fingerprints, Retention, Store, StoreOptions};

use super::{
    Error, Oyez, chores,
    data_dir::{DataDir, Runtime},
    email, media,
    receivers::Receivers,
    store_options, webhook_jobs,
};
use crate::{
    auth::{Auth, AuthOptions, Secret, SigningKey},
    boards::{self, Boards, BoardsOptions},
    bus::Bus,
    caretaker::Caretaker,
    config::{self, Config, ExpiredTokens},
    console,
    deliver::{Deliver, Medium},
    deliveries::{self, Deliveries},
    gateway::{self, Gateway, GatewayOptions},
    http::{self, Http, HttpOptions},
    hub::{Hub, HubOptions},
    inbox::Inboxes,
    jobs::{Jobs, JobsOptions},
    lifecycle::Workers,
    preferences::Preferences,
    publish::{Publisher, Signals},
    push::Push,
    runner::{Runner, RunnerOptions},
    templates::Templates,
    users,
    webhooks::Webhooks,
};

/// How often the counters that others keep are handed to the metrics recorder.
const UPKEEP: Duration = Duration::from_secs(5);

pub(super) struct Inner {
    pub(super) config: Config,
    pub(super) store: Store,
    pub(super) auth: Auth,
    pub(super) publisher: Publisher,
    pub(super) jobs: Jobs,
    pub(super) boards: Boards,
    pub(super) templates: Templates,
    pub(super) deliveries: Deliveries,
    pub(super) preferences: Preferences,
    pub(super) push: Push,
    pub(super) webhooks: Webhooks,
    deliver: Deliver,
    pub(super) runner: Runner,
    pub(super) users: users::Users,
    pub(super) hub: Hub,
    pub(super) workers: Workers,
    gateway: Gateway,
    http: Http,
    control_key: Secret,
    /// Given up at the end, so that the next server may start while handles of this one still live.
    data_dir: Mutex<Option<DataDir>>,
}

/// How people reach the server.
pub(super) struct Reached {
    /// By this address, where the settings name none.
    pub(super) url: String,
    /// By TLS.
    pub(super) https: bool,
}

impl Oyez {
    /// Opens the database, makes keys at first start, and starts the background work.
    pub async fn open(config: Config) -> Result<Self, Error> {
        Self::open_with(config, Vec::new()).await
    }

    /// The same, with media of the application's own beside those of the settings: whatever carries messages to people
    /// who are away. One of a kind that is set up already takes its place.
    pub async fn open_with(config: Config, media: Vec<Arc<dyn Medium>>) -> Result<Self, Error> {
        let https = config.public_url.as_deref().is_some_and(|url| url.starts_with("https://"));
        let url = format!("http://{}", config.listen);
        Self::open_for(config, media, Reached { url, https }).await
    }

    /// Opens it for people who reach it in this way.
    pub(super) async fn open_for(
        config: Config,
        media: Vec<Arc<dyn Medium>>,
        reached: Reached,
    ) -> Result<Self, Error> {
        config.check()?;
        let data_dir = DataDir::take(&config.data_dir)?;
        let key = SigningKey::open(&config.data_dir)?;
        let links = key.clone();
        let policy = Arc::new(config.fallback.policy(&media::set_up(&config, &media))?);
        let options = StoreOptions {
            fallback: Arc::clone(&policy),
            fingerprints: Fingerprints::keyed(&key.for_purpose("addresses")),
            ..store_options(&config)
        };
        let store = Store::open(&options).await?;
        let (clock, bus) = (Clock::system(), Bus::local());
        // Before anything counts.
        http::metrics::install();
        let control_key = Secret::new(format!("{}{}", crate::auth::KEY_PREFIX, crate::auth::random_token()));
        let options = AuthOptions {
            config: config.auth.clone(),
            key: key.clone(),
            trusted_proxies: config.http.trusted_proxies.clone(),
            https: reached.https,
            control_key: Some(control_key.clone()),
        };
        let auth = Auth::new(store.clone(), bus.clone(), clock.clone(), options)?;
        let publisher = Publisher::new(store.clone(), bus.clone(), clock.clone());
        let deliveries = Deliveries::new(deliveries::Parts {
            store: store.clone(),
            bus: bus.clone(),
            clock: clock.clone(),
            policy: Arc::clone(&policy),
        });
        let inboxes = Inboxes::new(store.clone(), bus.clone(), clock.clone()).telling(deliveries.clone());
        let receivers = Receivers::open(&config, &store, &clock, key, &publisher)?;
        let users = users::Users::new(store.clone(), bus.clone(), clock.clone());
        let options = jobs_options(&config);
        let (jobs, upkeep) = Jobs::new(&publisher, store.clone(), bus.clone(), clock.clone(), options);
        let runner = Runner::new(jobs.clone(), store.clone(), &bus, clock.clone(), runner_options(&config));
        let (hub, questions) = Hub::start(&hub_options(&config), &clock)?;
        let rules = Arc::new(rules(&config)?);
        let (boards, teller) = Boards::new(boards::Parts {
            options: BoardsOptions { history: config.boards.history },
            rules: Arc::clone(&rules),
            store: store.clone(),
            bus: bus.clone(),
            jobs: jobs.clone(),
            clock: clock.clone(),
        });
        let preferences = Preferences::new(store.clone(), clock.clone(), Arc::clone(&policy));
        let templates =
            Templates::open(store.clone(), clock.clone(), email::templates_options(&config)).await?;
        let unsubscribe = email::unsubscribe(&config, &links, &reached.url, &policy, &store, &clock);
        let mail = email::open(&config, &templates, &unsubscribe, &policy, &clock)?;
        let media = media::open(media, mail, &receivers);
        let (deliver, engine) = Deliver::new(deliveries.clone(), clock.clone(), &media);
        let pace = rate(config.gateway.signals_per_second, config.gateway.signals_burst);
        let signals = Signals::new(store.clone(), bus.clone(), clock.clone(), Arc::clone(&rules), pace);
        // It joins the bus to the hub too.
        let gateway = Gateway::new(gateway::Parts {
            options: gateway_options(&config),
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
        let http = Http::new(HttpOptions {
            config: config.http.clone(),
            auth: auth.clone(),
            publisher: publisher.clone(),
            inboxes,
            jobs: jobs.clone(),
            boards: boards.clone(),
            deliveries: deliveries.clone(),
            preferences: preferences.clone(),
            templates: templates.clone(),
            unsubscribe,
            users: users.clone(),
            push: receivers.push.clone(),
            webhooks: receivers.webhooks.clone(),
            store: store.clone(),
            clock: clock.clone(),
            session_ttl: config.auth.refresh_ttl,
            hub: hub.clone(),
        });
        let workers = Workers::default();
        watch_live(&workers, &hub, &gateway);
        let caretaker = Caretaker::new(store.clone(), bus.clone(), clock, &publisher, retention(&config))
            .telling(deliveries.clone());
        chores::register(chores::Parts {
            runner: &runner,
            jobs: &jobs,
            boards: &boards,
            deliver: &deliver,
            deliveries: &deliveries,
            caretaker: &caretaker.chores(),
            config: &config,
        })
        .await?;
        webhook_jobs::register(&runner, &receivers.webhooks)?;
        let most = u32::try_from(config.jobs.concurrency / 4).unwrap_or(u32::MAX).max(1);
        let told = webhook_jobs::announce(store.clone(), bus, jobs.clone(), most, workers.stop_token());
        workers.spawn("webhooks", told);
        workers.spawn("caretaker", caretaker.run(workers.stop_token()));
        // The data directory is ours alone: what an earlier process had in hand need not wait for its lease to end.
        let taken_over = deliveries.take_over().await?;
        if taken_over > 0 {
            tracing::info!(taken_over, "deliveries that an earlier process was sending are tried again");
        }
        workers.spawn("deliver", engine.run(workers.stop_token()));
        workers.spawn("boards", teller.run(workers.stop_token()));
        workers.spawn("jobs", upkeep.run(workers.stop_token()));
        workers.spawn("runner", runner.clone().run(workers.stop_token()));
        let inner = Inner {
            store,
            auth,
            publisher,
            jobs,
            boards,
            templates,
            deliveries,
            preferences,
            push: receivers.push,
            webhooks: receivers.webhooks,
            deliver,
            runner,
            users,
            hub,
            workers,
            gateway,
            http,
            control_key,
            data_dir: Mutex::new(Some(data_dir)),
            config,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The settings it runs with.
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// Live streams, API, OpenAPI, `/docs`, health and metrics, to merge into an application's own router.
    ///
    /// `/` and the answer to unknown paths are left to the application. Serve it with
    /// `into_make_service_with_connect_info::<std::net::SocketAddr>()` so that failed logins are limited by address.
    pub fn router(&self) -> Router {
        self.inner.gateway.router().merge(self.inner.http.router()).merge(console::docs())
    }

    /// What `oyez serve` answers: [`Oyez::router`], the page at `/`, and a problem for unknown paths.
    pub(super) fn whole_router(&self) -> Router {
        let router = self.inner.gateway.router().merge(self.inner.http.router());
        router.merge(console::router()).merge(self.inner.http.fallback())
    }

    /// Opens everything over HTTP, for as long as this process lives: what the command line speaks with.
    pub(crate) fn control_key(&self) -> &str {
        self.inner.control_key.reveal()
    }

    /// Tells the commands on this machine where it listens.
    pub(super) fn announce(&self, runtime: &Runtime) -> Result<(), Error> {
        let data_dir = self.inner.data_dir.lock().unwrap_or_else(PoisonError::into_inner);
        match &*data_dir {
            Some(data_dir) => Ok(data_dir.announce(runtime)?),
            None => Ok(()),
        }
    }

    /// Turns readiness negative: a load balancer sends nobody here any more.
    pub(super) fn begin_drain(&self) {
        self.inner.http.begin_drain();
    }

    /// Tells live connections to come back, spread over the grace period, and ends them.
    pub(super) async fn send_away(&self, grace: Duration) {
        self.inner.gateway.drain(grace).await;
    }

    /// Takes no more jobs and deliveries, lets those under way go on for the grace period, then gives jobs back and
    /// gives deliveries up.
    pub(super) async fn stop_work(&self, grace: Duration) {
        tokio::join!(self.inner.runner.stop(grace), self.inner.deliver.stop(grace));
    }

    /// Ends it gracefully: live connections are sent away to come back, jobs end or are given back, deliveries are
    /// sent, publishes in flight finish, the store closes.
    ///
    /// A second call does nothing.
    pub async fn shutdown(&self) {
        self.begin_drain();
        let grace = self.inner.config.lifecycle.drain_grace;
        tokio::join!(self.send_away(grace), self.stop_work(grace));
        self.inner.workers.stop().await;
        self.inner.store.close().await;
        self.inner.data_dir.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// A shard or a gateway that died is a fault like any other worker's; meanwhile the counters are handed on.
fn watch_live(workers: &Workers, hub: &Hub, gateway: &Gateway) {
    let (hub, gateway, stop) = (hub.clone(), gateway.clone(), workers.stop_token());
    workers.spawn("live connections", async move {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = hub.failed() => return,
                () = gateway.failed() => return,
                () = tokio::time::sleep(UPKEEP) => {
                    hub.report_metrics();
                    http::metrics::fold();
                }
            }
        }
    });
}

fn hub_options(config: &Config) -> HubOptions {
    HubOptions {
        shards: config.gateway.shards,
        ping_interval: config.gateway.ping_interval,
        outbox_bytes: config.gateway.outbox,
        max_connections_per_user: config.gateway.max_connections_per_user,
        ..HubOptions::default()
    }
}

fn gateway_options(config: &Config) -> GatewayOptions {
    let gateway = &config.gateway;
    GatewayOptions {
        ping_interval: gateway.ping_interval,
        max_frame: u32::try_from(gateway.max_frame).unwrap_or(u32::MAX),
        keep_expired: gateway.expired_tokens == ExpiredTokens::Keep,
        compression: gateway.compression,
        max_connections: u64::MAX,
        // Behind a proxy that changes the host, our own pages come from the public address.
        allowed_origins: gateway.allowed_origins.iter().chain(&config.public_url).cloned().collect(),
        commands_per_second: gateway.commands_per_second,
        commands_burst: gateway.commands_burst,
        head_check_interval: gateway.head_check_interval,
    }
}

fn rules(config: &Config) -> Result<Rules, Error> {
    let roles = config.gateway.dashboard_roles.iter().map(|role| RoleName::new(role));
    let dashboard_roles = roles.collect::<Result<_, _>>().map_err(std::io::Error::other)?;
    // One that is no role's name is held by nobody.
    let admin_roles = config.auth.admin_roles.iter().filter_map(|role| RoleName::new(role).ok()).collect();
    Ok(Rules { dashboard_roles, open_topics: config.topics.open.clone(), admin_roles })
}

/// So many per second, and `burst` at once.
fn rate(per_second: u32, burst: u32) -> Rate {
    Rate::new(burst, Duration::from_secs_f64(f64::from(burst) / f64::from(per_second.max(1))))
}

fn jobs_options(config: &Config) -> JobsOptions {
    let config::JobsConfig { lease, max_attempts, retry_first, retry_max, .. } = config.jobs;
    JobsOptions { lease, max_attempts, retry_first, retry_max }
}

fn runner_options(config: &Config) -> RunnerOptions {
    let named: Vec<_> = config.jobs.queues.iter().filter_map(|queue| QueueName::new(queue).ok()).collect();
    // Whoever chooses queues does not mean to leave Oyez without its own schedules, and endpoints untold.
    let own = chores::queue().into_iter().chain(webhook_jobs::queue());
    let own: Vec<_> = own.filter(|own| !named.is_empty() && !named.contains(own)).collect();
    RunnerOptions {
        concurrency: config.jobs.concurrency,
        queues: named.into_iter().chain(own).collect(),
        timeout: (!config.jobs.timeout.is_zero()).then_some(config.jobs.timeout),
        ..RunnerOptions::default()
    }
}

fn retention(config: &Config) -> Retention {
    Retention {
        max_age: (!config.inbox.max_age.is_zero()).then_some(config.inbox.max_age),
        max_items: (config.inbox.max_items > 0).then_some(config.inbox.max_items),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_chooses_queues_keeps_those_of_oyez() {
        let served = |queues: &[&str]| {
            let mut config = Config::default();
            config.jobs.queues = queues.iter().map(|&queue| queue.to_owned()).collect();
            runner_options(&config).queues.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert!(served(&[]).is_empty(), "all");
        assert_eq!(served(&["uploads"]), ["uploads", "oyez", "oyez.webhooks"]);
        assert_eq!(served(&["oyez", "uploads"]), ["oyez", "uploads", "oyez.webhooks"]);
    }
}
