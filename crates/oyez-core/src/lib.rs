//! What Oyez means: pure decisions, without I/O, async or a hidden clock.
//!
//! Every rule is a function of plain values; the present is an argument. The store and the server do what is decided
//! here.
//!
//! In reading order: [`clock`] is where time comes from, [`notification`] and [`event`] check and compose what is
//! published, [`inbox`] is what a user has.

pub mod clock;
pub mod envelope;
pub mod event;
pub mod inbox;
pub mod notification;
