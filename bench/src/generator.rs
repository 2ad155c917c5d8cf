//! The load generator: thousands of listening WebSockets and some publishing HTTP connections in one thread.
//!
//! Publishing at a rate is an open loop: a message is stamped with the moment it was due, so that a server that
//! answers slowly cannot hide its latency by slowing the generator down.

pub(crate) mod mailbox;
pub(crate) mod publisher;
pub(crate) mod stamp;
pub(crate) mod subscriber;
pub(crate) mod tally;

use std::{
    collections::VecDeque,
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use mio::{Events, Interest, Poll, Token};

use crate::clock;
use publisher::{InFlight, Publisher};
use subscriber::{Greeting, Scratch, State, Subscriber};
use tally::Tally;

/// Tokens from here on are publishers.
const PUBLISHERS: usize = 1 << 24;
/// Connections opened at the same time.
const OPENING: usize = 128;
/// Connections from one loopback address.
const PER_SOURCE: usize = 20_000;

pub(crate) struct Generator {
    poll: Poll,
    events: Option<Events>,
    address: SocketAddr,
    greetings: Vec<Greeting>,
    subscribers: Vec<Option<Subscriber>>,
    publishers: Vec<Publisher>,
    /// Publishers that wait for nothing. Each in turn, so that none is silent for so long that the server ends it.
    free: VecDeque<usize>,
    scratch: Scratch,
    pub(crate) tally: Tally,
    open: usize,
    opening: usize,
    waiting: VecDeque<usize>,
    /// Connections that were open and ended.
    pub(crate) lost: u64,
    last_error: String,
    last_answer: String,
    published: Published,
}

/// What became of the publishes of a window.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) answered: u64,
    pub(crate) failed: u64,
    pub(crate) first_complaint: String,
    /// Request to answer, in microseconds.
    answer_time: hdrhistogram::Histogram<u64>,
    pub(crate) seconds: f64,
}

impl Published {
    fn new() -> Self {
        let answer_time = tally::latencies();
        Self { answered: 0, failed: 0, first_complaint: String::new(), answer_time, seconds: 0.0 }
    }

    /// Time from request to answer in milliseconds below which this share stayed.
    pub(crate) fn answer_ms(&self, share: f64) -> f64 {
        self.answer_time.value_at_quantile(share) as f64 / 1_000.0
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.answered as f64 / self.seconds
    }
}

/// How fast to publish.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// So many a second, whatever the server does.
    PerSecond(f64),
    /// Each connection sends its next when its last is answered.
    AsAnswered,
}

/// A request to publish: whole HTTP bytes, made for a stamp and a running number.
pub(crate) type Compose<'a> = &'a mut dyn FnMut(u64, u64) -> Vec<u8>;

