//! Events that come a second time after a cut.
//!
//! A cloud that loses nothing sends again, in their order, the events of the lost socket that it cannot be sure of. They are the
//! same to the byte, time included, and come before anything new. So: the events of the last connections are remembered by a
//! hash, and after a return those that continue along them are dropped, until the first that does not. An event that only looks
//! like an earlier one has another time, and gets through.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

/// As many as a cloud keeps.
const MAX: usize = 256;

/// The last events.
#[derive(Debug, Default)]
pub(super) struct Replay {
    heard: VecDeque<u64>,
    /// While events may be repetitions: how far along `heard` they have come.
    cursor: Option<usize>,
}

impl Replay {
    /// A new connection stands.
    pub(super) fn returned(&mut self) {
        self.cursor = (!self.heard.is_empty()).then_some(0);
    }

    /// Whether this event is one that we have had.
    pub(super) fn is_repetition(&mut self, event: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        event.hash(&mut hasher);
        let hash = hasher.finish();
        if let Some(cursor) = self.cursor {
            let found = self.heard.iter().skip(cursor).position(|known| *known == hash);
            if let Some(steps) = found {
                self.cursor = Some(cursor + steps + 1);
                return true;
            }
            self.cursor = None;
        }
        if self.heard.len() == MAX {
            self.heard.pop_front();
        }
        self.heard.push_back(hash);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(events: &[&str]) -> Replay {
        let mut replay = Replay::default();
        assert!(events.iter().all(|event| !replay.is_repetition(event)));
        replay.returned();
        replay
    }

    #[test]
    fn what_is_sent_again_is_dropped_and_what_was_missed_is_not() {
        let mut replay = heard(&["a", "b", "c"]);
        assert_eq!(["b", "c", "d", "e"].map(|event| replay.is_repetition(event)), [true, true, false, false]);
    }

    #[test]
    fn without_a_return_nothing_is_a_repetition() {
        let mut replay = Replay::default();
        assert!(!replay.is_repetition("a") && !replay.is_repetition("a"));
    }

    #[test]
    fn two_equal_events_of_which_one_was_missed() {
        let mut replay = heard(&["a"]);
        assert_eq!(["a", "a"].map(|event| replay.is_repetition(event)), [true, false]);
    }

    #[test]
    fn words_that_were_replaced_meanwhile_are_skipped() {
        let mut replay = heard(&["a", "interim", "b"]);
        assert_eq!(["a", "b", "a"].map(|event| replay.is_repetition(event)), [true, true, false]);
    }
}
