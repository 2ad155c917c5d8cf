//! Joins everything: the application's database, the embedded Oyez with the upload's handler, the relay between them,
//! and the web.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use axum::Router;
use oyez::Oyez;
use oyez_core::clock::Clock;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    database::Database,
    desk::Desk,
    oracle::{self, Oracle},
    relay::Relay,
    simulator::Simulator,
    upload::Uploader,
    web::{self, Web},
};

/// How long a shutdown waits before running uploads are given back.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);

/// Where the application keeps its files, which Oracle it talks to, and how its cookies travel.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The directory for both databases; made when it is not there.
    pub data: PathBuf,
    /// Which Oracle.
    pub oracle: oracle::Settings,
    /// The simulator in this process, when it is the Oracle; its switches are then on the test page.
    pub simulator: Option<Simulator>,
    /// Whether cookies are sent over HTTPS only.
    pub secure_cookies: bool,
}

/// The running application, without a listener.
pub struct App {
    /// The use cases.
    pub desk: Desk,
    /// The embedded Oyez.
    pub oyez: Oyez,
    /// The application's own tables.
    pub database: Database,
    simulator: Option<Simulator>,
    secure_cookies: bool,
    shutdown: CancellationToken,
    relay: JoinHandle<()>,
}

impl App {
    /// Opens both databases, goes on with the uploads that were underway, and makes jobs of what waits in the outbox.
    pub async fn open(settings: Settings) -> anyhow::Result<Self> {
        let Settings { data, oracle, simulator, secure_cookies } = settings;
        private_directory(&data)?;
        let clock = Clock::system();
        let database = Database::open(&database_path(&data)).await?;
        let oyez = Oyez::builder()
            .data_dir(data.join("oyez"))
            // An upload waits for Oracle for minutes and goes on after a restart where it was: a shutdown that waits
            // for it gains nothing.
            .configure(|config| config.lifecycle.drain_grace = SHUTDOWN_GRACE)
            .open()
            .await?;
        let uploader = Uploader::new(database.clone(), Oracle::new(oracle)?, clock.clone());
        oyez.jobs().handle(move |context, job| uploader.clone().run(context, job))?;
        let desk = Desk::new(database.clone(), oyez.clone(), clock);
        desk.purge().await?;
        let shutdown = CancellationToken::new();
        let relay = Relay::new(database.clone(), oyez.clone(), desk.promised.clone());
        let relay = tokio::spawn(relay.run(shutdown.clone()));
        Ok(Self { desk, oyez, database, simulator, secure_cookies, shutdown, relay })
    }

    /// The pages, the JSON API, and Oyez's own routes behind them.
    pub fn router(&self) -> Router {
        let (desk, oyez) = (self.desk.clone(), self.oyez.clone());
        web::router(Web::new(desk, oyez, self.simulator.clone(), self.secure_cookies))
    }

    /// Ends gracefully: live connections are told to come back, running uploads are given back, files are closed.
    pub async fn shutdown(self) {
        self.shutdown.cancel();
        if let Err(error) = self.relay.await {
            tracing::error!(%error, "the relay ended badly");
        }
        self.oyez.shutdown().await;
        self.database.close().await;
    }
}

/// Makes a directory that only its owner may look into, unless it is there.
pub fn private_directory(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.with_context(|| format!("could not make the directory {}", path.display()))
}

/// Where the application's own database lies in its data directory.
pub fn database_path(data: &Path) -> PathBuf {
    data.join("transfers.db")
}
