//! The whole application on a real port, with real WebSocket clients.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod live;
mod office;

mod life;
mod pages;
mod recovery;
mod refusals;
