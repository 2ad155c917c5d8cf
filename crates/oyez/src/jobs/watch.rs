//! Watching one job: the frame that says where it is, then each newer one, up to its end.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use oyez_protocol::JobId;
use tokio::sync::watch;

use super::{Jobs, JobsError};
use crate::bus::{JobNews, Stage};

/// The latest of a job that somebody watches.
#[derive(Debug, Clone, Default)]
pub(super) struct Latest {
    pub(super) frame: Option<Arc<str>>,
    pub(super) ended: bool,
}

/// Jobs that are watched on this node.
#[derive(Debug, Clone, Default)]
pub(super) struct Watchers(Arc<Mutex<HashMap<JobId, watch::Sender<Latest>>>>);

/// One who watches. When the last of a job goes, so does what is kept for it.
#[derive(Debug)]
pub(super) struct Watching {
    watchers: Watchers,
    job: JobId,
    pub(super) latest: watch::Receiver<Latest>,
}

impl Watchers {
    /// Hears what is announced of the job from now on.
    pub(super) fn watch(&self, job: JobId) -> Watching {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = watched.entry(job).or_insert_with(|| watch::channel(Latest::default()).0);
        Watching { watchers: self.clone(), job, latest: sender.subscribe() }
    }

    /// Whether anybody watches the job.
    pub(super) fn has(&self, job: JobId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&job)
    }

    /// A job moved on.
    pub(super) fn tell(&self, news: &JobNews) {
        let watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = watched.get(&news.job) {
            let ended = news.stage != Stage::Underway;
            sender.send_replace(Latest { frame: Some(Arc::clone(&news.frame)), ended });
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let mut watched = self.watchers.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Itself is still counted.
        if watched.get(&self.job).is_some_and(|sender| sender.receiver_count() <= 1) {
            watched.remove(&self.job);
        }
    }
}

/// Asks the store after this long without news, in case a word was lost.
const LOOK_AGAIN: Duration = Duration::from_secs(15);

/// Watches one job: its present frame first, then newer ones, ending with its end. Frames that come faster than they
/// are taken are left out; the end never is.
pub struct Watch {
    jobs: Jobs,
    watching: Watching,
    job: JobId,
    begun: bool,
    over: bool,
    last: Option<Arc<str>>,
}

impl Jobs {
    /// Watches a job from now on.
    pub async fn watch(&self, job: JobId) -> Result<Watch, JobsError> {
        // Registered before the store is read: nothing falls in between.
        let watching = self.shared.watchers.watch(job);
        let mut watch = Watch { jobs: self.clone(), watching, job, begun: false, over: false, last: None };
        watch.last = Some(watch.look().await?);
        Ok(watch)
    }
}

impl Watch {
    /// The next frame; `None` after the end. Dropping the returned future loses nothing.
    pub async fn next(&mut self) -> Result<Option<Arc<str>>, JobsError> {
        if !std::mem::replace(&mut self.begun, true) {
            return Ok(self.last.clone());
        }
        while !self.over {
            match tokio::time::timeout(LOOK_AGAIN, self.watching.latest.changed()).await {
                Ok(Ok(())) => {
                    let latest = self.watching.latest.borrow_and_update().clone();
                    self.over = latest.ended;
                    if let Some(frame) = latest.frame.filter(|frame| Some(frame) != self.last.as_ref()) {
                        self.last = Some(Arc::clone(&frame));
                        return Ok(Some(frame));
                    }
                }
                // Quiet, or the sender was lost, which it is not while somebody watches.
                Ok(Err(_)) | Err(_) => {
                    let frame = self.look().await?;
                    if self.over {
                        self.last = Some(Arc::clone(&frame));
                        return Ok(Some(frame));
                    }
                }
            }
        }
        Ok(None)
    }

    /// What the store says.
    async fn look(&mut self) -> Result<Arc<str>, JobsError> {
        let record = self.jobs.get(self.job).await?;
        self.over = record.state.is_final();
        Ok(self.jobs.present_frame(&record).into())
    }
}
