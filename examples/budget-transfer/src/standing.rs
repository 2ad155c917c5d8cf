//! How an upload stands, for the pages and the API: made from its job. Pure.

use oyez_core::job::{JobRecord, JobState};
use oyez_core::progress::StepStatus;
use serde::Serialize;

use crate::transfer::Step;

/// Where an upload is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Stored; a worker will take it in a moment.
    Waiting,
    /// A worker has it.
    Running,
    /// Something passing was in the way; it goes on by itself.
    Retrying,
    /// Posted.
    Completed,
    /// It needs somebody.
    Failed,
    /// Its owner stopped it.
    Cancelled,
}

impl State {
    /// The word for people.
    pub fn display(self) -> &'static str {
        match self {
            Self::Waiting => "Waiting",
            Self::Running => "Uploading",
            Self::Retrying => "Trying again",
            Self::Completed => "Posted",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
        }
    }

    /// Whether somebody can start it again.
    pub fn can_retry(self) -> bool {
        matches!(self, Self::Failed | Self::Cancelled)
    }

    /// Whether it can be stopped.
    pub fn can_cancel(self) -> bool {
        matches!(self, Self::Waiting | Self::Running | Self::Retrying)
    }
}

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Not begun.
    Waiting,
    /// At work.
    Processing,
    /// Done.
    Completed,
    /// Where the upload stopped.
    Failed,
}

/// One of the five.
#[derive(Debug, Clone, Serialize)]
pub struct StepView {
    /// Its fixed name.
    pub name: &'static str,
    /// Its place, from 1.
    pub number: u32,
    /// How it stands.
    pub state: StepState,
}

/// How an upload stands.
#[derive(Debug, Clone, Serialize)]
pub struct Standing {
    /// Where it is in its life.
    pub state: State,
    /// The same for people.
    pub state_display: &'static str,
    /// How much of it is done, 0 to 100.
    pub percent: f64,
    /// What it is at.
    pub message: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// The five steps.
    pub steps: [StepView; 5],
}

impl Standing {
    /// Stored, and not yet a job.
    pub fn waiting() -> Self {
        Self::new(State::Waiting, 1, false, 0.0, None, None)
    }

    /// Oyez will never take it.
    pub fn refused(reason: String) -> Self {
        Self::new(State::Failed, 1, false, 0.0, None, Some(reason))
    }

    /// What is known when the job is no longer kept: how many steps were done.
    pub fn remembered(steps_done: u32) -> Self {
        let state = if steps_done == Step::COUNT { State::Completed } else { State::Failed };
        let percent = f64::from(steps_done) * 20.0;
        Self::new(state, steps_done + 1, false, percent, None, None)
    }

    /// As its job says.
    pub fn of(job: &JobRecord) -> Self {
        let state = match job.state {
            JobState::Available | JobState::Scheduled => State::Waiting,
            JobState::Running => State::Running,
            JobState::Retryable => State::Retrying,
            JobState::Completed => State::Completed,
            JobState::Cancelled => State::Cancelled,
            JobState::Discarded => State::Failed,
        };
        let progress = job.progress.as_ref();
        let at = progress.and_then(|progress| progress.step_number).unwrap_or(1);
        let at_done = progress.is_some_and(|progress| progress.status == StepStatus::Completed);
        let percent = progress.and_then(|progress| progress.percent).unwrap_or(0.0);
        let message = progress.and_then(|progress| progress.message.clone());
        Self::new(state, at, at_done, percent, message, job.error.clone())
    }

    fn new(
        state: State,
        at: u32,
        at_done: bool,
        percent: f64,
        message: Option<String>,
        error: Option<String>,
    ) -> Self {
        let steps = Step::ALL.map(|step| {
            let number = step.number();
            let state = match state {
                State::Completed => StepState::Completed,
                _ if number < at || (number == at && at_done) => StepState::Completed,
                _ if number > at => StepState::Waiting,
                State::Waiting => StepState::Waiting,
                State::Running | State::Retrying => StepState::Processing,
                State::Failed | State::Cancelled => StepState::Failed,
            };
            StepView { name: step.name(), number, state }
        });
        let done = state == State::Completed;
        Self {
            state,
            state_display: state.display(),
            percent: if done { 100.0 } else { percent },
            message: message.filter(|_| state.can_cancel()),
            error: error.filter(|_| !done),
            steps,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(standing: &Standing) -> [StepState; 5] {
        [0, 1, 2, 3, 4].map(|index| standing.steps[index].state)
    }

    #[test]
    fn steps_stand_as_far_as_the_job_came() {
        use StepState::{Completed, Failed, Processing, Waiting};
        let of = |state, at, at_done| states(&Standing::new(state, at, at_done, 50.0, None, None));
        assert_eq!(of(State::Waiting, 1, false), [Waiting; 5]);
        assert_eq!(of(State::Running, 3, false), [Completed, Completed, Processing, Waiting, Waiting]);
        assert_eq!(of(State::Running, 3, true), [Completed, Completed, Completed, Waiting, Waiting]);
        assert_eq!(of(State::Failed, 4, false), [Completed, Completed, Completed, Failed, Waiting]);
        assert_eq!(of(State::Completed, 5, false), [Completed; 5]);
        assert_eq!(states(&Standing::remembered(5)), [Completed; 5]);
        assert_eq!(states(&Standing::remembered(2)), [Completed, Completed, Failed, Waiting, Waiting]);
    }

    #[test]
    fn only_what_is_true_now_is_shown() {
        let text = || Some("text".to_owned());
        let done = Standing::new(State::Completed, 5, true, 98.0, text(), text());
        assert_eq!((done.percent, done.message, done.error), (100.0, None, None));
        let failed = Standing::new(State::Failed, 3, false, 45.0, text(), text());
        assert_eq!((failed.percent, failed.message, failed.error), (45.0, None, text()));
    }
}
