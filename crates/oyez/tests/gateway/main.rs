//! The live streams as clients see them: a real store, a real hub, real sockets on a free port.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod boards;
mod commands;
mod door;
mod events;
mod hostile;
mod jobs;
mod life;
mod resume;
mod stage;
mod transports;
