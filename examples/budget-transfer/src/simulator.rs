//! A stand-in for Oracle Fusion that speaks the ERP Integrations resource and the scheduler's list of requests.
//!
//! It does what matters here as Oracle does it: a document uploaded twice is two documents, loaded twice its lines are
//! in the interface twice and the journal is doubled. It keeps a record of every call, takes its time, and can be told
//! to fail in each way the application has to survive. Its state is a file when it is given one, so it is there again
//! after a restart.

mod control;
mod fault;
mod hold;
mod resource;
mod state;

use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context;
use axum::Router;
use oyez::auth::Secret;
use oyez_core::clock::Clock;
use tokio::net::TcpListener;

pub use fault::Fault;
pub use hold::{Held, Moment};
use state::State;
pub use state::{Call, Deed, Journal};

use crate::oracle::Credentials;

/// Who may call the simulator. Public: nothing real is behind it.
pub const USER: &str = "simulated.user";
/// The user's password.
pub const PASSWORD: &str = "simulated-password";

/// How the simulator behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long a scheduled request takes from submission to its end.
    pub run_time: Duration,
    /// How long every answer takes.
    pub answer_time: Duration,
    /// Where to keep the state; `None`: in memory.
    pub file: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self { run_time: Duration::from_secs(4), answer_time: Duration::from_millis(150), file: None }
    }
}

/// The simulator. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Simulator {
    state: Arc<Mutex<State>>,
    options: Arc<Options>,
    held: Held,
    clock: Clock,
}

impl Simulator {
    /// A simulator with the state of its file, or empty.
    pub fn open(options: Options) -> anyhow::Result<Self> {
        let state = match options.file.as_deref().map(std::fs::read) {
            None => State::default(),
            Some(Ok(json)) => {
                serde_json::from_slice(&json).context("the simulator's file is damaged; delete it")?
            }
            Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => State::default(),
            Some(Err(error)) => return Err(error).context("could not read the simulator's file"),
        };
        Ok(Self {
            state: Arc::new(Mutex::new(state)),
            options: Arc::new(options),
            held: Held::default(),
            clock: Clock::system(),
        })
    }

    /// What to call it with.
    pub fn credentials() -> Credentials {
        Credentials { user: USER.into(), password: Secret::new(PASSWORD) }
    }

    /// Every call so far, the oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// How many times Oracle did something.
    pub fn count(&self, deed: Deed) -> usize {
        self.state().calls.iter().filter(|call| call.did == Some(deed)).count()
    }

    /// The journals there are.
    pub fn journals(&self) -> Vec<Journal> {
        let mut state = self.state();
        state.advance(self.clock.now());
        state.journals.clone()
    }

    /// The number of the request that was submitted last.
    pub fn latest_request(&self) -> Option<String> {
        self.state().requests.keys().next_back().map(u64::to_string)
    }

    /// Fails in this way from now on: the next `times` calls it concerns, or all until it is cleared.
    pub fn fail(&self, fault: Fault, times: Option<u32>) {
        self.change(|state| state.faults.set(fault, times));
    }

    /// Works again.
    pub fn clear(&self, fault: Fault) {
        self.change(|state| state.faults.clear(fault));
    }

    /// Stops at a moment of a call and keeps whoever makes it waiting, until it is let go.
    pub fn hold(&self, deed: Deed, moment: Moment) {
        self.held.arm(deed, moment);
    }

    /// Waits until a call is held.
    pub async fn is_holding(&self) {
        self.held.is_holding().await;
    }

    /// Lets the held call go on.
    pub fn let_go(&self) {
        self.held.let_go();
    }

    /// The routes: Oracle's under their own paths, the controls under `/simulator`.
    pub fn router(&self) -> Router {
        resource::router().merge(control::router()).with_state(self.clone())
    }

    /// Answers until the process ends.
    pub async fn serve(self, listener: TcpListener) -> io::Result<()> {
        axum::serve(listener, self.router()).await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and keeps it.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state();
        let result = change(&mut state);
        if let Some(file) = &self.options.file {
            let beside = file.with_extension("new");
            let kept = serde_json::to_vec(&*state)
                .map_err(io::Error::other)
                .and_then(|json| std::fs::write(&beside, json))
                .and_then(|()| std::fs::rename(&beside, file));
            if let Err(error) = kept {
                tracing::error!(%error, "the simulator could not keep its state");
            }
        }
        result
    }
}
