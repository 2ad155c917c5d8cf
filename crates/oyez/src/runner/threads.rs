//! The threads that handlers run on, apart from the server's own.
//!
//! Each attempt has a thread to itself, lent from a pool: a handler that blocks, or loops for ever, costs its own
//! thread and nobody else's. Timers, sockets and what handlers spawn are driven by a small runtime beside the pool,
//! so handlers are ordinary asynchronous code. Nothing is started before the first attempt.

use std::{
    any::Any,
    collections::VecDeque,
    future::Future,
    io,
    panic::AssertUnwindSafe,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::runtime::{Builder, Handle, Runtime};

/// Threads that drive sockets, timers and what handlers spawn.
const DRIVERS: usize = 2;
/// An idle thread ends after this long.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// One attempt, from its beginning to what follows its end.
type Task = Box<dyn FnOnce() + Send>;

pub(super) struct Threads {
    pool: Arc<Pool>,
    runtime: Mutex<Option<Runtime>>,
}

#[derive(Default)]
struct Pool {
    state: Mutex<State>,
    bell: Condvar,
}

#[derive(Default)]
struct State {
    tasks: VecDeque<Task>,
    /// Threads that wait for a task.
    idle: usize,
    /// A thread was woken or started and has not looked yet. One at a time: a woken one wakes the next while tasks are
    /// left, so that many short tasks cost few switches and one that blocks holds nobody up.
    waking: bool,
    stopped: bool,
}

impl Threads {
    pub(super) fn new() -> Self {
        Self { pool: Arc::default(), runtime: Mutex::new(None) }
    }

    /// Runs work on a thread of its own, then `then` with how it ended; an `Err` holds what it panicked with. How many
    /// run at once is the caller's business.
    pub(super) fn run<T: 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
        then: impl FnOnce(Result<T, Box<dyn Any + Send>>) + Send + 'static,
    ) -> io::Result<()> {
        let handle = self.handle()?;
        let task = Box::new(move || {
            // Nothing of the work is looked at after a panic.
            let ended = std::panic::catch_unwind(AssertUnwindSafe(|| handle.block_on(work)));
            then(ended);
        });
        let mut state = self.pool.lock();
        state.tasks.push_back(task);
        self.pool.wake(&mut state).inspect_err(|_| drop(state.tasks.pop_back()))
    }

    /// Lets go of the threads without waiting for those that are lost.
    pub(super) fn stop(&self) {
        self.pool.lock().stopped = true;
        self.pool.bell.notify_all();
        if let Some(runtime) = self.runtime.lock().unwrap_or_else(PoisonError::into_inner).take() {
            runtime.shutdown_background();
        }
    }

    fn handle(&self) -> io::Result<Handle> {
        let mut runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = &*runtime {
            return Ok(runtime.handle().clone());
        }
        let made = Builder::new_multi_thread()
            .worker_threads(DRIVERS)
            .thread_keep_alive(KEEP_ALIVE)
            .thread_name("oyez-job-io")
            .enable_all()
            .build()?;
        Ok(runtime.insert(made).handle().clone())
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // A runtime may not be dropped by a task of another one.
        self.stop();
    }
}

impl Pool {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees to it that somebody will look at the tasks.
    fn wake(self: &Arc<Self>, state: &mut State) -> io::Result<()> {
        if state.waking || state.tasks.is_empty() {
            return Ok(());
        }
        if state.idle > 0 {
            self.bell.notify_one();
        } else {
            let pool = Arc::clone(self);
            std::thread::Builder::new().name("oyez-job".into()).spawn(move || pool.work())?;
        }
        state.waking = true;
        Ok(())
    }

    /// A thread's life.
    fn work(self: Arc<Self>) {
        let mut state = self.lock();
        state.waking = false;
        loop {
            while let Some(task) = state.tasks.pop_front() {
                if let Err(error) = self.wake(&mut state) {
                    tracing::error!(%error, "no thread for a job: it waits for another to end");
                }
                drop(state);
                task();
                state = self.lock();
            }
            state.idle += 1;
            let waited = self.bell.wait_timeout(state, KEEP_ALIVE);
            let (woken, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            state.waking = false;
            if state.stopped || (timeout.timed_out() && state.tasks.is_empty()) {
                return;
            }
        }
    }
}

/// What a panic said.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let said =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    match said {
        Some(said) => format!("the handler panicked: {said}"),
        None => "the handler panicked".into(),
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn work_that_panics_or_never_ends_harms_no_other() {
        let threads = Threads::new();
        for _ in 0..3 {
            threads.run(async { std::thread::park_timeout(Duration::from_secs(3_600)) }, |_| {}).unwrap();
        }
        let (tell, told) = oneshot::channel();
        threads
            .run(async { panic!("boom {}", 7) }, |ended: Result<(), _>| {
                tell.send(panic_text(&*ended.unwrap_err())).unwrap();
            })
            .unwrap();
        assert_eq!(told.await.unwrap(), "the handler panicked: boom 7");
        let (tell, told) = oneshot::channel();
        let work = async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            tokio::spawn(async { 5 }).await.unwrap()
        };
        threads.run(work, |ended| tell.send(ended.unwrap()).unwrap()).unwrap();
        assert_eq!(told.await.unwrap(), 5);
    }
}
