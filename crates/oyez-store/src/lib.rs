//! What Oyez remembers: the only place with SQL.
//!
//! [`Store`] reads and publishes, [`Tx`] writes everything else; both are concrete, the database behind them is an
//! enum inside `engine`. Nothing here decides what a user may do, reads a clock, or knows a socket.
//!
//! In reading order: `engine` speaks to a database and `schema` keeps its tables, `writer` is the one queue that
//! every change goes through, [`publish`] lands notifications in inboxes and [`notifications`] tells what became of
//! them, [`inbox`] is what a user has and [`standing`] where their stream stands, [`users`], [`topics`], [`keys`],
//! [`sessions`], [`tickets`] and [`idempotency`] are what is known of callers, [`jobs`] is background work, [`queues`] and
//! [`schedules`] are where it waits and what makes it, [`leases`] says which node leads, [`deliveries`] are what is sent
//! to people who are away and [`preferences`] what they want of it, [`push`] and [`webhooks`] say where to, [`boards`]
//! are what dashboards show, [`templates`] what messages are made from, [`stats`] counts and cleans.

pub mod boards;
pub mod deliveries;
mod engine;
pub mod error;
pub mod idempotency;
pub mod inbox;
pub mod jobs;
pub mod keys;
pub mod leases;
pub mod notifications;
pub mod preferences;
pub mod publish;
pub mod push;
pub mod queues;
pub mod schedules;
mod schema;
pub mod sessions;
pub mod standing;
pub mod stats;
mod store;
pub mod templates;
pub mod tickets;
pub mod topics;
pub mod users;
pub mod webhooks;
mod writer;

pub use boards::{BoardHead, BoardRow, PastState};
pub use deliveries::{
    Closed, DeliveryAttempt, DeliveryChange, DeliveryCount, DeliveryFilter, DeliveryRow, Ended, Fingerprints,
    Parcel, ParcelItem, ParcelSubject, ResendOutcome, Suppression, Taken,
};
pub use error::{OpenError, StoreError};
pub use idempotency::Remembered;
pub use inbox::{InboxFilter, InboxStatus, retention::Retention};
pub use jobs::{
    AttemptRecord, CancelOutcome, Claim, Claimed, Claims, Concluded, Concluding, Enqueued, JobFilter,
    ProgressWrite, Renewed, RetryOutcome, StepRecord, StepWrite,
};
pub use keys::{ApiKey, NewKey};
pub use notifications::{NotificationState, NotificationStatus, Receipt};
pub use publish::{LandedHook, PublishOutcome};
pub use push::{NewPushSubscription, PushSent, PushSubscription, PushTarget};
pub use queues::{Depth, RunningJob};
pub use schedules::{Fire, Schedule};
pub use sessions::{NewSession, RefreshOutcome, Session};
pub use stats::Stats;
pub use store::{Durability, Store, StoreOptions};
pub use templates::TemplateRow;
pub use tickets::{NewTicket, TicketGrant};
pub use users::{Credentials, User, UserFilter, UserProfile};
pub use webhooks::{
    NewWebhook, WEBHOOK_BACKOFF, WEBHOOK_KIND, WEBHOOK_QUEUE, WebhookPut, WebhookRow, WebhookSeed,
};
pub use writer::Tx;
