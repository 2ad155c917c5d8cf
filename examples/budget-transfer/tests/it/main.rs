//! The whole application on a real port, with real WebSocket clients, against a simulated Oracle.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod live;
mod office;
mod pod;

mod crash;
mod lost;
mod oracle;
mod pages;
mod uploads;
