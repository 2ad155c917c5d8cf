//! The only place that constructs things and joins them: store, bus, hub, use cases and edge become one [`Oyez`],
//! and an [`Oyez`] with a listener is a [`Server`].
//!
//! It decides nothing about notifications; whoever wants to know what happens to one starts at `http` or `publish`.

mod assemble;
mod chores;
mod data_dir;
mod email;
mod embed;
mod error;
mod first_start;
mod listener;
mod media;
mod receivers;
mod run;
mod tls;
mod webhook_jobs;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use assemble::Inner;
use oyez_store::StoreOptions;

use crate::{
    config::{self, Config},
    deliver::Medium,
};

pub use data_dir::{DataDirError, Runtime};
pub use email::smtp_options;
pub use embed::{
    Boards, Deliveries, Jobs, Preferences, PushSubscriptions, Templates, Topics, Users, Webhooks,
};
pub use error::Error;
pub use first_start::{FirstStart, random_password};
pub use run::Server;
pub use tls::TlsError;

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

/// Opens an [`Oyez`] step by step, for those who want few settings and no [`Config`] by hand.
#[derive(Clone, Default)]
pub struct Builder {
    config: Config,
    media: Vec<Arc<dyn Medium>>,
}

impl Builder {
    /// Where the database and the keys live; made when it is not there.
    #[must_use]
    pub fn data_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.config.data_dir = path.into();
        self
    }

    /// Changes any other setting.
    #[must_use]
    pub fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Adds a medium of the application's own; one of a kind that the settings set up takes its place.
    #[must_use]
    pub fn medium(mut self, medium: impl Medium) -> Self {
        self.media.push(Arc::new(medium));
        self
    }

    /// Opens it.
    pub async fn open(self) -> Result<Oyez, Error> {
        Oyez::open_with(self.config, self.media).await
    }
}

impl Oyez {
    /// Begins with the defaults.
    pub fn builder() -> Builder {
        Builder::default()
    }
}

/// How the database of these settings is opened.
pub fn store_options(config: &Config) -> StoreOptions {
    let durability = match config.database.durability {
        config::Durability::Full => oyez_store::Durability::Full,
        config::Durability::Normal => oyez_store::Durability::Normal,
    };
    let options = StoreOptions::new(config.database_path());
    StoreOptions { readers: config.database.readers, durability, ..options }
}

/// The media that these settings set up.
pub fn media_set_up(config: &Config) -> Vec<oyez_core::delivery::Medium> {
    media::set_up(config, &[])
}

/// Makes the data directory, for its owner only.
pub fn prepare_data_dir(path: &Path) -> Result<(), Error> {
    data_dir::DataDir::take(path).map(drop).map_err(Error::from)
}

/// Whether an address can be listened on now.
pub async fn can_bind(address: &str) -> std::io::Result<()> {
    listener::bind(address).await.map(drop)
}

/// Whether a certificate and a key can be used together.
pub fn check_tls(cert: &Path, key: &Path) -> Result<(), TlsError> {
    tls::Tls::open(cert, key).map(drop)
}
