//! The client against the simulator, over real connections.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod pod;

mod oracle;
