//! Workers that wait for a job: each job that becomes available wakes one of them, the one that waits longest.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use oyez_protocol::{JobKind, QueueName};
use tokio::sync::oneshot;

/// What a worker would take.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    /// From these queues.
    pub(super) queues: Vec<QueueName>,
    /// Of these kinds; none: of any.
    pub(super) kinds: Option<Vec<JobKind>>,
}

impl Wish {
    fn fits(&self, queue: &QueueName, kind: Option<&JobKind>) -> bool {
        let kinds = self.kinds.as_deref();
        self.queues.contains(queue) && kinds.is_none_or(|kinds| kind.is_none_or(|kind| kinds.contains(kind)))
    }
}

/// Those who wait, the first to come first.
#[derive(Debug, Clone, Default)]
pub(super) struct Waiting(Arc<Mutex<VecDeque<Waiter>>>);

#[derive(Debug)]
struct Waiter {
    wish: Wish,
    bell: oneshot::Sender<Ring>,
}

/// What rang.
#[derive(Debug, Clone)]
struct Ring {
    queue: QueueName,
    kind: Option<JobKind>,
}

/// A place in the line. Dropped after it was rung and before [`Place::served`], it passes the ring on.
#[derive(Debug)]
pub(super) struct Place {
    line: Waiting,
    bell: oneshot::Receiver<Ring>,
    rung: Option<Ring>,
}

impl Waiting {
    /// Stands in line. Whatever becomes available from now on may ring.
    pub(super) fn stand(&self, wish: Wish) -> Place {
        let (bell, hears) = oneshot::channel();
        let mut line = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Those who left are swept out now and then, so that the line is bounded by those who wait.
        if line.len() >= 64 && line.len().is_power_of_two() {
            line.retain(|waiter| !waiter.bell.is_closed());
        }
        line.push_back(Waiter { wish, bell });
        Place { line: self.clone(), bell: hears, rung: None }
    }

    /// So many jobs became available: wakes as many workers that would take one. When it is not known of which kind, as
    /// many of each sort of worker: any may be the one that is needed.
    pub(super) fn ring(&self, queue: &QueueName, kind: Option<&JobKind>, count: u32) {
        let mut line = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut index, mut woken) = (0, HashMap::<Option<Vec<JobKind>>, u32>::new());
        while index < line.len() {
            let wish = &line[index].wish;
            let sort = wish.kinds.clone().filter(|_| kind.is_none());
            let is_enough = woken.get(&sort).is_some_and(|woken| *woken >= count);
            if is_enough && kind.is_some() {
                return;
            }
            if is_enough || !wish.fits(queue, kind) {
                index += 1;
                continue;
            }
            let Some(waiter) = line.remove(index) else { return };
            // Whoever left does not count.
            if waiter.bell.send(Ring { queue: queue.clone(), kind: kind.cloned() }).is_ok() {
                *woken.entry(sort).or_default() += 1;
            }
        }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

impl Place {
    /// Waits to be rung.
    pub(super) async fn rung(&mut self) {
        match (&mut self.bell).await {
            Ok(ring) => self.rung = Some(ring),
            // The line is gone only when the process ends.
            Err(_) => std::future::pending().await,
        }
    }

    /// The worker looks now: whatever rang, it will see.
    pub(super) fn served(mut self) {
        self.bell.close();
        self.rung = None;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.bell.close();
        let unheard = self.bell.try_recv().ok();
        if let Some(ring) = self.rung.take().or(unheard) {
            self.line.ring(&ring.queue, ring.kind.as_ref(), 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(queue: &str, kinds: &[&str]) -> Wish {
        let kinds: Vec<_> = kinds.iter().map(|kind| JobKind::new(kind).unwrap()).collect();
        Wish { queues: vec![QueueName::new(queue).unwrap()], kinds: (!kinds.is_empty()).then_some(kinds) }
    }

    fn ring(line: &Waiting, queue: &str, kind: &str, count: u32) {
        line.ring(&QueueName::new(queue).unwrap(), Some(&JobKind::new(kind).unwrap()), count);
    }

    fn is_rung(place: &mut Place) -> bool {
        place.rung = place.bell.try_recv().ok();
        place.rung.is_some()
    }

    #[test]
    fn each_job_wakes_the_first_in_line_that_would_take_it() {
        let line = Waiting::default();
        let mut other_queue = line.stand(wish("mail", &[]));
        let mut other_kind = line.stand(wish("default", &["b"]));
        let mut first = line.stand(wish("default", &["a", "c"]));
        let mut second = line.stand(wish("default", &[]));
        ring(&line, "default", "a", 1);
        assert_eq!(
            [&mut other_queue, &mut other_kind, &mut first, &mut second].map(is_rung),
            [false, false, true, false]
        );
        ring(&line, "default", "b", 5);
        assert_eq!([&mut other_queue, &mut other_kind, &mut second].map(is_rung), [false, true, true]);
        assert_eq!(line.len(), 1);
    }

    #[test]
    fn a_job_of_an_unknown_kind_wakes_one_worker_of_each_sort() {
        let line = Waiting::default();
        let mut waiting =
            [&["a"][..], &["a"], &["b"], &[], &["a"]].map(|kinds| line.stand(wish("default", kinds)));
        line.ring(&QueueName::new("default").unwrap(), None, 1);
        assert_eq!(waiting.each_mut().map(is_rung), [true, false, true, true, false]);
        line.ring(&QueueName::new("default").unwrap(), None, 2);
        assert_eq!(waiting.each_mut().map(is_rung), [false, true, false, false, true]);
    }

    #[test]
    fn a_worker_that_leaves_with_a_ring_in_hand_passes_it_on() {
        let line = Waiting::default();
        let unheard = line.stand(wish("default", &[]));
        let mut second = line.stand(wish("default", &[]));
        let mut third = line.stand(wish("default", &[]));
        ring(&line, "default", "a", 1);
        drop(unheard);
        assert!(is_rung(&mut second));
        second.served();
        assert!(!is_rung(&mut third), "what was taken is not told on");
        drop(line.stand(wish("default", &[])));
        ring(&line, "default", "a", 1);
        assert!(is_rung(&mut third));
    }
}
