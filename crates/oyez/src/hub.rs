//! This node's live connections: encodes once, writes each socket once per pass, never awaits.
//!
//! A hub is a few **shards**, each a thread with its own poll and its own connections; a user's connections are all on
//! one shard. Commands reach a shard through a list under a mutex and a waker that is rung only when the list was
//! empty. The hub knows neither the store nor the bus: what needs either is an [`Ask`] that the gateway answers with
//! [`Hub::reply`].
//!
//! Promises: frames of one connection keep the order of the calls that caused them; a user's items go out as
//! `1, 2, 3, …` after the connection's position, each once; a client that does not read costs a bounded amount of
//! memory and slows nobody.

mod attach;
mod command;
mod conflate;
mod connection;
mod cursor;
mod encoding;
mod held_jobs;
mod index;
mod outbox;
mod peer;
mod shard;
mod stats;
mod watched;
mod wheel;

use std::{
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    io,
    sync::Arc,
    time::Duration,
};

pub use attach::{Attach, ConnectionInfo, Greeting, Reading, Socket, Stream};
pub use command::{Answer, Ask, BoardMoved, BoardReply, Effect, HubFailed, JobFrame, Question, Reply};
use command::{Command, Mailbox, Notice};
pub use encoding::Format;
pub use index::Grant;
use oyez_core::{access::Rights, clock::Clock, event::LiveEvent, notification::Landed};
use oyez_protocol::{
    CloseCode, ConnectionId, JobId, RoleName, SessionId, TopicName, UserId, frame::server::InboxChange,
};
pub use peer::{Action, Peer};
use shard::Shard;
pub use stats::HubStats;
use tokio::sync::{mpsc, oneshot, watch};

/// How the hub treats its connections.
#[derive(Debug, Clone)]
pub struct HubOptions {
    /// Threads that own connections; 0: one per core.
    pub shards: usize,
    /// How often an idle connection is pinged; two unanswered pings end it.
    pub ping_interval: Duration,
    /// Bytes of memory that one connection's unwritten frames may take.
    pub outbox_bytes: usize,
    /// A connection of which nothing could be written for so long is ended.
    pub write_timeout: Duration,
    /// A connection that was not greeted within this time is ended.
    pub greeting_timeout: Duration,
    /// Connections of one user; one more ends the oldest.
    pub max_connections_per_user: usize,
    /// Under load a shard writes at most once in this time, so that more frames share a write.
    pub linger: Duration,
}

impl Default for HubOptions {
    fn default() -> Self {
        Self {
            shards: 0,
            ping_interval: Duration::from_secs(25),
            outbox_bytes: 64 * 1024,
            write_timeout: Duration::from_secs(30),
            greeting_timeout: Duration::from_secs(15),
            max_connections_per_user: usize::MAX,
            linger: Duration::from_millis(5),
        }
    }
}

/// Questions that wait for the gateway; when there are more, shards keep them until there is room. Bounded by one
/// page and one command per connection.
const MOST_ASKS: usize = 4_096;

/// All live connections of this process. Clones are the same hub; the shards end when the last is dropped.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

struct Inner {
    shards: Vec<Arc<Mailbox>>,
    counters: Vec<Arc<stats::Counters>>,
    hasher: BuildHasherDefault<DefaultHasher>,
    failed: watch::Receiver<bool>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        for shard in &self.shards {
            shard.push(Command::Stop);
        }
    }
}

impl Hub {
    /// Starts the shards. The receiver yields what only the gateway can answer.
    pub fn start(options: &HubOptions, clock: &Clock) -> io::Result<(Self, mpsc::Receiver<Ask>)> {
        let count = match options.shards {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            count => count,
        };
        let (asks, questions) = mpsc::channel(MOST_ASKS);
        let (failing, failed) = watch::channel(false);
        let (mut shards, mut counters) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for number in 0..count {
            let counted = Arc::<stats::Counters>::default();
            let (shard, mailbox) =
                Shard::new(options.clone(), clock.clone(), asks.clone(), Arc::clone(&counted))?;
            let failing = HubFailed::new(failing.clone());
            std::thread::Builder::new().name(format!("oyez-hub-{number}")).spawn(move || {
                let _failing = failing;
                shard.run();
            })?;
            shards.push(mailbox);
            counters.push(counted);
        }
        let hasher = BuildHasherDefault::default();
        Ok((Self(Arc::new(Inner { shards, counters, hasher, failed })), questions))
    }

    /// Takes a connection over. It is registered before anything announced later is looked at, so a greeting read
    /// from the store after this call misses nothing; it receives nothing until [`Reply::Greeting`], which, or
    /// [`Reply::Close`], must follow.
    pub fn attach(&self, connection: Attach) {
        let shard = self.shard(&connection.user);
        shard.leave(Command::Attach(Box::new(connection)));
    }

    /// Answers what a shard asked, or greets a connection. A connection that is gone takes no answer.
    pub fn reply(&self, user: &UserId, connection: ConnectionId, reply: Reply) {
        self.shard(user).push(Command::Reply(connection, reply));
    }

    /// Items were committed, all of these together: each shard concerned is woken once.
    pub fn landed(&self, landed: &[Arc<Landed>]) {
        for (number, shard) in self.0.shards.iter().enumerate() {
            // Most notifications have one recipient: they concern only the shard that has them.
            let concerned = landed.iter().filter(|one| match one.recipients.as_slice() {
                [(user, _)] => self.number(user) == number,
                _ => true,
            });
            shard.push_all(concerned.map(|one| Command::Notice(Notice::Landed(Arc::clone(one)))));
        }
    }

