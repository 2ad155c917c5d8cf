//! Jobs from end to end without edges: a store in a directory that goes away, handlers on real threads, and faults.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod chores;
mod faults;
mod handlers;
mod kill;
mod many;
mod owners;
mod queues;
mod schedules;
mod world;
