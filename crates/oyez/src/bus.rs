//! The bus: tells every node what was committed or said, and each node's hub tells its sockets.
//!
//! **A hint, never the truth.** An announcement may be lost, repeated, delayed, or arrive before an older one; whoever
//! needs to be sure asks the store. Within one process the local bus does none of that: sinks are called in the order
//! of the `announce` calls of one thread, on that thread, before `announce` returns.

use std::sync::{Arc, PoisonError, RwLock};

use oyez_core::{board::Update, event::LiveEvent, notification::Landed};
use oyez_protocol::{
    BoardName, JobId, JobKind, QueueName, RoleName, SessionId, TopicName, UserId, frame::server::InboxChange,
};

/// Something the other nodes, and this one's hub, should know.
#[derive(Debug, Clone)]
pub enum Announcement {
    /// Items were committed, all of these together.
    Landed(Vec<Arc<Landed>>),
    /// A live-only event.
    Event(Arc<LiveEvent>),
    /// Counts or item states changed.
    InboxChanged {
        /// Whose.
        user: UserId,
        /// The counts, and what changed.
        change: Arc<InboxChange>,
    },
    /// A board changed, or was deleted.
    Board(Arc<BoardNews>),
    /// A job moved on.
    Job(Arc<JobNews>),
    /// Jobs wait to be claimed.
    Available {
        /// Where.
        queue: QueueName,
        /// Their kind, when all are of one.
        kind: Option<JobKind>,
        /// How many.
        count: u32,
    },
    /// The user holds these roles now, and no others.
    RolesChanged {
        /// Whose.
        user: UserId,
        /// Set by the application or claimed by the last token.
        roles: Arc<[RoleName]>,
    },
    /// Somebody joined or left a topic.
    Membership {
        /// Which topic.
        topic: TopicName,
        /// Who.
        user: UserId,
        /// Whether they are a member now.
        member: bool,
    },
    /// Connections must end now.
    Revoked {
        /// Whose.
        user: UserId,
        /// Those of one login; none: all, because the user was disabled or erased.
        session: Option<SessionId>,
    },
}

/// What became of a board.
#[derive(Debug, Clone)]
pub struct BoardNews {
    /// Which.
    pub board: BoardName,
    /// The version it has now.
    pub version: u64,
    /// Whether it is there; else it was deleted.
    pub exists: bool,
    /// Who may see it; `None`: those who may open the dashboard.
    pub roles: Option<Arc<[RoleName]>>,
    /// What brings viewers up to date; without it they ask.
    pub update: Option<Update>,
}

/// What became of a job.
#[derive(Debug, Clone)]
pub struct JobNews {
    /// Which.
    pub job: JobId,
    /// Whose, when it is anybody's.
    pub user: Option<UserId>,
    /// The whole frame.
    pub frame: Arc<str>,
    /// What kind of news it is.
    pub stage: Stage,
}

/// How far a job is that news came of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It goes on.
    Underway,
    /// It ended; its owner sees the frame live.
    Ended,
    /// It ended with an item in its owner's inbox, which is announced as such.
    EndedInInbox,
}

/// Receives what is announced. Called on the announcer's thread: it must not block.
pub type Sink = Box<dyn Fn(&Announcement) + Send + Sync>;

/// Node to node. Clones are the same bus.
#[derive(Clone, Default)]
pub struct Bus(Arc<Local>);

/// One process: an announcement is a function call.
#[derive(Default)]
struct Local {
    // Replaced as a whole, so that no sink is called under the lock.
    sinks: RwLock<Arc<Vec<Arc<Sink>>>>,
}

impl Bus {
    /// A bus of this process alone.
    pub fn local() -> Self {
        Self::default()
    }

    /// Tells every sink. Never blocks, never fails.
    pub fn announce(&self, announcement: Announcement) {
        let sinks = Arc::clone(&self.0.sinks.read().unwrap_or_else(PoisonError::into_inner));
        for sink in sinks.iter() {
            sink(&announcement);
        }
        // Given up only now: an event reports its reach when its last holder drops it.
        drop(announcement);
    }

    /// Adds a sink for as long as the bus lives. It misses what was announced before.
    pub fn subscribe(&self, sink: Sink) {
        let mut sinks = self.0.sinks.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut *sinks).push(Arc::new(sink));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc};

    use oyez_protocol::UserId;

    use super::*;

    fn revoked(user: &str) -> Announcement {
        Announcement::Revoked { user: UserId::new(user).unwrap(), session: None }
    }

    #[test]
    fn every_sink_hears_all_that_is_announced_after_it_came_in_order() {
        let bus = Bus::local();
        bus.announce(revoked("too-early"));
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        for name in ["first", "second"] {
            let heard = Arc::clone(&heard);
            bus.subscribe(Box::new(move |announcement| {
                let Announcement::Revoked { user, .. } = announcement else { return };
                heard.lock().unwrap().push(format!("{name} {user}"));
            }));
        }
        bus.clone().announce(revoked("a"));
        bus.announce(revoked("b"));
        assert_eq!(*heard.lock().unwrap(), ["first a", "second a", "first b", "second b"]);
    }

    #[test]
    fn a_sink_may_announce_and_subscribe() {
        let bus = Bus::local();
        let again = bus.clone();
        bus.subscribe(Box::new(move |announcement| {
            if matches!(announcement, Announcement::Revoked { session: None, .. }) {
                again.subscribe(Box::new(|_| {}));
                again.announce(Announcement::Membership {
                    topic: TopicName::new("t").unwrap(),
                    user: UserId::new("a").unwrap(),
                    member: true,
                });
            }
        }));
        bus.announce(revoked("a"));
    }

    #[test]
    fn an_event_that_nobody_hears_reached_nobody() {
        let (report, reached) = mpsc::channel();
        let event = LiveEvent::new(Vec::new(), "{}".into(), None).reporting(move |n| report.send(n).unwrap());
        Bus::local().announce(Announcement::Event(Arc::new(event)));
        assert_eq!(reached.try_recv(), Ok(0));
    }
}
