//! When things are to happen. A message has its time before the load begins, and its latency counts from that time: if the
//! driver or the cloud is late, the figure says so (no coordinated omission).

use std::time::{Duration, Instant};

/// The one clock of a run: nanoseconds since its start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    /// Starts now.
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// Nanoseconds since the start.
    pub(crate) fn nanos(&self) -> u64 {
        nanos(self.0.elapsed())
    }
}

/// A duration in nanoseconds.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Evenly spaced messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Schedule {
    start: u64,
    per_second: u64,
    count: u64,
}

impl Schedule {
    /// `per_second` messages a second from `start` on, for `duration`.
    pub(crate) fn new(start: u64, per_second: u64, duration: Duration) -> Self {
        let count = u128::from(per_second).saturating_mul(duration.as_nanos()) / 1_000_000_000;
        Self { start, per_second: per_second.max(1), count: u64::try_from(count).unwrap_or(u64::MAX) }
    }

    /// How many messages.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The time of message `number`. Computed from the beginning each time, so that nothing adds up.
    pub(crate) fn at(&self, number: u64) -> u64 {
        let offset = u128::from(number) * 1_000_000_000 / u128::from(self.per_second);
        self.start.saturating_add(u64::try_from(offset).unwrap_or(u64::MAX))
    }

    /// How many messages are scheduled for `time` or later.
    pub(crate) fn count_from(&self, time: u64) -> u64 {
        let offset = u128::from(time.saturating_sub(self.start)) * u128::from(self.per_second);
        let before = u64::try_from(offset.div_ceil(1_000_000_000)).unwrap_or(u64::MAX);
        self.count.saturating_sub(before)
    }

    /// The first time that is after everything.
    pub(crate) fn end(&self) -> u64 {
        self.at(self.count)
    }
}

/// Numbers that look random and are the same in every run (splitmix64).
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// With a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A masking key.
    pub(crate) fn mask(&mut self) -> [u8; 4] {
        let [a, b, c, d, ..] = self.roll().to_le_bytes();
        [a, b, c, d]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_evenly_spaced_and_nothing_adds_up() {
        let schedule = Schedule::new(500, 3, Duration::from_secs(10));
        assert_eq!(schedule.count(), 30);
        assert_eq!([0, 1, 2, 3].map(|n| schedule.at(n)), [500, 333_333_833, 666_667_166, 1_000_000_500]);
        assert_eq!(schedule.end(), 10_000_000_500);
        for (time, count) in [(0, 30), (500, 30), (501, 29), (333_333_833, 29), (333_333_834, 28), (u64::MAX, 0)] {
            assert_eq!(schedule.count_from(time), count, "{time}");
            assert_eq!((0..30).filter(|n| schedule.at(*n) >= time).count() as u64, count, "{time}");
        }
    }

    #[test]
    fn odd_rates_and_times_do_not_break_it() {
        assert_eq!(Schedule::new(0, 0, Duration::from_secs(1)).count(), 0);
        assert_eq!(Schedule::new(0, 1000, Duration::from_millis(2)).count(), 2);
        assert_eq!(Schedule::new(0, u64::MAX, Duration::MAX).count(), u64::MAX);
        assert_eq!(Schedule::new(u64::MAX, 1, Duration::from_secs(5)).end(), u64::MAX);
    }

    #[test]
    fn dice_fall_the_same_way_for_the_same_seed() {
        let rolls = |seed| [(); 4].map(|()| Dice::new(seed).roll());
        assert_eq!(rolls(7), rolls(7));
        assert_ne!(rolls(7), rolls(8));
        // The first value of the published generator for seed 0.
        assert_eq!(Dice::new(0).roll(), 0xe220_a839_7b1d_cdaf);
    }
}
