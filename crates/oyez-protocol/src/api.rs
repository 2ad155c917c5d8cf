//! HTTP bodies, one file per resource. Unknown fields are refused, so that a misspelt one is not lost silently.

pub mod boards;
pub mod connections;
pub mod deliveries;
pub mod inbox;
pub mod jobs;
pub mod keys;
pub mod page;
pub mod preferences;
pub mod problem;
pub mod publish;
pub mod push;
pub mod queues;
pub mod schedules;
pub mod session;
pub mod stats;
pub mod templates;
pub mod topics;
pub mod users;
pub mod webhooks;
pub mod workers;
