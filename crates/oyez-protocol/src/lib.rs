//! What clients see: the names, frames, codes and HTTP bodies of the wire.
//!
//! Plain data with serde: no I/O, no async, no clock, so that a client, a test or the server can use it alike.
//! PROTOCOL.md is the same contract in prose.
//!
//! In reading order: [`ids`] and [`time`] name things, [`audience`] says who, [`frame`] is the live stream,
//! [`api`] the HTTP bodies, [`code`] every stable error and close code.

pub mod api;
pub mod audience;
pub mod code;
pub mod frame;
pub mod ids;
pub mod time;

pub use audience::Audience;
pub use code::{CloseCode, ErrorCode};
pub use ids::{
    BoardName, ConnectionId, DeliveryId, DigestId, Epoch, JobId, JobKind, Locale, NameError, NotificationId,
    PushSubscriptionId, QueueName, RoleName, ScheduleName, Seq, SessionId, TemplateName, TopicName, UserId,
    WebhookName, WorkerName,
};
pub use time::Timestamp;
