//! Who watches: players that asked within the last seconds. A player has a token that we gave it and that says nothing about
//! a person.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

/// The viewers of one stream.
#[derive(Debug)]
pub(crate) struct Viewers {
    seen: HashMap<u64, Instant>,
    most: usize,
    patience: Duration,
}

impl Viewers {
    pub(crate) fn new(most: usize, patience: Duration) -> Self {
        Self { seen: HashMap::new(), most, patience }
    }

    /// A player asked. Above the most, new ones are served and not counted.
    pub(crate) fn saw(&mut self, token: u64, now: Instant) {
        if self.seen.len() >= self.most && !self.seen.contains_key(&token) {
            self.forget(now);
            if self.seen.len() >= self.most {
                return;
            }
        }
        self.seen.insert(token, now);
    }

    /// How many watch.
    pub(crate) fn count(&mut self, now: Instant) -> u32 {
        self.forget(now);
        u32::try_from(self.seen.len()).unwrap_or(u32::MAX)
    }

    fn forget(&mut self, now: Instant) {
        self.seen.retain(|_, seen| now.duration_since(*seen) < self.patience);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_stops_asking_is_gone_and_the_number_is_bounded() {
        let begin = Instant::now();
        let after = |seconds| begin + Duration::from_secs(seconds);
        let mut viewers = Viewers::new(2, Duration::from_secs(20));
        viewers.saw(1, after(0));
        viewers.saw(1, after(10));
        viewers.saw(2, after(10));
        viewers.saw(3, after(11));
        assert_eq!(viewers.count(after(12)), 2);
        assert_eq!(viewers.count(after(29)), 2);
        viewers.saw(3, after(31));
        assert_eq!(viewers.count(after(31)), 1);
    }
}
