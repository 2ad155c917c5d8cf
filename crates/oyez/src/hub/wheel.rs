//! Deadlines of many connections: one coarse ring, so that setting and passing one costs next to nothing.
//!
//! A deadline is passed up to one tick late, never early. Which deadline it was is the owner's business: the wheel
//! only says "look at this one now".

/// Length of a tick in milliseconds.
pub(super) const TICK_MILLIS: i64 = 250;
const SLOTS: i64 = 512;

/// Where an entry lies; kept by its owner, so that an entry that was set anew is told from a stale one.
pub(super) type Tick = i64;

/// A ring of ticks, each with the entries that are due in it.
#[derive(Debug)]
pub(super) struct Wheel {
    slots: Vec<Vec<u32>>,
    /// The last tick that was passed.
    passed: Tick,
}

impl Wheel {
    pub(super) fn new(now_millis: i64) -> Self {
        Self { slots: vec![Vec::new(); SLOTS as usize], passed: now_millis / TICK_MILLIS }
    }

    /// Whether an entry set for `tick` still waits and will be looked at no later than one for this deadline.
    pub(super) fn is_set_before(&self, tick: Tick, deadline_millis: i64) -> bool {
        tick > self.passed && tick <= deadline_millis / TICK_MILLIS + 1
    }

    /// Sets an entry; returns the tick in which it will be looked at. A deadline beyond the ring is looked at
    /// early, and its owner sets it again.
    pub(super) fn set(&mut self, entry: u32, deadline_millis: i64) -> Tick {
        let tick = deadline_millis / TICK_MILLIS + 1;
        let tick = tick.clamp(self.passed + 1, self.passed + SLOTS - 1);
        self.slots[(tick % SLOTS) as usize].push(entry);
        tick
    }

    /// Moves to the present and hands out all that became due, with the tick it was set for.
    /// A clock that was set back makes the wheel start over: `true` asks the owner to set every entry again.
    pub(super) fn advance(&mut self, now_millis: i64, due: &mut Vec<(u32, Tick)>) -> bool {
        let now = now_millis / TICK_MILLIS;
        if now < self.passed - SLOTS {
            *self = Self::new(now_millis);
            return true;
        }
        let first = self.passed + 1;
        let last = now.min(self.passed + SLOTS);
        for tick in first..=last {
            let slot = &mut self.slots[(tick % SLOTS) as usize];
            due.extend(slot.drain(..).map(|entry| (entry, tick)));
            if slot.capacity() > 1024 {
                *slot = Vec::new();
            }
        }
        self.passed = self.passed.max(now);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(wheel: &mut Wheel, now: i64) -> Vec<u32> {
        let mut due = Vec::new();
        wheel.advance(now, &mut due);
        due.into_iter().map(|(entry, _)| entry).collect()
    }

    #[test]
    fn a_deadline_is_passed_within_a_tick_and_never_early() {
        let mut wheel = Wheel::new(1_000_000);
        wheel.set(1, 1_000_900);
        assert!(due(&mut wheel, 1_000_899).is_empty());
        assert_eq!(due(&mut wheel, 1_000_900 + TICK_MILLIS), [1]);
        assert!(due(&mut wheel, 2_000_000).is_empty(), "once");
    }

    #[test]
    fn a_far_deadline_is_looked_at_early_and_a_leap_forward_passes_everything() {
        let mut wheel = Wheel::new(0);
        let tick = wheel.set(7, 3_600_000);
        assert!(tick < SLOTS);
        wheel.set(8, 500);
        let mut all = due(&mut wheel, 10_000_000);
        all.sort_unstable();
        assert_eq!(all, [7, 8]);
    }

    #[test]
    fn a_clock_set_back_asks_for_everything_anew() {
        let mut wheel = Wheel::new(10_000_000);
        wheel.set(1, 10_000_100);
        assert!(wheel.advance(0, &mut Vec::new()));
        wheel.set(1, 500);
        assert_eq!(due(&mut wheel, 1_000), [1]);
    }
}
