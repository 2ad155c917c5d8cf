//! One thread's connections, and the loop that serves them.
//!
//! A pass: look at the sockets, take all commands, apply them to the outboxes of the sockets concerned, then write
//! each socket once. A shard that falls behind finds more commands at its next pass and so writes more with each
//! system call: load makes a delivery cheaper. It never waits for anything but its poll.

mod announce;
mod boards;
mod life;
mod read;
mod sockets;

use std::{
    collections::{HashMap, VecDeque},
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use mio::{Events, Poll, Token, Waker};
use oyez_core::clock::Clock;
use oyez_protocol::{ConnectionId, SessionId, Timestamp, UserId};
use sockets::Sockets;
use tokio::sync::{mpsc, oneshot};

use super::{
    Ask, HubOptions,
    command::{Command, Mailbox, Notice},
    index::{Index, Slot},
    peer::Action,
    stats::Counters,
    wheel::{TICK_MILLIS, Tick},
};

const WAKE: Token = Token(usize::MAX);
/// The one read buffer of a shard.
const READ_BUFFER: usize = 64 * 1024;
/// A pass that wrote to so many sockets was dear enough to let more frames gather before the next.
const DEAR_PASS: usize = 32;
/// How long a revoked login is remembered: longer than any handshake takes between its check and its attach.
const REMEMBER_REVOKED_MILLIS: i64 = 60_000;

pub(super) struct Shard {
    options: HubOptions,
    clock: Clock,
    now: Timestamp,
    poll: Poll,
    mailbox: Arc<Mailbox>,
    commands: Vec<Command>,
    sockets: Sockets,
    by_id: HashMap<ConnectionId, Slot>,
    index: Index,
    boards: boards::Boards,
    asks: mpsc::Sender<Ask>,
    /// Questions the channel had no room for.
    waiting_asks: VecDeque<Ask>,
    /// Connections with more to read than one turn takes.
    readable: Vec<Slot>,
    buffer: Vec<u8>,
    actions: Vec<Action>,
    targets: Vec<Slot>,
    due: Vec<(u32, Tick)>,
    revoked: VecDeque<(i64, UserId, SessionId)>,
    linger_until: Option<Instant>,
    draining: Option<Vec<oneshot::Sender<Vec<()>>>>,
    sent_away: u64,
}

impl Shard {
    pub(super) fn new(
        options: HubOptions,
        clock: Clock,
        asks: mpsc::Sender<Ask>,
        counters: Arc<Counters>,
    ) -> io::Result<(Self, Arc<Mailbox>)> {
        let poll = Poll::new()?;
        let mailbox = Arc::new(Mailbox::new(Waker::new(poll.registry(), WAKE)?));
        let now = clock.now();
        let sockets = Sockets::new(&options, now, counters, poll.registry().try_clone()?);
        let shard = Self {
            options,
            clock,
            now,
            poll,
            mailbox: Arc::clone(&mailbox),
            commands: Vec::new(),
            sockets,
            by_id: HashMap::new(),
            index: Index::default(),
            boards: boards::Boards::default(),
            asks,
            waiting_asks: VecDeque::new(),
            readable: Vec::new(),
            buffer: vec![0; READ_BUFFER],
            actions: Vec::new(),
            targets: Vec::new(),
            due: Vec::new(),
            revoked: VecDeque::new(),
            linger_until: None,
            draining: None,
            sent_away: 0,
        };
        Ok((shard, mailbox))
    }

    /// Serves until the hub is dropped.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(1024);
        loop {
            let timeout = self.timeout();
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    panic!("the shard's poll failed: {error}");
                }
                _ => self.now = self.clock.now(),
            }
            for event in &events {
                if event.token() != WAKE {
                    self.ready(event);
                }
            }
            self.read_on();
            // Elapsed time of this thread's own work, not the world's: no business of the clock.
            let start = Instant::now();
            let lingering = self.linger_until.is_some_and(|until| start < until);
            if !lingering && !self.obey() {
                return;
            }
            self.pass_deadlines();
            let written = self.write();
            self.linger_until = match written {
                DEAR_PASS.. if !lingering => Some(start + self.options.linger),
                _ if lingering => self.linger_until,
                _ => None,
            };
            self.send_asks();
            self.bury();
        }
    }

    fn timeout(&self) -> Option<Duration> {
        if !self.readable.is_empty() {
            return Some(Duration::ZERO);
        }
        let tick = Duration::from_millis(TICK_MILLIS.unsigned_abs());
        if let Some(until) = self.linger_until
            && !self.mailbox.is_empty()
        {
            return Some(until.saturating_duration_since(Instant::now()));
        }
        if !self.waiting_asks.is_empty() {
            return Some(Duration::from_millis(2));
        }
        // Nobody is here: sleep until somebody comes.
        (!self.by_id.is_empty()).then_some(tick)
    }

    /// Takes and applies all commands. `false`: stop.
    fn obey(&mut self) -> bool {
        let mut commands = std::mem::take(&mut self.commands);
        self.mailbox.take(&mut commands);
        if commands.is_empty() {
            self.commands = commands;
            return true;
        }
        Counters::add(&self.sockets.counters.passes, 1);
        let mut run = announce::Run::default();
        for command in commands.drain(..) {
            if let Command::Notice(Notice::Event(event)) = command {
                self.gather(&mut run, event);
                continue;
            }
            // Order holds between events and all else.
            self.tell(&mut run);
            match command {
                Command::Notice(notice) => self.announce(notice),
                Command::Attach(connection) => self.attach(*connection),
                Command::Reply(connection, reply) => self.answered(connection, reply),
                Command::Readings(readings) => self.readings(&readings),
                // Whoever asked may have gone.
                Command::Users(answer) => drop(answer.send(self.index.users().collect())),
                Command::Connections(answer) => drop(answer.send(self.sockets.infos())),
                Command::Disconnect(connection, code, reason, answer) => {
                    let slot = self.by_id.get(&connection).copied();
                    if let Some(slot) = slot {
                        self.close(slot, code, &reason);
                    }
                    drop(answer.send(slot.map(|_| ()).into_iter().collect()));
                }
                Command::Drain(grace, answer) => self.drain(grace, answer),
                Command::Stop => return false,
            }
        }
        self.tell(&mut run);
        // A burst's memory is not kept for the quiet after it.
        self.commands = if commands.capacity() > 4096 { Vec::new() } else { commands };
        true
    }

    /// Writes each dirty socket once; what it needs next is asked for. Returns how many sockets there were.
    fn write(&mut self) -> usize {
        let mut written = 0;
        while let Some(slot) = self.sockets.dirty.pop() {
            written += 1;
            if self.sockets.write(slot) {
                // It was not read while its outbox was full.
                self.read_later(slot);
            }
            self.next_page(slot);
            self.next_board(slot);
        }
        written
    }

    fn send_asks(&mut self) {
        while let Some(ask) = self.waiting_asks.pop_front() {
            if let Err(mpsc::error::TrySendError::Full(ask)) = self.asks.try_send(ask) {
                self.waiting_asks.push_front(ask);
                return;
            }
            // Closed: the gateway is gone, and with it whoever waits for an answer.
        }
    }
}
