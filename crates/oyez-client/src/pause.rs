//! How long to wait before the next try: longer each time, and never all at the same moment.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// The waits between tries of one thing.
#[derive(Debug, Default)]
pub(crate) struct Pause {
    tries: u32,
}

impl Pause {
    /// The next wait; at least what the server asked for.
    pub(crate) fn next(&mut self, asked: Option<Duration>) -> Duration {
        let most = FIRST.saturating_mul(2u32.saturating_pow(self.tries)).min(LONGEST);
        self.tries += 1;
        // Half of it is chance, so that a thousand clients of a server that restarts do not come back together.
        most.mul_f64(0.5 + rand::random::<f64>() / 2.0).max(asked.unwrap_or_default())
    }

    /// It worked.
    pub(crate) fn reset(&mut self) {
        self.tries = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_limit_and_heed_the_server() {
        let mut pause = Pause::default();
        let waits: Vec<_> = (0..40).map(|_| pause.next(None)).collect();
        assert!(waits[0] >= FIRST / 2 && waits[0] <= FIRST);
        assert!(waits[39] >= LONGEST / 2 && waits[39] <= LONGEST);
        assert_eq!(pause.next(Some(Duration::from_secs(60))), Duration::from_secs(60));
        pause.reset();
        assert!(pause.next(None) <= FIRST);
    }
}
