//! The whole application on a real port, with real WebSocket clients.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod browser;
mod live;
mod office;

mod access;
mod board;
mod bulk;
mod life;
mod mails;
mod pages;
mod tasks;
mod uploads;
