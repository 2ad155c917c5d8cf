//! What Oyez does: the library that an application embeds, and all that the `oyez` binary runs.
//!
//! In the order of the import ladder, lowest first.

pub mod config;
pub mod websocket;

pub mod bus;

pub mod auth;
