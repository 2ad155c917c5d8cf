//! Which settings cannot work, alone or together. Pure: it opens no file and resolves no name.

mod email;

use std::{borrow::Cow, time::Duration};

use oyez_core::job::request::MAX_ATTEMPTS;
use oyez_protocol::{QueueName, RoleName, api::deliveries::Medium};
use toml::Value;

use super::{Algorithm, Config, fallback::RULE_REMEDY, load::known_keys};

/// A refusal: which key, why, and the value or the advice that mends it.
pub(super) struct Refusal {
    pub(super) key: Cow<'static, str>,
    pub(super) problem: String,
    pub(super) value: Option<Value>,
    pub(super) fix: String,
}

type Outcome = Result<(), Refusal>;

/// The first setting that cannot work.
pub(super) fn check(config: &Config) -> Outcome {
    listening(config)?;
    database(config)?;
    auth(config)?;
    gateway(config)?;
    http(config)?;
    background(config)
}

fn set(key: &'static str, problem: String, value: impl Into<Value>) -> Outcome {
    Err(Refusal { key: key.into(), problem, value: Some(value.into()), fix: String::new() })
}

fn advise(key: &'static str, problem: impl Into<String>, fix: impl Into<String>) -> Outcome {
    Err(Refusal { key: key.into(), problem: problem.into(), value: None, fix: fix.into() })
}

fn listening(config: &Config) -> Outcome {
    let port = config
        .listen
        .rsplit_once(':')
        .and_then(|(host, port)| (!host.is_empty()).then(|| port.parse::<u16>().ok())?);
    if port.is_none() {
        let problem = format!("expected an address and a port, given {:?}", config.listen);
        return set("listen", problem, "127.0.0.1:8000");
    }
    if let Some(url) = &config.public_url
        && !is_origin(url)
    {
        let problem = format!("expected http(s)://host without a path, given {url:?}");
        return set("public_url", problem, "https://notify.example.com");
    }
    Ok(())
}

fn database(config: &Config) -> Outcome {
    let database = &config.database;
    if let Some(url) = &database.url {
        if url.strip_prefix("sqlite:").is_none_or(|path| path.trim_start_matches("//").is_empty()) {
            // The given text is not repeated: it may hold a password.
            let problem = "expected \"sqlite:/path/to/file.db\"; this release knows no other database";
            return set("database.url", problem.into(), "sqlite:/var/lib/oyez/oyez.db");
        }
        if url.contains(":memory:") {
            let fix = "leave database.url out; for a test, name a temporary --data directory";
            return advise("database.url", "a database in memory would lose what was acknowledged", fix);
        }
    }
    if !(1..=64).contains(&database.readers) {
        let problem = format!("expected 1 to 64, given {}", database.readers);
        return set("database.readers", problem, 4);
    }
    Ok(())
}

fn auth(config: &Config) -> Outcome {
    let auth = &config.auth;
    if let Some(secret) = &auth.secret {
        if secret.len() < 32 {
            let problem = format!("expected at least 32 bytes, given {}", secret.len());
            return advise("auth.secret", problem, "make one with `openssl rand -base64 32`");
        }
        if !auth.algorithms.contains(&Algorithm::Hs256) {
            let fix = "add \"HS256\" to auth.algorithms, or remove auth.secret";
            return advise("auth.algorithms", "auth.secret is set, but HS256 is not accepted", fix);
        }
    }
    let asymmetric = auth.algorithms.iter().any(|algorithm| *algorithm != Algorithm::Hs256);
    if !asymmetric && (auth.public_key_file.is_some() || auth.jwks_url.is_some()) {
        let problem = "a public key is set, but no algorithm that uses one is accepted";
        return advise(
            "auth.algorithms",
            problem,
            "add \"RS256\", \"ES256\" or \"EdDSA\" to auth.algorithms",
        );
    }
    if let Some(url) = &auth.jwks_url {
        let loopback = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
        if !url.starts_with("https://") && !loopback.iter().any(|prefix| url.starts_with(prefix)) {
            let problem = format!("expected an https:// address (http:// only on loopback), given {url:?}");
            return set("auth.jwks_url", problem, "https://login.example.com/.well-known/jwks.json");
        }
    }
    within("auth.jwks_refresh", auth.jwks_refresh, "10s", "24h", "10m")?;
    within("auth.leeway", auth.leeway, "0s", "10m", "5s")?;
    within("auth.access_ttl", auth.access_ttl, "10s", "30d", "15m")?;
    within("auth.ticket_ttl", auth.ticket_ttl, "1s", "10m", "60s")?;
    within("auth.login_window", auth.login_window, "1s", "24h", "15m")?;
    if auth.refresh_ttl < auth.access_ttl {
        let problem = "a login would end before its first access token (auth.access_ttl)".into();
        return set("auth.refresh_ttl", problem, "30d");
    }
    at_least_one("auth.login_attempts", auth.login_attempts as usize, 10)?;
    if auth.claims.user.is_empty() {
        let default = vec![Value::from("sub"), Value::from("user_id")];
        return set("auth.claims.user", "expected at least one claim".into(), default);
    }
    Ok(())
}

