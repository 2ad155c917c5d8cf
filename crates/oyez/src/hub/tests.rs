//! A real hub over socket pairs: the test plays the clients at one end and the gateway's store at the other.

mod flow;
mod life;

use std::{
    io::{ErrorKind, Read, Write},
    os::unix::net::UnixStream,
    sync::Arc,
    time::Duration,
};

use oyez_core::{
    access::Rights,
    clock::{Clock, ManualClock},
    event::LiveEvent,
    inbox::{Standing, StoredItem},
    notification::Landed,
};
use oyez_protocol::{
    ConnectionId, NotificationId, RoleName, Seq, SessionId, Timestamp, TopicName, UserId,
    frame::server::ItemTimes,
};
use serde_json::Value;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::*;

/// Longer than anything here takes; a test that waits for so long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

/// A hub of one shard, and a store that is a list.
struct Stage {
    hub: Hub,
    questions: mpsc::Receiver<Ask>,
    hand: ManualClock,
    /// Items of the one user that tests publish to: position = index + 1.
    items: Vec<StoredItem>,
}

impl Stage {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut HubOptions)) -> Self {
        let (clock, hand) = Clock::manual(Timestamp::from_millis(1_800_000_000_000));
        let mut options = HubOptions { shards: 1, outbox_bytes: 16 * 1024, ..HubOptions::default() };
        change(&mut options);
        let (hub, questions) = Hub::start(&options, &clock).unwrap();
        Self { hub, questions, hand, items: Vec::new() }
    }

    /// Connects without a greeting.
    fn knock(&self, name: &str, change: impl FnOnce(&mut Attach)) -> Client {
        let (ours, hubs) = UnixStream::pair().unwrap();
        ours.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut attach = Attach {
            id: ConnectionId(Uuid::now_v7()),
            user: user(name),
            stream: Stream::Notifications,
            format: Format::EventStream,
            full: true,
            session: None,
            expires_at: None,
            topics: Vec::new(),
            boards: Vec::new(),
            all_boards: false,
            address: None,
            peer: Box::new(Echo),
            socket: Socket::pair(hubs).unwrap(),
            leftover: Box::default(),
        };
        change(&mut attach);
        let client = Client { id: attach.id, user: attach.user.clone(), stream: ours, unread: Vec::new() };
        self.hub.attach(attach);
        client
    }

    /// Connects, greeted at a position.
    fn connect_at(&self, name: &str, position: u64, change: impl FnOnce(&mut Attach)) -> Client {
        let mut client = self.knock(name, change);
        self.greet(&client, position);
        assert_eq!(client.next()["type"], "hello");
        client
    }

    fn connect(&self, name: &str) -> Client {
        self.connect_at(name, 0, |_| {})
    }

    fn greet(&self, client: &Client, position: u64) {
        let greeting = Greeting {
            frames: vec![r#"{"type":"hello"}"#.into()],
            position: Seq(position),
            head: Seq(self.items.len() as u64),
            roles: vec![RoleName::new("reader").unwrap()],
            topics: vec![TopicName::new("news").unwrap()],
        };
        self.hub.reply(&client.user, client.id, Reply::Greeting(greeting));
    }

    /// Stores an item for a user, without a word to the hub.
    fn store(&mut self, padding: usize) -> Arc<Landed> {
        let number = self.items.len() as u64 + 1;
        let tail: Arc<str> =
            format!(r#""type":"note","number":{number},"pad":"{}"}}"#, "x".repeat(padding)).into();
        let notification = NotificationId(Uuid::from_u128(u128::from(number)));
        self.items.push(StoredItem {
            seq: Seq(number),
            notification,
            times: ItemTimes::default(),
            tail: Arc::clone(&tail),
        });
        Arc::new(Landed {
            notification,
            kind: "note".into(),
            tail,
            recipients: vec![(user("anna"), Seq(number))],
        })
    }

    fn publish(&mut self, padding: usize) {
        let landed = self.store(padding);
        self.hub.landed(&[landed]);
    }

    fn event(&self, audience: &str, text: &str) {
        self.hub.event(&Arc::new(LiveEvent::new(vec![audience.parse().unwrap()], text.into(), None)));
    }

    /// Answers the next question, which must be for a page; returns where it starts.
    async fn answer_page(&mut self) -> Seq {
        let ask = tokio::time::timeout(PATIENCE, self.questions.recv()).await.unwrap().unwrap();
        self.answer(&ask)
    }

    fn answer(&self, ask: &Ask) -> Seq {
        let Question::Page { after, format, max_bytes } = &ask.question else {
            panic!("{:?} is no page", ask.question)
        };
        let mut body = Vec::new();
        let (after, mut last) = (*after, *after);
        for item in &self.items[after.0 as usize..] {
            if body.len() > *max_bytes {
                break;
            }
            format.push_item(&mut body, item);
            last = item.seq;
        }
        let count = (last.0 - after.0) as u32;
        let head = Seq(self.items.len() as u64);
        let page = Reply::Page { body: body.into(), count, first: after.next(), last, head };
        self.hub.reply(&ask.user, ask.connection, page);
        after
    }
}

/// Says back what it hears; `bye` ends the connection.
struct Echo;

impl Peer for Echo {
    fn received(&mut self, bytes: &mut [u8], _now: Timestamp, actions: &mut Vec<Action>) {
        let text = String::from_utf8_lossy(bytes).into_owned();
        match text.as_str() {
            "bye" => actions.push(Action::End),
            "ask" => {
                let frame = r#"{"type":"history"}"#;
                let frame = oyez_protocol::frame::client::ClientFrame::parse(frame).unwrap();
                actions.push(Action::Ask(Box::new(frame)));
            }
            _ => actions.push(Action::Frame(format!(r#"{{"type":"echo","text":"{text}"}}"#))),
        }
    }

    fn answered(&mut self, _now: Timestamp, actions: &mut Vec<Action>) {
        actions.push(Action::Frame(r#"{"type":"answered"}"#.into()));
    }
}

struct Client {
    id: ConnectionId,
    user: UserId,
    stream: UnixStream,
    unread: Vec<u8>,
}

impl Client {
    fn say(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).unwrap();
    }

    /// The next event's data, or null at the end of the stream.
    fn next(&mut self) -> Value {
        loop {
            if let Some(end) = self.unread.windows(2).position(|pair| pair == b"\n\n") {
                let event: Vec<u8> = self.unread.drain(..end + 2).collect();
                let event = String::from_utf8(event).unwrap();
                let Some(data) = event.lines().find_map(|line| line.strip_prefix("data: ")) else { continue };
                let data: Value = serde_json::from_str(data).unwrap();
                if let Some(id) = event.lines().find_map(|line| line.strip_prefix("id: ")) {
                    assert_eq!(data["seq"].to_string(), id);
                }
                return data;
            }
            if !self.read_some() {
                return Value::Null;
            }
        }
    }

    fn read_some(&mut self) -> bool {
        let mut buffer = [0; 64 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => false,
            Ok(count) => {
                self.unread.extend_from_slice(&buffer[..count]);
                true
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            Err(error) => panic!("nothing came: {error}"),
        }
    }

    fn numbers(&mut self, count: usize) -> Vec<u64> {
        (0..count).map(|_| self.next()["seq"].as_u64().expect("an item")).collect()
    }

    /// Reads the stream's end: the close code it was told, if any.
    fn ending(&mut self) -> Option<u64> {
        let last = self.next();
        if last.is_null() {
            return None;
        }
        assert_eq!(last["type"], "goodbye");
        assert!(self.next().is_null(), "nothing follows a goodbye");
        last["code"].as_u64()
    }

    /// Waits until the hub has done all that was asked of it before.
    fn settle(&mut self) {
        self.say("settle");
        loop {
            if self.next()["text"] == "settle" {
                return;
            }
        }
    }
}

/// Asks again until it holds: the shard is another thread, and says nothing when it is done.
async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..2_000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("never happened: {what}");
}

fn session(number: u128) -> SessionId {
    SessionId(Uuid::from_u128(number))
}
