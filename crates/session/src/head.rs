//! Whether the head is up or down, told to apps at most five times a second: a head that shakes is not news each time. The
//! newest position is never lost.

use bifocal_protocol::Text;

use crate::now::{Millis, Timings};

#[derive(Debug, Default)]
pub(crate) struct Head {
    told_at: Option<Millis>,
    /// What apps do not know yet.
    waiting: Option<Text>,
}

impl Head {
    /// It has moved; what apps are to be told now comes back from [`Head::take`].
    pub(crate) fn moved(&mut self, message: &Text) {
        self.waiting = Some(message.clone());
    }

    /// When apps are to be told.
    pub(crate) fn due(&self, timings: &Timings) -> Option<Millis> {
        self.waiting.as_ref().map(|_| self.told_at.map_or(Millis(0), |at| at + timings.head_gap))
    }

    /// What apps are to be told now.
    pub(crate) fn take(&mut self, now: Millis, timings: &Timings) -> Option<Text> {
        self.due(timings).filter(|at| *at <= now)?;
        self.told_at = Some(now);
        self.waiting.take()
    }
}
