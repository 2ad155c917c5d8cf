//! Connections that read: a handful, each used by one caller at a time. Readers never wait for the writer.

use std::sync::{Mutex, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::{Connection, Engine, Row, Statement, Value};
use crate::error::StoreError;

/// Connections that read, handed out one at a time. Each is opened when the others are not enough: it has a thread and
/// caches of its own.
#[derive(Debug)]
pub(crate) struct Readers {
    engine: Engine,
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
}

/// A reader on loan; it goes back when dropped.
pub(crate) struct Reader<'a> {
    home: &'a Readers,
    connection: Option<Connection>,
    _permit: SemaphorePermit<'a>,
}

impl Readers {
    /// Opens the first, and up to `most` later.
    pub(crate) async fn open(engine: &Engine, most: u32) -> Result<Self, StoreError> {
        let idle = vec![engine.reader().await?];
        let permits = Semaphore::new(usize::try_from(most).unwrap_or(1).max(1));
        Ok(Self { engine: engine.clone(), idle: Mutex::new(idle), permits })
    }

    /// Waits for a free reader.
    pub(crate) async fn get(&self) -> Result<Reader<'_>, StoreError> {
        let permit = self.permits.acquire().await.map_err(|_| StoreError::Closed)?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.engine.reader().await?,
        };
        Ok(Reader { home: self, connection: Some(connection), _permit: permit })
    }

    /// Refuses later callers and ends the connections that are not on loan.
    pub(crate) async fn close(&self) {
        self.permits.close();
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for connection in idle {
            connection.close().await;
        }
    }
}

impl Reader<'_> {
    /// See [`Connection::fetch`].
    pub(crate) async fn fetch(
        &mut self,
        statement: Statement,
        args: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        match &mut self.connection {
            Some(connection) => connection.fetch(statement, args).await,
            None => Err(StoreError::Closed),
        }
    }

    /// See [`Connection::fetch_one`].
    pub(crate) async fn fetch_one(
        &mut self,
        statement: Statement,
        args: Vec<Value>,
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.fetch(statement, args).await?.into_iter().next())
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take()
            && !self.home.permits.is_closed()
        {
            self.home.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}
