//! One tab of a user: it remembers what it was sent, and counts as the protocol says.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest as _},
};

use super::office::{Office, Stored};

const PATIENCE: Duration = Duration::from_secs(60);
/// Things a tab does in one round.
const DEEDS: usize = 12;

/// A tab, connected or not.
pub struct Tab {
    office: Office,
    user: usize,
    stream: Option<WebSocketStream<TcpStream>>,
    /// Position and id of each item, oldest first.
    items: Vec<(u64, String)>,
    /// The position at which the counts hold.
    counted: u64,
    unread: u64,
    unseen: u64,
}

impl Tab {
    pub fn new(office: &Office, user: usize) -> Self {
        let office = office.clone();
        Self { office, user, stream: None, items: Vec::new(), counted: 0, unread: 0, unseen: 0 }
    }

    fn last(&self) -> u64 {
        self.items.last().map_or(0, |(seq, _)| *seq)
    }

    /// Reads, marks, leaves without a word, and comes back.
    pub async fn churn(&mut self, seed: u64) {
        let mut random = StdRng::seed_from_u64(seed);
        for _ in 0..DEEDS {
            self.connect().await;
            match random.random_range(0..6) {
                0 => self.stream = None,
                1 => self.close().await,
                2 => {
                    let action =
                        ["mark_seen", "mark_read", "mark_unread", "archive"][random.random_range(0..4)];
                    let Some((_, id)) = self.items.get(random.random_range(0..self.items.len().max(1)))
                    else {
                        continue;
                    };
                    self.ask(json!({ "type": action, "id": id, "ref": "one" })).await;
                }
                3 => self.ask(json!({ "type": "mark_seen", "all": true, "ref": "all" })).await,
                _ => self.ask(json!({ "type": "history", "limit": 3, "ref": "old" })).await,
            }
        }
    }

    /// Reads until it has what the store has.
    pub async fn catch_up(&mut self) {
        let stored = self.office.stored(self.user).await;
        self.connect().await;
        while !self.agrees(&stored) {
            let Ok(frame) = tokio::time::timeout(PATIENCE, self.next()).await else {
                panic!(
                    "user {} has {} items up to {}, {} unread, {} unseen; the store {} items up to {}, {}, {}",
                    self.user,
                    self.items.len(),
                    self.last(),
                    self.unread,
                    self.unseen,
                    stored.items.len(),
                    stored.head,
                    stored.unread,
                    stored.unseen,
                );
            };
            self.take(&frame);
        }
        // What the store gave up, the tab may forget too.
        let kept = self.items.len().saturating_sub(stored.items.len());
        let items = self.items.split_off(kept);
        assert_eq!(items, stored.items, "user {}", self.user);
        self.items = items;
    }

    fn agrees(&self, stored: &Stored) -> bool {
        (self.last(), self.unread, self.unseen) == (stored.head, stored.unread, stored.unseen)
    }

    async fn connect(&mut self) {
        if self.stream.is_some() {
            return;
        }
        let (address, token, since) = (self.office.address(), self.office.token(self.user), self.last());
        let url = format!("ws://{address}/ws/notifications/?frames=full&since={since}&token={token}");
        let tcp = TcpStream::connect(address).await.unwrap();
        let request = url.into_client_request().unwrap();
        let (stream, _response) = tokio_tungstenite::client_async(request, tcp).await.unwrap();
        self.stream = Some(stream);
        let greeting = self.next().await;
        assert_eq!(greeting["type"], "connection_established");
        assert_eq!(greeting["resumed"], true, "nothing that this tab has is older than what is kept");
        self.count(&greeting, "seq");
    }

    async fn close(&mut self) {
        let Some(mut stream) = self.stream.take() else { return };
        stream.close(None).await.unwrap();
        while stream.next().await.is_some_and(|message| message.is_ok()) {}
    }

    /// Sends a command and reads up to its answer.
    async fn ask(&mut self, command: Value) {
        let stream = self.stream.as_mut().unwrap();
        stream.send(Message::text(command.to_string())).await.unwrap();
        loop {
            let frame = tokio::time::timeout(PATIENCE, self.next()).await.expect("no answer");
            self.take(&frame);
            if frame["ref"] == command["ref"] {
                assert_eq!(frame["type"], "ack", "{frame}");
                return;
            }
        }
    }

    async fn next(&mut self) -> Value {
        let stream = self.stream.as_mut().unwrap();
        loop {
            match stream.next().await.expect("the stream ended").unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) => {}
                other => panic!("{other:?} is no frame"),
            }
        }
    }

    fn take(&mut self, frame: &Value) {
        match frame["type"].as_str().unwrap() {
            // Of these the last one told is the last there was; the counts of an `ack` are those of its own moment.
            "inbox" => self.count(frame, "up_to_seq"),
            "notification" => {
                let seq = frame["seq"].as_u64().unwrap();
                assert_eq!(seq, self.last() + 1, "user {} has a gap or a repetition", self.user);
                self.items.push((seq, frame["id"].as_str().unwrap().to_owned()));
                if seq > self.counted {
                    self.counted = seq;
                    self.unread += 1;
                    self.unseen += 1;
                }
            }
            _ => {}
        }
    }

    fn count(&mut self, frame: &Value, position: &str) {
        self.counted = frame[position].as_u64().unwrap();
        self.unread = frame["unread"].as_u64().unwrap();
        self.unseen = frame["unseen"].as_u64().unwrap();
    }
}
