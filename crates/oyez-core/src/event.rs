//! Live-only events: told to whoever is connected now, never stored.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use oyez_protocol::{Audience, UserId};

/// An event on its way to the sockets.
#[derive(Debug)]
pub struct LiveEvent {
    /// Who should see it; each connection gets it once.
    pub audience: Vec<Audience>,
    /// The whole frame.
    pub text: Arc<str>,
    /// Whose connections do not get it: the sender of a signal.
    pub except: Option<UserId>,
    reach: Reach,
}

/// Counts the connections an event was handed to. When the last holder of the event lets go of it, everybody has
/// counted, and the sum is reported.
struct Reach {
    count: AtomicU64,
    report: Mutex<Option<Report>>,
}

type Report = Box<dyn FnOnce(u64) + Send>;

impl LiveEvent {
    /// An event whose reach interests nobody.
    pub fn new(audience: Vec<Audience>, text: Arc<str>, except: Option<UserId>) -> Self {
        let reach = Reach { count: AtomicU64::new(0), report: Mutex::new(None) };
        Self { audience, text, except, reach }
    }

    /// Calls `report` with the number of connections reached, as soon as the event is dropped. It must not block.
    #[must_use]
    pub fn reporting(self, report: impl FnOnce(u64) + Send + 'static) -> Self {
        *self.reach.report.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(report));
        self
    }

    /// Notes that the event was handed to this many connections more.
    pub fn count_reached(&self, connections: u64) {
        self.reach.count.fetch_add(connections, Ordering::Relaxed);
    }
}

impl Drop for Reach {
    fn drop(&mut self) {
        if let Some(report) = self.report.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            report(*self.count.get_mut());
        }
    }
}

impl fmt::Debug for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reach").field(&self.count).finish()
    }
}
