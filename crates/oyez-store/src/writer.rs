//! The one queue that every change goes through, and group commit.
//!
//! Whatever arrived while the last commit went to disk is the next transaction: alone, a change is committed at once;
//! under load, hundreds share one commit. There is no timer. Drafts come first and share their statements; other
//! changes follow, each in a savepoint, so that one that fails takes back only what it did itself.

mod alarm;
mod batch;
mod checkpoint;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use oyez_core::{fallback::Policy, notification::Draft};
use oyez_protocol::Timestamp;
use tokio::{
    sync::{Mutex, Notify, mpsc, oneshot},
    task::JoinHandle,
};

pub(crate) use self::alarm::Alarm;
use self::{batch::Worker, checkpoint::Checkpointer};
use crate::{
    deliveries::{DeliveryChange, Fingerprints},
    engine::{Connection, Row, Statement, Value},
    error::StoreError,
    publish::{LandedHook, land::Landing},
    store::Store,
};

/// Most changes that wait; callers beyond wait for room, and give up their place when they are dropped.
const QUEUE: usize = 512;

/// A transaction that is open: what a change may do. Committed together with the changes that arrived at the same
/// time; a change that fails takes back only what it did itself.
#[derive(Debug)]
pub struct Tx {
    connection: Connection,
    policy: Arc<Policy>,
    fingerprints: Fingerprints,
    /// When the first of what was written is due by a medium.
    due: Option<Timestamp>,
    /// Deliveries that the present change has skipped.
    skipped: Vec<DeliveryChange>,
    /// How many statements ran, for tests that count them.
    #[cfg(test)]
    pub(crate) statements: u32,
    /// Jobs for webhook endpoints were made: their bell rings after the commit.
    rings: bool,
}

/// The handle to the task that writes.
pub(crate) struct Writer {
    queue: mpsc::Sender<Job>,
    bell: Arc<Notify>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    alarm: Arc<Alarm>,
}

/// What the writer is asked to do.
enum Job {
    Publish(PublishJob),
    Change(Box<dyn Change>),
    /// Finishes what came before and ends.
    Stop,
}

/// Drafts of one caller.
struct PublishJob {
    drafts: Vec<Draft>,
    landed: LandedHook,
    answer: oneshot::Sender<Vec<Result<Landing, StoreError>>>,
}

/// A change with its result, whatever type that is.
trait Change: Send {
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, Result<(), StoreError>>;
    /// Called after the commit, in commit order.
    fn committed(&mut self);
    /// `failure` is why it is not committed.
    fn answer(self: Box<Self>, failure: Option<StoreError>);
}

struct Pending<T, F, A> {
    change: Option<F>,
    then: Option<A>,
    result: Option<T>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F, A> Change for Pending<T, F, A>
where
    T: Send + 'static,
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    A: FnOnce(&T) + Send + 'static,
{
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, Result<(), StoreError>> {
        Box::pin(async move {
            let change = self.change.take().ok_or_else(|| StoreError::Fault("a change ran twice".into()))?;
            self.result = Some(change(tx).await?);
            Ok(())
        })
    }

    fn committed(&mut self) {
        if let (Some(then), Some(result)) = (self.then.take(), &self.result) {
            then(result);
        }
    }

    fn answer(self: Box<Self>, failure: Option<StoreError>) {
        let result = match (failure, self.result) {
            (None, Some(result)) => Ok(result),
            (Some(error), _) => Err(error),
            (None, None) => Err(StoreError::Fault("a change has no result".into())),
        };
        // The caller may be gone.
        drop(self.answer.send(result));
    }
}

impl Tx {
    pub(crate) fn new(connection: Connection, policy: Arc<Policy>, fingerprints: Fingerprints) -> Self {
        Self {
            connection,
            policy,
            fingerprints,
            due: None,
            skipped: Vec::new(),
            rings: false,
            #[cfg(test)]
            statements: 0,
        }
    }

    /// The operator's rules for reaching people who are away.
    pub(crate) fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// Makes what stands for addresses.
    pub(crate) fn fingerprints(&self) -> &Fingerprints {
        &self.fingerprints
    }

    /// Notes that something is due then, for those who wait for it.
    pub(crate) fn note_due(&mut self, due: Option<Timestamp>) {
        self.due = self.due.into_iter().chain(due).min();
    }

    pub(crate) fn skipped(&mut self) -> &mut Vec<DeliveryChange> {
        &mut self.skipped
    }

    /// Has the bell of webhook jobs rung after the commit. Should this change be taken back, it rings in vain.
    pub(crate) fn ring(&mut self) {
        self.rings = true;
    }

    pub(crate) async fn execute(
        &mut self,
        statement: Statement,
        args: Vec<Value>,
    ) -> Result<u64, StoreError> {
        #[cfg(test)]
        {
            self.statements += 1;
        }
        self.connection.execute(statement, args).await
    }

    pub(crate) async fn fetch(
        &mut self,
        statement: Statement,
        args: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        #[cfg(test)]
        {
            self.statements += 1;
        }
        self.connection.fetch(statement, args).await
    }

    pub(crate) async fn fetch_one(
        &mut self,
        statement: Statement,
        args: Vec<Value>,
    ) -> Result<Option<Row>, StoreError> {
        #[cfg(test)]
        {
            self.statements += 1;
        }
        self.connection.fetch_one(statement, args).await
    }
}

impl Writer {
    pub(crate) fn start(tx: Tx, checkpointer: Connection) -> Self {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let (checkpoints, signal) = Checkpointer::new(checkpointer);
        let (alarm, bell) = (Arc::new(Alarm::default()), Arc::new(Notify::new()));
        let worker = Worker::new(tx, jobs, signal, Arc::clone(&alarm), Arc::clone(&bell));
        let tasks = vec![tokio::spawn(worker.run()), tokio::spawn(checkpoints.run())];
        Self { queue, bell, tasks: Mutex::new(tasks), alarm }
    }

    /// Rings when something is due sooner than somebody thinks.
    pub(crate) fn alarm(&self) -> &Alarm {
        &self.alarm
    }

    /// Rings after a commit that made jobs for webhook endpoints.
    pub(crate) fn bell(&self) -> Arc<Notify> {
        Arc::clone(&self.bell)
    }

    /// Whether changes are still taken.
    pub(crate) fn lives(&self) -> bool {
        !self.queue.is_closed()
    }

    /// Changes that wait now.
    pub(crate) fn queued(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    pub(crate) async fn close(&self) {
        // Refused when it is closed already.
        drop(self.queue.send(Job::Stop).await);
        for task in self.tasks.lock().await.drain(..) {
            if let Err(error) = task.await {
                tracing::error!(%error, "the writer ended badly");
            }
        }
    }

    pub(crate) async fn publish(
        &self,
        drafts: Vec<Draft>,
        landed: LandedHook,
    ) -> Result<Vec<Result<Landing, StoreError>>, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.send(Job::Publish(PublishJob { drafts, landed, answer })).await?;
        answered.await.map_err(|_| StoreError::Closed)
    }

    async fn send(&self, job: Job) -> Result<(), StoreError> {
        self.queue.send(job).await.map_err(|_| StoreError::Closed)
    }
}

impl Store {
    /// Runs a change: `store.write(|tx| Box::pin(async move { tx.revoke_key(&id, now).await })).await`.
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
        let (answer, answered) = oneshot::channel();
        let pending = Pending { change: Some(change), then: Some(then), result: None, answer };
        self.writer().send(Job::Change(Box::new(pending))).await?;
        answered.await.map_err(|_| StoreError::Closed)?
    }
}
