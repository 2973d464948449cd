//! Where arrivals are counted: one latency histogram for a window of scheduled times.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use hdrhistogram::Histogram;
use parking_lot::Mutex;

use crate::bench::schedule::Clock;

/// The longest latency that is told apart: ten minutes.
const LONGEST: u64 = 600_000_000_000;

/// An empty histogram of nanoseconds, exact to three digits.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST, 3).expect("the bounds are good")
}

/// Counts what arrives. Shared by all readers.
pub(crate) struct Sink {
    pub(crate) clock: Clock,
    window: Mutex<Window>,
    /// While it is set, each arrival at an app makes the phone send the next message.
    closed_loop: AtomicBool,
    lost: AtomicU64,
}

/// What arrived of the messages that were scheduled in a window.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    from: u64,
    until: u64,
    /// From the scheduled time to the arrival.
    pub(crate) latency: Histogram<u64>,
    /// How many arrived, also after the end of the window.
    pub(crate) arrived: u64,
    /// When the last one arrived.
    pub(crate) last: u64,
}

impl Sink {
    pub(crate) fn new(clock: Clock) -> Self {
        let window = Window { from: u64::MAX, until: u64::MAX, latency: histogram(), arrived: 0, last: 0 };
        Self { clock, window: Mutex::new(window), closed_loop: AtomicBool::new(false), lost: AtomicU64::new(0) }
    }

    /// Begins to count messages that are scheduled from `from` until before `until`, and forgets the ones before.
    pub(crate) fn open(&self, from: u64, until: u64) {
        let mut window = self.window.lock();
        window.latency.clear();
        (window.from, window.until, window.arrived, window.last) = (from, until, 0, 0);
    }

    /// A message of ours arrived.
    pub(crate) fn arrived(&self, at: u64) {
        let now = self.clock.nanos();
        let mut window = self.window.lock();
        if (window.from..window.until).contains(&at) {
            window.latency.saturating_record(now.saturating_sub(at).max(1));
            window.arrived += 1;
            window.last = now;
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.window.lock().arrived
    }

    /// What has arrived so far.
    pub(crate) fn window(&self) -> Window {
        self.window.lock().clone()
    }

    pub(crate) fn set_closed_loop(&self, on: bool) {
        self.closed_loop.store(on, Ordering::Relaxed);
    }

    pub(crate) fn is_closed_loop(&self) -> bool {
        self.closed_loop.load(Ordering::Relaxed)
    }

    /// A connection ended that nobody here had ended.
    pub(crate) fn connection_lost(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
    }

    /// How many connections were lost.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_scheduled_in_the_window_counts() {
        let sink = Sink::new(Clock::start());
        sink.arrived(0);
        sink.open(100, 200);
        for at in [99, 100, 199, 200] {
            sink.arrived(at);
        }
        let window = sink.window();
        assert_eq!((window.arrived, window.latency.len()), (2, 2));
        sink.open(0, 1);
        assert_eq!(sink.count(), 0);
    }

    #[test]
    fn a_message_from_the_future_has_no_negative_latency() {
        let sink = Sink::new(Clock::start());
        sink.open(0, u64::MAX);
        sink.arrived(u64::MAX - 1);
        assert_eq!(sink.window().latency.max(), 1);
    }
}
