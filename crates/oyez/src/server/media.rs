//! Which media there are: those that the settings set up, and those that the embedding application brings.

use std::sync::Arc;

use oyez_core::delivery;

use crate::{config::Config, deliver::Medium};

/// The kinds that can send anything at all: known before the store is opened, because publishing plans for them.
pub(super) fn set_up(_config: &Config, given: &[Arc<dyn Medium>]) -> Vec<delivery::Medium> {
    given.iter().map(|medium| medium.kind()).collect()
}

/// The media themselves; those that are given come first, and the first one of a kind counts.
pub(super) fn open(_config: &Config, given: Vec<Arc<dyn Medium>>) -> Vec<Arc<dyn Medium>> {
    given
}
