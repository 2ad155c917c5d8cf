//! One conformance suite for the store, run against every engine: what any of them must do.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod boards;
mod commit;
mod deliveries;
mod inbox;
mod jobs;
mod landings;
mod large_audience;
mod opening;
mod publish;
mod push;
mod retention;
mod sessions;
mod standing;
mod support;
mod templates;
mod users;
mod webhooks;
