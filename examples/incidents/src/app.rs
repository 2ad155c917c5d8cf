//! Joins everything: the application's database, the embedded Oyez, the relay between them, and the web.

use std::path::{Path, PathBuf};

use anyhow::Context;
use axum::Router;
use oyez::Oyez;
use oyez::UserProfile;
use oyez_core::clock::Clock;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    database::{Database, people},
    desk::Desk,
    login::Login,
    notice,
    people::{Person, Role},
    refusal::Refusal,
    relay::Relay,
    web::{self, Web},
};

/// Where the application keeps its files and how its cookies travel.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The directory for both databases; made when it is not there.
    pub data: PathBuf,
    /// Whether cookies are sent over HTTPS only.
    pub secure_cookies: bool,
}

/// The running application, without a listener.
pub struct App {
    /// The use cases.
    pub desk: Desk,
    /// Who may sign in.
    pub login: Login,
    /// The embedded Oyez.
    pub oyez: Oyez,
    database: Database,
    secure_cookies: bool,
    shutdown: CancellationToken,
    relay: JoinHandle<()>,
}

impl App {
    /// Opens both databases, tells Oyez who there is, and starts to publish what waits in the outbox.
    pub async fn open(settings: Settings) -> anyhow::Result<Self> {
        private_directory(&settings.data)?;
        let clock = Clock::system();
        let database = Database::open(&database_path(&settings.data)).await?;
        let oyez = Oyez::builder()
            .data_dir(settings.data.join("oyez"))
            // A ticket's topic has a secret name: knowing it is the right to listen.
            .configure(|config| config.topics.open = vec!["ticket-*".into()])
            .open()
            .await?;
        // Who holds which role decides who `role:admin` reaches. Told again at each start, so that a crash between
        // adding a person here and telling Oyez is mended, and told before anything is published.
        for person in people::list(database.pool(), None).await? {
            introduce(&oyez, &person).await?;
        }
        let desk = Desk::new(database.clone(), clock.clone());
        desk.purge().await?;
        let shutdown = CancellationToken::new();
        let relay = Relay::new(database.clone(), oyez.clone(), desk.promised.clone());
        let relay = tokio::spawn(relay.run(shutdown.clone()));
        let login = Login::new(database.clone(), clock);
        Ok(Self { desk, login, oyez, database, secure_cookies: settings.secure_cookies, shutdown, relay })
    }

    /// The pages, the JSON API, and Oyez's own routes behind them.
    pub fn router(&self) -> Router {
        let web = Web::new(self.desk.clone(), self.login.clone(), self.oyez.clone(), self.secure_cookies);
        web::router(web)
    }

    /// Adds a person here and in Oyez.
    pub async fn add_person(
        &self,
        email: &str,
        name: &str,
        password: &str,
        roles: &[Role],
    ) -> Result<Person, Refusal> {
        let person = self.login.add(email, name, password, roles).await?;
        introduce(&self.oyez, &person).await?;
        Ok(person)
    }

    /// Ends gracefully: live connections are told to come back, what is published is on disk, files are closed.
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
fn private_directory(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.with_context(|| format!("could not make the directory {}", path.display()))
}

/// Where the application's own database lies in its data directory.
pub fn database_path(data: &Path) -> PathBuf {
    data.join("incidents.db")
}

/// Tells Oyez who a person is and which roles they hold.
pub async fn introduce(oyez: &Oyez, person: &Person) -> Result<(), Refusal> {
    let profile = UserProfile {
        name: Some(person.name.clone()),
        email: Some(person.email.clone()),
        roles: Some(person.roles.iter().map(|role| notice::role_name(*role)).collect()),
        ..UserProfile::new(notice::user_id(person.id))
    };
    oyez.users().put(profile).await.map_err(|error| Refusal::Internal(error.into()))?;
    Ok(())
}
