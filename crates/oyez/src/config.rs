//! Every setting, as plain data: one struct per section, each subsystem takes its own.
//!
//! A leaf module: it reads no clock and opens nothing but its own files. `config/defaults.toml` is the only
//! source of defaults, so `Config::default()` and each section's `default()` are what that file says.

mod check;
mod email;
mod error;
mod fallback;
mod load;
mod reference;
mod units;

use std::{net::IpAddr, path::PathBuf, time::Duration};

use serde::{Deserialize, Deserializer, de::Error as _};

pub use email::{EmailConfig, EmailTls, EmailTransport};
pub use error::{ConfigError, Origin};
pub use fallback::{FallbackConfig, FallbackMediumConfig, RuleConfig};
pub use load::{Flag, Loaded, Sources};
pub use reference::reference;

/// The documented defaults, as they are shown by `oyez serve --help` and in the reference.
pub const DEFAULTS: &str = include_str!("config/defaults.toml");

/// All settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The address to listen on: `host:port`.
    pub listen: String,
    /// Where the database, the keys and `oyez.toml` live.
    pub data_dir: PathBuf,
    /// The address the outside reaches this server by; `None`: the one it listens on.
    #[serde(deserialize_with = "text_or_none")]
    pub public_url: Option<String>,
    /// The database.
    pub database: DatabaseConfig,
    /// Who is calling.
    pub auth: AuthConfig,
    /// Live connections.
    pub gateway: GatewayConfig,
    /// The HTTP edge.
    pub http: HttpConfig,
    /// What inboxes keep.
    pub inbox: InboxConfig,
    /// Background work.
    pub jobs: JobsConfig,
    /// Boards.
    pub boards: BoardsConfig,
    /// What reaches people who are away.
    pub fallback: FallbackConfig,
    /// Push messages to browsers.
    pub web_push: WebPushConfig,
    /// Signed requests to applications.
    pub webhooks: WebhooksConfig,
    /// E-mail.
    pub email: EmailConfig,
    /// Topics.
    pub topics: TopicsConfig,
    /// Start and end of the process.
    pub lifecycle: LifecycleConfig,
    /// The log.
    pub log: LogConfig,
}

/// `[database]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// `sqlite:PATH`; `None`: `oyez.db` in the data directory.
    #[serde(deserialize_with = "text_or_none")]
    pub url: Option<String>,
    /// When a commit counts as durable.
    pub durability: Durability,
    /// Connections that read.
    pub readers: u32,
}

/// When a commit counts as durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// On disk before the answer.
    Full,
    /// In the operating system's hands before the answer.
    Normal,
}

/// `[auth]`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthConfig {
    /// The HS256 secret shared with an application that issues tokens.
    #[serde(deserialize_with = "text_or_none")]
    pub secret: Option<String>,
    /// The PEM file of a foreign issuer's public key.
    #[serde(deserialize_with = "path_or_none")]
    pub public_key_file: Option<PathBuf>,
    /// Where a foreign issuer publishes its keys.
    #[serde(deserialize_with = "text_or_none")]
    pub jwks_url: Option<String>,
    /// How often the JWKS is read again.
    #[serde(deserialize_with = "duration")]
    pub jwks_refresh: Duration,
    /// Signature algorithms accepted.
    pub algorithms: Vec<Algorithm>,
    /// Accepted `iss`; empty: any.
    pub issuers: Vec<String>,
    /// Accepted `aud`; empty: any.
    pub audiences: Vec<String>,
    /// How far clocks may differ.
    #[serde(deserialize_with = "duration")]
    pub leeway: Duration,
    /// Life of an access token.
    #[serde(deserialize_with = "duration")]
    pub access_ttl: Duration,
    /// Life of a refresh token.
    #[serde(deserialize_with = "duration")]
    pub refresh_ttl: Duration,
    /// Life of a ticket.
    #[serde(deserialize_with = "duration")]
    pub ticket_ttl: Duration,
    /// Failed logins allowed per account and per address in `login_window`.
    pub login_attempts: u32,
    /// The time over which failed logins are counted.
    #[serde(deserialize_with = "duration")]
    pub login_window: Duration,
    /// Roles whose holders have the scope `admin` over HTTP.
    pub admin_roles: Vec<String>,
    /// Which claims of a token mean what.
    pub claims: ClaimsConfig,
}

