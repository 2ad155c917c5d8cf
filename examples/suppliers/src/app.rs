//! Joins everything: the application's database, the embedded Oyez with its handlers, the workers between them, and
//! the web.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use axum::Router;
use oyez::{
    Config, Oyez, UserProfile,
    config::{EmailTransport, RuleConfig},
};
use oyez_core::clock::Clock;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    bulk::Workers,
    dashboard::Dashboard,
    database::{Database, people},
    desk::Desk,
    files::{self, Files},
    login::Login,
    mails::Mails,
    notice,
    people::{Person, Role},
    refusal::Refusal,
    relay::Relay,
    sink::Sink,
    tasks::Tasks,
    web::{self, Web},
};

/// Where the application keeps its files and how it is reached.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The directory for both databases, documents and the demo's mail; made when it is not there.
    pub data: PathBuf,
    /// Where people reach it, such as `https://suppliers.example.com`.
    pub public_url: String,
    /// Whether cookies are sent over HTTPS only.
    pub secure_cookies: bool,
    /// Whether the mail that was sent can be read at `/mail` by whoever reaches this server.
    pub open_mailbox: bool,
    /// How long a mail that could not be sent waits for its second attempt.
    pub retry_first: Duration,
}

impl Settings {
    /// Everything in this directory; mail is not shown, and links in it lead to this machine.
    pub fn new(data: PathBuf) -> Self {
        Self {
            data,
            public_url: "http://127.0.0.1:8070".into(),
            secure_cookies: false,
            open_mailbox: false,
            retry_first: Duration::from_secs(15),
        }
    }
}

/// The running application, without a listener.
pub struct App {
    /// The use cases.
    pub desk: Desk,
    /// Who may sign in.
    pub login: Login,
    /// The embedded Oyez.
    pub oyez: Oyez,
    /// The mails it sends.
    pub mails: Mails,
    /// The scheduled tasks.
    pub tasks: Tasks,
    database: Database,
    sink: Option<Sink>,
    secure_cookies: bool,
    shutdown: CancellationToken,
    workers: Vec<JoinHandle<()>>,
}

impl App {
    /// Opens both databases, tells Oyez who works here, and goes on with what waits.
    pub async fn open(settings: Settings) -> anyhow::Result<Self> {
        let Settings { data, public_url, secure_cookies, open_mailbox, retry_first } = settings;
        files::private_directory(&data)?;
        let clock = Clock::system();
        let database = Database::open(&database_path(&data)).await?;
        let files = Files::open(data.join("documents"))?;
        let oyez = Oyez::builder()
            .data_dir(data.join("oyez"))
            .configure(|config| configure(config, &public_url, &data, retry_first))
            .open()
            .await?;
        // Told again at each start, so that a crash between adding a person here and telling Oyez is mended.
        for person in people::staff(database.pool()).await? {
            introduce(&oyez, &person).await?;
        }
        let desk = Desk::new(database.clone(), clock.clone(), files, &public_url);
        let login = Login::new(database.clone(), clock);
        let mailbox = Sink::new(data.join("mail"));
        let mails = Mails::new(oyez.clone(), mailbox.clone());
        mails.put_templates().await?;
        let tasks = Tasks::new(desk.clone(), mails.clone(), oyez.clone());
        tasks.register().await?;
        Workers::new(desk.clone(), login.clone(), oyez.clone()).register().await?;
        let dashboard = Dashboard::new(desk.clone(), oyez.clone());
        dashboard.open().await?;
        let shutdown = CancellationToken::new();
        let relay = Relay::new(database.clone(), oyez.clone(), desk.promised.clone());
        let workers = vec![
            tokio::spawn(relay.run(shutdown.clone())),
            tokio::spawn(dashboard.run(shutdown.clone())),
            tokio::spawn(mails.clone().run(shutdown.clone())),
        ];
        let sink = open_mailbox.then_some(mailbox);
        Ok(Self { desk, login, oyez, mails, tasks, database, sink, secure_cookies, shutdown, workers })
    }

    /// The pages, the JSON API, and Oyez's own routes behind them.
    pub fn router(&self) -> Router {
        web::router(Web::new(self, self.sink.clone(), self.secure_cookies))
    }

    /// Adds somebody who works in the office, here and in Oyez.
    pub async fn add_staff(
        &self,
        email: &str,
        name: &str,
        password: &str,
        role: Role,
    ) -> Result<Person, Refusal> {
        let person = self.login.add_staff(email, name, password, role).await?;
        introduce(&self.oyez, &person).await?;
        Ok(person)
    }

    /// Ends gracefully: live connections are told to come back, running jobs are given back, files are closed.
    pub async fn shutdown(self) {
        self.shutdown.cancel();
        for worker in self.workers {
            if let Err(error) = worker.await {
                tracing::error!(%error, "a worker ended badly");
            }
        }
        self.oyez.shutdown().await;
        self.database.close().await;
    }
}

/// What this application asks of Oyez.
fn configure(config: &mut Config, public_url: &str, data: &Path, retry_first: Duration) {
    // The dashboard is the reviewers'.
    config.gateway.dashboard_roles = vec!["reviewer".into()];
    // Mail leaves as files: this is a demo. A real office has `EmailTransport::Smtp` and its mail server here.
    config.public_url = Some(public_url.into());
    config.email.transport = EmailTransport::File;
    config.email.folder = Some(data.join("mail"));
    config.email.from = Some("Supplier office <office@suppliers.example>".into());
    config.email.app_name = "Supplier office".into();
    config.email.app_url = Some(public_url.into());
    // Only what says so goes out by mail, and that at once, seen or not: it has what its reader cannot do without.
    config.fallback.email.when = "off".into();
    config.fallback.email.retry_first = retry_first;
    let rule = |types: &[&str], critical| RuleConfig {
        types: types.iter().map(|kind| (*kind).to_owned()).collect(),
        media: Some(vec!["email".into()]),
        when: "at_once".into(),
        grace: None,
        digest: None,
        critical,
        quiet_hours: None,
    };
    let (announcements, answers): (Vec<&str>, Vec<&str>) =
        notice::MAILS.iter().partition(|kind| **kind == notice::ANNOUNCEMENT);
    // Answers to an application cannot be muted; announcements can.
    config.fallback.rules = vec![rule(&answers, true), rule(&announcements, false)];
}

/// Where the application's own database lies in its data directory.
pub fn database_path(data: &Path) -> PathBuf {
    data.join("suppliers.db")
}

/// Tells Oyez who a person is and which roles they hold.
async fn introduce(oyez: &Oyez, person: &Person) -> Result<(), Refusal> {
    let profile = UserProfile {
        name: Some(person.name.clone()),
        email: Some(person.email.clone()),
        roles: Some(person.role.names()),
        ..UserProfile::new(person.user_id())
    };
    oyez.users().put(profile).await?;
    Ok(())
}
