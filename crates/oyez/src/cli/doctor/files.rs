//! What the doctor finds in the data directory: who may read it, and whether the database is whole.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use oyez_store::{OpenError, Store, StoreError};

use super::Finding;
use crate::{auth::keys, cli::error::chain, config::Config, server};

/// What helps against damage.
const RESTORE: &str = "stop the server, move the file away and put the last backup in its place";

/// The directory and what lies in it.
pub(super) fn data_dir(config: &Config) -> Vec<Finding> {
    let path = &config.data_dir;
    if !path.exists() {
        let detail = format!("{} is not there yet", path.display());
        return vec![Finding::warning("data directory", detail, "oyez serve    (makes it)")];
    }
    let mut findings = vec![private("data directory", path, 0o700)];
    let key = path.join(keys::FILE_NAME);
    if key.exists() {
        findings.push(private("signing key", &key, 0o600));
    }
    let database = config.database_path();
    if database.exists() {
        findings.push(private("database file", &database, 0o600));
    } else {
        let detail = format!("{} is not there yet", database.display());
        findings.push(Finding::warning("database", detail, "oyez serve    (makes it)"));
    }
    findings
}

/// Whether only its owner can read it. A database in a private directory is private whatever its own mode.
fn private(name: &'static str, path: &Path, wanted: u32) -> Finding {
    let mode = match fs::metadata(path) {
        Ok(metadata) => metadata.permissions().mode() & 0o777,
        Err(error) => {
            let detail = format!("{} cannot be looked at: {error}", path.display());
            return Finding::wrong(name, detail, format!("chown \"$USER\" {}", path.display()));
        }
    };
    let sheltered = name == "database file"
        && path
            .parent()
            .and_then(|parent| fs::metadata(parent).ok())
            .is_some_and(|parent| parent.permissions().mode() & 0o077 == 0);
    if mode & 0o077 == 0 || sheltered {
        return Finding::fine(name, path.display().to_string());
    }
    let detail = format!("{} can be read by others (mode {mode:o})", path.display());
    let fix = format!("chmod {wanted:o} {}", path.display());
    // What is secret in the directory has a mode of its own.
    if path.is_dir() { Finding::warning(name, detail, fix) } else { Finding::wrong(name, detail, fix) }
}

/// Opens the database and reads all of it.
pub(super) async fn database(config: &Config) -> Finding {
    let path = config.database_path().display().to_string();
    let store = match Store::open_existing(&server::store_options(config)).await {
        Ok(store) => store,
        Err(error) => return Finding::wrong("database", chain(&error), remedy(&error, &path)),
    };
    let whole = store.check_integrity().await;
    let stats = store.stats().await;
    store.close().await;
    match (whole, stats) {
        (Err(error), _) | (Ok(()), Err(error)) => {
            let fix =
                if matches!(error, StoreError::Corrupt(_)) { RESTORE } else { "oyez doctor    (once more)" };
            Finding::wrong("database", chain(&error), fix)
        }
        (Ok(()), Ok(stats)) => {
            let counts =
                format!("{} users, {} items, {} MiB", stats.users, stats.items, stats.database_bytes >> 20);
            Finding::fine("database", format!("{path} is whole: {counts}"))
        }
    }
}

/// What helps when the database cannot be opened. Only a damaged one is worth giving up.
fn remedy(error: &OpenError, path: &str) -> String {
    match error {
        OpenError::Corrupt { .. } => RESTORE.into(),
        OpenError::NewerSchema { .. } => {
            "install the version of Oyez that used it last, or a newer one".into()
        }
        OpenError::ForeignMigration { .. } => "use the build of Oyez that made it".into(),
        OpenError::Locked { .. } => format!("fuser {path}    (says which process; stop that one)"),
        OpenError::ReadOnly { .. } => format!("chown \"$USER\" {path} && chmod 600 {path}"),
        OpenError::NotADatabase { .. } => {
            "name another data directory with --data, or another database.url".into()
        }
        OpenError::DiskFull { .. } => format!("df -h {path}    (free some space there)"),
        OpenError::Missing { .. } => "oyez serve    (makes it)".into(),
        OpenError::Other { .. } => "look at the reason; nothing was changed".into(),
    }
}

/// The certificate and its key.
pub(super) fn tls(config: &Config) -> Vec<Finding> {
    let (Some(cert), Some(key)) = (&config.http.tls.cert, &config.http.tls.key) else { return Vec::new() };
    let usable = match server::check_tls(cert, key) {
        Ok(()) => Finding::fine("TLS", cert.display().to_string()),
        Err(error) => Finding::wrong("TLS", error.to_string(), "put both PEM files in place"),
    };
    vec![usable, private("TLS key", key, 0o600)]
}