/// A signature algorithm of JWTs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Algorithm {
    /// HMAC with SHA-256, a shared secret.
    #[serde(rename = "HS256")]
    Hs256,
    /// RSA PKCS#1 v1.5 with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

/// `[auth.claims]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimsConfig {
    /// Claims that carry the user id; the first one present wins.
    pub user: Vec<String>,
    /// The claim that carries the roles.
    pub roles: String,
    /// The claim that carries the name.
    pub name: String,
    /// The claim that carries the e-mail address.
    pub email: String,
}

/// `[gateway]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayConfig {
    /// How often a live connection is pinged.
    #[serde(deserialize_with = "duration")]
    pub ping_interval: Duration,
    /// The largest message a client may send, in bytes.
    #[serde(deserialize_with = "size")]
    pub max_frame: usize,
    /// What happens to a connection whose token expires.
    pub expired_tokens: ExpiredTokens,
    /// Offer permessage-deflate.
    pub compression: bool,
    /// Live connections of one user.
    pub max_connections_per_user: usize,
    /// Bytes that wait in memory for one slow connection.
    #[serde(deserialize_with = "size")]
    pub outbox: usize,
    /// Roles that may open the dashboard stream.
    pub dashboard_roles: Vec<String>,
    /// Origins of web pages that may connect; `*` allows all.
    pub allowed_origins: Vec<String>,
    /// Commands per second of a connection.
    pub commands_per_second: u32,
    /// Commands at once of a connection.
    pub commands_burst: u32,
    /// Signals per second of a connection.
    pub signals_per_second: u32,
    /// Signals at once of a connection.
    pub signals_burst: u32,
    /// How often connected users' heads are compared with the store.
    #[serde(deserialize_with = "duration")]
    pub head_check_interval: Duration,
    /// Threads that own live connections; 0: one per core.
    pub shards: usize,
}

/// What happens to a live connection whose token expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExpiredTokens {
    /// It is closed with 4401.
    Close,
    /// It stays.
    Keep,
}

/// `[http]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpConfig {
    /// The largest request body, in bytes.
    #[serde(deserialize_with = "size")]
    pub body_limit: usize,
    /// The largest request head, in bytes.
    #[serde(deserialize_with = "size")]
    pub header_limit: usize,
    /// How long a request's head may take.
    #[serde(deserialize_with = "duration")]
    pub header_timeout: Duration,
    /// How long a request may take.
    #[serde(deserialize_with = "duration")]
    pub request_timeout: Duration,
    /// Connections at once; 0: what the file limit allows.
    pub max_connections: usize,
    /// Origins that may call the API; `*` allows all.
    pub cors_origins: Vec<String>,
    /// Proxies whose forwarding headers are believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// TLS from files.
    pub tls: TlsConfig,
}

/// `[http.tls]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// The certificate chain, PEM.
    #[serde(deserialize_with = "path_or_none")]
    pub cert: Option<PathBuf>,
    /// The private key, PEM.
    #[serde(deserialize_with = "path_or_none")]
    pub key: Option<PathBuf>,
}

/// `[inbox]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InboxConfig {
    /// Items older than this are removed; zero keeps them.
    #[serde(deserialize_with = "duration")]
    pub max_age: Duration,
    /// Newest items kept per inbox; 0 keeps all.
    pub max_items: u64,
}

/// `[jobs]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobsConfig {
    /// Jobs that handlers in this process run at once.
    pub concurrency: usize,
    /// Queues that handlers in this process serve; empty: all.
    pub queues: Vec<String>,
    /// Without a sign of life for so long, a worker has lost its job.
    #[serde(deserialize_with = "duration")]
    pub lease: Duration,
    /// How long an attempt of a handler in this process may take when the job does not say; zero: as long as it takes.
    #[serde(deserialize_with = "duration")]
    pub timeout: Duration,
    /// How often a job may fail that does not say.
    pub max_attempts: u16,
    /// The wait after the first failure of a job that does not say; each wait after it is twice as long.
    #[serde(deserialize_with = "duration")]
    pub retry_first: Duration,
    /// The longest wait between attempts of a job that does not say.
    #[serde(deserialize_with = "duration")]
    pub retry_max: Duration,
    /// Jobs that ended longer ago are removed; zero keeps them.
    #[serde(deserialize_with = "duration")]
    pub keep: Duration,
}

/// `[boards]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoardsConfig {
    /// How many of its last versions a board keeps.
    pub history: u32,
}