fn gateway(config: &Config) -> Outcome {
    let gateway = &config.gateway;
    within("gateway.ping_interval", gateway.ping_interval, "1s", "1h", "25s")?;
    within("gateway.head_check_interval", gateway.head_check_interval, "1s", "10m", "15s")?;
    between("gateway.max_frame", gateway.max_frame, 1 << 10, 16 << 20, "64KiB")?;
    between("gateway.outbox", gateway.outbox, 16 << 10, 64 << 20, "256KiB")?;
    at_least_one("gateway.max_connections_per_user", gateway.max_connections_per_user, 100)?;
    at_least_one("gateway.commands_per_second", gateway.commands_per_second as usize, 20)?;
    at_least_one("gateway.commands_burst", gateway.commands_burst as usize, 100)?;
    at_least_one("gateway.signals_per_second", gateway.signals_per_second as usize, 5)?;
    at_least_one("gateway.signals_burst", gateway.signals_burst as usize, 20)?;
    if let Some(bad) = gateway.dashboard_roles.iter().find(|role| RoleName::new(role).is_err()) {
        let problem = format!("{bad:?} is not a role's name");
        return set(
            "gateway.dashboard_roles",
            problem,
            vec![Value::from("super_admin"), Value::from("admin")],
        );
    }
    origins("gateway.allowed_origins", &gateway.allowed_origins)?;
    if gateway.shards > 256 {
        return set("gateway.shards", format!("expected 0 to 256, given {}", gateway.shards), 0);
    }
    Ok(())
}

fn http(config: &Config) -> Outcome {
    let http = &config.http;
    between("http.body_limit", http.body_limit, 1 << 10, 1 << 30, "8MiB")?;
    between("http.header_limit", http.header_limit, 8 << 10, 1 << 20, "32KiB")?;
    within("http.header_timeout", http.header_timeout, "1s", "5m", "10s")?;
    within("http.request_timeout", http.request_timeout, "1s", "10m", "30s")?;
    origins("http.cors_origins", &http.cors_origins)?;
    match (&http.tls.cert, &http.tls.key) {
        (Some(_), None) => {
            set("http.tls.key", "http.tls.cert is set, its private key is not".into(), "/etc/oyez/key.pem")
        }
        (None, Some(_)) => {
            set("http.tls.cert", "http.tls.key is set, its certificate is not".into(), "/etc/oyez/cert.pem")
        }
        _ => Ok(()),
    }
}

fn background(config: &Config) -> Outcome {
    jobs(config)?;
    boards(config)?;
    fallback(config)?;
    receivers(config)?;
    email::email(config)?;
    within("lifecycle.drain_grace", config.lifecycle.drain_grace, "0s", "10m", "10s")?;
    if config.lifecycle.http_threads > 256 {
        let problem = format!("expected 0 to 256, given {}", config.lifecycle.http_threads);
        return set("lifecycle.http_threads", problem, 0);
    }
    if config.topics.open.iter().any(String::is_empty) {
        return set("topics.open", "a pattern is empty".into(), vec![Value::from("public-*")]);
    }
    if !is_log_filter(&config.log.level) {
        let problem = format!(
            "expected error, warn, info, debug, trace or off, or a filter such as \"info,oyez=debug\"; given {:?}",
            config.log.level
        );
        return set("log.level", problem, "info");
    }
    Ok(())
}

/// A word alone is a level. The library takes any other for the name of a module, and then logs nothing else.
fn is_log_filter(level: &str) -> bool {
    let directives = level.split(',').map(str::trim).filter(|directive| !directive.is_empty());
    let is_fine = |directive: &str| match directive.contains(['=', '[']) {
        true => directive.parse::<tracing_subscriber::filter::Directive>().is_ok(),
        false => directive.parse::<tracing_subscriber::filter::LevelFilter>().is_ok(),
    };
    directives.clone().count() > 0 && directives.clone().all(is_fine)
}

