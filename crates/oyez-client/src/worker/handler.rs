//! What an application writes: a job's type, its handler, and how an attempt may end.

use std::{
    collections::BTreeMap,
    fmt::{self, Display},
    sync::Arc,
    time::Duration,
};

use futures_util::{FutureExt as _, future::BoxFuture};
use oyez_protocol::JobKind;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::Context;

/// Work of one kind; the value is its arguments, stored as JSON.
pub trait Job: Serialize + DeserializeOwned + Send + 'static {
    /// Names the kind: lower case letters, digits and `_`. Frames of such a job are `<kind>_progress` and so on.
    const KIND: &'static str;
}

/// What a job that is done leaves behind: nothing, or a result as JSON.
#[derive(Debug, Clone, Default)]
pub struct Done(pub(super) Option<Box<RawValue>>);

impl Done {
    /// A result of any type. An object's keys stand in the frame that tells the end.
    pub fn with(result: &impl Serialize) -> Result<Self, JobError> {
        let result = serde_json::value::to_raw_value(result);
        let result = result.map_err(|error| JobError::discard(format!("the result is no JSON: {error}")))?;
        Ok(Self(Some(result)))
    }
}

impl From<()> for Done {
    fn from((): ()) -> Self {
        Self(None)
    }
}

impl From<serde_json::Value> for Done {
    fn from(result: serde_json::Value) -> Self {
        let text = (!result.is_null()).then(|| result.to_string());
        Self(text.and_then(|text| RawValue::from_string(text).ok()))
    }
}

/// How an attempt ends other than well. Any error turns into [`JobError::Fail`] by `?`.
///
/// It is no `std::error::Error` itself, so that all of those may turn into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobError {
    /// It failed; the job is tried again after its backoff while attempts are left.
    Fail {
        /// What went wrong, for people.
        error: String,
    },
    /// It failed, and it is known when trying again makes sense.
    RetryAfter {
        /// How long to wait.
        delay: Duration,
        /// What went wrong, for people.
        error: String,
    },
    /// It is too early; the attempt does not count.
    Snooze {
        /// How long to wait.
        delay: Duration,
    },
    /// The job is of no use any more.
    Cancel {
        /// Why, for people.
        reason: String,
    },
    /// It failed, and trying again would not help.
    Discard {
        /// What went wrong, for people.
        error: String,
    },
    /// The attempt is not ours any more: another worker has the job, or it ended. Nothing of it is recorded.
    Fenced,
}

impl JobError {
    /// It failed; the job is tried again after its backoff while attempts are left.
    pub fn fail(error: impl Display) -> Self {
        Self::Fail { error: error.to_string() }
    }

    /// It failed; the job is tried again after `delay` while attempts are left.
    pub fn retry_after(delay: Duration, error: impl Display) -> Self {
        Self::RetryAfter { delay, error: error.to_string() }
    }

    /// It is too early: the job waits for `delay`, and the attempt does not count.
    pub fn snooze(delay: Duration) -> Self {
        Self::Snooze { delay }
    }

    /// The job is of no use any more and ends as cancelled.
    pub fn cancel(reason: impl Display) -> Self {
        Self::Cancel { reason: reason.to_string() }
    }

    /// It failed, and trying again would not help.
    pub fn discard(error: impl Display) -> Self {
        Self::Discard { error: error.to_string() }
    }
}

impl Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fail { error } | Self::RetryAfter { error, .. } | Self::Discard { error } => {
                f.write_str(error)
            }
            Self::Snooze { delay } => write!(f, "too early: again in {} s", delay.as_secs_f64()),
            Self::Cancel { reason } => write!(f, "cancelled: {reason}"),
            Self::Fenced => f.write_str("another worker has the job, or it ended"),
        }
    }
}

impl<E: std::error::Error> From<E> for JobError {
    /// The error and what caused it, in one line.
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            let inner_text = inner.to_string();
            // Many errors repeat their cause.
            if !text.contains(&inner_text) {
                text = format!("{text}: {inner_text}");
            }
            cause = inner.source();
        }
        Self::Fail { error: text }
    }
}

/// One attempt at work.
pub(super) type Work = BoxFuture<'static, Result<Done, JobError>>;
type Handler = Box<dyn Fn(Context, &RawValue) -> Work + Send + Sync>;

/// The handlers of a worker by kind.
#[derive(Default)]
pub(super) struct Handlers(BTreeMap<JobKind, Handler>);

impl Handlers {
    /// Adds a handler; a later one for the same kind takes its place.
    pub(super) fn add<J, F, D>(
        &mut self,
        kind: JobKind,
        handler: impl Fn(Context, J) -> F + Send + Sync + 'static,
    ) where
        J: Job,
        F: Future<Output = Result<D, JobError>> + Send + 'static,
        D: Into<Done>,
    {
        let handler = Arc::new(handler);
        let work: Handler = Box::new(move |context, args| {
            let args = serde_json::from_str::<J>(args.get()).map_err(|error| {
                JobError::discard(format!("the arguments do not fit the kind {}: {error}", J::KIND))
            });
            let handler = Arc::clone(&handler);
            async move { handler(context, args?).await.map(Into::into) }.boxed()
        });
        self.0.insert(kind, work);
    }

    pub(super) fn work(&self, kind: &JobKind, context: Context, args: &RawValue) -> Option<Work> {
        self.0.get(kind).map(|handler| handler(context, args))
    }

    pub(super) fn kinds(&self) -> Vec<JobKind> {
        self.0.keys().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_error_is_a_failure_with_its_causes() {
        fn parse() -> Result<u8, JobError> {
            Ok("300".parse::<u8>()?)
        }
        let error = parse().unwrap_err();
        assert_eq!(error, JobError::fail("number too large to fit in target type"));
        #[derive(Debug, thiserror::Error)]
        #[error("could not read the invoice")]
        struct Outer(#[source] std::num::ParseIntError);
        let outer = JobError::from(Outer("x".parse::<u8>().unwrap_err()));
        assert_eq!(outer.to_string(), "could not read the invoice: invalid digit found in string");
    }

    #[test]
    fn a_result_is_kept_as_it_is_written_and_null_is_none() {
        assert!(Done::from(serde_json::Value::Null).0.is_none());
        assert_eq!(Done::with(&[1, 2]).unwrap().0.unwrap().get(), "[1,2]");
        assert_eq!(Done::from(serde_json::json!({"a": 1})).0.unwrap().get(), r#"{"a":1}"#);
    }
}
