//! Deliveries: planned with the items, ended by *seen*, sent once, listed once.

mod attempts;
mod cancelling;
mod digests;
mod keeping;
mod many;
mod planning;
mod preferences;
mod queries;
mod resending;
mod support;
mod taking;