impl Generator {
    pub(crate) fn new(address: SocketAddr) -> anyhow::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            events: Some(Events::with_capacity(1024)),
            address,
            greetings: Vec::new(),
            subscribers: Vec::new(),
            publishers: Vec::new(),
            free: VecDeque::new(),
            scratch: Scratch::new(),
            tally: Tally::new(0),
            open: 0,
            opening: 0,
            waiting: VecDeque::new(),
            lost: 0,
            last_error: String::new(),
            last_answer: String::new(),
            published: Published::new(),
        })
    }

    pub(crate) fn open(&self) -> usize {
        self.open
    }

    /// The first stamped message, to show.
    pub(crate) fn sample(&self) -> Option<&str> {
        self.scratch.sample.as_deref()
    }

    /// Opens one connection per greeting, besides those that are open; returns the seconds it took.
    pub(crate) fn subscribe(&mut self, greetings: Vec<Greeting>) -> anyhow::Result<f64> {
        let first = self.subscribers.len();
        self.waiting.extend(first..first + greetings.len());
        self.subscribers.resize_with(first + greetings.len(), || None);
        self.greetings.extend(greetings);
        let wanted = self.subscribers.len();
        let started = Instant::now();
        while self.open < wanted {
            self.open_more()?;
            self.step(Duration::from_millis(5))?;
            if started.elapsed() > Duration::from_secs(180) || self.lost > 0 {
                bail!("only {} of {wanted} connections are open: {}", self.open, self.last_error);
            }
        }
        Ok(started.elapsed().as_secs_f64())
    }

    /// Drops all subscribers, abruptly.
    pub(crate) fn hang_up(&mut self) {
        self.subscribers.clear();
        self.greetings.clear();
        self.open = 0;
    }

    fn open_more(&mut self) -> anyhow::Result<()> {
        while self.opening < OPENING {
            let Some(at) = self.waiting.pop_front() else { break };
            let source = (at / PER_SOURCE) as u8;
            let mut subscriber = Subscriber::connect(self.address, source, &self.greetings[at])
                .context("could not open a socket")?;
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(&mut subscriber.stream, Token(at), interest)?;
            self.subscribers[at] = Some(subscriber);
            self.opening += 1;
        }
        Ok(())
    }

    /// Keeps reading and answering pings for a while.
    pub(crate) fn idle(&mut self, duration: Duration) -> anyhow::Result<()> {
        let end = Instant::now() + duration;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            self.step(left.min(Duration::from_millis(20)))?;
        }
        Ok(())
    }

    /// Forgets what was counted; stamps before `from` will count as early.
    pub(crate) fn reset(&mut self, from: u64) {
        self.tally = Tally::new(from);
        self.published = Published::new();
        self.lost = 0;
    }

    /// Waits until so many stamped messages have come, or none has come for a while; true when all have.
    pub(crate) fn wait_for(&mut self, messages: u64, patience: Duration) -> anyhow::Result<bool> {
        let mut last = (self.tally.received, Instant::now());
        while self.tally.received < messages {
            self.step(Duration::from_millis(5))?;
            if self.tally.received != last.0 {
                last = (self.tally.received, Instant::now());
            } else if last.1.elapsed() > patience {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Publishes over `connections` for `seconds` after a warm-up, and counts only what belongs to the seconds.
    /// `on_start` is called when they begin.
    pub(crate) fn publish(
        &mut self,
        connections: usize,
        pace: Pace,
        seconds: f64,
        compose: Compose<'_>,
        on_start: &mut dyn FnMut(),
    ) -> anyhow::Result<Published> {
        self.connect_publishers(connections)?;
        let warm_up = (seconds / 6.0).min(0.5);
        let begin = clock::now();
        let start = begin + (warm_up * 1e9) as u64;
        let end = start + (seconds * 1e9) as u64;
        self.reset(start);
        let mut has_started = false;
        let mut number = 0;
        loop {
            let now = clock::now();
            if !has_started && now >= start {
                on_start();
                has_started = true;
            }
            let due = match pace {
                Pace::PerSecond(rate) => begin + (number as f64 / rate * 1e9) as u64,
                Pace::AsAnswered => now,
            };
            if due >= end {
                break;
            }
            // A server that cannot keep up at all is not waited for without end.
            if now > end + clock::nanos(Duration::from_secs_f64(seconds / 2.0)) {
                break;
            }
            if due <= now
                && let Some(at) = self.free.pop_front()
            {
                let request = compose(due, number);
                number += 1;
                let in_flight = InFlight { sent_at: clock::now(), counts: due >= start };
                if let Err(error) = self.publishers[at].send(&request, in_flight) {
                    bail!("a publisher's connection broke: {error}");
                }
                // Others may be due; what has arrived is read in between.
                if number % 8 == 0 {
                    self.step(Duration::ZERO)?;
                }
                continue;
            }
            let wait = if due > now { Duration::from_nanos(due - now) } else { Duration::from_millis(5) };
            // The kernel counts milliseconds: shorter waits are spent polling.
            let wait = if wait < Duration::from_millis(2) {
                Duration::ZERO
            } else {
                wait - Duration::from_millis(1)
            };
            self.step(wait.min(Duration::from_millis(20)))?;
        }
        let waiting_since = Instant::now();
        while self.free.len() < self.publishers.len() && waiting_since.elapsed() < Duration::from_secs(30) {
            self.step(Duration::from_millis(5))?;
        }
        let mut published = std::mem::replace(&mut self.published, Published::new());
        let last = clock::now().max(end);
        published.seconds = (last - start) as f64 / 1e9;
        Ok(published)
    }

    /// Sends one request and waits for its answer; returns the body.
    pub(crate) fn request(&mut self, request: &[u8], patience: Duration) -> anyhow::Result<String> {
        self.connect_publishers(1)?;
        self.published = Published::new();
        let at = self.free.pop_front().context("the only publisher is free")?;
        self.publishers[at].send(request, InFlight { sent_at: clock::now(), counts: true })?;
        let started = Instant::now();
        while self.free.is_empty() {
            self.step(Duration::from_millis(5))?;
            if started.elapsed() > patience {
                bail!("no answer within {patience:?}");
            }
        }
        if self.published.failed > 0 {
            bail!("refused: {}", self.published.first_complaint);
        }
        Ok(std::mem::take(&mut self.last_answer))
    }

    fn connect_publishers(&mut self, connections: usize) -> anyhow::Result<()> {
        self.publishers.clear();
        self.free.clear();
        for at in 0..connections {
            let publisher = self.connect_publisher(at)?;
            self.publishers.push(publisher);
            self.free.push_back(at);
        }
        Ok(())
    }

    fn connect_publisher(&self, at: usize) -> anyhow::Result<Publisher> {
        let mut publisher = Publisher::connect(self.address).context("could not connect to publish")?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut publisher.stream, Token(PUBLISHERS + at), interest)?;
        Ok(publisher)
    }

    fn step(&mut self, timeout: Duration) -> anyhow::Result<()> {
        let mut events = self.events.take().context("steps do not nest")?;
        match self.poll.poll(&mut events, Some(timeout)) {
            Err(error) if error.kind() != std::io::ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        for event in &events {
            let Token(token) = event.token();
            if token >= PUBLISHERS {
                self.on_publisher(token - PUBLISHERS)?;
            } else {
                self.on_subscriber(token, event.is_writable(), event.is_readable() || event.is_read_closed());
            }
        }
        self.events = Some(events);
        Ok(())
    }

    fn on_publisher(&mut self, at: usize) -> anyhow::Result<()> {
        let Some(publisher) = self.publishers.get_mut(at) else { return Ok(()) };
        publisher.flush().context("a publisher's connection broke")?;
        let answer = match publisher.on_readable(&mut self.scratch.buffer) {
            // A server may end a connection that it is asked nothing on; whoever asks next opens another.
            Err(_) if publisher.in_flight.is_none() => {
                self.publishers[at] = self.connect_publisher(at)?;
                return Ok(());
            }
            answer => answer.context("a publisher's connection broke")?,
        };
        let Some(answer) = answer else { return Ok(()) };
        let Some(in_flight) = publisher.in_flight.take() else { return Ok(()) };
        self.free.push_back(at);
        if (200..300).contains(&answer.status) {
            if in_flight.counts {
                self.published.answered += 1;
                self.last_answer = answer.body;
                let micros = (clock::now() - in_flight.sent_at) / 1_000;
                self.published.answer_time.saturating_record(micros.max(1));
            }
        } else {
            self.published.failed += 1;
            if self.published.first_complaint.is_empty() {
                self.published.first_complaint = answer.body;
            }
        }
        Ok(())
    }

    fn on_subscriber(&mut self, at: usize, is_writable: bool, is_readable: bool) {
        let Some(Some(subscriber)) = self.subscribers.get_mut(at) else { return };
        let before = subscriber.state;
        let mut outcome = Ok(());
        if before == State::Connecting && is_writable {
            outcome = subscriber.on_connected(&self.greetings[at]);
        }
        if outcome.is_ok() && is_readable && matches!(subscriber.state, State::Handshake | State::Open) {
            outcome = subscriber.on_readable(&mut self.scratch, &mut self.tally);
        }
        let is_new = before != State::Open;
        match outcome {
            Ok(()) if is_new && subscriber.state == State::Open => {
                self.opening -= 1;
                self.open += 1;
            }
            Ok(()) => {}
            Err(error) => {
                subscriber.state = State::Closed;
                self.last_error = error.to_string();
                self.lost += 1;
                if is_new {
                    self.opening -= 1;
                } else {
                    self.open -= 1;
                }
                self.subscribers[at] = None;
            }
        }
    }

    /// The last thing that went wrong with a subscriber.
    pub(crate) fn last_error(&self) -> &str {
        &self.last_error
    }
}

/// The bytes of a JSON request.
pub(crate) fn http_post(path: &str, key: &str, body: &str) -> Vec<u8> {
    http_request("POST", path, key, body)
}

/// A request with a body of JSON.
pub(crate) fn http_request(method: &str, path: &str, key: &str, body: &str) -> Vec<u8> {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

#[cfg(test)]
mod tests;
