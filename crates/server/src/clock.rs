//! Where time comes from: the only place that reads a clock for sessions.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bifocal_protocol::Timestamp;
use bifocal_session::{Millis, Now};
use tokio::time::Instant;

/// Monotonic time since the server began, and the wall clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { start: Instant::now() }
    }

    pub(crate) fn now(&self) -> Now {
        let at = Millis(u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX));
        Now { at, wall: wall() }
    }

    /// The moment of a session's deadline.
    pub(crate) fn instant(&self, at: Millis) -> Instant {
        self.start + Duration::from_millis(at.0)
    }

    pub(crate) fn uptime(&self) -> Duration {
        self.start.elapsed()
    }
}

/// The wall clock.
pub(crate) fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
