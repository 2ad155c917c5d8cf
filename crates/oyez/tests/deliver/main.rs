//! Deliveries from end to end: a real store, a clock that stands still, and a medium that writes down what it is given.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod digests;
mod faults;
mod http;
mod kill;
mod live;
mod load;
mod recorder;
mod timing;
mod world;
