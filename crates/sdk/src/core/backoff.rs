//! When to try again: soon, because the reference cloud waits 5 s only; then ever later, and each session at another time.

use std::time::Duration;

/// The pauses before the first attempts; the last one repeats.
const PAUSES: [Duration; 6] = [
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(8),
];

/// The attempts since the connection was last stable.
#[derive(Debug)]
pub(super) struct Backoff {
    attempts: u32,
    seed: u64,
}

impl Backoff {
    pub(super) fn new(seed: u64) -> Self {
        Self { attempts: 0, seed: seed | 1 }
    }

    /// The pause before the next attempt, up to a quarter longer than in the table.
    pub(super) fn next(&mut self) -> Duration {
        let pause = PAUSES[(self.attempts as usize).min(PAUSES.len() - 1)];
        self.attempts = self.attempts.saturating_add(1);
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        let part = u32::try_from(self.seed % 1000).unwrap_or(0);
        pause + pause / 4 * part / 1000
    }

    /// The connection has shown that it lasts.
    pub(super) fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_differ_between_sessions() {
        let pauses = |seed| {
            let mut backoff = Backoff::new(seed);
            [(); 8].map(|()| backoff.next())
        };
        for (pause, table) in pauses(7).iter().zip(PAUSES) {
            assert!((table..=table + table / 4).contains(pause), "{pause:?}");
        }
        assert!(pauses(7)[7] <= Duration::from_secs(10));
        assert_ne!(pauses(7), pauses(8));
    }
}
