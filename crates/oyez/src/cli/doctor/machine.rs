//! What the doctor finds around the server: disk, limits, clock, port, and who is to be reached.

use std::{fs, path::Path, time::Duration};

use oyez_core::clock::Clock;
use oyez_protocol::Timestamp;

use super::Finding;
use crate::{
    config::Config,
    lifecycle::FileLimit,
    server::{self, Runtime},
};

/// Below this a publish may soon fail.
const DISK_LOW: u64 = 1 << 30;
const DISK_CRITICAL: u64 = 100 << 20;
/// Each connection is a file.
const FILES_WANTED: u64 = 10_240;
/// This release was made after it.
const RELEASED: &str = "2026-11-01T00:00:00Z";
/// File systems and machines on a network differ by a little.
const CLOCK_SLACK_SECONDS: i64 = 120;

/// Free space where the database lies.
pub(super) fn disk(config: &Config) -> Finding {
    let directory = nearest(config.database_path().parent().unwrap_or(Path::new(".")));
    let free = match rustix::fs::statvfs(&directory) {
        Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize),
        Err(error) => {
            return Finding::warning("disk", format!("cannot be asked: {error}"), "df -h .");
        }
    };
    let detail = format!("{} MiB free at {}", free >> 20, directory.display());
    let fix = "free some space, or move the data directory to a larger disk and start with --data DIR";
    match free {
        0..DISK_CRITICAL => Finding::wrong("disk", detail, fix),
        DISK_CRITICAL..DISK_LOW => Finding::warning("disk", detail, fix),
        _ => Finding::fine("disk", detail),
    }
}

/// The closest directory that exists: the data directory may not be made yet.
fn nearest(path: &Path) -> std::path::PathBuf {
    let there = path.ancestors().find(|path| !path.as_os_str().is_empty() && path.exists());
    there.unwrap_or(Path::new(".")).to_owned()
}

/// How many connections the process may hold; the server raises the limit itself as far as it may.
pub(super) fn file_limit(config: &Config) -> Finding {
    let limit = FileLimit::read().maximum;
    let wanted = FILES_WANTED.max(config.http.max_connections as u64 + 64);
    let detail = format!("{limit} files and connections");
    if limit >= wanted {
        return Finding::fine("file limit", detail);
    }
    let fix = format!("ulimit -Hn {wanted}    (systemd: LimitNOFILE={wanted})");
    Finding::warning("file limit", detail, fix)
}

/// A clock that is wrong makes tokens expire at once, or never.
pub(super) fn clock(config: &Config) -> Finding {
    let now = Clock::system().now();
    let released: Timestamp = RELEASED.parse().expect("a constant");
    let fix = "timedatectl set-ntp true";
    if now < released {
        return Finding::wrong("clock", format!("it says {now}, before this release was made"), fix);
    }
    let written = fs::metadata(config.database_path()).and_then(|file| file.modified()).ok();
    let written = written
        .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
        .map(|since| Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)));
    match written {
        Some(written) if now.plus_seconds(CLOCK_SLACK_SECONDS) < written => {
            let detail = format!("it says {now}, but the database was written at {written}");
            Finding::wrong("clock", detail, fix)
        }
        _ => Finding::fine("clock", now.to_string()),
    }
}

/// A server that runs must be ready; if none does, its port must be free.
pub(super) async fn server_or_port(config: &Config) -> Finding {
    if let Some(runtime) = Runtime::read(&config.data_dir) {
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_danger_accept_invalid_certs(true)
            .timeout(Duration::from_secs(5))
            .build();
        let Ok(client) = client else { return Finding::warning("server", "cannot be asked", "oyez status") };
        let url = runtime.url;
        return match client.get(format!("{url}/readyz")).send().await {
            Ok(answer) if answer.status().is_success() => Finding::fine("server", format!("ready at {url}")),
            Ok(answer) => {
                let detail = format!("{url} is not ready: {}", answer.status());
                Finding::wrong("server", detail, "look into its log; /readyz says what it waits for")
            }
            Err(error) => {
                let detail =
                    format!("process {} does not answer at {url}: {}", runtime.pid, error.without_url());
                Finding::wrong("server", detail, format!("kill {} && oyez serve", runtime.pid))
            }
        };
    }
    match server::can_bind(&config.listen).await {
        Ok(()) => Finding::fine("port", format!("{} is free, no server runs", config.listen)),
        Err(error) => {
            let detail = format!("{} cannot be listened on: {error}", config.listen);
            Finding::wrong("port", detail, "oyez serve --listen 127.0.0.1:0    (takes a free port)")
        }
    }
}

/// Whether the issuer's keys can be read.
pub(super) async fn jwks(url: &str) -> Finding {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(10)).build();
    let fix = "check auth.jwks_url and that this machine may reach it";
    let Ok(client) = client else { return Finding::warning("JWKS", "cannot be asked", fix) };
    match client.get(url).send().await {
        Ok(answer) if answer.status().is_success() => Finding::fine("JWKS", url),
        Ok(answer) => Finding::wrong("JWKS", format!("{url} answers {}", answer.status()), fix),
        Err(error) => Finding::wrong("JWKS", format!("{url}: {}", error.without_url()), fix),
    }
}