fn boards(config: &Config) -> Outcome {
    let history = config.boards.history;
    if !(1..=10_000).contains(&history) {
        return set("boards.history", format!("expected 1 to 10000, given {history}"), 50);
    }
    Ok(())
}

/// The core checks the rules; here its words become those of settings.
fn fallback(config: &Config) -> Outcome {
    let Err(invalid) = config.fallback.policy(&Medium::ALL) else { return Ok(()) };
    let known = known_keys();
    let mut key = invalid.field.as_str();
    // A part of a setting, such as one of the rules: the setting is what a file sets.
    while !known.contains_key(key) {
        let Some(end) = key.rfind(['.', '[']) else { break };
        key = &key[..end];
    }
    let said = invalid.message.strip_prefix(&format!("\"{key}\" ")).unwrap_or(&invalid.message);
    let value = known.get(key).filter(|value| !value.is_array()).cloned();
    let fix = RULE_REMEDY.to_owned();
    Err(Refusal { key: key.to_owned().into(), problem: said.to_owned(), value, fix })
}

fn receivers(config: &Config) -> Outcome {
    within("web_push.timeout", config.web_push.timeout, "1s", "30s", "10s")?;
    within("webhooks.timeout", config.webhooks.timeout, "1s", "25s", "15s")?;
    match &config.web_push.subject {
        // RFC 8292, section 2.1.
        Some(subject) if !subject.starts_with("mailto:") && !subject.starts_with("https://") => {
            let problem = format!("expected mailto:… or https://…, given {subject:?}");
            set("web_push.subject", problem, "mailto:ops@example.com")
        }
        _ => Ok(()),
    }
}

fn jobs(config: &Config) -> Outcome {
    let jobs = &config.jobs;
    if !(1..=10_000).contains(&jobs.concurrency) {
        return set("jobs.concurrency", format!("expected 1 to 10000, given {}", jobs.concurrency), 100);
    }
    if let Some(bad) = jobs.queues.iter().find(|queue| QueueName::new(queue).is_err()) {
        return set("jobs.queues", format!("{bad:?} is not a queue's name"), vec![Value::from("default")]);
    }
    if !(1..=MAX_ATTEMPTS).contains(&jobs.max_attempts) {
        let problem = format!("expected 1 to {MAX_ATTEMPTS}, given {}", jobs.max_attempts);
        return set("jobs.max_attempts", problem, 3);
    }
    within("jobs.retry_first", jobs.retry_first, "0s", "365d", "15s")?;
    within("jobs.retry_max", jobs.retry_max, "0s", "365d", "1h")?;
    within("jobs.lease", jobs.lease, "200ms", "10m", "15s")
}

/// The bounds and the remedy are written as in the file.
fn within(key: &'static str, given: Duration, least: &str, most: &str, remedy: &str) -> Outcome {
    let bound = |text| super::units::duration(text).expect("bounds are written here");
    if (bound(least)..=bound(most)).contains(&given) {
        return Ok(());
    }
    set(key, format!("expected {least} to {most}, given {given:?}"), remedy)
}

fn between(key: &'static str, given: usize, least: usize, most: usize, remedy: &str) -> Outcome {
    if (least..=most).contains(&given) {
        return Ok(());
    }
    let problem = format!("expected {}KiB to {}KiB, given {given} bytes", least >> 10, most >> 10);
    set(key, problem, remedy)
}

fn at_least_one(key: &'static str, given: usize, remedy: i64) -> Outcome {
    if given > 0 { Ok(()) } else { set(key, "expected 1 or more, given 0".into(), remedy) }
}

fn origins(key: &'static str, given: &[String]) -> Outcome {
    let Some(bad) = given.iter().find(|origin| origin.as_str() != "*" && !is_origin(origin)) else {
        return Ok(());
    };
    let problem = format!("expected origins such as \"https://app.example.com\", or \"*\", given {bad:?}");
    set(key, problem, vec![Value::from("https://app.example.com")])
}

/// `scheme://host[:port]` and nothing after it, as browsers write origins.
fn is_origin(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, host)| {
        let scheme_ok =
            !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        scheme_ok && !host.is_empty() && !host.contains(['/', '?', '#', '@', ' '])
    })
}
