//! The last stage before the glasses: at most one frame per gap, always the newest, never the same twice.
//!
//! | shown | visible frame | what happens |
//! |---|---|---|
//! | nothing yet | none | nothing |
//! | a frame | the same frame | nothing |
//! | anything | another frame | sent when the gap since the last one has passed |
//! | a frame, or unknown after a reconnection | none | a clear frame, when the gap has passed |

use std::sync::Arc;

use super::manager::Frame;
use crate::now::{Millis, Timings};

/// What the glasses show as far as we know.
#[derive(Debug, Default, Clone)]
enum Shown {
    /// Nothing was ever sent.
    #[default]
    Nothing,
    /// Something, perhaps; the phone was away.
    Unknown,
    /// A clear frame.
    Cleared,
    /// This.
    Frame(Arc<Frame>),
}

/// The throttle of one view.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    shown: Shown,
    sent_at: Option<Millis>,
    forced_at: Option<Millis>,
    force: bool,
}

impl Throttle {
    /// The app asked to skip the gap for its newest frame.
    pub(crate) fn force(&mut self) {
        self.force = true;
    }

    /// The phone came back: what it shows is unknown, and it may be told at once.
    pub(crate) fn reconnected(&mut self) {
        self.redraw();
        self.sent_at = None;
    }

    /// What the glasses show is unknown.
    pub(crate) fn redraw(&mut self) {
        if !matches!(self.shown, Shown::Nothing) {
            self.shown = Shown::Unknown;
        }
    }

    /// When `visible` may be sent; `None` when the glasses show it already.
    pub(crate) fn due(&self, visible: Option<&Arc<Frame>>, timings: &Timings) -> Option<Millis> {
        if self.is_shown(visible) {
            return None;
        }
        let gap_over = self.sent_at.map_or(Millis(0), |at| at + timings.display_gap);
        let force_over = self.forced_at.map_or(Millis(0), |at| at + timings.display_force_gap);
        Some(if self.force { gap_over.min(force_over) } else { gap_over })
    }

    /// Notes that `visible` is sent now.
    pub(crate) fn sent(&mut self, visible: Option<&Arc<Frame>>, now: Millis, timings: &Timings) {
        if self.sent_at.is_some_and(|at| now - at < timings.display_gap) {
            self.forced_at = Some(now);
        }
        self.shown = visible.map_or(Shown::Cleared, |frame| Shown::Frame(frame.clone()));
        self.sent_at = Some(now);
        self.force = false;
    }

    fn is_shown(&self, visible: Option<&Arc<Frame>>) -> bool {
        match (&self.shown, visible) {
            (Shown::Nothing | Shown::Cleared, None) => true,
            (Shown::Frame(shown), Some(visible)) => Arc::ptr_eq(shown, visible) || shown == visible,
            _ => false,
        }
    }
}
