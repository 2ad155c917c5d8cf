//! Makes a call that Oracle must get once.
//!
//! The difficulty: a call is sent, and then nothing is known. The process was killed, the connection broke, a gateway
//! answered in Oracle's place. Sending it again may do it twice; not sending it again may never do it. So:
//!
//! 1. Before the call, a row says that it is about to be made. The row is on disk before a byte is sent.
//! 2. When the answer comes, the row gets it: the document's id, the request's number.
//! 3. A row without an answer is a call whose fate is unknown. It is *looked up* in Oracle by what only this call has:
//!    the document by its name, a request by its job and parameters, which hold the document's id or the interface
//!    group. AutoPost has no parameter of its own; for it, any request that was submitted after our import ended will
//!    do, because it posts our journal as well.
//! 4. Found: its answer is taken over. Not found: Oracle may still be at it, so it is looked up again until it was
//!    missed for as long as [`Pace::settle`](crate::oracle::Pace::settle), by a clock that nobody can set and summed up
//!    over attempts. Only then was it never made, and is made now.
//! 5. Where Oracle does not let us look (the user lacks the right), nothing is guessed: the job fails and says what a
//!    person has to find out, and the transfer's page takes the answer.

use std::time::Duration;

use oyez::{protocol::Timestamp, runner::JobError};
use tokio::time::Instant;

use super::Attempt;
use crate::{
    database::calls::{self, Ended, StandingCall},
    oracle::{CallError, EssJob, RequestId, Sought},
    transfer::Step,
};

/// How far Oracle's clock and ours may be apart, in seconds, when a request is looked up by time.
const CLOCKS_APART: i64 = 3600;
/// How often a look-up that does not work is tried within one attempt.
const LOOK_UPS: u32 = 5;

/// A call that must be made once.
pub(super) enum Errand<'a> {
    /// Put this document into UCM.
    Document {
        /// Under this name.
        name: &'a str,
        /// Its bytes.
        zip: &'a [u8],
    },
    /// Submit this job.
    Job {
        /// Which.
        job: EssJob,
        /// With these parameters.
        parameters: &'a str,
        /// Any request with them will do that was submitted after this one ended. `None`: the parameters are our own.
        after: Option<&'a RequestId>,
    },
}

/// What the call came to.
pub(super) struct Outcome {
    /// Its row.
    pub(super) call: i64,
    /// The document's id, or the request's number.
    pub(super) answer: String,
    /// Whether its step was done with it before.
    pub(super) done: bool,
}

impl Errand<'_> {
    /// What a person calls it.
    fn name(&self) -> &'static str {
        match self {
            Self::Document { .. } => "the upload",
            Self::Job { job, .. } => job.definition(),
        }
    }
}

impl Attempt {
    /// Makes the call, or takes over what an earlier attempt made of it.
    pub(super) async fn once(&self, step: Step, errand: &Errand<'_>) -> Result<Outcome, JobError> {
        let pool = self.with.database.pool();
        let mut troubles = 0;
        let mut last_look: Option<Instant> = None;
        loop {
            let Some(call) = calls::standing(pool, self.transfer.id, step).await? else {
                if let Some(outcome) = self.make(step, errand).await? {
                    return Ok(outcome);
                }
                continue;
            };
            if let Some(answer) = call.answer {
                return Ok(Outcome { call: call.id, answer, done: call.done });
            }
            let pace = self.with.oracle.pace();
            match self.look_up(step, errand, &call).await {
                Ok(Some(answer)) => {
                    calls::answer(pool, call.id, &answer).await?;
                    let text = format!("The answer to {} was lost; Oracle has it as {answer}", errand.name());
                    self.note(step, &text, None).await?;
                }
                Ok(None) => {
                    let now = Instant::now();
                    let passed = last_look.replace(now).map_or(Duration::ZERO, |last| now - last);
                    let missed = calls::miss(pool, call.id, passed).await?;
                    let left = pace.settle.saturating_sub(missed);
                    if left.is_zero() {
                        last_look = None;
                        calls::end(pool, call.id, Ended::NotMade).await?;
                        self.note(step, &format!("{} never reached Oracle; once more", errand.name()), None)
                            .await?;
                    } else {
                        let told =
                            format!("{}: looking in Oracle whether {} arrived", step.name(), errand.name());
                        self.context.progress(f64::from(step.number() - 1) * 20.0, told).await?;
                        self.pause(left.min(pace.first_poll)).await?;
                    }
                }
                Err(CallError::Refused(why)) => {
                    let text = format!(
                        "it is not known whether {} reached Oracle, and it cannot be looked up: {why}",
                        errand.name()
                    );
                    self.note(step, &text, None).await?;
                    return Err(JobError::discard(text));
                }
                Err(error) => {
                    troubles += 1;
                    if troubles == LOOK_UPS {
                        return Err(JobError::fail(error));
                    }
                    self.pause(pace.first_poll * troubles).await?;
                }
            }
        }
    }

