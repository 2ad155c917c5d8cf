//! Jobs from end to end without edges: a store in a directory that goes away, handlers on real threads, and faults.

mod faults;
mod handlers;
mod kill;
mod many;
mod owners;
mod queues;
mod schedules;
mod world;
