//! The last stage before the glasses: at most one frame per gap, always the newest, never the same twice.
//!
//! | shown | visible frame | what happens |
//! |---|---|---|
//! | nothing yet | none | nothing |
//! | a frame | the same frame | nothing; of an animation the next picture, when its time has come |
//! | anything | another frame | sent when the gap since the last one has passed |
//! | a frame, or unknown after a reconnection | none | a clear frame, when the gap has passed |
//! | a frame that the glasses have lost | the same frame | a clear frame first: phones pass no content on twice |
//!
//! A frame that asks for it need not wait for the gap, once a second.

use std::sync::{Arc, Weak};

use super::frame::Frame;
use crate::now::{Millis, Timings};

/// What goes out now.
#[derive(Debug, PartialEq)]
pub(crate) enum Sent {
    /// This picture of this frame; 0 is the first one.
    Picture(Arc<Frame>, usize),
    /// Nothing is to be seen.
    Clear,
    /// Nothing, so that the frame that follows is something else.
    Wipe,
}

/// What the glasses show as far as we know.
#[derive(Debug, Default)]
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
    /// Nothing, and the phone believes this.
    Lost(Arc<Frame>),
}

/// What need not wait for the gap.
#[derive(Debug, Default)]
enum Forced {
    #[default]
    Nothing,
    Clear,
    Frame(Weak<Frame>),
}

/// The throttle of one view.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    shown: Shown,
    sent_at: Option<Millis>,
    forced_at: Option<Millis>,
    forced: Forced,
    reel: Option<Reel>,
}

/// How far an animation has come. It goes on from there when something else was visible for a while.
#[derive(Debug)]
struct Reel {
    frame: Weak<Frame>,
    picture: usize,
    turned_at: Millis,
}

fn is(one: &Weak<Frame>, other: &Arc<Frame>) -> bool {
    Weak::as_ptr(one) == Arc::as_ptr(other)
}

impl Throttle {
    /// The app asked to skip the gap for this frame, or for its clear.
    pub(super) fn force(&mut self, frame: Option<&Arc<Frame>>) {
        if !self.shows(frame) {
            self.forced = frame.map_or(Forced::Clear, |frame| Forced::Frame(Arc::downgrade(frame)));
        }
    }

    /// The phone came back: what it shows is unknown, and it may be told at once.
    pub(super) fn reconnected(&mut self) {
        if matches!(self.shown, Shown::Frame(_) | Shown::Cleared) {
            self.shown = Shown::Unknown;
        }
        self.sent_at = None;
    }

    /// The glasses came back to the phone: they show nothing of what they were sent.
    pub(super) fn redraw(&mut self) {
        self.shown = match std::mem::take(&mut self.shown) {
            Shown::Frame(frame) => Shown::Lost(frame),
            Shown::Cleared => Shown::Unknown,
            other => other,
        };
    }

    /// Whether the glasses show this.
    pub(super) fn shows(&self, visible: Option<&Arc<Frame>>) -> bool {
        match (&self.shown, visible) {
            (Shown::Nothing | Shown::Cleared, None) => true,
            (Shown::Frame(shown), Some(visible)) => Arc::ptr_eq(shown, visible) || shown == visible,
            _ => false,
        }
    }

    /// When something may be sent; `None` when the glasses show what they should.
    pub(super) fn due(&self, visible: Option<&Arc<Frame>>, timings: &Timings) -> Option<Millis> {
        if self.shows(visible) {
            return self.turn_due(timings).map(|(_, at)| at);
        }
        let forced = self.is_forced(visible) && !self.must_wipe(visible);
        let gap_over = self.sent_at.map_or(Millis(0), |at| at + timings.display_gap);
        let force_over = self.forced_at.map_or(Millis(0), |at| at + timings.display_force_gap);
        Some(if forced { gap_over.min(force_over) } else { gap_over })
    }

    fn is_forced(&self, visible: Option<&Arc<Frame>>) -> bool {
        match (&self.forced, visible) {
            (Forced::Frame(forced), Some(visible)) => is(forced, visible),
            (Forced::Clear, None) => true,
            _ => false,
        }
    }

    /// Whether the phone would take what is to be seen for what it shows already.
    fn must_wipe(&self, visible: Option<&Arc<Frame>>) -> bool {
        matches!((&self.shown, visible), (Shown::Lost(lost), Some(visible)) if lost.layout == visible.layout)
    }

    /// The next picture of the animation that is shown, and when.
    fn turn_due(&self, timings: &Timings) -> Option<(usize, Millis)> {
        let (Shown::Frame(frame), Some(reel)) = (&self.shown, &self.reel) else { return None };
        let (next, after) = frame.next_picture(reel.picture, timings).filter(|_| is(&reel.frame, frame))?;
        Some((next, reel.turned_at + after))
    }

    /// What is to be sent now, if anything is due.
    pub(super) fn take(&mut self, visible: Option<&Arc<Frame>>, now: Millis, timings: &Timings) -> Option<Sent> {
        self.due(visible, timings).filter(|due| *due <= now)?;
        if self.shows(visible) {
            return self.turn(now, timings);
        }
        if self.sent_at.is_some_and(|at| now - at < timings.display_gap) {
            self.forced_at = Some(now);
        }
        self.sent_at = Some(now);
        if self.must_wipe(visible) {
            self.shown = Shown::Cleared;
            return Some(Sent::Wipe);
        }
        if self.is_forced(visible) {
            self.forced = Forced::Nothing;
        }
        let Some(frame) = visible else {
            self.shown = Shown::Cleared;
            return Some(Sent::Clear);
        };
        self.shown = Shown::Frame(frame.clone());
        Some(Sent::Picture(frame.clone(), self.picture(frame, now, timings)))
    }

    /// Which picture of a frame it is that becomes visible.
    fn picture(&mut self, frame: &Arc<Frame>, now: Millis, timings: &Timings) -> usize {
        match &mut self.reel {
            Some(reel) if is(&reel.frame, frame) => {
                reel.turned_at = now;
                reel.picture
            }
            _ => {
                if frame.next_picture(0, timings).is_some() {
                    self.reel = Some(Reel { frame: Arc::downgrade(frame), picture: 0, turned_at: now });
                }
                0
            }
        }
    }

    /// The next picture of the animation. One that looks the same is passed over in silence.
    fn turn(&mut self, now: Millis, timings: &Timings) -> Option<Sent> {
        let (next, _) = self.turn_due(timings)?;
        let (Shown::Frame(frame), Some(reel)) = (&self.shown, &mut self.reel) else { return None };
        let same = frame.same_pictures(reel.picture, next);
        (reel.picture, reel.turned_at) = (next, now);
        if same {
            return None;
        }
        self.sent_at = Some(now);
        Some(Sent::Picture(frame.clone(), next))
    }
}