    /// Makes the call for the first time; `None` when its fate is unknown.
    async fn make(&self, step: Step, errand: &Errand<'_>) -> Result<Option<Outcome>, JobError> {
        let pool = self.with.database.pool();
        let call = calls::intend(pool, self.transfer.id, step, self.with.clock.now()).await?;
        let made = match errand {
            Errand::Document { name, zip } => {
                self.with.oracle.upload(name, zip).await.map(|document| document.0)
            }
            Errand::Job { job, parameters, .. } => {
                self.with.oracle.submit(*job, parameters).await.map(|request| request.0)
            }
        };
        match made {
            Ok(answer) => {
                calls::answer(pool, call, &answer).await?;
                let text = match errand {
                    Errand::Document { name, .. } => format!("{name} is document {answer}"),
                    Errand::Job { job, .. } => format!("{} is request {answer}", job.definition()),
                };
                self.note(step, &text, None).await?;
                Ok(Some(Outcome { call, answer, done: false }))
            }
            Err(CallError::NotDone(why)) => {
                calls::end(pool, call, Ended::NotMade).await?;
                Err(JobError::fail(why))
            }
            Err(CallError::Refused(why)) => {
                calls::end(pool, call, Ended::NotMade).await?;
                self.note(step, &why, None).await?;
                Err(JobError::discard(why))
            }
            Err(CallError::Unsure(why)) => {
                let text = format!("{}: {why}; looking whether it was done", errand.name());
                self.note(step, &text, None).await?;
                Ok(None)
            }
        }
    }

    async fn look_up(
        &self,
        step: Step,
        errand: &Errand<'_>,
        call: &StandingCall,
    ) -> Result<Option<String>, CallError> {
        let oracle = &self.with.oracle;
        match errand {
            Errand::Document { name, .. } => Ok(oracle.find_document(name).await?.map(|document| document.0)),
            Errand::Job { job, parameters, after } => {
                let pool = self.with.database.pool();
                let (since, known) = match after {
                    None => {
                        let since = call.intended_at.plus_seconds(-CLOCKS_APART);
                        (since, calls::known(pool, step, since).await)
                    }
                    // By Oracle's own clock: one that was submitted a moment too early posts nothing of ours. One of
                    // another transfer will do, one of ours that failed will not.
                    Some(before) => {
                        (self.end_of(before).await?, calls::failed(pool, self.transfer.id, step).await)
                    }
                };
                let known =
                    known.map_err(|error| CallError::NotDone(format!("the database failed: {error}")))?;
                let except: Vec<RequestId> = known.into_iter().map(RequestId).collect();
                let sought = Sought { job: *job, parameters, since, except: &except };
                Ok(oracle.find_request(&sought).await?.map(|request| request.0))
            }
        }
    }

    async fn end_of(&self, request: &RequestId) -> Result<Timestamp, CallError> {
        let ended = self.with.oracle.ended_at(request).await?;
        ended.ok_or_else(|| {
            CallError::Refused(format!("Oracle does not say when request {} ended", request.0))
        })
    }
}
