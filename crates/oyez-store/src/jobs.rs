//! Jobs: durable background work, from its enqueueing to its end.
//!
//! In reading order: [`enqueue`] makes jobs, [`claim`] hands them to workers, [`attempt`] is what a worker reports and
//! how it ends, [`control`] is what others do to a job, [`read`] shows it. Whatever a worker reports names its attempt,
//! and changes nothing unless that is the one that runs.

pub mod attempt;
pub mod claim;
pub mod control;
pub mod enqueue;
pub mod read;
mod record;

pub use attempt::{Concluded, Concluding, ProgressWrite, Renewed, StepWrite};
pub use claim::{Claim, Claimed, Claims};
pub use control::{CancelOutcome, RetryOutcome};
pub use enqueue::Enqueued;
pub use read::{AttemptRecord, JobFilter, StepRecord};
