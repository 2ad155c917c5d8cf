//! The use cases against a real store on disk and the local bus: what is committed, and what the nodes are told.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod caretaker;
mod inbox;
mod publish;
mod users;
mod world;
