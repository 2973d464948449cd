//! How often an app has failed, and how long to wait before it is tried again.
//!
//! | failures in 5 minutes | next try |
//! |---|---|
//! | 1 (it went away and did not come back) | at once |
//! | 2, 3, 4 | after 1 s, 2 s, 4 s … at most 60 s, and a little more so that not everybody comes at the same time |
//! | 5 | none: the circuit is open until the user starts the app, or its server says that it is healthy |

use crate::now::{Millis, Timings};
use crate::seeded::Bug;

/// Failures within the window open the circuit.
const LIMIT: usize = 5;

/// The failures of one app.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Restarts {
    failures: Vec<Millis>,
}

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Now,
    /// After so many milliseconds.
    After(u64),
    Never,
}

impl Restarts {
    /// The app failed once more. `chance` is 0–255.
    pub(crate) fn failed(&mut self, now: Millis, chance: u8, timings: &Timings) -> Next {
        self.failures.retain(|at| now - *at < timings.crash_window);
        self.failures.push(now);
        match self.failures.len() {
            1 => Next::Now,
            count if count >= LIMIT => Next::Never,
            count => {
                let doubled = if crate::seeded::on(Bug::FlatBackoff) { 0 } else { count - 2 };
                let wait = (timings.revive_first << doubled).min(timings.revive_longest);
                Next::After(wait + wait * u64::from(chance) / 1024)
            }
        }
    }

    /// It has run for long enough to be forgiven.
    pub(crate) fn forgive(&mut self) {
        self.failures.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Timings = Timings::DEFAULT;

    #[test]
    fn the_wait_doubles_and_the_fifth_failure_opens_the_circuit() {
        let mut restarts = Restarts::default();
        let steps: Vec<Next> = (0..5).map(|n| restarts.failed(Millis(n), 0, &T)).collect();
        assert_eq!(steps, [Next::Now, Next::After(1000), Next::After(2000), Next::After(4000), Next::Never]);
        restarts.forgive();
        assert_eq!(restarts.failed(Millis(9), 255, &T), Next::Now);
        assert_eq!(restarts.failed(Millis(9), 255, &T), Next::After(1249));
    }

    #[test]
    fn old_failures_do_not_count() {
        let mut restarts = Restarts::default();
        for n in 0..4 {
            restarts.failed(Millis(n), 0, &T);
        }
        assert_eq!(restarts.failed(Millis(T.crash_window + 3), 0, &T), Next::Now);
    }
}
