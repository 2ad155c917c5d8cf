//! The live streams as clients see them: a real store, a real hub, real sockets on a free port.

mod commands;
mod door;
mod events;
mod hostile;
mod life;
mod resume;
mod stage;
mod transports;
