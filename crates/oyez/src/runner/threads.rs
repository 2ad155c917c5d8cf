//! The threads that handlers run on, apart from the server's own.
//!
//! Each attempt has a thread to itself, lent from a pool: a handler that blocks, or loops for ever, costs its own
//! thread and nobody else's. Timers, sockets and what handlers spawn are driven by a small runtime beside the pool,
//! so handlers are ordinary asynchronous code. Nothing is started before the first attempt.

use std::{
    any::Any,
    future::Future,
    panic::AssertUnwindSafe,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::runtime::{Builder, Handle, Runtime};

/// Threads that drive sockets, timers and what handlers spawn.
const DRIVERS: usize = 2;
/// Threads beyond those of the attempts: for what handlers hand to `spawn_blocking`, and in place of threads that are
/// lost in a loop.
const SPARE: usize = 512;
/// An idle thread ends after this long.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

pub(super) struct Threads {
    attempts: usize,
    runtime: Mutex<Option<Runtime>>,
}

impl Threads {
    /// For so many attempts at once.
    pub(super) fn new(attempts: usize) -> Self {
        Self { attempts, runtime: Mutex::new(None) }
    }

    /// Runs work on a thread of its own, then `then` with how it ended; an `Err` holds what it panicked with.
    pub(super) fn run<T: 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
        then: impl FnOnce(Result<T, Box<dyn Any + Send>>) + Send + 'static,
    ) -> std::io::Result<()> {
        let handle = self.handle()?;
        let inside = handle.clone();
        // Its end is told by `then`.
        drop(handle.spawn_blocking(move || {
            // Nothing of the work is looked at after a panic.
            let ended = std::panic::catch_unwind(AssertUnwindSafe(|| inside.block_on(work)));
            then(ended);
        }));
        Ok(())
    }

    /// Lets go of the threads without waiting for those that are lost.
    pub(super) fn stop(&self) {
        if let Some(runtime) = self.runtime.lock().unwrap_or_else(PoisonError::into_inner).take() {
            runtime.shutdown_background();
        }
    }

    fn handle(&self) -> std::io::Result<Handle> {
        let mut runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = &*runtime {
            return Ok(runtime.handle().clone());
        }
        let made = Builder::new_multi_thread()
            .worker_threads(DRIVERS)
            .max_blocking_threads(self.attempts + SPARE)
            .thread_keep_alive(KEEP_ALIVE)
            .thread_name("oyez-job")
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
        let threads = Threads::new(4);
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
