//! The client against a real server on loopback, and against a line that breaks.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod calls;
mod faults;
mod gate;
mod support;
mod workers;
