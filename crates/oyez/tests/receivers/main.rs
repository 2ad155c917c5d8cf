//! What receives messages for people who are away, as far as it is a stranger's: push services of browsers and webhook
//! endpoints of applications, both on loopback and by the letter of their specifications.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod embedded;
mod endpoint;
mod guide;
mod push_service;
mod web_push;
mod webhooks;
mod whole;
mod world;