/// `[web_push]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebPushConfig {
    /// Whether browsers may subscribe, and are sent messages.
    pub enabled: bool,
    /// Where the operator of a push service may complain; `None`: the public address, if it has one.
    #[serde(deserialize_with = "text_or_none")]
    pub subject: Option<String>,
    /// How long a push service may take to answer.
    #[serde(deserialize_with = "duration")]
    pub timeout: Duration,
    /// Whether private addresses and `http://` will do.
    pub allow_private: bool,
}

/// `[webhooks]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhooksConfig {
    /// Whether endpoints may be told of users' notifications.
    pub notifications: bool,
    /// How long an endpoint may take to answer.
    #[serde(deserialize_with = "duration")]
    pub timeout: Duration,
    /// An endpoint that has failed for so long is disabled; zero: never.
    #[serde(deserialize_with = "duration")]
    pub disable_after: Duration,
    /// Whether private addresses and `http://` will do.
    pub allow_private: bool,
}

/// `[topics]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicsConfig {
    /// Patterns of topics that any user may subscribe to; `*` stands for any text.
    pub open: Vec<String>,
}

/// `[lifecycle]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LifecycleConfig {
    /// How long a graceful end may take.
    #[serde(deserialize_with = "duration")]
    pub drain_grace: Duration,
    /// Threads that answer HTTP; 0: one per core, at most 4.
    pub http_threads: usize,
}

/// `[log]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// A level, or a filter.
    pub level: String,
    /// How lines are written.
    pub format: LogFormat,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Pretty on a terminal, JSON otherwise.
    Auto,
    /// For people.
    Pretty,
    /// For machines.
    Json,
}

/// Reads a duration as settings are written: "250ms", "25s", "1h30m".
pub fn parse_duration(text: &str) -> Option<Duration> {
    units::duration(text)
}

impl Config {
    /// The database's file: the one that `database.url` names, else `oyez.db` in the data directory.
    pub fn database_path(&self) -> PathBuf {
        match self.database.url.as_deref().and_then(|url| url.strip_prefix("sqlite:")) {
            Some(path) => PathBuf::from(path.strip_prefix("//").unwrap_or(path)),
            None => self.data_dir.join("oyez.db"),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        toml::from_str(DEFAULTS).expect("defaults.toml is checked by a test")
    }
}

macro_rules! section_defaults {
    ($($section:ident: $kind:ty),* $(,)?) => {
        $(impl Default for $kind {
            fn default() -> Self {
                Config::default().$section
            }
        })*
    };
}

// Written by a macro because fifteen sections take the same three lines.
section_defaults! {
    database: DatabaseConfig, auth: AuthConfig, gateway: GatewayConfig, http: HttpConfig, inbox: InboxConfig,
    jobs: JobsConfig, boards: BoardsConfig, fallback: FallbackConfig, email: EmailConfig,
    web_push: WebPushConfig, webhooks: WebhooksConfig, topics: TopicsConfig, lifecycle: LifecycleConfig,
    log: LogConfig,
}

impl std::fmt::Debug for AuthConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthConfig")
            .field("secret", &self.secret.as_ref().map(|_| "(hidden)"))
            .field("public_key_file", &self.public_key_file)
            .field("jwks_url", &self.jwks_url)
            .field("algorithms", &self.algorithms)
            .field("claims", &self.claims)
            .finish_non_exhaustive()
    }
}

fn text_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok((!text.is_empty()).then_some(text))
}

fn path_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    Ok(text_or_none(deserializer)?.map(PathBuf::from))
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let refused = || D::Error::custom("expected a duration such as \"25s\" or \"1h30m\"");
    let text = String::deserialize(deserializer).map_err(|_| refused())?;
    units::duration(&text).ok_or_else(refused)
}

fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let refused = || D::Error::custom("expected a size such as \"64KiB\" or \"1MiB\"");
    let text = String::deserialize(deserializer).map_err(|_| refused())?;
    units::size(&text).ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_file_sets_every_key_and_nothing_else() {
        let config = Config::default();
        assert_eq!(config.gateway.ping_interval, Duration::from_secs(25));
        assert_eq!(config.gateway.max_frame, 65_536);
        assert_eq!(config.public_url, None);
    }

    #[test]
    fn the_shared_secret_is_never_shown() {
        let auth = AuthConfig { secret: Some("very-secret".into()), ..AuthConfig::default() };
        assert!(!format!("{auth:?}").contains("very-secret"));
    }
}
