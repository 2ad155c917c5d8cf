//! E-mail from end to end: a whole server, a real mail server from a package, and whatever it answers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod doctor;
mod faults;
mod mail_server;
mod secure;
mod sent;
mod unsubscribing;
mod world;
