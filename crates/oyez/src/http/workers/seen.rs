//! Which workers asked this node for work lately, so that an operator sees those, too, that have nothing to do.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use oyez_protocol::{
    Timestamp, WorkerName,
    api::workers::{ClaimRequest, WorkerView},
};

/// Who has not asked for so long is forgotten, in milliseconds.
const FORGOTTEN_AFTER: i64 = 300_000;
/// Most workers that are remembered; beyond, new ones are not.
const MOST: usize = 10_000;

/// Workers by name. Worth a look for a person, not more: a restart forgets all.
#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<BTreeMap<WorkerName, WorkerView>>);

impl Seen {
    /// A worker asks.
    pub(super) fn asked(&self, request: &ClaimRequest, now: Timestamp) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MOST && !seen.contains_key(&request.worker) {
            forget(&mut seen, now);
            if seen.len() >= MOST {
                return;
            }
        }
        let worker = WorkerView {
            name: request.worker.clone(),
            running: Vec::new(),
            asked_at: Some(now),
            queues: request.queues.clone(),
            kinds: request.kinds.clone(),
        };
        seen.insert(request.worker.clone(), worker);
    }

    /// Those who asked lately.
    pub(super) fn workers(&self, now: Timestamp) -> BTreeMap<WorkerName, WorkerView> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        forget(&mut seen, now);
        seen.clone()
    }
}

fn forget(seen: &mut BTreeMap<WorkerName, WorkerView>, now: Timestamp) {
    seen.retain(|_, worker| worker.asked_at.is_some_and(|at| now.millis_since(at) < FORGOTTEN_AFTER));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_are_forgotten_and_a_flood_of_names_is_bounded() {
        let at = |millis| Timestamp::from_millis(1_795_179_600_000 + millis);
        let ask = |name: String| -> ClaimRequest {
            serde_json::from_value(serde_json::json!({"worker": name})).unwrap()
        };
        let seen = Seen::default();
        for n in 0..MOST + 5 {
            seen.asked(&ask(format!("w{n}")), at(0));
        }
        assert_eq!(seen.workers(at(1)).len(), MOST);
        seen.asked(&ask("w0".into()), at(FORGOTTEN_AFTER));
        assert_eq!(seen.workers(at(FORGOTTEN_AFTER)).len(), 1);
    }
}
