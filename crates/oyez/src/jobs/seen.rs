//! Which workers asked this node for work lately, so that an operator sees those, too, that have nothing to do.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use oyez_protocol::{
    JobKind, QueueName, Timestamp, WorkerName,
    api::workers::{RunningView, WorkerView},
};

use super::{Jobs, JobsError};

/// Who has not asked for so long is forgotten, in milliseconds.
const FORGOTTEN_AFTER: i64 = 300_000;
/// Most workers that are remembered; beyond, new ones are not.
const MOST: usize = 10_000;

/// Workers by name. Worth a look for a person, not more: a restart forgets all.
#[derive(Debug, Default)]
pub(super) struct Seen(Mutex<BTreeMap<WorkerName, WorkerView>>);

impl Seen {
    fn asked(&self, worker: WorkerView, now: Timestamp) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MOST && !seen.contains_key(&worker.name) {
            forget(&mut seen, now);
            if seen.len() >= MOST {
                return;
            }
        }
        seen.insert(worker.name.clone(), worker);
    }

    fn workers(&self, now: Timestamp) -> BTreeMap<WorkerName, WorkerView> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        forget(&mut seen, now);
        seen.clone()
    }
}

impl Jobs {
    /// A worker asks for work. No kinds: of any.
    pub fn asked(&self, worker: &WorkerName, queues: &[QueueName], kinds: Option<&[JobKind]>) {
        let now = self.shared.now();
        let worker = WorkerView {
            name: worker.clone(),
            running: Vec::new(),
            asked_at: Some(now),
            queues: queues.to_vec(),
            kinds: kinds.unwrap_or_default().to_vec(),
        };
        self.shared.seen.asked(worker, now);
    }

    /// Workers that have a job, on any node, and those that asked this one for one lately; by name.
    pub async fn workers(&self) -> Result<Vec<WorkerView>, JobsError> {
        let running = self.overview().await?.running;
        let mut workers = self.shared.seen.workers(self.shared.now());
        for job in running {
            let Some(name) = job.worker else { continue };
            let worker = workers.entry(name.clone()).or_insert_with(|| WorkerView {
                name,
                running: Vec::new(),
                asked_at: None,
                queues: Vec::new(),
                kinds: Vec::new(),
            });
            worker.running.push(RunningView {
                id: job.id,
                kind: job.kind,
                queue: job.queue,
                attempt: job.attempt,
                since: job.since,
                lease_until: job.lease_until.unwrap_or(job.since),
            });
        }
        Ok(workers.into_values().collect())
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
        let ask = |name: String, now: Timestamp| WorkerView {
            name: WorkerName::new(&name).unwrap(),
            running: Vec::new(),
            asked_at: Some(now),
            queues: Vec::new(),
            kinds: Vec::new(),
        };
        let seen = Seen::default();
        for n in 0..MOST + 5 {
            seen.asked(ask(format!("w{n}"), at(0)), at(0));
        }
        assert_eq!(seen.workers(at(1)).len(), MOST);
        seen.asked(ask("w0".into(), at(FORGOTTEN_AFTER)), at(FORGOTTEN_AFTER));
        assert_eq!(seen.workers(at(FORGOTTEN_AFTER)).len(), 1);
    }
}
