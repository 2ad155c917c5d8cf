//! The live stream: one JSON object per message, always with `type`, flat.
//!
//! [`server`] writes what clients receive, [`job`] the frames of background work, [`client`] reads what they send.

pub mod client;
pub mod job;
pub mod server;

/// Keys of the envelope, which a publisher's `data` may not use: its keys stand beside them in the frame.
pub const RESERVED_KEYS: [&str; 18] = [
    "type",
    "notification_type",
    "id",
    "seq",
    "timestamp",
    "title",
    "message",
    "url",
    "icon",
    "severity",
    "actor",
    "group_key",
    "count",
    "topic",
    "seen_at",
    "read_at",
    "archived_at",
    "ref",
];

/// Keys of a job's frames, which its public data may not use either.
pub const JOB_KEYS: [&str; 9] =
    ["job_id", "attempt", "step", "step_number", "total_steps", "percent", "status", "success", "error"];

/// Frame types that belong to the protocol: no notification, event or signal may take one.
pub const RESERVED_TYPES: [&str; 14] = [
    "connection_established",
    "notification",
    "jobs",
    "inbox",
    "board",
    "board_patch",
    "pong",
    "ping",
    "ack",
    "error",
    "token_expiring",
    "resync",
    "goodbye",
    "history",
];
