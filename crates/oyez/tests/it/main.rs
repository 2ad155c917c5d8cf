//! The server as its clients see it: real sockets on port 0, a clock that stands still unless a test moves it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod api_keys;
mod boards;
mod hostile;
mod inbox;
mod jobs;
mod jwks;
mod log;
mod login;
mod openapi;
mod operations;
mod problems;
mod publish;
mod push;
mod queues;
mod schedules;
mod support;
mod templates;
mod tickets;
mod tokens;
mod users;
mod webhooks;
mod workers;
