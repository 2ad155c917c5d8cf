//! A medium that writes down what it is given, and answers as the test says.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::future::BoxFuture;
use oyez::{
    Parcel, ParcelSubject,
    deliver::{Medium, Sent},
};
use oyez_core::delivery;
use tokio::sync::watch;

type Answer = dyn Fn(&Parcel) -> Reply + Send + Sync;

/// What the recorder does with a parcel.
pub(crate) enum Reply {
    Say(Sent),
    /// Answers only when the test opens the gate.
    Wait(Sent),
    Panic,
    Never,
}

/// Clones write into the same book.
#[derive(Clone)]
pub(crate) struct Recorder {
    kind: delivery::Medium,
    concurrency: usize,
    deadline: Duration,
    answer: Arc<Answer>,
    book: Arc<watch::Sender<Vec<Note>>>,
    gate: Arc<watch::Sender<bool>>,
    in_flight: Arc<Mutex<(usize, usize)>>,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) user: String,
    pub(crate) key: String,
    pub(crate) attempt: u32,
    /// The types of what it tells, in order.
    pub(crate) kinds: Vec<String>,
    pub(crate) items: Vec<serde_json::Value>,
    pub(crate) is_digest: bool,
}

impl Recorder {
    /// E-mail that always arrives.
    pub(crate) fn new() -> Self {
        Self::answering(|_| Reply::Say(Sent::accepted("250 taken")))
    }

    pub(crate) fn answering(answer: impl Fn(&Parcel) -> Reply + Send + Sync + 'static) -> Self {
        Self {
            kind: delivery::Medium::Email,
            concurrency: 8,
            deadline: Duration::from_secs(20),
            answer: Arc::new(answer),
            book: Arc::new(watch::Sender::new(Vec::new())),
            gate: Arc::new(watch::Sender::new(false)),
            in_flight: Arc::default(),
        }
    }

    pub(crate) fn at_once(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency;
        self
    }

    pub(crate) fn within(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// What was given so far.
    pub(crate) fn notes(&self) -> Vec<Note> {
        self.book.borrow().clone()
    }

    /// Waits until so many were given.
    pub(crate) async fn reaches(&self, count: usize) -> Vec<Note> {
        let mut reader = self.book.subscribe();
        let wait = reader.wait_for(|notes| notes.len() >= count);
        match tokio::time::timeout(super::world::PATIENCE, wait).await {
            Ok(notes) => notes.unwrap().clone(),
            Err(_) => panic!("only {} of {count} were sent", self.notes().len()),
        }
    }

    /// Lets those go on that wait.
    pub(crate) fn open(&self) {
        self.gate.send_replace(true);
    }

    /// The most that were in flight at once.
    pub(crate) fn most_at_once(&self) -> usize {
        self.in_flight.lock().unwrap().1
    }
}

impl Medium for Recorder {
    fn kind(&self) -> delivery::Medium {
        self.kind
    }

    fn concurrency(&self) -> usize {
        self.concurrency
    }

    fn deadline(&self) -> Duration {
        self.deadline
    }

    fn send<'a>(&'a self, parcel: &'a Parcel) -> BoxFuture<'a, Sent> {
        Box::pin(async move {
            let guard = InFlight::enter(&self.in_flight);
            self.book.send_modify(|notes| notes.push(Note::of(parcel)));
            let sent = match (self.answer)(parcel) {
                Reply::Say(sent) => {
                    // Others come in between, as on a network.
                    tokio::task::yield_now().await;
                    sent
                }
                Reply::Wait(sent) => {
                    let mut gate = self.gate.subscribe();
                    assert!(gate.wait_for(|open| *open).await.is_ok(), "the test went away");
                    sent
                }
                Reply::Panic => panic!("the medium is broken"),
                Reply::Never => std::future::pending().await,
            };
            drop(guard);
            sent
        })
    }
}

impl Note {
    fn of(parcel: &Parcel) -> Self {
        let (items, is_digest) = match &parcel.subject {
            ParcelSubject::Notification(item) => (std::slice::from_ref(item), false),
            ParcelSubject::Digest { items, .. } => (items.as_slice(), true),
        };
        Self {
            user: parcel.user.id.to_string(),
            key: parcel.message_key.clone(),
            attempt: parcel.attempt,
            kinds: items.iter().map(|item| item.kind.to_string()).collect(),
            items: items.iter().map(|item| serde_json::from_str(&item.to_json()).unwrap()).collect(),
            is_digest,
        }
    }

    /// The messages it tells, in order.
    pub(crate) fn messages(&self) -> Vec<&str> {
        self.items.iter().map(|item| item["message"].as_str().unwrap()).collect()
    }
}

struct InFlight<'a>(&'a Mutex<(usize, usize)>);

impl<'a> InFlight<'a> {
    fn enter(counts: &'a Mutex<(usize, usize)>) -> Self {
        let mut held = counts.lock().unwrap();
        held.0 += 1;
        held.1 = held.1.max(held.0);
        drop(held);
        Self(counts)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).0 -= 1;
    }
}
