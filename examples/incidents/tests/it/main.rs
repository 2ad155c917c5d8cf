//! The whole application on a real port, with real WebSocket clients.

mod live;
mod office;

mod life;
mod pages;
mod recovery;
mod refusals;
