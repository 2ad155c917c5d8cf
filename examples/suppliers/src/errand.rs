//! What a change promises to tell Oyez: written into the outbox in the change's own transaction, run by `relay`.

use oyez::protocol::{
    RoleName, UserId,
    api::{
        jobs::JobRequest,
        publish::{EventRequest, NotificationRequest},
    },
};
use serde::{Deserialize, Serialize};

use crate::application::ApplicationId;

/// One thing to tell Oyez.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Errand {
    /// Who somebody is: a name, where their mail goes, what they may see.
    Introduce {
        /// Who.
        user: UserId,
        /// As templates read it.
        name: String,
        /// Where mail goes.
        email: String,
        /// What they hold.
        roles: Vec<RoleName>,
    },
    /// A notification: durable, and mailed when its type is one of those.
    Notify(Box<NotificationRequest>),
    /// Something only open pages want to hear.
    Event(EventRequest),
    /// Work in the background.
    Enqueue(Box<JobRequest>),
}

/// Who waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Somebody who did one thing: goes first.
    Single,
    /// Work on many.
    Bulk,
}

/// An errand with its place.
#[derive(Debug, Clone)]
pub struct Promise {
    /// Whom it waits behind.
    pub lane: Lane,
    /// What it is about; errands about one application are run in the order they were promised.
    pub application: Option<ApplicationId>,
    /// What.
    pub errand: Errand,
}
