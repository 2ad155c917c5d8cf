//! What Oyez means: pure decisions, without I/O, async or a hidden clock.
//!
//! Every rule is a function of plain values; the present is an argument. The store and the server do what is decided
//! here.
//!
//! In reading order: [`clock`] is where time comes from, [`notification`] and [`event`] check and compose what is
//! published (with the checks of [`envelope`]), [`inbox`] is what a user has, [`access`] says who may do what,
//! [`account`] what a password and a profile must be, [`rate`] how often is too often, [`drain`] when to come back.
//!
//! Background work: [`job`] checks what is asked for and decides what an attempt's outcome means, [`retry`] when the
//! next one is due, [`progress`] how far it is, [`queue`] how many may start, [`schedule`] when a rule fires.
//!
//! People who are away: [`fallback`] plans who is reached by which medium and when, [`delivery`] is the life of what
//! is sent, [`template`] what words it may have, [`push`] what a push service is told besides, [`webhook`] what
//! applications are told by signed requests.
//!
//! [`board`] is what dashboards show: documents that change, and what their viewers are told of it.

pub mod access;
pub mod account;
pub mod board;
pub mod clock;
pub mod delivery;
pub mod drain;
pub mod envelope;
pub mod event;
pub mod fallback;
pub mod inbox;
pub mod job;
pub mod notification;
pub mod progress;
pub mod push;
pub mod queue;
pub mod rate;
pub mod retry;
pub mod schedule;
pub mod template;
pub mod webhook;
