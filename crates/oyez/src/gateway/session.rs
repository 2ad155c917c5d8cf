//! The protocol of one live connection as a plain machine: text and the present in, actions out.
//!
//! It does no I/O and asks nobody for the time. What needs the store is handed on, one command at a time, so that
//! commands of one connection are carried out and answered in the order in which they were sent.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use oyez_core::rate::{Bucket, Rate};
use oyez_protocol::{
    CloseCode, ErrorCode, Timestamp,
    frame::{
        client::{ClientFrame, Command},
        server,
    },
};

use crate::hub::Action;

/// Commands that may wait for the one that is being carried out.
const MOST_WAITING: usize = 64;
/// Mistakes a connection may make at once, and in each minute, before it counts as abuse.
const MOST_MISTAKES: u32 = 100;

/// How much a connection may send.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Commands over time.
    pub(super) commands: Rate,
    /// Frames that were not understood, or came too fast, over time.
    pub(super) mistakes: Rate,
}

impl Limits {
    /// The configured pace; `burst` commands at once.
    pub(super) fn new(per_second: u32, burst: u32) -> Self {
        Self {
            commands: Rate::sustained(per_second, burst),
            mistakes: Rate::new(MOST_MISTAKES, Duration::from_secs(60)),
        }
    }
}

/// The state of one connection's protocol.
#[derive(Debug)]
pub(super) struct Session {
    limits: Arc<Limits>,
    commands: Bucket,
    mistakes: Bucket,
    /// A command is being carried out.
    busy: bool,
    /// It ended; what still arrives is ignored.
    over: bool,
    // Owns no memory for the many who send one command at a time.
    waiting: VecDeque<ClientFrame>,
}

impl Session {
    /// A fresh connection.
    pub(super) fn new(limits: Arc<Limits>) -> Self {
        Self {
            limits,
            commands: Bucket::default(),
            mistakes: Bucket::default(),
            busy: false,
            over: false,
            waiting: VecDeque::new(),
        }
    }

    /// Nothing more is listened to.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// A text message arrived.
    pub(super) fn text(&mut self, text: &str, now: Timestamp, actions: &mut Vec<Action>) {
        if !self.in_time(now, actions) {
            return;
        }
        match ClientFrame::parse(text) {
            Ok(frame) => self.command(frame, actions),
            Err(error) => {
                let frame = server::error(error.reference.as_deref(), error.code, &error.message);
                self.mistake(frame, now, actions);
            }
        }
    }

    /// A binary message arrived: there are none in this protocol.
    pub(super) fn binary(&mut self, now: Timestamp, actions: &mut Vec<Action>) {
        if self.in_time(now, actions) {
            let frame =
                server::error(None, ErrorCode::NotJson, "frames are JSON in text messages, not binary");
            self.mistake(frame, now, actions);
        }
    }

    /// A WebSocket ping arrived. Returns whether it deserves an answer.
    pub(super) fn ping(&mut self, now: Timestamp, actions: &mut Vec<Action>) -> bool {
        self.in_time(now, actions)
    }

    /// The command that was handed on is answered.
    pub(super) fn answered(&mut self, actions: &mut Vec<Action>) {
        self.busy = false;
        while !self.busy && !self.over {
            let Some(next) = self.waiting.pop_front() else {
                self.waiting = VecDeque::new();
                return;
            };
            self.start(next, actions);
        }
    }

    /// The connection ends with a reason.
    pub(super) fn close(&mut self, code: CloseCode, reason: String, actions: &mut Vec<Action>) {
        if !self.over {
            self.over = true;
            actions.push(Action::Close(code, reason));
        }
    }

    /// The client said goodbye.
    pub(super) fn end(&mut self, actions: &mut Vec<Action>) {
        if !self.over {
            self.over = true;
            actions.push(Action::End);
        }
    }

    fn command(&mut self, frame: ClientFrame, actions: &mut Vec<Action>) {
        if let Command::Ping { timestamp } = &frame.command {
            let pong = server::pong(timestamp.as_deref(), frame.reference.as_deref());
            actions.push(Action::Frame(pong));
        } else if !self.busy {
            self.start(frame, actions);
        } else if self.waiting.len() < MOST_WAITING {
            self.waiting.push_back(frame);
        } else {
            let message = format!("{MOST_WAITING} commands are waiting already: wait for their answers");
            let reference = frame.reference.as_deref();
            actions.push(Action::Frame(server::error(reference, ErrorCode::TooManyRequests, &message)));
        }
    }

    fn start(&mut self, frame: ClientFrame, actions: &mut Vec<Action>) {
        match &frame.command {
            Command::Unsubscribe { topic } => {
                let mut result = serde_json::Map::new();
                result.insert("topic".into(), topic.as_str().into());
                actions.push(Action::Unsubscribe(topic.clone()));
                actions.push(Action::Frame(server::ack(frame.reference.as_deref(), &result)));
            }
            _ => {
                self.busy = true;
                actions.push(Action::Ask(Box::new(frame)));
            }
        }
    }

    fn in_time(&mut self, now: Timestamp, actions: &mut Vec<Action>) -> bool {
        if self.over {
            return false;
        }
        let Err(too_often) = self.commands.take(self.limits.commands, now) else { return true };
        let frame = server::error(None, ErrorCode::TooManyRequests, &too_often.to_string());
        self.mistake(frame, now, actions);
        false
    }

    /// Says what was wrong; too much of it ends the connection.
    fn mistake(&mut self, frame: String, now: Timestamp, actions: &mut Vec<Action>) {
        if self.mistakes.take(self.limits.mistakes, now).is_ok() {
            actions.push(Action::Frame(frame));
        } else {
            self.close(CloseCode::Policy, "too many bad or too fast frames".into(), actions);
        }
    }
}

#[cfg(test)]
mod tests;
