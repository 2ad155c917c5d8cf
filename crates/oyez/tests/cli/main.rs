//! The command line as people use it: the real binary, its output, its exit codes.

#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    clippy::print_stderr,
    reason = "a test shows what it does and fails where it stands"
)]

mod away;
mod binary;
mod live;
mod log;
mod offline;
mod tls;
mod webhooks;
mod work;
