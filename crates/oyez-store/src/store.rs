//! The store itself: how it is opened, checked, copied and closed.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use oyez_core::fallback::Policy;
use oyez_protocol::{Epoch, Timestamp, api::preferences::PolicyRequest};
use uuid::Uuid;

use crate::{
    deliveries::{Fingerprints, suppress::key_fingerprints},
    engine::{Engine, Reader, Readers, args, sql},
    error::{OpenError, StoreError},
    standing::Standings,
    writer::{Alarm, Tx, Writer},
};

/// Where a database lies and how it is used.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// The database's file; `-wal` and `-shm` files appear beside it.
    pub path: PathBuf,
    /// Connections that read.
    pub readers: u32,
    /// When a commit counts as done.
    pub durability: Durability,
    /// How long a change waits for another process that writes.
    pub busy_timeout: Duration,
    /// The most that the database may grow to, in bytes; beyond, changes fail with `DiskFull`.
    pub max_bytes: Option<u64>,
    /// The operator's rules for reaching people who are away. With no medium set up, publishing costs nothing more.
    pub fallback: Arc<Policy>,
    /// What stands for addresses that refused mail. With a key, fingerprints that were made without one are given it.
    pub fingerprints: Fingerprints,
}

/// When a commit counts as done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// When the disk says that it is written.
    #[default]
    Full,
    /// When the system has it: a power cut may lose the last moments, a crash of the process may not.
    Normal,
}

impl StoreOptions {
    /// The usual: four readers, full durability, five seconds of patience, no limit but the disk, no medium set up, no
    /// key.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            readers: 4,
            durability: Durability::Full,
            busy_timeout: Duration::from_secs(5),
            max_bytes: None,
            fallback: Arc::new(nobody_is_reached()),
            fingerprints: Fingerprints::default(),
        }
    }
}

/// A policy with no medium set up.
fn nobody_is_reached() -> Policy {
    Policy::new(&PolicyRequest::default(), &[]).expect("a policy that asks for nothing is good")
}

/// A database that is open. Clones share it; when the last one is dropped, accepted changes are still written.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Engine,
    epoch: Epoch,
    readers: Arc<Readers>,
    writer: Writer,
    standings: Standings,
    fingerprints: Fingerprints,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("epoch", &self.shared.epoch).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the database, makes it when there is none, and brings its schema up to date.
    pub async fn open(options: &StoreOptions) -> Result<Self, OpenError> {
        Self::start(options, false).await
    }

    /// Opens a database that must be there already: for commands that work beside a server.
    pub async fn open_existing(options: &StoreOptions) -> Result<Self, OpenError> {
        Self::start(options, true).await
    }

    async fn start(options: &StoreOptions, existing: bool) -> Result<Self, OpenError> {
        let engine = Engine::open(options, existing).await?;
        let ready = async {
            let mut connection = engine.writer().await?;
            let mut found = connection.fetch_one(sql!("meta/epoch"), args![]).await?;
            if found.is_none() {
                // A new database, or one restored from a backup.
                let new = Uuid::new_v4().simple().to_string();
                connection.execute(sql!("meta/begin_epoch"), args![new]).await?;
                found = connection.fetch_one(sql!("meta/epoch"), args![]).await?;
            }
            let row = found.ok_or_else(|| StoreError::Fault("the database has no epoch".into()))?;
            let epoch = Epoch(row.text(0)?.into());
            key_fingerprints(&mut connection, &options.fingerprints).await?;
            let readers = Arc::new(Readers::open(&engine, options.readers).await?);
            let checkpointer = engine.writer().await?;
            Ok((epoch, readers, connection, checkpointer))
        };
        let (epoch, readers, connection, checkpointer) =
            ready.await.map_err(|error| engine.open_error(options, error))?;
        let fingerprints = options.fingerprints.clone();
        let tx = Tx::new(connection, Arc::clone(&options.fallback), fingerprints.clone());
        let writer = Writer::start(tx, checkpointer);
        let standings = Standings::new(Arc::clone(&readers));
        Ok(Self { shared: Arc::new(Shared { engine, epoch, readers, writer, standings, fingerprints }) })
    }

    /// Names this life of the database; a restored backup has another.
    pub fn epoch(&self) -> &Epoch {
        &self.shared.epoch
    }

    /// Makes what stands for addresses.
    pub(crate) fn fingerprints(&self) -> &Fingerprints {
        &self.shared.fingerprints
    }

    /// Waits for the changes that were accepted, then lets go of the files. Later calls fail with `Closed`.
    pub async fn close(&self) {
        self.shared.readers.close().await;
        self.shared.writer.close().await;
    }

    /// Writes a consistent copy to a file that must not exist yet, while others go on. Opened, the copy begins a new
    /// epoch, so that clients of the original do not take its positions for theirs.
    pub async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        self.shared.engine.backup(to).await
    }

    /// Reads the whole database and fails when something in it is damaged. Slow on a large one.
    pub async fn check_integrity(&self) -> Result<(), StoreError> {
        let row = self.reader().await?.fetch_one(sql!("meta/check"), args![]).await?;
        let found = row.ok_or_else(|| StoreError::Fault("a check without a result".into()))?;
        match found.text(0)? {
            "ok" => Ok(()),
            damage => Err(StoreError::Corrupt(damage.to_owned())),
        }
    }

    /// Whether a read answers and the writer lives.
    pub async fn ping(&self) -> Result<(), StoreError> {
        if !self.shared.writer.lives() {
            return Err(StoreError::Closed);
        }
        self.reader().await?.fetch(sql!("meta/ping"), args![]).await.map(|_| ())
    }

    pub(crate) async fn reader(&self) -> Result<Reader<'_>, StoreError> {
        self.shared.readers.get().await
    }

    pub(crate) fn writer(&self) -> &Writer {
        &self.shared.writer
    }

    /// Waits until a change was committed that brought a delivery or a digest which is due before `before`. Changes
    /// since the last call count too, so that nothing is missed between reading [`Store::next_delivery_due`] and
    /// waiting. For one caller at a time.
    pub async fn delivery_due_before(&self, before: Timestamp) {
        self.alarm().wait(before).await;
    }

    fn alarm(&self) -> &Alarm {
        self.shared.writer.alarm()
    }

    pub(crate) fn standings_desk(&self) -> &Standings {
        &self.shared.standings
    }
}
