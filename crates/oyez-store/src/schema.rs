//! The tables, as an append-only list of migrations whose checksums are recorded: a migration that was applied is
//! never edited.

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::OpenError;

/// One step of the schema, in each engine's dialect.
pub(crate) struct Migration {
    pub(crate) number: i64,
    pub(crate) name: &'static str,
    pub(crate) sqlite: &'static str,
}

/// A migration that a database has.
pub(crate) struct Applied {
    pub(crate) number: i64,
    pub(crate) checksum: String,
}

const MIGRATIONS: [Migration; 8] = [
    Migration { number: 1, name: "start", sqlite: include_str!("../migrations/sqlite/0001_start.sql") },
    Migration { number: 2, name: "jobs", sqlite: include_str!("../migrations/sqlite/0002_jobs.sql") },
    Migration { number: 3, name: "boards", sqlite: include_str!("../migrations/sqlite/0003_boards.sql") },
    Migration {
        number: 4,
        name: "deliveries",
        sqlite: include_str!("../migrations/sqlite/0004_deliveries.sql"),
    },
    Migration {
        number: 5,
        name: "attempt_results",
        sqlite: include_str!("../migrations/sqlite/0005_attempt_results.sql"),
    },
    Migration {
        number: 6,
        name: "push_and_webhooks",
        sqlite: include_str!("../migrations/sqlite/0006_push_and_webhooks.sql"),
    },
    Migration { number: 7, name: "landings", sqlite: include_str!("../migrations/sqlite/0007_landings.sql") },
    Migration {
        number: 8,
        name: "templates",
        sqlite: include_str!("../migrations/sqlite/0008_templates.sql"),
    },
];

impl Migration {
    /// SHA-256 of its text.
    pub(crate) fn checksum(&self) -> String {
        Sha256::digest(self.sqlite.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The migrations a database still needs, after a check that it is not newer than this program and not of another
/// making.
pub(crate) fn missing(path: &Path, applied: &[Applied]) -> Result<&'static [Migration], OpenError> {
    let known = MIGRATIONS.iter().map(|migration| migration.number).max().unwrap_or(0);
    if let Some(found) = applied.iter().map(|one| one.number).max().filter(|found| *found > known) {
        return Err(OpenError::NewerSchema { path: path.into(), found, known });
    }
    for (one, migration) in applied.iter().zip(&MIGRATIONS) {
        if one.number != migration.number || one.checksum != migration.checksum() {
            let (number, name) = (migration.number, migration.name.to_owned());
            return Err(OpenError::ForeignMigration { path: path.into(), number, name });
        }
    }
    Ok(&MIGRATIONS[applied.len()..])
}
