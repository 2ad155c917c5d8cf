//! What Oyez does: the library behind the one binary.

pub mod auth;
