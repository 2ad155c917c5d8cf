//! The one queue that every change goes through, and group commit.

use futures_util::future::BoxFuture;

use crate::{error::StoreError, store::Store};

/// A transaction that is open: what a change may do. Committed together with the changes that arrived at the same
/// time; a change that fails takes back only what it did itself.
#[derive(Debug)]
pub struct Tx {}

impl Store {
    /// Runs a change: `store.write(|tx| Box::pin(async move { tx.set_disabled(&user, true).await })).await`.
    ///
    /// Answers after the commit. The change goes on when the caller is dropped. It runs at most once.
    pub async fn write<T, F>(&self, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    {
        self.write_then(change, |_| {}).await
    }

    /// Like [`Store::write`], and calls `then` right after the commit, in commit order among all changes, also when
    /// the caller is gone. It must not block: every other change waits for it.
    pub async fn write_then<T, F, A>(&self, change: F, then: A) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
        A: FnOnce(&T) + Send + 'static,
    {
        todo!()
    }
}
