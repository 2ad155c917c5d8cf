//! Databases that cannot be opened say why and what to do, and stay as they were.

use std::{path::Path, time::Duration};

use oyez_store::{OpenError, Store, StoreError, StoreOptions};
use sqlx::{Connection, Executor, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

use crate::support::{Fixture, draft, options, published};

/// A connection past the store's back.
async fn raw(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    SqliteConnection::connect_with(&options).await.unwrap()
}

async fn refusal(options: &StoreOptions) -> OpenError {
    Store::open(options).await.expect_err("it should not open")
}

#[tokio::test]
async fn what_was_written_is_there_after_opening_again() {
    let mut fixture = Fixture::new().await;
    let epoch = fixture.store.epoch().clone();
    published(fixture.publish(draft("user:a")).await);
    fixture.reopen().await;
    assert_eq!(fixture.items("a").await.len(), 1);
    assert_eq!(*fixture.store.epoch(), epoch);
    fixture.store.ping().await.unwrap();
}

#[tokio::test]
async fn a_backup_opens_under_a_new_epoch_with_all_that_was_there() {
    let fixture = Fixture::new().await;
    published(fixture.publish(draft("user:a")).await);
    let to = fixture.directory.path().join("backup.db");
    fixture.store.backup(&to).await.unwrap();
    let again = fixture.store.backup(&to).await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
    published(fixture.publish(draft("user:a")).await);
    let copy = Store::open(&StoreOptions::new(&to)).await.unwrap();
    assert_ne!(copy.epoch(), fixture.store.epoch());
    assert_eq!(crate::support::items(&copy, "a").await.len(), 1);
}

#[tokio::test]
async fn a_second_store_on_the_same_file_writes_too() {
    let fixture = Fixture::new().await;
    let other = Store::open_existing(&options(&fixture.directory)).await.unwrap();
    for _ in 0..20 {
        let hook = || fixture.landed.hook();
        let (one, two) = tokio::join!(
            fixture.store.publish(draft("user:a"), hook()),
            other.publish(draft("user:a"), hook())
        );
        published(one.unwrap());
        published(two.unwrap());
    }
    let seqs: Vec<u64> = fixture.items("a").await.into_iter().map(|(seq, _)| seq).collect();
    assert_eq!(seqs, (1..=40).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_command_does_not_make_a_database() {
    let directory = TempDir::new().unwrap();
    let refused = Store::open_existing(&options(&directory)).await.unwrap_err();
    assert!(matches!(refused, OpenError::Missing { .. }));
    assert!(refused.to_string().contains("start the server once"), "{refused}");
    assert!(!options(&directory).path.exists());
}

#[tokio::test]
async fn a_newer_schema_is_left_alone() {
    let fixture = Fixture::new().await;
    fixture.store.close().await;
    let mut connection = raw(&options(&fixture.directory).path).await;
    connection.execute("INSERT INTO migrations VALUES (99, 'future', 'x')").await.unwrap();
    connection.close().await.unwrap();
    let refused = refusal(&options(&fixture.directory)).await;
    assert!(matches!(refused, OpenError::NewerSchema { found: 99, .. }), "{refused:?}");
    assert!(refused.to_string().contains("install the newer Oyez"), "{refused}");
}

#[tokio::test]
async fn a_migration_of_another_build_is_refused() {
    let fixture = Fixture::new().await;
    fixture.store.close().await;
    let mut connection = raw(&options(&fixture.directory).path).await;
    connection.execute("UPDATE migrations SET checksum = 'x' WHERE number = 1").await.unwrap();
    connection.close().await.unwrap();
    let refused = refusal(&options(&fixture.directory)).await;
    assert!(matches!(refused, OpenError::ForeignMigration { number: 1, .. }), "{refused:?}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_left_alone() {
    let directory = TempDir::new().unwrap();
    let options = options(&directory);
    let text = "dear diary, ".repeat(1_000);
    std::fs::write(&options.path, &text).unwrap();
    let refused = refusal(&options).await;
    assert!(matches!(refused, OpenError::NotADatabase { .. }), "{refused:?}");
    assert_eq!(std::fs::read_to_string(&options.path).unwrap(), text);
}

#[tokio::test]
async fn a_database_of_another_program_is_left_alone() {
    let directory = TempDir::new().unwrap();
    let options = options(&directory);
    let mut connection = raw(&options.path).await;
    connection.execute("CREATE TABLE recipes (name TEXT)").await.unwrap();
    connection.close().await.unwrap();
    let before = std::fs::read(&options.path).unwrap();
    let refused = refusal(&options).await;
    assert!(matches!(refused, OpenError::NotADatabase { .. }), "{refused:?}");
    assert_eq!(std::fs::read(&options.path).unwrap(), before);
}

#[tokio::test]
async fn a_damaged_database_says_so() {
    let fixture = Fixture::new().await;
    fixture.store.close().await;
    let path = options(&fixture.directory).path;
    let mut bytes = std::fs::read(&path).unwrap();
    // The first page stays, so that it still looks like a database; the others are overwritten.
    bytes[4_096..].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    let refused = refusal(&options(&fixture.directory)).await;
    assert!(matches!(refused, OpenError::Corrupt { .. }), "{refused:?}");
    assert!(refused.to_string().contains("restore the last backup"), "{refused}");
}

#[tokio::test]
async fn a_database_that_another_process_keeps_locked_says_so() {
    let fixture = Fixture::new().await;
    fixture.store.close().await;
    let mut connection = raw(&options(&fixture.directory).path).await;
    connection.execute("PRAGMA locking_mode = exclusive; BEGIN EXCLUSIVE; COMMIT").await.unwrap();
    let impatient = StoreOptions { busy_timeout: Duration::from_millis(1), ..options(&fixture.directory) };
    let refused = refusal(&impatient).await;
    assert!(matches!(refused, OpenError::Locked { .. }), "{refused:?}");
    connection.close().await.unwrap();
    Store::open(&impatient).await.unwrap();
}

#[tokio::test]
async fn a_writer_that_waits_too_long_for_another_process_says_so_and_writes_nothing() {
    let fixture = Fixture::new().await;
    let impatient = StoreOptions { busy_timeout: Duration::from_millis(1), ..options(&fixture.directory) };
    let store = Store::open(&impatient).await.unwrap();
    let mut connection = raw(&impatient.path).await;
    connection.execute("BEGIN IMMEDIATE").await.unwrap();
    let refused = store.publish(draft("user:a"), fixture.landed.hook()).await;
    assert!(matches!(refused, Err(StoreError::Busy)), "{refused:?}");
    connection.execute("ROLLBACK").await.unwrap();
    assert!(fixture.landed.all().is_empty());
    published(store.publish(draft("user:a"), fixture.landed.hook()).await.unwrap());
    assert_eq!(fixture.items("a").await.len(), 1);
}

#[tokio::test]
async fn a_full_disk_is_told_as_such_and_nothing_is_half_written() {
    let fixture = Fixture::new().await;
    published(fixture.publish(draft("user:a")).await);
    fixture.store.close().await;
    // A limit of the database's size stands for a disk without space: SQLite answers with the same code.
    let bytes = options(&fixture.directory).path.metadata().unwrap().len();
    let limited = StoreOptions { max_bytes: Some(bytes + 16_384), ..options(&fixture.directory) };
    let full = Store::open(&limited).await.unwrap();
    let mut long = draft("user:a");
    long.tail = "x".repeat(100_000).into();
    let refused = full.publish(long, fixture.landed.hook()).await;
    assert!(matches!(refused, Err(StoreError::DiskFull)), "{refused:?}");
    assert_eq!(crate::support::items(&full, "a").await.len(), 1);
    published(full.publish(draft("user:a"), fixture.landed.hook()).await.unwrap());
}

#[tokio::test]
async fn a_directory_that_is_not_there_or_cannot_be_written_says_so() {
    let directory = TempDir::new().unwrap();
    let refused = refusal(&StoreOptions::new(directory.path().join("missing/oyez.db"))).await;
    assert!(matches!(refused, OpenError::ReadOnly { .. }), "{refused:?}");
    assert!(refused.to_string().contains("make the file and its directory writable"), "{refused}");
}