    /// A live-only event. Each shard counts how many connections it handed it to.
    pub fn event(&self, event: &Arc<LiveEvent>) {
        self.every(|| Command::Notice(Notice::Event(Arc::clone(event))));
    }

    /// Counts or states in a user's inbox changed.
    pub fn inbox_changed(&self, user: &UserId, change: &Arc<InboxChange>) {
        let notice = Notice::InboxChanged { user: user.clone(), change: Arc::clone(change) };
        self.shard(user).push(Command::Notice(notice));
    }

    /// A job of the user moved on. A connection that does not read is told each job's latest only.
    pub fn job_moved(&self, user: &UserId, job: JobId, frame: JobFrame) {
        self.shard(user).push(Command::Notice(Notice::JobMoved { user: user.clone(), job, frame }));
    }

    /// A board changed, or this is where it is. A connection that does not read is told the latest only.
    pub fn board_moved(&self, moved: &Arc<BoardMoved>) {
        self.every(|| Command::Notice(Notice::BoardMoved(Arc::clone(moved))));
    }

    /// A user holds these roles now. `dashboard`: they allow the dashboard and every topic; without it, what was
    /// opened by such a role ends.
    pub fn roles_changed(&self, user: &UserId, roles: &Arc<[RoleName]>, rights: Rights) {
        let notice = Notice::RolesChanged { user: user.clone(), roles: Arc::clone(roles), rights };
        self.shard(user).push(Command::Notice(notice));
    }

    /// A user joined or left a topic.
    pub fn membership(&self, topic: &TopicName, user: &UserId, member: bool) {
        let notice = Notice::Membership { topic: topic.clone(), user: user.clone(), member };
        self.shard(user).push(Command::Notice(notice));
    }

    /// A user, or one of their logins, may not be connected any more: closes with 4403.
    pub fn revoked(&self, user: &UserId, session: Option<SessionId>) {
        self.shard(user).push(Command::Notice(Notice::Revoked { user: user.clone(), session }));
    }

    /// What the store says about users who are connected; heals what an announcement failed to tell.
    pub fn readings(&self, readings: Vec<Reading>) {
        let mut by_shard = vec![Vec::new(); self.0.shards.len()];
        for reading in readings {
            by_shard[self.number(&reading.standing.user)].push(reading);
        }
        for (shard, readings) in self.0.shards.iter().zip(by_shard) {
            if !readings.is_empty() {
                shard.push(Command::Readings(readings));
            }
        }
    }

    /// The users who are connected, each with the version of what is known about them, for [`Hub::readings`].
    pub async fn users(&self) -> Vec<(UserId, u32)> {
        self.ask_all(Command::Users).await
    }

    /// Every connection.
    pub async fn connections(&self) -> Vec<ConnectionInfo> {
        self.ask_all(Command::Connections).await
    }

    /// Ends one connection. Returns whether it was here.
    pub async fn disconnect(&self, connection: ConnectionId, code: CloseCode, reason: &str) -> bool {
        let reason = reason.to_owned();
        let found = self.ask_all(move |answer| Command::Disconnect(connection, code, reason.clone(), answer));
        !found.await.is_empty()
    }

    /// Says goodbye to everybody and ends the connections. Clients are asked to come back spread over `grace`.
    /// Returns when all have gone, or after `grace`.
    pub async fn drain(&self, grace: Duration) {
        let goodbye = self.ask_all(move |answer: oneshot::Sender<Vec<()>>| Command::Drain(grace, answer));
        // The time bounds those who do not read.
        let _gone_or_late = tokio::time::timeout(grace, goodbye).await;
    }

    /// What was counted so far.
    pub fn stats(&self) -> HubStats {
        self.0.counters.iter().map(|shard| shard.read()).fold(HubStats::default(), HubStats::plus)
    }

    /// Hands the counters to the `metrics` recorder; to be called before a scrape.
    pub fn report_metrics(&self) {
        self.stats().report();
    }

    /// Resolves when a shard died of a fault; the server must end then. Never resolves otherwise.
    pub async fn failed(&self) {
        let mut failed = self.0.failed.clone();
        if failed.wait_for(|failed| *failed).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    fn shard(&self, user: &UserId) -> &Mailbox {
        &self.0.shards[self.number(user)]
    }

    // A user's connections share a shard, so that what is addressed to one user wakes one thread.
    fn number(&self, user: &UserId) -> usize {
        (self.0.hasher.hash_one(user) % self.0.shards.len() as u64) as usize
    }

    fn every(&self, command: impl Fn() -> Command) {
        for shard in &self.0.shards {
            shard.push(command());
        }
    }

    async fn ask_all<T>(&self, command: impl Fn(oneshot::Sender<Vec<T>>) -> Command) -> Vec<T> {
        let mut waiting = Vec::new();
        for shard in &self.0.shards {
            let (answer, answered) = oneshot::channel();
            shard.push(command(answer));
            waiting.push(answered);
        }
        let mut all = Vec::new();
        for answered in waiting {
            // A shard that is gone has nothing to say.
            all.extend(answered.await.unwrap_or_default());
        }
        all
    }
}

#[cfg(test)]
mod tests;
