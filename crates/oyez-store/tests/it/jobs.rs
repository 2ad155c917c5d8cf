//! Jobs: from their enqueueing to their end.

mod attempts;
mod claims;
mod control;
mod enqueueing;
mod firing;
mod many;
mod queries;
mod support;
