//! What reaches a shard, and what leaves it: commands in by mailbox, questions out by channel.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use mio::Waker;
use oyez_core::{access::Rights, board::Update, event::LiveEvent, notification::Landed};
use oyez_protocol::{
    BoardName, CloseCode, ConnectionId, JobId, RoleName, Seq, SessionId, Timestamp, TopicName, UserId,
    frame::{client::ClientFrame, server::InboxChange},
};
use tokio::sync::{oneshot, watch};

use super::{
    attach::{Attach, ConnectionInfo, Greeting, Reading},
    encoding::Format,
    index::Grant,
};

/// A shard's commands.
pub(super) enum Command {
    Attach(Box<Attach>),
    Notice(Notice),
    Reply(ConnectionId, Reply),
    Readings(Vec<Reading>),
    Users(oneshot::Sender<Vec<(UserId, u32)>>),
    Connections(oneshot::Sender<Vec<ConnectionInfo>>),
    /// Answers with one element when the connection was here.
    Disconnect(ConnectionId, CloseCode, String, oneshot::Sender<Vec<()>>),
    /// Answered when the last connection is gone.
    Drain(Duration, oneshot::Sender<Vec<()>>),
    Stop,
}

/// What was announced.
pub(super) enum Notice {
    Landed(Arc<Landed>),
    Event(Arc<LiveEvent>),
    InboxChanged { user: UserId, change: Arc<InboxChange> },
    JobMoved { user: UserId, job: JobId, frame: JobFrame },
    BoardMoved(Arc<BoardMoved>),
    RolesChanged { user: UserId, roles: Arc<[RoleName]>, rights: Rights },
    Membership { topic: TopicName, user: UserId, member: bool },
    Revoked { user: UserId, session: Option<SessionId> },
}

/// Where a board is, and who may see it.
#[derive(Debug)]
pub struct BoardMoved {
    /// Which.
    pub board: BoardName,
    /// The version it has now.
    pub version: u64,
    /// Whether it is there; else it was deleted.
    pub exists: bool,
    /// Holders of any of these may see it.
    pub roles: Arc<[RoleName]>,
    /// What brings viewers up to date; without it they ask.
    pub update: Option<Update>,
}

/// What a job's owner is shown of it.
#[derive(Debug, Clone)]
pub enum JobFrame {
    /// How far it is; a newer one replaces it.
    Now(Arc<str>),
    /// It ended. No frame: its end is an inbox item, and what was said before counts no more.
    End(Option<Arc<str>>),
}

/// Where commands for one shard wait. Unbounded, because an announcement must not block its committer; the shard
/// takes all there is at each pass, and publishers wait for their commits.
pub(super) struct Mailbox {
    pile: Mutex<Pile>,
    waker: Waker,
}

#[derive(Default)]
struct Pile {
    commands: Vec<Command>,
    /// The shard was told since it last looked.
    rung: bool,
}

impl Mailbox {
    pub(super) fn new(waker: Waker) -> Self {
        Self { pile: Mutex::default(), waker }
    }

    /// Adds a command. Rings only when nobody did since the shard last looked.
    pub(super) fn push(&self, command: Command) {
        self.push_all(std::iter::once(command));
    }

    /// Adds commands, and rings once for all of them: a shard that were woken by the first would find only that.
    pub(super) fn push_all(&self, commands: impl Iterator<Item = Command>) {
        let first = {
            let mut pile = self.pile.lock().unwrap_or_else(PoisonError::into_inner);
            let before = pile.commands.len();
            pile.commands.extend(commands);
            pile.commands.len() > before && !std::mem::replace(&mut pile.rung, true)
        };
        if first {
            // It fails only when the process is out of kernel memory; the shard's tick looks again.
            let _rung = self.waker.wake();
        }
    }

    /// Adds a command that another will soon follow: it keeps its place, but is not worth waking the shard for.
    pub(super) fn leave(&self, command: Command) {
        self.pile.lock().unwrap_or_else(PoisonError::into_inner).commands.push(command);
    }

    /// Takes everything; `into` must be empty, and its memory is used for what comes next.
    pub(super) fn take(&self, into: &mut Vec<Command>) {
        let mut pile = self.pile.lock().unwrap_or_else(PoisonError::into_inner);
        pile.rung = false;
        std::mem::swap(&mut pile.commands, into);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pile.lock().unwrap_or_else(PoisonError::into_inner).commands.is_empty()
    }
}

/// Something only the gateway can find out. It answers with [`super::Hub::reply`], also when it fails.
#[derive(Debug)]
pub struct Ask {
    /// Which connection asks.
    pub connection: ConnectionId,
    /// Whose it is.
    pub user: UserId,
    /// What it needs.
    pub question: Question,
}

/// What a connection needs.
#[derive(Debug)]
pub enum Question {
    /// The next items after a position, encoded; answered by [`Reply::Page`] or [`Reply::PageFailed`].
    Page {
        /// The last item it has.
        after: Seq,
        /// How it wants its frames.
        format: Format,
        /// About how many bytes it can take.
        max_bytes: usize,
    },
    /// What leads from the version of a board that it has to the present one; answered by [`Reply::Board`].
    Board {
        /// Which.
        name: BoardName,
        /// The version it has; 0: none.
        has: u64,
        /// The number of the question.
        turn: u32,
        /// The roles that its user holds.
        roles: Vec<RoleName>,
        /// How it wants its frames.
        format: Format,
    },
    /// A command to carry out; answered by [`Reply::Answer`].
    Command(Box<ClientFrame>),
}

/// The gateway's word to one connection.
#[derive(Debug)]
pub enum Reply {
    /// The stream begins.
    Greeting(Greeting),
    /// Items in a row.
    Page {
        /// The encoded items.
        body: bytes::Bytes,
        /// How many.
        count: u32,
        /// The position of the first.
        first: Seq,
        /// The position of the last; the page's start when there is none.
        last: Seq,
        /// The newest item's position.
        head: Seq,
    },
    /// The page could not be read; the shard asks again.
    PageFailed,
    /// What leads to the present version of a board; the number is that of the question.
    Board(u32, BoardReply),
    /// A command was carried out, or refused.
    Answer(Answer),
    /// The connection must end.
    Close(CloseCode, String),
}

/// What became of a question about a board.
#[derive(Debug)]
pub enum BoardReply {
    /// The encoded frame.
    Board {
        /// From which version it leads.
        has: u64,
        /// To which.
        version: u64,
        /// The frame.
        body: bytes::Bytes,
    },
    /// There is no such board, or it is not for this user.
    Nothing {
        /// The version that the connection has.
        has: u64,
    },
    /// It could not be read; the shard asks again.
    Failed,
}

/// What a command led to.
#[derive(Debug, Default)]
pub struct Answer {
    /// Frames for the connection that asked.
    pub frames: Vec<String>,
    /// What changes for it.
    pub effect: Effect,
}

/// What a command changes on its connection.
#[derive(Debug, Default)]
pub enum Effect {
    /// Nothing.
    #[default]
    None,
    /// It hears a topic.
    Subscribed(TopicName, Grant),
    /// It watches a board.
    Watches(BoardName),
    /// Its token was renewed.
    Renewed {
        /// When the new one ends.
        expires_at: Option<Timestamp>,
        /// The login it belongs to.
        session: Option<SessionId>,
    },
}

/// Held by a shard's thread: tells the server when the thread ends by a panic.
pub struct HubFailed(watch::Sender<bool>);

impl HubFailed {
    pub(super) fn new(failing: watch::Sender<bool>) -> Self {
        Self(failing)
    }
}

impl Drop for HubFailed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.send_replace(true);
        }
    }
}
